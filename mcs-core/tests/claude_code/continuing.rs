use crate::harness::{ANSWER_USD, World, completed, json_of, near};
use mcs_core::domain::{NewTask, Task};
use serde_json::json;

#[tokio::test]
async fn a_follow_up_goes_on_with_the_session_and_pays_its_own_part() {
    let world = World::new();
    let desk = world.open().await;
    let payload =
        json!({"prompt": "[[text:one]][[text:two]]", "model": "opus", "permission_mode": "plan"});
    let (first, _) = desk.done(world.with(payload)).await;
    let second = desk
        .follow_up(&first, "[[once:text:new]][[again:arguments]]")
        .await;
    let result = completed(&second);
    let arguments: Vec<String> = serde_json::from_str(&result.joined_text()).unwrap();
    let session = |task: &Task| json_of(task.checkpoint.as_ref().unwrap())["session_id"].clone();
    let forked = arguments
        .windows(2)
        .any(|pair| pair[0] == "--resume" && *pair[1] == session(&first));
    assert!(
        forked && arguments.contains(&"--fork-session".to_owned()),
        "{arguments:?}"
    );
    assert!(arguments.contains(&"plan".to_owned()), "settings stay");
    assert_ne!(session(&first), session(&second));
    assert_eq!(second.model.as_deref(), Some("opus"));
    assert_eq!(second.work_directory, first.work_directory);
    assert!(
        near(first.usage.cost_usd, 2.0 * ANSWER_USD),
        "{:?}",
        first.usage
    );
    assert!(
        near(second.usage.cost_usd, ANSWER_USD),
        "{:?}",
        second.usage
    );
    assert_eq!(second.usage.input_tokens, 3120);
    let third = desk.follow_up(&second, "[[again:text:three]]").await;
    assert!(near(third.usage.cost_usd, ANSWER_USD), "{:?}", third.usage);
    desk.close().await;
}

#[tokio::test]
async fn a_failed_and_a_cancelled_task_can_be_continued() {
    let world = World::new();
    let desk = world.open().await;
    let failed = desk
        .run(world.task("[[once:text:one]][[once:fail:400]]"))
        .await;
    let id = desk
        .submit(world.task("[[once:text:one]][[once:hang]]"))
        .await;
    desk.until_said(id, "one").await;
    desk.cancel(id).await;
    let cancelled = desk.end_of(id).await;
    for former in [failed, cancelled] {
        let next = desk.follow_up(&former, "[[again:text:better]]").await;
        assert_eq!(completed(&next).joined_text(), "better");
        assert!(near(next.usage.cost_usd, ANSWER_USD), "{:?}", next.usage);
    }
    desk.close().await;
}

#[tokio::test]
async fn a_session_that_is_gone_fails_a_follow_up_and_is_begun_anew_by_an_attempt() {
    let world = World::new();
    let desk = world.open().await;
    let (first, _) = desk.done(world.task("[[text:one]]")).await;
    let forget = || {
        for file in std::fs::read_dir(world.path("state")).unwrap() {
            std::fs::remove_file(file.unwrap().path()).unwrap();
        }
    };
    forget();
    let task = desk.follow_up(&first, "[[text:two]]").await;
    assert_eq!(crate::harness::name_of(&task), "unknown_session");

    let wait = world.wait_for("forgotten");
    let prompt = format!("[[once:text:half]][[once:{wait}]][[once:fail:500]][[text:whole]]");
    // The first process leaves only after its session was forgotten, and the second one finds nothing.
    let id = desk.submit(world.task(&prompt).max_attempts(3)).await;
    desk.until_said(id, "half").await;
    world.program(&[("CLAUDE_STAND_IN_STATE", &world.text("marks"))]);
    world.make_mark("forgotten");
    let task = desk.end_of(id).await;
    completed(&task);
    let log = desk.log(id).await;
    assert!(
        log.iter().any(|line| line.text.contains("begins anew")),
        "{log:?}"
    );
    desk.close().await;
}

#[tokio::test]
async fn only_what_has_a_session_of_ones_own_can_be_resumed() {
    let world = World::new();
    let desk = world.open().await;
    let (first, _) = desk.done(world.task("[[text:one]]")).await;
    let resume = |id: &str| world.with(json!({"prompt": "go on", "resume": id}));
    let unknown = desk
        .refusal(resume("01932f00-0000-7000-8000-00c0ffee0001"))
        .await;
    assert!(
        unknown.contains("payload.resume") && unknown.contains("no such task"),
        "{unknown}"
    );
    let other = desk
        .submit(NewTask::new("prompt", json!({"prompt": "x"})))
        .await;
    desk.end_of(other).await;
    let kind = desk.refusal(resume(&other.to_string())).await;
    assert!(kind.contains("of the kind `prompt`"), "{kind}");
    let running = desk.submit(world.task("[[text:here]][[hang]]")).await;
    desk.until_said(running, "here").await;
    let early = desk.refusal(resume(&running.to_string())).await;
    assert!(early.contains("PROCESSING"), "{early}");
    desk.cancel(running).await;
    let mut foreign = resume(&first.id.to_string());
    foreign.owner = "somebody".into();
    let foreign = desk.refusal(foreign).await;
    assert!(foreign.contains("no such task"), "{foreign}");
    desk.end_of(running).await;
    let (_, result) = desk.done(resume(&first.id.to_string())).await;
    assert_eq!(result.joined_text(), "done");
    desk.close().await;
}

/// A session keeps nothing of a process that was killed, not even what it had of the session before it.
#[tokio::test]
async fn a_follow_up_pays_for_its_own_part_though_its_first_process_was_killed() {
    let world = World::new();
    let desk = world.open().await;
    let dear = world.task(&"[[text:x]]".repeat(5)).max_attempts(2);
    let (first, _) = desk.done(dear).await;
    let prompt = "[[forked:partial:lost]][[forked:die]][[text:two]]";
    let second = desk.follow_up(&first, prompt).await;
    assert_eq!(completed(&second).joined_text(), "two");
    assert_eq!(second.attempt, 2);
    assert_eq!(second.usage.input_tokens, 2 * 3120, "{:?}", second.usage);
    assert!(second.usage.cost_usd >= ANSWER_USD, "{:?}", second.usage);
    let structured = completed(&second).structured.unwrap();
    assert!(near(
        structured["cost_usd"].as_f64().unwrap(),
        second.usage.cost_usd
    ));
    let third = desk.follow_up(&second, "[[text:three]]").await;
    assert_eq!(third.usage.input_tokens, 3120);
    desk.close().await;
}

#[tokio::test]
async fn two_can_go_on_from_one_at_a_time() {
    let world = World::new();
    let desk = world.open().await;
    let (first, _) = desk.done(world.task("[[text:one]][[text:two]]")).await;
    let tasks = desk.service.tasks();
    let mut ids = Vec::new();
    for name in ["left", "right"] {
        let prompt = format!(
            "[[text:{name}]][[{}]][[{}]]",
            world.mark(name),
            world.wait_for("go")
        );
        let id = tasks.follow_up(&desk.who, first.id, &prompt).await;
        ids.push((name, id.unwrap()));
    }
    for (name, _) in &ids {
        world.until_marked(name).await;
    }
    world.make_mark("go");
    for (name, id) in ids {
        let task = desk.end_of(id).await;
        assert_eq!(completed(&task).joined_text(), name);
        assert!(near(task.usage.cost_usd, ANSWER_USD), "{:?}", task.usage);
    }
    desk.close().await;
}
