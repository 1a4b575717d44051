//! Random histories against a model: whatever happens, what was accepted arrives, once and in order.

use super::coordinator::{Coordinator, Does, name};
use super::rig::{Rig, builder, pass, play_and_kill, play_with};
use proptest::prelude::*;
use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Interactions that events belong to.
const INTERACTIONS: usize = 5;

/// What happens while a process lives.
#[derive(Debug, Clone)]
enum Happens {
    /// So many events are reported, over all interactions in turn.
    Reports(usize),
    /// An event is reported that the coordinator never takes.
    ReportsPoison,
    /// So many milliseconds pass.
    Passes(u64),
    /// The coordinator does that with the next requests.
    Faults(Vec<Does>),
    /// It is away for so many milliseconds.
    IsAway(u64),
    /// Somebody overwrites the cache.
    DamagesCache,
}

/// How the life of a process ends.
#[derive(Debug, Clone, Copy)]
enum Ends {
    /// It is killed.
    Killed,
    /// It is told to, and delivers for so many milliseconds.
    ShutDown(u64),
}

fn fault() -> impl Strategy<Value = Does> {
    prop_oneof![
        Just(Does::Well),
        Just(Does::Refuses),
        Just(Does::Breaks),
        Just(Does::LosesAnswer),
        Just(Does::Takes(Duration::from_secs(2))),
        Just(Does::Takes(Duration::from_secs(6))),
        Just(Does::Says(500)),
        Just(Does::Says(401)),
        Just(Does::Says(404)),
        Just(Does::SaysLater(429, "3")),
        Just(Does::AnswersHalf),
        Just(Does::ShowsPage),
        Just(Does::StoresFirst),
        Just(Does::WantsAll),
    ]
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        4 => (1..150_usize).prop_map(Happens::Reports),
        1 => Just(Happens::ReportsPoison),
        3 => (0..3_000_u64).prop_map(Happens::Passes),
        3 => prop::collection::vec(fault(), 1..5).prop_map(Happens::Faults),
        1 => (0..20_000_u64).prop_map(Happens::IsAway),
        1 => Just(Happens::DamagesCache),
    ]
}

fn ends() -> impl Strategy<Value = Ends> {
    prop_oneof![Just(Ends::Killed), (0..2_000_u64).prop_map(Ends::ShutDown)]
}

fn lives() -> impl Strategy<Value = Vec<(Vec<Happens>, Ends)>> {
    let life = (prop::collection::vec(happens(), 1..8), ends());
    prop::collection::vec(life, 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_is_accepted_arrives_once_and_in_order(lives in lives()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(history(lives));
    }
}

async fn history(lives: Vec<(Vec<Happens>, Ends)>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let coordinator = Coordinator::new();
    coordinator.state().rejects = Some(("poison".to_owned(), true));
    let mut accepted = 0;
    for (events, end) in lives {
        let life = async |rig: &Rig| {
            for event in events {
                happen(rig, &path, event, &mut accepted).await;
            }
            if let Ends::ShutDown(millis) = end {
                let within = Duration::from_millis(millis);
                let _ = rig.reporter.shutdown(within).await.unwrap();
            }
        };
        match end {
            Ends::Killed => play_and_kill(builder(&path), Arc::clone(&coordinator), life).await,
            Ends::ShutDown(_) => play_with(builder(&path), Arc::clone(&coordinator), life).await,
        }
    }
    coordinator.state().next.clear();
    coordinator.recovers();
    play_with(builder(&path), Arc::clone(&coordinator), async |rig| {
        rig.drained(Duration::from_mins(30)).await;
    })
    .await;
    check(&coordinator, accepted);
}

async fn happen(rig: &Rig, path: &Path, event: Happens, accepted: &mut usize) {
    match event {
        Happens::Reports(count) => {
            for _ in 0..count {
                rig.report_one(&format!("int_{}", *accepted % INTERACTIONS), *accepted);
                *accepted += 1;
            }
        }
        Happens::ReportsPoison => {
            rig.report_one("poison", *accepted);
            *accepted += 1;
        }
        Happens::Passes(millis) => pass(millis).await,
        Happens::Faults(faults) => rig.coordinator.state().next.extend(faults),
        Happens::IsAway(millis) => {
            rig.coordinator.always(Does::Refuses);
            pass(millis).await;
            rig.coordinator.recovers();
        }
        Happens::DamagesCache => {
            if path.exists() {
                let len = usize::try_from(fs::metadata(path).unwrap().len()).unwrap();
                fs::write(path, vec![0xAA; len]).unwrap();
            }
        }
    }
}

fn check(coordinator: &Coordinator, accepted: usize) {
    let state = coordinator.state();
    let stored: HashSet<String> = state.order.iter().map(name).collect();
    let dead: HashSet<String> = state.rejected.iter().cloned().collect();
    assert_eq!(stored.len(), state.order.len(), "stored twice");
    assert!(stored.is_disjoint(&dead), "dead and delivered");
    assert_eq!(stored.len() + dead.len(), accepted, "lost, or made up");
    for interaction in 0..INTERACTIONS {
        let id = format!("int_{interaction}");
        let own = state
            .order
            .iter()
            .filter(|event| event["interaction_id"] == *id);
        let numbers: Vec<_> = own
            .map(|event| event["progress_data"]["n"].as_u64())
            .collect();
        assert!(numbers.is_sorted(), "{id} arrived as {numbers:?}");
    }
}
