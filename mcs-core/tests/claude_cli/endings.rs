//! Runs that are ended.

use crate::lab::{ANSWER_USD, Lab, create, run};
use mcs_core::domain::{ErrorClass, Status, TaskId};
use mcs_core::service::{Principal, Service};
use serde_json::json;
use std::time::Duration;

/// Something long in a session of its own, which no signal to its group reaches.
const LONG: &str = r#"=> use Bash {"command": "touch started; sleep 86399", "description": "sleeps"}
=> say done"#;

/// A task that is in the middle of a command.
async fn begun(lab: &Lab, service: &Service) -> TaskId {
    let fields = json!({"permission_mode": "bypassPermissions"});
    let id = create(service, lab.task(service, LONG, &fields)).await;
    lab.sign("started").await;
    assert!(!lab.processes("sleep 86399").is_empty());
    id
}

#[test]
fn a_cancel_in_the_middle_of_a_command_leaves_nothing_but_the_cost() {
    run(
        "endings::a_cancel_in_the_middle_of_a_command_leaves_nothing_but_the_cost",
        async |lab| {
            let service = lab.service().await;
            let id = begun(&lab, &service).await;
            let (tasks, me) = (service.tasks(), Principal::local());
            tasks
                .cancel(&me, id, "nobody needs it")
                .await
                .expect("it is cancelled");
            let done = lab.finished(&service, id).await;
            assert_eq!(done.task.status, Status::Cancelled, "{done:#?}");
            done.costs(ANSWER_USD);
            service.shutdown(Duration::ZERO).await.expect("it ends");
        },
    );
}

#[test]
fn a_timeout_keeps_the_cost() {
    run("endings::a_timeout_keeps_the_cost", async |lab| {
        let service = lab.service().await;
        let fields = json!({"permission_mode": "bypassPermissions"});
        let mut task = lab.task(&service, LONG, &fields).max_attempts(1);
        // Long enough for the first answer on a machine that has much else to do.
        task.timeout_ms = Some(10_000);
        let id = create(&service, task).await;
        let done = lab.finished(&service, id).await;
        assert_eq!(done.task.status, Status::Failed, "{done:#?}");
        assert_eq!(
            done.error.as_ref().map(|error| error.class),
            Some(ErrorClass::Timeout)
        );
        done.costs(ANSWER_USD);
        service.shutdown(Duration::ZERO).await.expect("it ends");
    });
}

#[test]
fn the_end_of_the_service_hands_the_run_to_the_next_one() {
    run(
        "endings::the_end_of_the_service_hands_the_run_to_the_next_one",
        async |lab| {
            let first = lab.service().await;
            let fields = json!({"permission_mode": "bypassPermissions"});
            let prompt = r#"=> use Bash {"command": "test -e once || { touch once; sleep 86399; }", "description": "sleeps once"}
=> say done"#;
            let id = create(&first, lab.task(&first, prompt, &fields)).await;
            lab.sign("once").await;
            first
                .shutdown(Duration::from_millis(1500))
                .await
                .expect("it ends");
            assert_eq!(lab.processes("sleep 86399"), Vec::<u32>::new());
            let second = lab.service().await;
            let done = lab.finished(&second, id).await;
            assert_eq!(done.task.status, Status::Completed, "{done:#?}");
            assert_eq!(done.result.joined_text(), "done");
            // One answer before the end, two after it.
            done.costs(3.0 * ANSWER_USD);
            second.shutdown(Duration::ZERO).await.expect("it ends");
        },
    );
}
