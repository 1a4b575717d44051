//! Coordinators that are away, or slow, or want to be left in peace.

use super::coordinator::{Coordinator, Does};
use super::rig::{builder, pass, play, play_on};
use crate::{Health, Interaction, InteractionAction, KeyCheck, Link};
use mcs_core::domain::Timestamp;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test(start_paused = true)]
async fn what_is_reported_arrives() {
    play(async |rig| {
        rig.report(250);
        rig.drained(MINUTE).await;
        assert_eq!(rig.coordinator.stored(), 250);
        let sizes: Vec<_> = rig
            .coordinator
            .seen("batch")
            .iter()
            .map(|seen| seen.events)
            .collect();
        assert_eq!(sizes, [100, 100, 50]);
        let stats = rig.reporter.stats();
        assert_eq!((stats.delivered, stats.waiting), (250, 0));
        assert_eq!(stats.link, Link::Up);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_event_goes_by_itself() {
    play(async |rig| {
        rig.report(1);
        rig.drained(MINUTE).await;
        assert_eq!(rig.coordinator.seen("interactions").len(), 1);
        assert_eq!(rig.coordinator.seen("batch"), []);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_backlog_of_a_thousand_is_gone_two_seconds_after_an_outage_of_any_length() {
    for outage in [1, 10, 100, 5_000] {
        play(async |rig| {
            rig.coordinator.always(Does::Refuses);
            rig.report(1000);
            pass(outage * 1000 + fastrand::u64(0..1000)).await;
            assert_eq!(rig.coordinator.stored(), 0);
            let back = Instant::now();
            rig.coordinator.recovers();
            rig.drained(MINUTE).await;
            assert!(
                back.elapsed() < Duration::from_secs(2),
                "{:?}",
                back.elapsed()
            );
            assert_eq!(rig.coordinator.stored(), 1000);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_that_is_away_is_probed_twice_a_second_and_left_alone_otherwise() {
    play(async |rig| {
        rig.coordinator.always(Does::Refuses);
        rig.report(300);
        pass(600_000).await;
        let probes = rig.coordinator.seen("health").len();
        assert!((1100..=1200).contains(&probes), "{probes}");
        let sends = rig.coordinator.seen("batch").len();
        // Four soon, and then one each half minute to a minute.
        assert!((13..=26).contains(&sends), "{sends}");
        assert_eq!(rig.reporter.stats().link, Link::Down);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nobody_is_probed_while_nothing_waits() {
    play(async |rig| {
        rig.coordinator.always(Does::Refuses);
        pass(60_000).await;
        assert_eq!(rig.coordinator.state().seen, []);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_throttle_holds_whatever_is_reported() {
    play(async |rig| {
        rig.report(5_000);
        pass(2_000).await;
        let seen = rig.coordinator.seen("batch");
        for second in seen.windows(20) {
            assert!(second[19].at - second[0].at >= 1000, "{second:?}");
        }
        assert!(seen.len() >= 28, "{}", seen.len());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_obeyed() {
    play(async |rig| {
        rig.coordinator.state().next =
            [Does::SaysLater(429, "30"), Does::SaysLater(503, "86400")].into();
        rig.report(10);
        pass(29_900).await;
        assert_eq!(rig.coordinator.seen("batch").len(), 1);
        pass(200).await;
        assert_eq!(rig.coordinator.seen("batch").len(), 2);
        // A day is too long: ten minutes is what can be asked for.
        pass(599_700).await;
        assert_eq!(rig.coordinator.seen("batch").len(), 2);
        rig.drained(Duration::from_secs(5)).await;
        assert_eq!(rig.coordinator.seen("health"), []);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_pauses_everything_until_it_is_taken() {
    for refusal in [401, 403] {
        play(async |rig| {
            rig.coordinator.always(Does::Says(refusal));
            rig.report(10);
            pass(59_000).await;
            assert_eq!(rig.coordinator.state().seen.len(), 1);
            assert_eq!(rig.reporter.stats().link, Link::AuthFailed);
            pass(60_000).await;
            assert_eq!(rig.coordinator.seen("validate").len(), 1);
            rig.coordinator.recovers();
            rig.drained(Duration::from_secs(62)).await;
            assert_eq!(rig.coordinator.seen("batch").len(), 2);
            assert_eq!(rig.reporter.stats().link, Link::Up);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn asking_for_the_key_ends_the_pause_at_once() {
    play(async |rig| {
        rig.coordinator.always(Does::Says(401));
        rig.report(10);
        pass(1000).await;
        let refused = rig.reporter.validate_key().await.unwrap();
        assert_eq!(refused, KeyCheck::Refused);
        rig.coordinator.recovers();
        let valid = rig.reporter.validate_key().await.unwrap();
        assert_eq!(valid, KeyCheck::Valid);
        rig.drained(Duration::from_secs(1)).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_or_late_is_no_second_event() {
    let faults = [
        Does::LosesAnswer,
        Does::AnswersHalf,
        Does::Takes(Duration::from_secs(2)),
        Does::Takes(Duration::from_secs(6)),
        Does::Takes(MINUTE),
        Does::ShowsPage,
        Does::Breaks,
        Does::Panics,
        Does::Says(500),
        Does::Says(302),
        Does::Says(404),
    ];
    for fault in faults {
        play(async |rig| {
            rig.coordinator.state().next = [fault.clone(), fault.clone()].into();
            rig.report(150);
            rig.drained(MINUTE).await;
            let state = rig.coordinator.state();
            assert_eq!(state.stored.len(), 150, "{fault:?}");
            assert_eq!(state.order.len(), 150, "{fault:?}");
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_holds_up_nothing() {
    /// Each time it is looked at, the clock on the wall shows another year.
    fn jumping() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 365) * fastrand::u32(0..100)
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let coordinator = Coordinator::new();
    let clock = jumping;
    play_on(
        clock,
        builder(&path),
        Arc::clone(&coordinator),
        async |rig| {
            rig.coordinator.state().next =
                [Does::SaysLater(429, "Sun, 06 Nov 1994 08:49:37 GMT")].into();
            rig.report(500);
            pass(20_000).await;
            rig.coordinator.always(Does::Refuses);
            rig.report(500);
            pass(20_000).await;
            rig.coordinator.recovers();
            rig.drained(Duration::from_mins(11)).await;
            assert_eq!(rig.coordinator.stored(), 1000);
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn two_workers_whose_clock_jumps_lose_nothing_between_them() {
    fn jumping() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(10) * fastrand::u32(0..1000)
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let coordinator = Coordinator::new();
    play_on(
        jumping,
        builder(&path),
        Arc::clone(&coordinator),
        async |one| {
            play_on(
                jumping,
                builder(&path),
                Arc::clone(&coordinator),
                async |two| {
                    for _ in 0..20 {
                        one.report(100);
                        two.report(100);
                        pass(1_000).await;
                    }
                    one.drained(MINUTE).await;
                    two.drained(MINUTE).await;
                },
            )
            .await;
        },
    )
    .await;
    assert_eq!(coordinator.stored(), 4000);
    assert_eq!(coordinator.state().rejected, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_that_never_answers_holds_up_no_caller() {
    play(async |rig| {
        rig.coordinator.always(Does::Takes(Duration::from_hours(1)));
        rig.report(10);
        let began = Instant::now();
        let flushed = rig.reporter.flush(Duration::from_secs(2)).await.unwrap();
        assert_eq!(flushed.waiting, 10);
        assert!(began.elapsed() < Duration::from_millis(2_100));
        let durable = rig.reporter.report_durable(interaction()).await;
        assert!(durable.is_accepted());
        let health = rig.reporter.check_health().await.unwrap();
        assert!(matches!(health, Health::Unreachable(_)), "{health:?}");
        let began = Instant::now();
        let (one, two) = tokio::join!(
            rig.reporter.shutdown(Duration::from_secs(2)),
            rig.reporter.shutdown(MINUTE),
        );
        assert_eq!(one, two);
        assert_eq!(one.unwrap().on_disk, 11);
        assert!(began.elapsed() < Duration::from_millis(2_100));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_coordinator_can_be_asked_how_it_is() {
    play(async |rig| {
        let health = rig.reporter.check_health().await.unwrap();
        assert!(matches!(health, Health::Up(_)), "{health:?}");
        assert_eq!(rig.reporter.validate_key().await.unwrap(), KeyCheck::Valid);
        rig.coordinator.always(Does::Says(503));
        assert_eq!(
            rig.reporter.check_health().await.unwrap(),
            Health::Unwell(503)
        );
        let check = rig.reporter.validate_key().await.unwrap();
        assert!(matches!(check, KeyCheck::Unknown(_)), "{check:?}");
        rig.coordinator.always(Does::Panics);
        let health = rig.reporter.check_health().await.unwrap();
        assert!(matches!(health, Health::Unreachable(_)), "{health:?}");
    })
    .await;
}

fn interaction() -> Interaction {
    Interaction {
        action: InteractionAction::Start,
        interaction_id: "int".to_owned(),
        at: Timestamp::from_millis(1_700_000_000_000),
        data: serde_json::Map::new(),
        traceparent: None,
    }
}
