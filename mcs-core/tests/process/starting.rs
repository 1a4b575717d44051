//! What a child is given, and what is no child.

use crate::kit::{line, shell, stand_in, start};
use mcs_core::process::{Limits, SpawnError, Spawner, Spec, TAG_VARIABLE, find_program};
use std::path::Path;

#[tokio::test]
async fn it_runs_where_it_shall_with_its_own_environment_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let directory = std::fs::canonicalize(home.path()).unwrap();
    let mut spec = stand_in(&["directory", "variables"]);
    spec.directory.clone_from(&directory);
    spec.environment = vec![
        ("ONE".into(), "1".into()),
        (TAG_VARIABLE.into(), "forged".into()),
    ];
    spec.label = "a label/with;all of it".into();
    let mut child = start(spec).await;
    let mut lines = child.take_lines().unwrap();
    assert_eq!(line(&mut lines).await, directory.display().to_string());
    let mut variables = [line(&mut lines).await, line(&mut lines).await];
    variables.sort();
    let [tag, one] = variables;
    assert_eq!(one, "ONE=1");
    let own = format!("{TAG_VARIABLE}={}.", std::process::id());
    assert!(
        tag.starts_with(&own) && tag.ends_with(".a_label_with_all_of_it"),
        "{tag}"
    );
    assert_eq!(lines.next().await.unwrap(), None);
}

#[tokio::test]
async fn arguments_arrive_as_they_are() {
    let mut spec = shell("printf '<%s>' \"$@\"");
    spec.arguments
        .extend(["$(exit 1)", "a  b", "", "'\"`\\", "*"].map(Into::into));
    let mut child = start(spec).await;
    let line = line(&mut child.take_lines().unwrap()).await;
    assert_eq!(line, "<$(exit 1)><a  b><><'\"`\\><*>");
}

#[tokio::test]
async fn what_cannot_be_started_is_named() {
    let spawner = Spawner::start().unwrap();
    let home = tempfile::tempdir().unwrap();
    let missing = home.path().join("missing");
    let in_missing = Spec::new("/bin/true", &missing);
    let error = spawner.spawn(in_missing).await.unwrap_err();
    assert!(
        matches!(&error, SpawnError::Directory { path, .. } if *path == missing),
        "{error:?}"
    );
    assert!(error.to_string().contains("missing") && !error.is_transient());
    let error = spawner
        .spawn(Spec::new(&missing, home.path()))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, SpawnError::Program { path, .. } if *path == missing),
        "{error:?}"
    );
    // A file that may not be run, and one that is no program.
    for mode in [0o644, 0o755] {
        let path = home.path().join("file");
        std::fs::write(&path, [0_u8, 1, 2, 3]).unwrap();
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(&path, permissions).unwrap();
        let error = spawner
            .spawn(Spec::new(&path, home.path()))
            .await
            .unwrap_err();
        assert!(
            matches!(error, SpawnError::Program { .. }),
            "{mode:o}: {error:?}"
        );
        assert_eq!(
            find_program(&path, None, Path::new("/")).is_ok(),
            mode == 0o755
        );
    }
    tokio::time::timeout(crate::kit::LONG, spawner.idle())
        .await
        .expect("nothing was started");
}

#[tokio::test]
async fn limits_bind_the_child() {
    let mut spec = stand_in(&["allocate", "400000000"]);
    spec.limits = Limits {
        memory_bytes: Some(200_000_000),
        ..Limits::default()
    };
    let mut child = start(spec.clone()).await;
    let exit = child.wait().await;
    assert!(!exit.is_success(), "{exit}");
    child.end().await;
    assert!(
        child.stderr_tail().contains("memory allocation"),
        "{}",
        child.stderr_tail()
    );
    spec.limits = Limits::default();
    let mut child = start(spec).await;
    assert_eq!(
        line(&mut child.take_lines().unwrap()).await,
        "allocated 400000000"
    );
}

#[tokio::test]
async fn a_program_within_limits_that_is_not_there_says_so() {
    let mut spec = Spec::new("/nowhere/program", std::env::temp_dir());
    spec.limits.open_files = Some(64);
    let mut child = start(spec).await;
    let exit = child.wait().await;
    assert_eq!(exit.code, Some(127));
    child.end().await;
    assert!(child.stderr_tail().contains("/nowhere/program"));
}

#[tokio::test]
async fn how_it_ended_is_told() {
    let mut child = start(stand_in(&["exit", "42"])).await;
    let exit = child.wait().await;
    assert_eq!(
        (exit.code, exit.to_string().as_str()),
        (Some(42), "exit code 42")
    );
    let mut child = start(stand_in(&["abort"])).await;
    let exit = child.wait().await;
    assert_eq!(
        (exit.signal, exit.to_string().as_str()),
        (Some(6), "signal 6")
    );
}
