use super::coordinator::{Coordinator, data};
use super::{LONG, MEMORY, build, delivered};
use mcs_core::domain::Timestamp;
use mcs_reporter::payload::{ErrorData, RequestData, ResultData};
use mcs_reporter::{
    ABANDONED, AskError, Health, Interaction, InteractionAction, InteractionReporter, KeyCheck,
    Link, Rejection, Report, Reporter,
};
use serde::{Serialize, Serializer};
use serde_json::{Map, json};
use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[tokio::test]
async fn what_is_reported_arrives() {
    let directory = tempfile::tempdir().unwrap();
    let coordinator = Coordinator::up();
    let reporter = build(directory.path().join("cache.db"), &coordinator);
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let request = RequestData {
        user_id: Some("u1".into()),
        parameters: Map::from_iter([("password".into(), json!("hunter2"))]),
        ..RequestData::default()
    };
    assert_eq!(
        reporter.report_interaction_start("i1", &request),
        Report::Accepted
    );
    assert!(
        reporter
            .report_interaction_progress("i1", json!({"step": 1}))
            .is_accepted()
    );
    assert!(
        reporter
            .report_interaction_complete("i1", ResultData::default())
            .is_accepted()
    );
    assert!(
        reporter
            .report_interaction_error("i2", ErrorData::new("ValueError", "no"))
            .is_accepted()
    );
    delivered(&reporter).await;

    let events = coordinator.events();
    let actions: Vec<_> = events.iter().map(|event| event.action).collect();
    assert_eq!(actions, InteractionAction::ALL);
    let ids: Vec<_> = events
        .iter()
        .map(|event| event.interaction_id.as_str())
        .collect();
    assert_eq!(ids, ["i1", "i1", "i1", "i2"]);
    assert_eq!(
        data(&events[0]),
        json!({"user_id": "u1", "parameters": {"password": "[redacted]"}})
    );
    assert_eq!(data(&events[1]), json!({"step": 1}));
    assert_eq!(data(&events[2]), json!({"success": true}));
    assert_eq!(
        data(&events[3]),
        json!({"error_type": "ValueError", "error_message": "no"})
    );
    for (event, seq) in events.iter().zip(1..) {
        assert_eq!(event.mcp_id, "kitchen");
        assert_eq!(event.seq, Some(seq));
        let late = event.timestamp - before.as_secs_f64();
        assert!((-1e-3..60.0).contains(&late), "{late}");
    }
    let stats = reporter.stats();
    assert_eq!((stats.accepted, stats.delivered, stats.waiting), (4, 4, 0));
    assert_eq!(stats.link, Link::Up);
}

#[tokio::test]
async fn the_trait_reports_at_the_time_it_is_given() {
    let coordinator = Coordinator::up();
    let reporter = build(MEMORY, &coordinator);
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let interaction = Interaction {
        action: InteractionAction::Start,
        interaction_id: "i".into(),
        at: Timestamp::from_millis(1_700_000_000_125),
        data: Map::from_iter([("a".into(), json!(1))]),
        traceparent: Some(traceparent.into()),
    };
    let as_trait: &dyn InteractionReporter = &reporter;
    assert!(as_trait.is_enabled());
    assert!(as_trait.report(interaction).is_accepted());
    delivered(&reporter).await;
    let events = coordinator.events();
    assert!((events[0].timestamp - 1_700_000_000.125).abs() < 1e-6);
    assert_eq!(events[0].traceparent.as_deref(), Some(traceparent));
    assert_eq!(data(&events[0]), json!({"a": 1}));
}

#[tokio::test]
async fn a_call_is_told_from_its_start_to_its_end() {
    let coordinator = Coordinator::up();
    let reporter = build(MEMORY, &coordinator);
    let call = reporter.start_traced("trace", json!({"request_type": "tools/call"}));
    assert!(call.started().is_accepted());
    let id = call.interaction_id().to_owned();
    assert!(id.starts_with("int_"), "{id}");
    assert!(call.progress(json!({"progress": 0.5})).is_accepted());
    assert!(call.complete(ResultData::default()).is_accepted());
    assert!(
        reporter
            .start(())
            .error(ErrorData::new("tool_error", "no"))
            .is_accepted()
    );
    drop(reporter.start(()));
    let in_a_panic = std::panic::catch_unwind(|| {
        let _call = reporter.start(());
        panic!("on purpose");
    });
    assert!(in_a_panic.is_err());
    delivered(&reporter).await;

    let events = coordinator.events();
    let of_first = events.iter().filter(|event| event.interaction_id == id);
    assert!(
        of_first
            .clone()
            .all(|event| event.traceparent.as_deref() == Some("trace"))
    );
    let actions: Vec<_> = of_first.map(|event| event.action).collect();
    assert_eq!(actions, InteractionAction::ALL[..3]);
    let errors: Vec<_> = events
        .iter()
        .filter(|event| event.action == InteractionAction::Error)
        .map(data)
        .collect();
    let types: Vec<_> = errors
        .iter()
        .map(|error| error["error_type"].clone())
        .collect();
    assert_eq!(types, ["tool_error", ABANDONED, ABANDONED]);
    assert_eq!(
        errors[1]["error_message"],
        "the call was dropped before it ended"
    );
    assert_eq!(errors[2]["error_message"], "the call panicked");
    assert!(errors[1]["processing_time"].is_number());
    let ids: HashSet<_> = events.iter().map(|event| &event.interaction_id).collect();
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn many_threads_report_at_once() {
    const THREADS: usize = 8;
    const EACH: usize = 300;
    let directory = tempfile::tempdir().unwrap();
    let coordinator = Coordinator::up();
    let reporter = build(directory.path().join("cache.db"), &coordinator);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let reporter = reporter.clone();
            scope.spawn(move || {
                for number in 0..EACH {
                    let report = reporter.report_interaction_progress(
                        &format!("int_{thread}"),
                        json!({"n": number}),
                    );
                    assert!(report.is_accepted());
                }
            });
        }
    });
    delivered(&reporter).await;
    let events = coordinator.events();
    assert_eq!(events.len(), THREADS * EACH);
    let ids: HashSet<_> = events.iter().map(|event| event.event_id.clone()).collect();
    let seqs: HashSet<_> = events.iter().map(|event| event.seq).collect();
    assert_eq!((ids.len(), seqs.len()), (events.len(), events.len()));
    for thread in 0..THREADS {
        let id = format!("int_{thread}");
        let of_thread = events.iter().filter(|event| event.interaction_id == id);
        let numbers: Vec<_> = of_thread
            .map(|event| data(event)["n"].as_u64().unwrap())
            .collect();
        assert!(numbers.is_sorted(), "{id} is out of order");
    }
}

/// Reports while it is being reported.
struct Talkative<'a>(&'a Reporter);

impl Serialize for Talkative<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert!(
            self.0
                .report_interaction_start("inner", json!({"a": 1}))
                .is_accepted()
        );
        json!({"b": 2}).serialize(serializer)
    }
}

#[tokio::test]
async fn serialize_may_itself_report() {
    let coordinator = Coordinator::up();
    let reporter = build(MEMORY, &coordinator);
    assert!(
        reporter
            .report_interaction_start("outer", Talkative(&reporter))
            .is_accepted()
    );
    delivered(&reporter).await;
    let mut told: Vec<_> = coordinator
        .events()
        .iter()
        .map(|event| (event.interaction_id.clone(), data(event)))
        .collect();
    told.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        told,
        [
            ("inner".to_owned(), json!({"a": 1})),
            ("outer".to_owned(), json!({"b": 2}))
        ]
    );
}

#[tokio::test]
async fn after_a_shutdown_everything_is_refused_and_the_rest_is_on_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cache.db");
    let reporter = build(&path, &Coordinator::down());
    assert!(reporter.report_interaction_start("i", ()).is_accepted());
    let flushed = reporter.flush(Duration::from_millis(1)).await.unwrap();
    assert_eq!(
        (flushed.delivered, flushed.waiting, flushed.is_complete()),
        (0, 1, false)
    );
    let ended = reporter.shutdown(Duration::ZERO).await.unwrap();
    assert_eq!((ended.delivered, ended.on_disk, ended.dead), (0, 1, 0));
    let refused = reporter.report_interaction_complete("i", ());
    assert_eq!(refused, Report::Rejected(Rejection::Closed));
    assert_eq!(reporter.stats().rejected.closed, 1);
    assert_eq!(reporter.shutdown(LONG).await, Err(AskError::Closed));
    assert_eq!(reporter.flush(LONG).await, Err(AskError::Closed));

    let coordinator = Coordinator::up();
    let next = build(&path, &coordinator);
    delivered(&next).await;
    assert_eq!(coordinator.events().len(), 1);
}

#[tokio::test]
async fn a_reporter_that_is_merely_dropped_leaves_all_to_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cache.db");
    let reporter = build(&path, &Coordinator::down());
    for _ in 0..10 {
        assert!(reporter.report_interaction_start("i", ()).is_accepted());
    }
    drop(reporter);
    let coordinator = Coordinator::up();
    let next = build(&path, &coordinator);
    // The thread of the first ends in its own time, and until then it has the lock.
    let all = async {
        while coordinator.events().len() < 10 {
            delivered(&next).await;
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, all).await.unwrap();
    assert_eq!(coordinator.events().len(), 10);
}

#[tokio::test]
async fn the_coordinator_can_be_asked() {
    let up = build(MEMORY, &Coordinator::up());
    assert!(matches!(up.check_health().await, Ok(Health::Up(_))));
    assert_eq!(up.validate_key().await, Ok(KeyCheck::Valid));
    assert_eq!(up.dead_letters(0).await, Ok(Vec::new()));
    assert_eq!(up.resend_dead_letters().await, Ok(0));
    let down = build(MEMORY, &Coordinator::down());
    assert!(matches!(
        down.check_health().await,
        Ok(Health::Unreachable(_))
    ));
    assert!(matches!(
        down.validate_key().await,
        Ok(KeyCheck::Unknown(_))
    ));
}

#[tokio::test]
async fn what_waits_too_long_can_be_removed() {
    let reporter = build(MEMORY, &Coordinator::down());
    assert!(reporter.report_interaction_start("i", ()).is_accepted());
    assert_eq!(reporter.cleanup(Duration::from_hours(1)).await, Ok(0));
    let old = Interaction {
        action: InteractionAction::Start,
        interaction_id: "old".into(),
        at: Timestamp::from_millis(1_000_000),
        data: Map::new(),
        traceparent: None,
    };
    assert!(reporter.report(old).is_accepted());
    assert_eq!(reporter.cleanup(Duration::from_hours(1)).await, Ok(1));
    let stats = reporter.stats();
    assert_eq!((stats.lost.cleaned_up, stats.waiting), (1, 1));
}
