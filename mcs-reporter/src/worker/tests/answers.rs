//! Coordinators that answer event by event, or not at all, or want something else.

use super::coordinator::{Does, name};
use super::rig::{Rig, pass, play, play_at};
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

#[tokio::test(start_paused = true)]
async fn a_coordinator_without_batches_gets_single_events_and_is_asked_again_hourly() {
    play(async |rig| {
        rig.coordinator.state().has_batches = false;
        rig.report(30);
        rig.drained(MINUTE).await;
        assert_eq!(rig.coordinator.seen("batch").len(), 1);
        assert_eq!(rig.coordinator.seen("interactions").len(), 30);
        rig.coordinator.state().has_batches = true;
        tokio::time::sleep(HOUR).await;
        rig.report(30);
        rig.drained(MINUTE).await;
        assert_eq!(rig.coordinator.seen("batch").len(), 2);
        assert_eq!(rig.coordinator.seen("interactions").len(), 30);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_is_sent_in_smaller_parts() {
    play(async |rig| {
        rig.coordinator.state().most = Some(30);
        rig.report(100);
        rig.drained(MINUTE).await;
        let sizes: Vec<_> = rig
            .coordinator
            .seen("batch")
            .iter()
            .map(|seen| seen.events)
            .collect();
        assert_eq!(sizes, [100, 50, 25, 25, 25, 25]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_one_that_makes_no_sense_becomes_a_dead_letter_that_can_be_sent_again() {
    for can_say in [true, false] {
        play(async |rig| {
            rig.coordinator.state().rejects = Some(("poison".to_owned(), can_say));
            rig.report(50);
            rig.report_one("poison", 50);
            rig.report(49);
            rig.drained(MINUTE).await;
            assert_eq!(rig.coordinator.stored(), 99);
            let letters = rig.reporter.dead_letters(0).await.unwrap();
            assert_eq!(letters.len(), 1);
            assert_eq!(letters[0].event["interaction_id"], "poison");
            assert_eq!(
                letters[0].event_id.as_deref(),
                letters[0].event["event_id"].as_str()
            );
            assert!(!letters[0].reason.is_empty());
            assert_eq!(rig.reporter.dead_letters(letters[0].id).await.unwrap(), []);

            rig.coordinator.state().rejects = None;
            assert_eq!(rig.reporter.resend_dead_letters().await.unwrap(), 1);
            rig.drained(MINUTE).await;
            assert_eq!(rig.coordinator.stored(), 100);
            assert_eq!(rig.reporter.dead_letters(0).await.unwrap(), []);
            assert_eq!(rig.reporter.stats().dead_letters, 0);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_without_an_answer_is_sent_again() {
    play(async |rig| {
        rig.coordinator.state().next = [Does::StoresFirst, Does::WantsAll].into();
        rig.report(20);
        rig.drained(MINUTE).await;
        assert_eq!(rig.coordinator.stored(), 20);
        assert!(
            rig.coordinator
                .state()
                .stored
                .values()
                .all(|times| *times == 1)
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_always_wanted_later_holds_up_its_interaction_and_no_other() {
    play(async |rig| {
        rig.coordinator.state().wants_again = Some("later".to_owned());
        rig.report_one("later", 1);
        rig.report(300);
        pass(2_000).await;
        assert_eq!(rig.coordinator.stored(), 300);
        rig.report_one("later", 2);
        rig.report_one("other", 3);
        pass(70_000).await;
        assert_eq!(rig.coordinator.stored(), 301);
        rig.coordinator.state().wants_again = None;
        rig.drained(Duration::from_secs(100)).await;
        assert_eq!(numbers(rig, "later"), [1, 2]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_events_of_an_interaction_keep_their_order() {
    play(async |rig| {
        let faults = [
            Does::Breaks,
            Does::StoresFirst,
            Does::LosesAnswer,
            Does::StoresFirst,
        ];
        rig.coordinator.state().next = faults.into();
        for n in 0..400 {
            rig.report_one(&format!("int_{}", n % 7), n);
        }
        rig.drained(MINUTE).await;
        for interaction in 0..7 {
            let numbers = numbers(rig, &format!("int_{interaction}"));
            assert!(numbers.is_sorted(), "{numbers:?}");
        }
        assert_eq!(rig.coordinator.stored(), 400);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_no_more_than_a_mebibyte() {
    play(async |rig| {
        for n in 0..10 {
            let data = serde_json::json!({"n": n, "text": "x".repeat(200_000)});
            assert!(
                rig.reporter
                    .report_interaction_start("int", data)
                    .is_accepted()
            );
        }
        rig.drained(MINUTE).await;
        let sizes: Vec<_> = rig
            .coordinator
            .seen("batch")
            .iter()
            .map(|seen| seen.events)
            .collect();
        assert_eq!(sizes, [5, 5]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn cleanup_forgets_what_is_older_and_says_how_much() {
    play(async |rig| {
        rig.coordinator.always(Does::Refuses);
        rig.report(10);
        pass(1000).await;
        assert_eq!(rig.reporter.cleanup(MINUTE).await.unwrap(), 0);
        assert_eq!(rig.reporter.cleanup(Duration::ZERO).await.unwrap(), 10);
        let stats = rig.reporter.stats();
        assert_eq!((stats.waiting, stats.lost.cleaned_up), (0, 10));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn flush_and_shutdown_say_what_is() {
    play(async |rig| {
        rig.coordinator.always(Does::Refuses);
        rig.report(10);
        let flushed = rig.reporter.flush(Duration::from_secs(3)).await.unwrap();
        assert_eq!(
            (flushed.delivered, flushed.waiting, flushed.dead),
            (0, 10, 0)
        );
        rig.coordinator.recovers();
        rig.coordinator.state().rejects = Some(("poison".to_owned(), true));
        rig.report_one("poison", 1);
        let flushed = rig.reporter.flush(MINUTE).await.unwrap();
        assert_eq!(
            (flushed.delivered, flushed.waiting, flushed.dead),
            (10, 0, 1)
        );
        rig.coordinator.always(Does::Refuses);
        rig.report(5);
        let down = rig.reporter.shutdown(Duration::from_secs(3)).await.unwrap();
        assert_eq!((down.delivered, down.on_disk, down.dead), (10, 5, 1));
        assert!(
            !rig.reporter
                .report_interaction_start("int", ())
                .is_accepted()
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_flush_that_cannot_ask_the_cache_does_not_say_that_all_is_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    play_at(&path, async |rig| {
        rig.coordinator.always(Does::Refuses);
        rig.report(10);
        pass(2_000).await;
        let conn = rusqlite::Connection::open(&path).unwrap();
        conn.execute_batch("ALTER TABLE reporter_waiting RENAME TO elsewhere")
            .unwrap();
        let flushed = rig.reporter.flush(Duration::from_secs(3)).await.unwrap();
        assert_eq!(flushed.waiting, 10);
    })
    .await;
}

/// The numbers of the events of an interaction, in the order in which they arrived.
fn numbers(rig: &Rig, interaction_id: &str) -> Vec<i64> {
    let state = rig.coordinator.state();
    let events = state
        .order
        .iter()
        .filter(|event| event["interaction_id"] == interaction_id);
    let number = |event: &serde_json::Value| {
        assert!(state.stored.contains_key(&name(event)));
        event["progress_data"]["n"].as_i64().unwrap()
    };
    events.map(number).collect()
}
