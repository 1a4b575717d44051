use super::coordinator::{Coordinator, data};
use super::{MEMORY, builder, delivered};
use mcs_reporter::{Rejection, Report, Reporter};
use serde_json::json;
use std::sync::{Arc, OnceLock};

#[tokio::test]
async fn it_sees_and_changes_what_is_kept() {
    let coordinator = Coordinator::up();
    let reporter = builder(MEMORY, &coordinator)
        .before_send(|interaction| {
            interaction.data.insert("token".into(), json!("added"));
            interaction.data.remove("private");
            interaction.data.get("drop").is_none()
        })
        .build()
        .unwrap();
    assert!(
        reporter
            .report_interaction_start("i", json!({"private": 1, "a": 2}))
            .is_accepted()
    );
    assert_eq!(
        reporter.report_interaction_start("i", json!({"drop": true})),
        Report::Rejected(Rejection::Filtered)
    );
    delivered(&reporter).await;
    let events = coordinator.events();
    assert_eq!(events.len(), 1);
    assert_eq!(data(&events[0]), json!({"a": 2, "token": "[redacted]"}));
    assert_eq!(reporter.stats().rejected.filtered, 1);
}

#[tokio::test]
async fn it_may_panic_and_break_things() {
    let reporter = builder(MEMORY, &Coordinator::up())
        .before_send(|interaction| {
            assert!(!interaction.data.contains_key("panic"), "on purpose");
            interaction.interaction_id.clear();
            true
        })
        .build()
        .unwrap();
    let panicked = reporter.report_interaction_start("i", json!({"panic": 1}));
    assert_eq!(panicked, Report::Rejected(Rejection::Filtered));
    let broken = reporter.report_interaction_start("i", ());
    assert!(
        matches!(broken, Report::Rejected(Rejection::Invalid(_))),
        "{broken:?}"
    );
    let rejected = reporter.stats().rejected;
    assert_eq!(
        (rejected.hook_panicked, rejected.filtered, rejected.invalid),
        (1, 1, 1)
    );
}

#[tokio::test]
async fn large_data_is_cut_before_it_is_shown() {
    let coordinator = Coordinator::up();
    let reporter = builder(MEMORY, &coordinator)
        .event_cap(1024)
        .before_send(|interaction| interaction.data.contains_key("truncated"))
        .build()
        .unwrap();
    assert!(
        reporter
            .report_interaction_start("i", json!({"a": "x".repeat(2000)}))
            .is_accepted()
    );
    delivered(&reporter).await;
    assert_eq!(data(&coordinator.events()[0])["type"], "object");
    assert_eq!(reporter.stats().truncated, 1);
}

#[tokio::test]
async fn it_may_itself_report_without_an_end_to_it() {
    static REPORTER: OnceLock<Reporter> = OnceLock::new();
    let inner = Arc::new(OnceLock::new());
    let said = Arc::clone(&inner);
    let reporter = builder(MEMORY, &Coordinator::up())
        .before_send(move |_| {
            let reporter = REPORTER.get().unwrap();
            let _ = said.set(reporter.report_interaction_start("inner", ()));
            true
        })
        .build()
        .unwrap();
    let reporter = REPORTER.get_or_init(|| reporter);
    assert!(reporter.report_interaction_start("outer", ()).is_accepted());
    assert_eq!(inner.get(), Some(&Report::Rejected(Rejection::Filtered)));
}
