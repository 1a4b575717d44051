//! Sessions that go on: after a death, and in a later task.

use crate::lab::{ANSWER_USD, Lab, create, run};
use crate::support;
use mcs_core::domain::{Status, TaskId};
use mcs_core::service::Principal;
use serde_json::json;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The file in which the process that is to be killed leaves the id of its task.
const TASK: &str = "task";
/// A command that is long the first time only.
const ONCE: &str = r#"=> use Bash {"command": "test -e once || { touch once; sleep 86399; }", "description": "sleeps once"}
=> say done"#;

#[test]
fn a_run_that_was_killed_goes_on_in_its_session() {
    run(
        "sessions::a_run_that_was_killed_goes_on_in_its_session",
        async |lab| {
            let service = lab.service().await;
            let fields = json!({"permission_mode": "bypassPermissions"});
            let id = create(&service, lab.task(&service, ONCE, &fields)).await;
            lab.sign("once").await;
            let runs = lab.processes("--session-id");
            assert_eq!(runs.len(), 1, "{runs:?}");
            kill(runs[0]);
            let done = lab.finished(&service, id).await;
            assert_eq!(
                (done.task.status, done.task.attempt),
                (Status::Completed, 2),
                "{done:#?}"
            );
            assert_eq!(done.result.joined_text(), "done");
            // One answer before the death, which the program itself forgets, and two after it. The first is counted by the
            // table of prices, which knows none for writing to a cache.
            done.costs_within(3.0 * ANSWER_USD, 0.02 * ANSWER_USD);
            service.shutdown(Duration::ZERO).await.expect("it ends");
        },
    );
}

#[test]
fn a_service_that_was_killed_is_followed_by_one_that_goes_on() {
    let test = "sessions::a_service_that_was_killed_is_followed_by_one_that_goes_on";
    if support::role().as_deref() == Some("victim") {
        return run(test, be_killed);
    }
    run(test, async |lab| {
        let mut victim = Victim::start(test);
        lab.sign("once").await;
        let id: TaskId = std::fs::read_to_string(lab.work.join(TASK))
            .unwrap()
            .parse()
            .unwrap();
        let orphans = lab.processes("sleep 86399");
        assert!(!orphans.is_empty());
        victim.kill();
        let service = lab.service().await;
        let done = lab.finished(&service, id).await;
        assert_eq!(
            (done.task.status, done.task.rescues),
            (Status::Completed, 1),
            "{done:#?}"
        );
        assert_eq!(done.result.joined_text(), "done");
        // The run that was left over was told to end, so that it wrote down what it had cost.
        done.costs(3.0 * ANSWER_USD);
        service.shutdown(Duration::ZERO).await.expect("it ends");
    });
}

#[test]
fn a_follow_up_knows_what_was_said_and_pays_for_itself_only() {
    run(
        "sessions::a_follow_up_knows_what_was_said_and_pays_for_itself_only",
        async |lab| {
            let service = lab.service().await;
            let first = lab
                .done(&service, "=> say The word is heron.", &json!({}))
                .await;
            let (tasks, me) = (service.tasks(), Principal::local());
            let id = tasks
                .follow_up(&me, first.task.id, "=> say I remember.")
                .await;
            let second = lab.finished(&service, id.expect("it goes on")).await;
            assert_eq!(second.task.status, Status::Completed, "{second:#?}");
            assert_eq!(second.result.joined_text(), "I remember.");
            second.costs(ANSWER_USD);
            let again = tasks
                .follow_up(&me, second.task.id, "=> say Once more.")
                .await;
            let third = lab.finished(&service, again.expect("it goes on")).await;
            third.costs(ANSWER_USD);
            service.shutdown(Duration::ZERO).await.expect("it ends");
        },
    );
}

/// The program keeps nothing of a session that it was killed in before its first result, not even the cost of the session
/// which that one went on from.
#[test]
fn a_follow_up_whose_first_process_was_killed_pays_for_itself_only() {
    run(
        "sessions::a_follow_up_whose_first_process_was_killed_pays_for_itself_only",
        async |lab| {
            let service = lab.service().await;
            let three = r#"=> use Bash {"command": "true", "description": "nothing"}
=> use Bash {"command": "true", "description": "nothing"}
=> say The word is heron."#;
            let fields = json!({"permission_mode": "bypassPermissions"});
            let first = lab.done(&service, three, &fields).await;
            first.costs(3.0 * ANSWER_USD);
            let (tasks, me) = (service.tasks(), Principal::local());
            let id = tasks.follow_up(&me, first.task.id, ONCE).await;
            let id = id.expect("it goes on");
            lab.sign("once").await;
            let runs = lab.processes("--fork-session");
            assert_eq!(runs.len(), 1, "{runs:?}");
            kill(runs[0]);
            let done = lab.finished(&service, id).await;
            assert_eq!(
                (done.task.status, done.task.attempt),
                (Status::Completed, 2),
                "{done:#?}"
            );
            // One answer before the death, by the table of prices, and two after it.
            done.costs_within(3.0 * ANSWER_USD, 0.02 * ANSWER_USD);
            service.shutdown(Duration::ZERO).await.expect("it ends");
        },
    );
}

/// Runs a task until somebody kills the process.
async fn be_killed(lab: Lab) {
    let service = lab.service().await;
    let fields = json!({"permission_mode": "bypassPermissions"});
    let id = create(&service, lab.task(&service, ONCE, &fields)).await;
    std::fs::write(lab.work.join(TASK), id.to_string()).expect("a file");
    std::future::pending::<()>().await;
}

/// A process that is killed, at the latest with its value.
struct Victim(Child);

impl Victim {
    fn start(test: &str) -> Self {
        let mut command: Command = support::again(test, "victim");
        command.stdout(Stdio::null());
        Self(command.spawn().expect("the test starts again"))
    }

    fn kill(&mut self) {
        self.0.kill().expect("it is killed");
        self.0.wait().expect("it ends");
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn kill(pid: u32) {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let pid = pid.expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is killed");
}
