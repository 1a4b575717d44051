use crate::repository::{Repository, git};
use mcs_core::git::{GitError, Uncommitted, Worktree};
use std::path::{Path, PathBuf};

/// A repository with a commit, and a place for its worktrees that is not there yet.
fn place() -> Option<(Repository, PathBuf)> {
    let repository = Repository::new()?;
    let root = repository.beside("data/worktrees");
    Some((repository, root))
}

async fn create(
    repository: &Repository,
    directory: &Path,
    root: &Path,
    base: Option<&str>,
    name: &str,
) -> Result<Worktree, GitError> {
    Worktree::create(&repository.spawner, directory, root, base, name).await
}

#[tokio::test]
async fn a_worktree_has_its_own_branch_and_disturbs_nobody() {
    let Some((repository, root)) = place() else {
        return;
    };
    repository.write("a.txt", "not committed");
    let inside = repository.top.join("sub");
    let made = create(&repository, &inside, &root, None, "01a1f9df")
        .await
        .unwrap();
    assert_eq!(made.path, root.join("01a1f9df"));
    assert_eq!(made.directory, root.join("01a1f9df/sub"));
    assert_eq!(made.branch, "mcs/01a1f9df");
    assert_eq!(made.base, repository.git(&["rev-parse", "HEAD"]));
    assert_eq!(
        git(&made.directory, &["branch", "--show-current"]),
        made.branch
    );
    assert!(made.directory.join("c.txt").is_file());
    let text = std::fs::read_to_string(made.path.join("a.txt")).unwrap();
    assert!(text.starts_with("what a.txt says"), "{text}");
    assert_eq!(repository.git(&["branch", "--show-current"]), "main");
}

#[tokio::test]
async fn it_begins_with_the_base_that_is_named() {
    let Some((repository, root)) = place() else {
        return;
    };
    let first = repository.git(&["rev-parse", "HEAD"]);
    repository.git(&["tag", "-a", "v1", "-m", "a tag of its own"]);
    repository.write("later.txt", "new");
    repository.commit("second");
    for (base, name) in [("HEAD~1", "a"), ("v1", "b"), (first.as_str(), "c")] {
        let made = create(&repository, &repository.top, &root, Some(base), name)
            .await
            .unwrap();
        assert_eq!(made.base, first, "{base}");
        assert!(!made.path.join("later.txt").exists());
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_reason() {
    let Some((repository, root)) = place() else {
        return;
    };
    let top = &repository.top;
    for base in ["nothing", "-x", "--all", "", "HEAD\n", "HEAD:a.txt", "a b"] {
        let error = create(&repository, top, &root, Some(base), "x")
            .await
            .unwrap_err();
        assert!(
            matches!(error, GitError::UnknownBase { .. }),
            "{base}: {error}"
        );
    }
    for name in ["", "-x", "a/b", "..", "a b", "a\nb", &"x".repeat(65)] {
        let error = create(&repository, top, &root, None, name)
            .await
            .unwrap_err();
        assert!(matches!(error, GitError::BadName(_)), "{name}: {error}");
    }
    repository.git(&["branch", "mcs/taken"]);
    let error = create(&repository, top, &root, None, "taken")
        .await
        .unwrap_err();
    assert!(matches!(error, GitError::BranchExists { .. }), "{error}");
    std::fs::create_dir_all(root.join("there")).unwrap();
    let error = create(&repository, top, &root, None, "there")
        .await
        .unwrap_err();
    assert!(matches!(error, GitError::PathExists(_)), "{error}");
    let outside = repository.beside("outside");
    std::fs::create_dir(&outside).unwrap();
    let error = create(&repository, &outside, &root, None, "x")
        .await
        .unwrap_err();
    assert!(matches!(error, GitError::NotARepository(_)), "{error}");
    repository.write("new/file.txt", "of no commit");
    let error = create(&repository, &top.join("new"), &root, None, "x")
        .await
        .unwrap_err();
    assert!(matches!(error, GitError::NotInBase(_)), "{error}");
    assert_eq!(repository.git(&["worktree", "list"]).lines().count(), 1);
    assert_eq!(
        repository.git(&["branch", "--list", "mcs/x", "mcs/there"]),
        ""
    );
}

#[tokio::test]
async fn a_repository_without_a_commit_has_no_worktrees() {
    let Some(repository) = Repository::empty() else {
        return;
    };
    let root = repository.beside("worktrees");
    for base in [None, Some("HEAD"), Some("main")] {
        let error = create(&repository, &repository.top, &root, base, "x")
            .await
            .unwrap_err();
        assert!(matches!(error, GitError::NoCommits(_)), "{error}");
    }
}

#[tokio::test]
async fn removing_keeps_what_was_committed() {
    let Some((repository, root)) = place() else {
        return;
    };
    let idle = create(&repository, &repository.top, &root, None, "idle")
        .await
        .unwrap();
    let busy = create(&repository, &repository.top, &root, None, "busy")
        .await
        .unwrap();
    std::fs::write(busy.path.join("new.txt"), "new").unwrap();
    let error = Worktree::remove(&repository.spawner, &root, &busy.path, Uncommitted::Keep).await;
    assert!(matches!(error, Err(GitError::Uncommitted(_))), "{error:?}");
    git(&busy.path, &["add", "new.txt"]);
    git(&busy.path, &["commit", "--quiet", "-m", "work"]);
    std::fs::write(busy.path.join("junk.txt"), "junk").unwrap();
    for (worktree, branch_gone) in [(&idle, true), (&busy, false)] {
        let gone = Worktree::remove(
            &repository.spawner,
            &root,
            &worktree.path,
            Uncommitted::Discard,
        )
        .await;
        assert_eq!(gone.unwrap(), branch_gone);
        assert!(!worktree.path.exists());
    }
    assert_eq!(repository.git(&["worktree", "list"]).lines().count(), 1);
    assert_eq!(
        repository.git(&["branch", "--list", "mcs/*"]).trim(),
        "mcs/busy"
    );
    assert_eq!(repository.git(&["show", "mcs/busy:new.txt"]), "new");
}

#[tokio::test]
async fn nothing_else_is_removed() {
    let Some((repository, root)) = place() else {
        return;
    };
    std::fs::create_dir_all(&root).unwrap();
    // A worktree that somebody made by hand, a repository, a directory, a link to one of ours, and one of ours elsewhere.
    let by_hand = root.join("by-hand");
    repository.git(&["worktree", "add", "--quiet", by_hand.to_str().unwrap()]);
    let clone = root.join("clone");
    repository.git(&["clone", "--quiet", ".", clone.to_str().unwrap()]);
    let plain = root.join("plain");
    std::fs::create_dir(&plain).unwrap();
    let elsewhere = repository.beside("elsewhere");
    let other = create(&repository, &repository.top, &elsewhere, None, "other")
        .await
        .unwrap();
    let ours = create(&repository, &repository.top, &root, None, "ours")
        .await
        .unwrap();
    let inside = ours.path.join("sub");
    #[allow(unused_mut, reason = "elsewhere there are no links")]
    let mut others = vec![
        by_hand,
        clone,
        plain,
        other.path,
        inside,
        root.clone(),
        repository.top.clone(),
    ];
    #[cfg(unix)]
    {
        let link = root.join("link");
        std::os::unix::fs::symlink(&repository.top, &link).unwrap();
        others.push(link);
    }
    for path in others {
        let removed =
            Worktree::remove(&repository.spawner, &root, &path, Uncommitted::Discard).await;
        let refused = matches!(removed, Err(GitError::NotOurs { .. }));
        assert!(refused, "{}: {removed:?}", path.display());
        assert!(path.exists());
    }
    let missing = Worktree::remove(
        &repository.spawner,
        &root,
        &root.join("missing"),
        Uncommitted::Discard,
    )
    .await;
    assert!(matches!(missing, Err(GitError::Io { .. })), "{missing:?}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn commits_are_made_in_a_sandbox_that_keeps_the_settings_of_the_repository() {
    use mcs_core::process::{Sandbox, Spec, allowed_environment};
    let Some((repository, root)) = place() else {
        return;
    };
    if let Err(error) = Sandbox::available() {
        return crate::support::skip(&error.to_string());
    }
    let made = create(&repository, &repository.top, &root, None, "x").await;
    let made = made.unwrap();
    let git_directory = repository.top.join(".git");
    assert_eq!(made.repository(), Some(git_directory.as_path()));
    let mut spec = Spec::new("/bin/sh", &made.directory);
    let script = "echo new > new.txt && git add new.txt && git commit --quiet -m work || exit 1; \
                  for file in config hooks/post-checkout; do echo evil >> \"$0/$file\"; done; exit 0";
    spec.arguments = ["-c".into(), script.into(), git_directory.clone().into()].to_vec();
    spec.environment = allowed_environment(&["PATH".into()]);
    spec.sandbox = Some(Sandbox {
        network: false,
        readable: vec![git_directory.clone()],
        writable: made.needed_for_commits(),
        private_tmp: true,
    });
    let mut child = repository.spawner.spawn(spec).await.unwrap();
    let exit = child.wait().await;
    child.end().await;
    assert!(exit.is_success(), "{}", child.stderr_tail());
    assert_eq!(repository.git(&["show", "mcs/x:new.txt"]), "new");
    let config = std::fs::read_to_string(git_directory.join("config")).unwrap();
    assert!(!config.contains("evil"));
    assert!(!git_directory.join("hooks/post-checkout").exists());
}

#[cfg(unix)]
#[tokio::test]
async fn a_repository_that_a_file_names_is_not_handed_over() {
    let Some((repository, root)) = place() else {
        return;
    };
    // As a run may leave it: a directory whose file `.git` names the repository of somebody else.
    let fake = repository.beside("fake");
    std::fs::create_dir(&fake).unwrap();
    let named = format!("gitdir: {}\n", repository.top.join(".git").display());
    std::fs::write(fake.join(".git"), named).unwrap();
    let made = create(&repository, &fake, &root, None, "fake")
        .await
        .unwrap();
    assert_eq!(
        (made.git_directory.as_ref(), made.repository()),
        (None, None)
    );
    assert!(made.needed_for_commits().is_empty());
    // One that the repository knows may be the place of another.
    let known = create(&repository, &repository.top, &root, None, "known").await;
    let known = known.unwrap();
    let made = create(&repository, &known.path, &root, None, "second").await;
    let made = made.unwrap();
    assert_eq!(
        made.repository(),
        Some(repository.top.join(".git").as_path())
    );
    assert_eq!(made.needed_for_commits().len(), 4);
    // What is a link leads elsewhere.
    let logs = repository.top.join(".git/logs");
    std::fs::rename(&logs, repository.beside("logs")).unwrap();
    std::os::unix::fs::symlink(repository.beside("logs"), &logs).unwrap();
    assert_eq!(made.needed_for_commits().len(), 3);
}
