//! Output, errors and input.

use crate::kit::{line, shell, stand_in, start};
use mcs_core::process::{Exit, Line, StderrFile};
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn long_binary_and_cut_lines_arrive_whole() {
    const LONG: usize = 5_000_000;
    let steps = [
        "long", "5000000", "binary", "say", "", "long", "5000000", "cut", "the rest",
    ];
    let mut child = start(stand_in(&steps)).await;
    let mut lines = child.take_lines().unwrap();
    assert!(child.take_lines().is_none() && child.take_stdout().is_none());
    let mut next = async || lines.next().await.unwrap();
    let long = next().await.unwrap();
    assert_eq!(
        (long.bytes.len(), long.more, long.cut),
        (LONG, false, false)
    );
    let binary = next().await.unwrap().bytes;
    assert_eq!(
        binary,
        (0..=255).filter(|byte| *byte != b'\n').collect::<Vec<u8>>()
    );
    assert_eq!(next().await.unwrap().bytes, b"");
    assert_eq!(next().await.unwrap().bytes.len(), LONG);
    let rest = Line {
        bytes: b"the rest".to_vec(),
        more: false,
        cut: true,
    };
    assert_eq!(next().await, Some(rest));
    assert_eq!(next().await, None);
    assert!(child.wait().await.is_success());
}

#[tokio::test]
async fn a_line_over_the_bound_comes_in_pieces() {
    let mut spec = stand_in(&["long", "250000", "say", "end"]);
    spec.line_bytes = 100_000;
    let mut child = start(spec).await;
    let mut lines = child.take_lines().unwrap();
    for (bytes, more) in [
        (100_000, true),
        (100_000, true),
        (50_000, false),
        (3, false),
    ] {
        let piece = lines.next().await.unwrap().unwrap();
        assert_eq!((piece.bytes.len(), piece.more), (bytes, more));
    }
}

#[tokio::test]
async fn no_line_is_lost_however_often_the_wait_is_given_up() {
    let mut child = start(stand_in(&["lines", "20000"])).await;
    let mut lines = child.take_lines().unwrap();
    for index in 0..20_000 {
        let line = loop {
            tokio::select! {
                biased;
                line = lines.next() => break line.unwrap().unwrap(),
                () = tokio::task::yield_now() => {}
            }
        };
        assert_eq!(line.bytes, format!("line {index}").as_bytes());
    }
    assert_eq!(lines.next().await.unwrap(), None);
}

#[tokio::test]
async fn the_end_of_the_errors_is_kept_and_the_latest_files() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("stderr.log");
    // 200 times 1000 bytes, each block with its number.
    let mut spec = shell("for i in $(seq 1000 1199); do printf '%0996d%s' 0 $i >&2; done; exit 3");
    spec.stderr = Some(StderrFile {
        path: path.clone(),
        bytes: 50_000,
    });
    let mut child = start(spec).await;
    let exit = child.wait().await;
    assert_eq!((exit.code, exit.signal), (Some(3), None));
    assert_eq!(child.end().await.ended, 0);
    assert_eq!(child.stderr_bytes(), 200_000);
    let tail = child.stderr_tail();
    assert!(tail.len() == 64 * 1024 && tail.ends_with("1199"));
    let read = |name: &str| std::fs::read_to_string(home.path().join(name)).unwrap();
    let (latest, former) = (read("stderr.log"), read("stderr.log.1"));
    assert!(latest.len() <= 50_000 && former.len() <= 50_000);
    assert!(latest.ends_with("1199") && (former + &latest).len() > 50_000);
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn errors_that_nobody_reads_do_not_hold_a_child_up() {
    let mut child = start(shell("head -c 3000000 /dev/zero >&2; exit 7")).await;
    let code = child.wait().await.code;
    assert_eq!(code, Some(7));
}

#[tokio::test]
async fn input_reaches_the_child_and_its_end_does_too() {
    let mut child = start(stand_in(&["echo", "say", "", "say", "over"])).await;
    let mut lines = child.take_lines().unwrap();
    let mut stdin = child.take_stdin().unwrap();
    let text = "a".repeat(1_000_000);
    let writing = tokio::spawn({
        let text = text.clone();
        async move { stdin.write_all(text.as_bytes()).await }
    });
    assert_eq!(line(&mut lines).await, text);
    assert_eq!(line(&mut lines).await, "over");
    writing.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_child_that_closes_its_output_and_lives_on_is_still_watched() {
    let mut child = start(shell("exec >&-; read line; exit 4")).await;
    let mut lines = child.take_lines().unwrap();
    assert_eq!(lines.next().await.unwrap(), None);
    drop(child.take_stdin());
    let exit = Exit {
        code: Some(4),
        signal: None,
    };
    assert_eq!(child.wait().await, exit);
    assert_eq!(child.wait().await, exit, "and again");
    child.end().await;
    assert_eq!(child.wait().await, exit, "and after its end");
}
