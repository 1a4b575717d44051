use crate::harness::{Desk, World, completed};
use crate::support;
use mcs_core::domain::Task;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

fn git(directory: &Path, arguments: &[&str]) -> String {
    let ran = Command::new("git")
        .args([
            "-c",
            "user.name=Somebody",
            "-c",
            "user.email=somebody@example.com",
        ])
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    String::from_utf8(ran.stdout).unwrap()
}

/// A world whose directory of work is a repository with one commit.
fn repository() -> Option<World> {
    if support::which("git").is_none() {
        support::skip("there is no `git` on PATH; install it, such as with `apt-get install git`");
        return None;
    }
    let world = World::new();
    let work = world.path("work");
    git(&work, &["init", "--quiet", "--initial-branch=main"]);
    std::fs::write(work.join("a.txt"), "as it was\n").unwrap();
    git(&work, &["add", "--all"]);
    git(&work, &["commit", "--quiet", "--message", "first"]);
    Some(world)
}

fn write(file: &str) -> String {
    format!(
        "[[tool:Write {}]]",
        json!({"file_path": file, "content": "new\n"})
    )
}

fn paths(structured: &Value) -> Vec<&str> {
    let files = structured["files_changed"]["files"].as_array().unwrap();
    files
        .iter()
        .map(|file| file["path"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn the_result_names_the_files_that_changed() {
    let Some(world) = repository() else { return };
    let desk = world.open().await;
    let (_, result) = desk
        .done(world.task(&(write("a.txt") + &write("b.txt"))))
        .await;
    assert_eq!(paths(&result.structured.unwrap()), ["a.txt", "b.txt"]);
    desk.close().await;
}

#[tokio::test]
async fn a_worktree_keeps_the_work_apart_until_somebody_removes_it() {
    let Some(world) = repository() else { return };
    let desk = world.open().await;
    let payload = json!({"prompt": format!("[[where]]{}", write("b.txt")), "worktree": true});
    let (task, result) = desk.done(world.with(payload)).await;
    let structured = result.structured.unwrap();
    let path = PathBuf::from(structured["worktree"].as_str().unwrap());
    let branch = structured["branch"].as_str().unwrap().to_owned();
    assert!(
        path.starts_with(world.path("worktrees")),
        "{}",
        path.display()
    );
    assert!(branch.starts_with("mcs/") && task.id.to_string().ends_with(&branch[4..]));
    assert_eq!(structured["result"], path.to_str().unwrap());
    assert!(path.join("b.txt").exists() && !world.path("work").join("b.txt").exists());
    assert_eq!(paths(&structured), ["b.txt"]);

    // A follow-up works where the first one did.
    let next = desk.follow_up(&task, "[[again:where]]").await;
    let structured = completed(&next).structured.unwrap();
    assert_eq!(structured["result"], path.to_str().unwrap());
    assert_eq!(structured["branch"], branch);

    let clean_up = async |task: &Task| desk.service.tasks().clean_up(&desk.who, task.id).await;
    let refused = clean_up(&task).await.unwrap_err().to_string();
    assert!(refused.contains("in no commit"), "{refused}");
    git(&path, &["add", "--all"]);
    git(&path, &["commit", "--quiet", "--message", "done"]);
    let removed = clean_up(&next).await.unwrap().unwrap();
    assert!(
        removed.contains(path.to_str().unwrap()) && removed.contains(&branch),
        "{removed}"
    );
    assert!(!path.exists());
    assert!(git(&world.path("work"), &["branch", "--list", &branch]).contains(&branch));
    assert_eq!(clean_up(&task).await.unwrap(), None);
    desk.close().await;
}

#[tokio::test]
async fn a_worktree_stays_when_its_task_fails_and_the_error_names_it() {
    let Some(world) = repository() else { return };
    git(&world.path("work"), &["tag", "v1"]);
    let desk = world.open().await;
    let payload =
        json!({"prompt": format!("{}[[fail:400]]", write("b.txt")), "worktree": {"base": "v1"}});
    let task = desk.run(world.with(payload)).await;
    let details = task.error.as_ref().unwrap().details.as_ref().unwrap();
    let path = PathBuf::from(details["worktree"].as_str().unwrap());
    assert!(path.join("b.txt").exists());
    desk.close().await;
}

#[tokio::test]
async fn a_later_attempt_works_in_the_same_worktree() {
    let Some(world) = repository() else { return };
    let desk = world.open().await;
    let prompt = format!(
        "[[once:{}]][[once:fail:500]][[where]]",
        &write("b.txt")[2..write("b.txt").len() - 2]
    );
    let payload = json!({"prompt": prompt, "worktree": true});
    let task = desk.run(world.with(payload).max_attempts(2)).await;
    let structured = completed(&task).structured.unwrap();
    assert_eq!(structured["result"], structured["worktree"]);
    assert_eq!(
        paths(&structured),
        ["b.txt"],
        "what the first attempt changed counts too"
    );
    desk.close().await;
}

#[tokio::test]
async fn what_cannot_have_a_worktree_is_refused() {
    let Some(world) = repository() else { return };
    let desk = world.open().await;
    let base = json!({"prompt": "x", "worktree": {"base": "no-such-branch"}});
    let refused = desk.refusal(world.with(base)).await;
    assert!(
        refused.contains("payload.worktree") && refused.contains("no-such-branch"),
        "{refused}"
    );
    std::fs::create_dir(world.path("plain")).unwrap();
    let mut config = world.config();
    config.directories.allowed = Some(vec![world.path("plain")]);
    let desk_of_plain = {
        desk.close().await;
        Desk::open(&config).await
    };
    let mut task = world.with(json!({"prompt": "x", "worktree": true}));
    task.work_directory = Some(world.text("plain"));
    let refused = desk_of_plain.refusal(task).await;
    assert!(
        refused.contains("payload.worktree") && refused.contains("git init"),
        "{refused}"
    );
    desk_of_plain.close().await;
}

#[tokio::test]
async fn a_worktree_in_which_somebody_works_is_not_removed() {
    let Some(world) = repository() else { return };
    let desk = world.open().await;
    let payload = json!({"prompt": "[[text:one]]", "worktree": true});
    let (first, result) = desk.done(world.with(payload)).await;
    let path = PathBuf::from(result.structured.unwrap()["worktree"].as_str().unwrap());
    let clean_up = async || desk.service.tasks().clean_up(&desk.who, first.id).await;
    let tasks = desk.service.tasks();
    let follower = tasks.follow_up(&desk.who, first.id, "[[text:here]][[hang]]");
    let follower = follower.await.unwrap();
    desk.until_said(follower, "here").await;
    let refused = clean_up().await.unwrap_err().to_string();
    assert!(
        refused.contains(&follower.to_string()) && refused.contains("PROCESSING"),
        "{refused}"
    );
    desk.cancel(follower).await;
    desk.end_of(follower).await;
    // One that did not begin, and says no more than which session it goes on with.
    let mut later = world.with(json!({"prompt": "x", "resume": first.id.to_string()}));
    later.work_directory = None;
    later.dispatch = mcs_core::domain::Dispatch::Manual;
    let later = desk.submit(later).await;
    let refused = clean_up().await.unwrap_err().to_string();
    assert!(
        refused.contains(&later.to_string()) && refused.contains("PENDING"),
        "{refused}"
    );
    assert!(path.exists());
    desk.cancel(later).await;
    desk.end_of(later).await;
    assert!(clean_up().await.unwrap().is_some());
    assert!(!path.exists());
    desk.close().await;
}
