use crate::repository::{Repository, told};
use mcs_core::git::{FILES, Snapshot};
use std::path::PathBuf;

#[tokio::test]
async fn every_way_to_change_a_file_is_told() {
    let Some(repository) = Repository::new() else {
        return;
    };
    repository.write("to_move.txt", &"a long text to be known again\n".repeat(20));
    repository.commit("second");
    let before = repository.snapshot().await;
    repository.write("a.txt", "committed");
    repository.write("of_a_commit.txt", "new");
    repository.git(&["mv", "to_move.txt", "moved.txt"]);
    repository.commit("third");
    repository.write("staged.txt", "new");
    repository.git(&["add", "staged.txt"]);
    repository.write("sub/c.txt", "not staged");
    repository.write("sub/deep/unknown.txt", "new");
    repository.remove("b.txt");
    repository.write("ignored", "nobody wants to know");
    let changes = before.changes(&repository.spawner).await.unwrap();
    let expected = [
        "modified a.txt",
        "deleted b.txt",
        "renamed moved.txt from to_move.txt",
        "added of_a_commit.txt",
        "added staged.txt",
        "modified sub/c.txt",
        "added sub/deep/unknown.txt",
    ];
    assert_eq!(told(&changes), expected);
    assert_eq!((changes.total, changes.incomplete), (7, false));
}

#[tokio::test]
async fn what_was_so_before_is_not_told() {
    let Some(repository) = Repository::new() else {
        return;
    };
    repository.write("a.txt", "changed before");
    repository.write("unknown.txt", "new before");
    repository.remove("b.txt");
    repository.git(&["rm", "--quiet", "--cached", "sub/c.txt"]);
    let before = repository.snapshot().await;
    assert_eq!(before.changes(&repository.spawner).await.unwrap().total, 0);
    // What is committed without a change of its content is no change either.
    repository.commit("the same");
    assert_eq!(
        told(&before.changes(&repository.spawner).await.unwrap()),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn what_was_changed_before_and_again_is_told_as_it_is_now() {
    let Some(repository) = Repository::new() else {
        return;
    };
    repository.write("a.txt", "changed before");
    repository.write("one.txt", "new before");
    repository.write("two.txt", "new before");
    repository.remove("b.txt");
    let before = repository.snapshot().await;
    // Taken back, which leaves nothing that differs from the commit.
    repository.git(&["checkout", "--quiet", "--", "a.txt", "b.txt"]);
    repository.write("one.txt", "another content");
    repository.remove("two.txt");
    let expected = [
        "modified a.txt",
        "added b.txt",
        "modified one.txt",
        "deleted two.txt",
    ];
    assert_eq!(
        told(&before.changes(&repository.spawner).await.unwrap()),
        expected
    );
}

#[cfg(unix)]
#[tokio::test]
async fn odd_names_come_through() {
    use std::os::unix::ffi::OsStrExt;
    let Some(repository) = Repository::new() else {
        return;
    };
    let before = repository.snapshot().await;
    for name in ["-x", "new\nline", "tab\t", "\"quoted\"", "Ünïcode ", "R100"] {
        repository.write(name, "odd");
    }
    let unreadable = std::ffi::OsStr::from_bytes(b"not \xff text");
    std::fs::write(repository.top.join(unreadable), "odd").unwrap();
    let odd = [
        "added \"quoted\"",
        "added -x",
        "added R100",
        "added new\nline",
        "added not \u{fffd} text",
        "added tab\t",
        "added Ünïcode ",
    ];
    assert_eq!(
        told(&before.changes(&repository.spawner).await.unwrap()),
        odd
    );
    repository.commit("odd");
    assert_eq!(
        told(&before.changes(&repository.spawner).await.unwrap()),
        odd
    );
}

#[tokio::test]
async fn a_repository_without_a_commit_has_changes_too() {
    let Some(repository) = Repository::empty() else {
        return;
    };
    repository.write("before.txt", "new");
    let before = repository.snapshot().await;
    repository.write("after.txt", "new");
    repository.commit("first");
    assert_eq!(
        told(&before.changes(&repository.spawner).await.unwrap()),
        ["added after.txt"]
    );
}

#[tokio::test]
async fn a_directory_within_a_repository_tells_the_whole() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let inside = Snapshot::of(&repository.spawner, &repository.top.join("sub"))
        .await
        .unwrap();
    let inside = inside.expect("a repository");
    assert_eq!(inside.root(), repository.top);
    repository.write("a.txt", "changed");
    repository.write("sub/new.txt", "new");
    let changes = inside.changes(&repository.spawner).await.unwrap();
    assert_eq!(told(&changes), ["modified a.txt", "added sub/new.txt"]);
}

#[tokio::test]
async fn outside_of_a_repository_there_is_nothing_to_tell() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let outside = repository.beside("outside");
    std::fs::create_dir(&outside).unwrap();
    assert_eq!(
        Snapshot::of(&repository.spawner, &outside).await.unwrap(),
        None
    );
    let inside_git = Snapshot::of(&repository.spawner, &repository.top.join(".git"))
        .await
        .unwrap();
    assert_eq!(inside_git, None);
    let missing = Snapshot::of(&repository.spawner, &repository.beside("missing")).await;
    let error = missing.unwrap_err().to_string();
    assert!(error.contains("missing"), "{error}");
}

#[tokio::test]
async fn many_files_are_counted_and_the_first_are_listed() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let before = repository.snapshot().await;
    for number in 0..FILES + 20 {
        repository.write(&format!("{number:04}"), "new");
    }
    let changes = before.changes(&repository.spawner).await.unwrap();
    assert_eq!((changes.files.len(), changes.total), (FILES, FILES + 20));
    assert_eq!(changes.files[FILES - 1].path, format!("{:04}", FILES - 1));
}

#[tokio::test]
async fn a_snapshot_that_was_stored_is_as_good() {
    let Some(repository) = Repository::new() else {
        return;
    };
    repository.write("a.txt", "changed before");
    let stored = serde_json::to_string(&repository.snapshot().await).unwrap();
    repository.write("b.txt", "changed");
    let before: Snapshot = serde_json::from_str(&stored).unwrap();
    assert_eq!(
        told(&before.changes(&repository.spawner).await.unwrap()),
        ["modified b.txt"]
    );
}

/// A script that leaves a sign when it is started, and the sign.
fn script(repository: &Repository) -> (String, PathBuf) {
    let (script, sign) = (repository.beside("script"), repository.beside("started"));
    let text = format!("#!/bin/sh\ntouch {}\n", sign.display());
    std::fs::write(&script, text).expect("a script");
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&script, mode).expect("its mode");
    }
    (script.to_str().expect("a text").to_owned(), sign)
}

#[tokio::test]
async fn nothing_that_a_repository_names_is_started() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let (script, sign) = script(&repository);
    let script = script.as_str();
    for key in [
        "core.fsmonitor",
        "diff.external",
        "core.pager",
        "core.editor",
    ] {
        repository.git(&["config", key, script]);
    }
    // Files are changed by programs on their way into a repository and out of it, whatever these are called.
    repository.write(".gitattributes", "* filter=some\nb.txt filter=a=b\n");
    for filter in ["filter.some", "filter.a=b"] {
        for key in ["clean", "smudge", "process"] {
            repository.git(&["config", &format!("{filter}.{key}"), script]);
        }
        repository.git(&["config", &format!("{filter}.required"), "true"]);
    }
    std::fs::copy(script, repository.top.join(".git/hooks/post-checkout")).unwrap();
    let before = repository.snapshot().await;
    repository.write("a.txt", "changed");
    assert_eq!(before.changes(&repository.spawner).await.unwrap().total, 1);
    let root = repository.beside("worktrees");
    mcs_core::git::Worktree::create(&repository.spawner, &repository.top, &root, None, "x")
        .await
        .unwrap();
    assert!(!sign.exists());
}

#[tokio::test]
async fn what_is_missing_is_not_fetched_by_a_program_that_a_repository_names() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let (script, sign) = script(&repository);
    let before = repository.snapshot().await;
    let missing = repository.git(&["rev-parse", "HEAD:a.txt"]);
    repository.git(&["mv", "a.txt", "moved.txt"]);
    repository.write("moved.txt", "not quite what it was");
    for (key, value) in [
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", "ssh://nowhere.invalid/x"),
        ("core.sshCommand", &script),
    ] {
        repository.git(&["config", key, value]);
    }
    let (start, end) = missing.split_at(2);
    repository.remove(&format!(".git/objects/{start}/{end}"));
    // Without it git cannot tell whether a file was renamed, and may say so.
    let _ = before.changes(&repository.spawner).await;
    assert!(!sign.exists());
}

#[tokio::test]
async fn many_warnings_hinder_nobody() {
    let Some(repository) = Repository::new() else {
        return;
    };
    repository.git(&["config", "core.autocrlf", "true"]);
    repository.git(&["config", "core.safecrlf", "warn"]);
    for number in 0..FILES {
        let name = format!("{number:04}-with-a-name-that-makes-a-long-warning");
        repository.write(&name, "a line\n");
    }
    repository.commit("many");
    let before = repository.snapshot().await;
    for number in 0..FILES {
        let name = format!("{number:04}-with-a-name-that-makes-a-long-warning");
        repository.write(&name, "another line\n");
    }
    let changes = before.changes(&repository.spawner).await.unwrap();
    assert_eq!((changes.total, changes.incomplete), (FILES, false));
}
