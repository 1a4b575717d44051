use super::kit::{Kit, ask, at, done, lease_of, now, work};
use crate::domain::{
    EventKind, IdSource, LeaseNumber, LogLevel, NewTask, Outcome, Progress, limits,
};
use crate::store::{Append, AppendReply, Entry};
use serde_json::json;

fn line(text: &str) -> Entry {
    Entry::Log {
        level: LogLevel::Warn,
        text: text.into(),
    }
}

fn progress(percent: f32) -> Entry {
    Entry::Progress(Progress {
        percent: Some(percent),
        message: Some("half".into()),
    })
}

pub(super) async fn log_lines_are_numbered_and_read_in_order(kit: Kit) {
    let task = kit.start(work(), 0).await;
    for text in ["one", "two", "three"] {
        assert_eq!(kit.say(&task, line(text), 5).await, AppendReply::Stored);
    }
    let all = kit.log(task.id, 0, 10).await.unwrap();
    let seen: Vec<_> = all.iter().map(|line| (line.seq, &*line.text)).collect();
    assert_eq!(seen, [(1, "one"), (2, "two"), (3, "three")]);
    assert_eq!(
        (all[0].at, all[0].attempt, all[0].level),
        (at(5), 1, LogLevel::Warn)
    );
    assert_eq!(kit.log(task.id, 1, 1).await.unwrap(), all[1..2]);
    assert!(kit.log(task.id, 3, 10).await.unwrap().is_empty());
    let unknown = IdSource::default().next(at(0));
    assert!(kit.log(unknown, 0, 10).await.unwrap().is_empty());
}

pub(super) async fn a_log_goes_on_over_attempts(kit: Kit) {
    let task = kit.start(work(), 0).await;
    kit.say(&task, line("one"), 1).await;
    kit.end(&task, super::kit::retry(0), 2).await;
    let task = kit.claim_one(task.id, 3).await;
    kit.say(&task, line("two"), 4).await;
    kit.end(&task, done(), 5).await;
    let seen: Vec<_> = kit.log(task.id, 0, 10).await.unwrap();
    let seen: Vec<_> = seen.iter().map(|line| (line.seq, line.attempt)).collect();
    assert_eq!(seen, [(1, 1), (2, 2)]);
}

pub(super) async fn a_log_is_bounded(kit: Kit) {
    let task = kit.start(work(), 0).await;
    let lease = Some(lease_of(&task));
    let bound = usize::try_from(limits::LOG_LINES).unwrap();
    let entries = (0..bound + 5).map(|n| Append {
        task: task.id,
        lease,
        entry: line(&n.to_string()),
    });
    let replies = kit.append(entries.collect(), now(1)).await.unwrap();
    assert!(replies.iter().all(|reply| *reply == AppendReply::Stored));
    let last = kit.log(task.id, limits::LOG_LINES - 1, 100).await.unwrap();
    let texts: Vec<_> = last.iter().map(|line| line.text.clone()).collect();
    assert_eq!(texts, [(bound - 1).to_string()]);
}

pub(super) async fn a_long_log_line_is_cut(kit: Kit) {
    let task = kit.start(work(), 0).await;
    kit.say(&task, line(&"é".repeat(limits::LOG_LINE_BYTES)), 1)
        .await;
    kit.say(&task, line("a\0b"), 1).await;
    let lines = kit.log(task.id, 0, 10).await.unwrap();
    assert!(lines[0].text.ends_with("é [cut]"));
    assert!(lines[0].text.len() < limits::LOG_LINE_BYTES + 10);
    assert_eq!(lines[1].text, "a\u{fffd}b");
}

pub(super) async fn progress_replaces_and_is_told(kit: Kit) {
    let task = kit.start(work(), 0).await;
    kit.say(&task, progress(12.5), 1).await;
    kit.say(&task, progress(50.0), 2).await;
    let read = kit.read(task.id).await;
    assert_eq!(
        read.progress,
        Some(Progress {
            percent: Some(50.0),
            message: Some("half".into())
        })
    );
    let event = kit.last_event().await;
    assert_eq!(event.kind, EventKind::Progress);
    assert_eq!(
        event.detail,
        Some(json!({"percent": 50.0, "message": "half"}))
    );
}

pub(super) async fn output_is_told_and_not_kept(kit: Kit) {
    let task = kit.start(work(), 0).await;
    let output = |n: i32| Entry::Output(json!({"type": "message", "n": n}).into());
    for n in 0..2 {
        assert_eq!(kit.say(&task, output(n), 1).await, AppendReply::Stored);
        let event = kit.last_event().await;
        assert_eq!(
            (event.task, event.kind, event.attempt),
            (task.id, EventKind::Output, 1)
        );
        assert_eq!(event.detail, Some(json!({"type": "message", "n": n})));
    }
    assert_eq!(kit.read(task.id).await, task);
    let largest = json!("x".repeat(limits::OUTPUT_BYTES - 2));
    let entry = Entry::Output(largest.clone().into());
    assert_eq!(kit.say(&task, entry, 2).await, AppendReply::Stored);
    assert_eq!(kit.last_event().await.detail, Some(largest));
    // Also while a question waits.
    kit.say(&task, ask("q"), 3).await;
    assert_eq!(kit.say(&task, output(3), 3).await, AppendReply::Stored);
}

pub(super) async fn a_checkpoint_replaces(kit: Kit) {
    let task = kit.start(work(), 0).await;
    for n in 0..3 {
        let entry = Entry::Checkpoint(json!({"n": n}).into());
        assert_eq!(kit.say(&task, entry, 1).await, AppendReply::Stored);
    }
    assert_eq!(
        kit.read(task.id).await.checkpoint,
        Some(json!({"n": 2}).into())
    );
}

pub(super) async fn a_stale_holder_adds_nothing(kit: Kit) {
    let old = kit.start(work(), 0).await;
    kit.end(&old, Outcome::Release, 1).await;
    let entries = || {
        [
            line("x"),
            progress(1.0),
            Entry::Checkpoint(json!(1).into()),
            Entry::Output(json!(1).into()),
            ask("q"),
        ]
    };
    for entry in entries() {
        assert_eq!(kit.say(&old, entry, 2).await, AppendReply::Stale, "pending");
    }
    let held = kit.claim_one(old.id, 3).await;
    for entry in entries() {
        assert_eq!(
            kit.say(&old, entry.clone(), 4).await,
            AppendReply::Stale,
            "held by another"
        );
        assert_eq!(
            kit.say_as(old.id, None, entry.clone(), 4).await,
            AppendReply::Stale,
            "no lease"
        );
        let next = Some(LeaseNumber(lease_of(&held).0 + 1));
        assert_eq!(
            kit.say_as(old.id, next, entry, 4).await,
            AppendReply::Stale,
            "a later lease"
        );
    }
    assert_eq!(kit.read(old.id).await, held);
    kit.end(&held, done(), 5).await;
    let before = kit.read(old.id).await;
    for entry in entries() {
        assert_eq!(
            kit.say(&held, entry, 6).await,
            AppendReply::Stale,
            "finished"
        );
    }
    assert_eq!(kit.read(old.id).await, before);
    assert!(kit.log(old.id, 0, 10).await.unwrap().is_empty());
}

pub(super) async fn a_refused_entry_stops_no_other(kit: Kit) {
    let task = kit.start(NewTask::new("work", json!(1)), 0).await;
    let lease = Some(lease_of(&task));
    let append = |lease, entry| Append {
        task: task.id,
        lease,
        entry,
    };
    let mut missing = append(lease, line("x"));
    missing.task = IdSource::default().next(at(0));
    let entries = vec![
        append(Some(LeaseNumber(9)), line("stale")),
        missing,
        append(None, super::kit::answer("nothing asked")),
        append(lease, line("kept")),
    ];
    let replies = [
        AppendReply::Stale,
        AppendReply::Missing,
        AppendReply::KeyRefused,
        AppendReply::Stored,
    ];
    assert_eq!(kit.append(entries, now(1)).await.unwrap(), replies);
    assert_eq!(kit.log(task.id, 0, 10).await.unwrap()[0].text, "kept");
}
