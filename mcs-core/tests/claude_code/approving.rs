use crate::harness::{Desk, World, completed, open_question};
use mcs_core::domain::{NewTask, Status, Task, TaskId};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn asking(world: &World, prompt: &str) -> NewTask {
    world.with(json!({"prompt": prompt, "permission_mode": "ask"}))
}

fn touch(file: &str) -> String {
    format!(
        "[[tool:Bash {}]]",
        json!({"command": format!("touch {file}")})
    )
}

/// The next question that waits, and its key.
async fn question(desk: &Desk, id: TaskId, but: &str) -> (String, Value) {
    let is_new = |task: &Task| {
        let open = open_question(task);
        task.status == Status::InputRequired && open.is_some_and(|(key, _)| key != but)
    };
    let task = desk.until(id, is_new).await;
    open_question(&task).unwrap()
}

#[tokio::test]
async fn a_tool_is_used_once_somebody_allows_it() {
    let world = World::new();
    let desk = world.open().await;
    let id = desk.submit(asking(&world, &touch("y.txt"))).await;
    let (_, question) = question(&desk, id, "").await;
    assert_eq!(question["type"], "approval");
    assert_eq!(question["tool"], "Bash");
    assert_eq!(question["input"], json!({"command": "touch y.txt"}));
    assert_eq!(question["work_directory"], world.text("work"));
    assert!(question["expires_at"].is_string());
    assert!(
        question["message"]
            .as_str()
            .unwrap()
            .contains("touch y.txt")
    );
    assert!(!world.path("work").join("y.txt").exists());
    desk.answer(id, json!({"decision": "allow"})).await;
    completed(&desk.end_of(id).await);
    assert!(world.path("work").join("y.txt").exists());
    desk.close().await;
}

#[tokio::test]
async fn a_denial_tells_the_model_why() {
    let world = World::new();
    let desk = world.open().await;
    let id = desk.submit(asking(&world, &touch("y.txt"))).await;
    question(&desk, id, "").await;
    desk.answer(id, json!({"decision": "deny", "reason": "not on a Friday"}))
        .await;
    let result = completed(&desk.end_of(id).await);
    assert!(!world.path("work").join("y.txt").exists());
    let structured = result.structured.unwrap();
    assert_eq!(structured["permission_denials"][0]["tool"], "Bash");
    let told = desk.entries(id).await;
    let answer = told
        .iter()
        .find(|entry| entry["type"] == "tool_result")
        .unwrap();
    assert!(
        answer["text"].as_str().unwrap().contains("not on a Friday"),
        "{answer}"
    );
    desk.close().await;
}

#[tokio::test]
async fn what_is_always_allowed_is_not_asked_again_in_this_task() {
    let world = World::new();
    let desk = world.open().await;
    let prompt = format!(
        "{}{}[[once:fail:500]]{}[[tool:Write {}]]",
        touch("a"),
        touch("b"),
        touch("c"),
        json!({"file_path": "d", "content": "x"})
    );
    let id = desk.submit(asking(&world, &prompt).max_attempts(2)).await;
    let (key, _) = question(&desk, id, "").await;
    desk.answer(id, json!({"decision": "allow_always"})).await;
    // The second attempt knows it too; another tool is another question.
    let (_, last) = question(&desk, id, &key).await;
    assert_eq!(last["tool"], "Write");
    for file in ["a", "b", "c"] {
        assert!(world.path("work").join(file).exists(), "{file}");
    }
    desk.answer(id, json!({"decision": "allow"})).await;
    let task = desk.end_of(id).await;
    completed(&task);
    assert_eq!(task.input_requests.len(), 2);
    desk.close().await;
}

#[tokio::test]
async fn a_question_that_nobody_answers_is_a_denial() {
    let world = World::new();
    let mut config = world.config();
    config.claude_code.question_limit = Duration::from_millis(50);
    let desk = Desk::open(&config).await;
    let mut task = asking(&world, &touch("y.txt"));
    task.payload =
        json!({"prompt": touch("y.txt"), "permission_mode": "ask", "on_denied": "fail"}).into();
    let task = desk.run(task).await;
    assert_eq!(crate::harness::name_of(&task), "tools_denied");
    let answer: Value = task.input_requests[0]
        .response
        .as_ref()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(answer["decision"], "deny");
    assert!(
        answer["reason"].as_str().unwrap().contains("50ms"),
        "{answer}"
    );
    desk.close().await;
}

#[tokio::test]
async fn a_task_that_waits_can_be_cancelled() {
    let world = World::new();
    let desk = world.open().await;
    let id = desk.submit(asking(&world, &touch("y.txt"))).await;
    question(&desk, id, "").await;
    let began = Instant::now();
    desk.cancel(id).await;
    let task = desk.end_of(id).await;
    assert_eq!(task.status, Status::Cancelled);
    assert!(began.elapsed() < Duration::from_secs(4));
    assert!(task.usage.cost_usd > 0.0);
    desk.close().await;
}

#[tokio::test]
async fn the_clock_stands_still_while_somebody_thinks() {
    let world = World::new();
    let desk = world.open().await;
    let mut task = asking(&world, &touch("y.txt"));
    task.timeout_ms = Some(60_000);
    let id = desk.submit(task).await;
    question(&desk, id, "").await;
    let waiting = desk.get(id).await;
    let left = waiting.clock_left_ms.unwrap();
    assert!((1..60_000).contains(&left), "{left}");
    desk.cancel(id).await;
    desk.end_of(id).await;
    desk.close().await;
}

#[tokio::test]
async fn a_service_that_starts_again_asks_again_under_another_key() {
    let world = World::new();
    let desk = world.open().await;
    let id = desk.submit(asking(&world, &touch("y.txt"))).await;
    let (former, _) = question(&desk, id, "").await;
    let session = |task: &Task| {
        let checkpoint: Value = task.checkpoint.as_ref().unwrap().parse().unwrap();
        checkpoint["session_id"].clone()
    };
    let before = session(&desk.get(id).await);
    desk.close().await;
    let desk = world.open().await;
    let (_, again) = question(&desk, id, &former).await;
    assert_eq!(again["tool"], "Bash");
    let task = desk.get(id).await;
    assert_eq!(session(&task), before, "the session goes on");
    let withdrawn = task
        .input_requests
        .iter()
        .find(|question| question.key == former)
        .unwrap();
    assert_eq!(withdrawn.response.as_ref().unwrap().as_str(), "null");
    desk.answer(id, json!({"decision": "allow"})).await;
    completed(&desk.end_of(id).await);
    assert!(world.path("work").join("y.txt").exists());
    desk.close().await;
}

#[tokio::test]
async fn nobody_is_asked_in_another_mode() {
    let world = World::new();
    let desk = world.open().await;
    let payload = json!({"prompt": touch("y.txt"), "permission_mode": "dontAsk"});
    let (task, _) = desk.done(world.with(payload)).await;
    assert_eq!(task.input_requests, []);
    assert!(!world.path("work").join("y.txt").exists());
    desk.close().await;
}

/// Two questions at once: whether `a` may be touched, and `b`.
fn both() -> String {
    let touch = |file: &str| format!("Bash {}", json!({"command": format!("touch {file}")}));
    format!("[[tool:{} && {}]]", touch("a"), touch("b"))
}

async fn two_questions(desk: &Desk, id: TaskId) -> Task {
    let open = |task: &Task| {
        let questions = task.input_requests.iter();
        questions.filter(|asked| asked.response.is_none()).count()
    };
    desk.until(id, |task| open(task) == 2).await
}

#[tokio::test]
async fn questions_that_are_open_together_are_answered_one_by_one() {
    let world = World::new();
    let desk = world.open().await;
    let id = desk.submit(asking(&world, &both())).await;
    let task = two_questions(&desk, id).await;
    let tasks = desk.service.tasks();
    let allow = || json!({"decision": "allow"}).into();
    let which = tasks.respond(&desk.who, id, None, allow()).await;
    let which = which.unwrap_err().to_string();
    for asked in &task.input_requests {
        assert!(which.contains(&asked.key), "{which}");
    }
    let key = |file: &str| {
        let mut questions = task.input_requests.iter();
        let asked =
            questions.find(|asked| asked.request.as_str().contains(&format!("touch {file}")));
        asked.unwrap().key.clone()
    };
    let deny = json!({"decision": "deny", "reason": "no"}).into();
    tasks
        .respond(&desk.who, id, Some(&key("b")), deny)
        .await
        .unwrap();
    tasks
        .respond(&desk.who, id, Some(&key("a")), allow())
        .await
        .unwrap();
    completed(&desk.end_of(id).await);
    assert!(world.path("work").join("a").exists());
    assert!(!world.path("work").join("b").exists());
    desk.close().await;
}

#[tokio::test]
async fn to_allow_a_tool_always_answers_what_else_is_open_about_it() {
    let world = World::new();
    let desk = world.open().await;
    let id = desk.submit(asking(&world, &both())).await;
    let task = two_questions(&desk, id).await;
    let [first, second] = &task.input_requests[..] else {
        panic!("{task:?}");
    };
    let always = json!({"decision": "allow_always"}).into();
    let tasks = desk.service.tasks();
    tasks
        .respond(&desk.who, id, Some(&second.key), always)
        .await
        .unwrap();
    let task = desk.end_of(id).await;
    completed(&task);
    for file in ["a", "b"] {
        assert!(world.path("work").join(file).exists(), "{file}");
    }
    let closed = task
        .input_requests
        .iter()
        .find(|asked| asked.key == first.key);
    assert_eq!(closed.unwrap().response.as_ref().unwrap().as_str(), "null");
    desk.close().await;
}

#[tokio::test]
async fn a_question_that_is_taken_back_is_closed_while_the_run_goes_on() {
    let world = World::new();
    let desk = world.open().await;
    let patience = world.path("marks").join("patience");
    let prompt = format!(
        "[[retract:{} Bash {}]][[{}]]",
        patience.display(),
        json!({"command": "touch y.txt"}),
        world.wait_for("go"),
    );
    let id = desk.submit(asking(&world, &prompt)).await;
    let (key, _) = question(&desk, id, "").await;
    world.make_mark("patience");
    let closed = |task: &Task| task.status == Status::Processing && open_question(task).is_none();
    let task = desk.until(id, closed).await;
    assert_eq!(
        task.input_requests[0].response.as_ref().unwrap().as_str(),
        "null"
    );
    let late = json!({"decision": "allow"}).into();
    let tasks = desk.service.tasks();
    let late = tasks.respond(&desk.who, id, Some(&key), late).await;
    assert!(late.unwrap_err().to_string().contains("its answer already"));
    world.make_mark("go");
    completed(&desk.end_of(id).await);
    assert!(!world.path("work").join("y.txt").exists());
    desk.close().await;
}

#[tokio::test]
async fn a_question_about_much_shows_a_part_and_all_of_it_is_done() {
    let world = World::new();
    let desk = world.open().await;
    let content = "long ".repeat(200_000);
    let input = json!({"file_path": "big.txt", "content": content});
    let id = desk
        .submit(asking(&world, &format!("[[tool:Write {input}]]")))
        .await;
    let (_, question) = question(&desk, id, "").await;
    assert!(question.to_string().len() < 64 * 1024);
    assert!(
        question["input"]["cut"]
            .as_str()
            .unwrap()
            .contains("long long")
    );
    let message = question["message"].as_str().unwrap();
    assert!(message.ends_with("Write: big.txt"), "{message}");
    desk.answer(id, json!({"decision": "allow"})).await;
    completed(&desk.end_of(id).await);
    let written = std::fs::read_to_string(world.path("work").join("big.txt")).unwrap();
    assert!(written == content, "{} bytes", written.len());
    desk.close().await;
}

#[tokio::test]
async fn an_answer_that_comes_as_the_run_ends_changes_nothing() {
    let world = World::new();
    let desk = world.open().await;
    let id = desk.submit(asking(&world, &touch("y.txt"))).await;
    question(&desk, id, "").await;
    let tasks = desk.service.tasks();
    let allow = json!({"decision": "allow"}).into();
    let (cancelled, answered) = tokio::join!(
        tasks.cancel(&desk.who, id, "enough"),
        tasks.respond(&desk.who, id, None, allow),
    );
    cancelled.unwrap();
    let task = desk.end_of(id).await;
    assert_eq!(task.status, Status::Cancelled, "{answered:?}");
    assert_eq!(open_question(&task), None);
    desk.close().await;
}

#[tokio::test]
async fn runs_that_wait_make_room_for_as_many_others_as_may_wait() {
    let world = World::new();
    let mut config = world.config();
    (config.engine.concurrency, config.engine.max_waiting) = (1, 1);
    let desk = Desk::open(&config).await;
    let mut ids = Vec::new();
    for file in ["a", "b", "c"] {
        ids.push(desk.submit(asking(&world, &touch(file))).await);
    }
    // The first waits beside the one place there is, the second in it, and the third has none.
    question(&desk, ids[0], "").await;
    question(&desk, ids[1], "").await;
    assert_eq!(desk.get(ids[2]).await.status, Status::Pending);
    for id in ids {
        question(&desk, id, "").await;
        desk.answer(id, json!({"decision": "allow"})).await;
        completed(&desk.end_of(id).await);
    }
    desk.close().await;
}
