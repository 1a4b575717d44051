use super::coordinator::{Coordinator, data};
use super::{MEMORY, build, builder, delivered};
use mcs_reporter::{Rejection, Report};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;

fn problem(report: &Report) -> String {
    match report {
        Report::Rejected(Rejection::Invalid(invalid)) => invalid.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn ids_are_short_and_printable() {
    let coordinator = Coordinator::up();
    let reporter = build(MEMORY, &coordinator);
    for (id, why) in [
        ("", "is empty"),
        (&"x".repeat(300), "has 300 bytes"),
        ("a\nb", "control character"),
        ("a\0b", "NUL"),
        ("a\u{7f}", "control character"),
    ] {
        let said = problem(&reporter.report_interaction_start(id, ()));
        assert!(
            said.contains("`interaction_id`") && said.contains(why),
            "{said}"
        );
    }
    for id in ["x", &"é".repeat(100), "\"quoted\" \\ id"] {
        assert!(
            reporter.report_interaction_start(id, ()).is_accepted(),
            "{id}"
        );
    }
    delivered(&reporter).await;
    let events = coordinator.events();
    assert_eq!(events.len(), 3);
    assert_eq!(events[2].interaction_id, "\"quoted\" \\ id");
    assert_eq!(reporter.stats().rejected.invalid, 5);
}

#[tokio::test]
async fn data_that_is_no_object_is_refused() {
    let reporter = build(MEMORY, &Coordinator::up());
    assert!(
        problem(&reporter.report_interaction_progress("i", 5))
            .contains("`progress_data` is of type number")
    );
    assert!(
        problem(&reporter.report_interaction_error("i", "no"))
            .contains("`error_data` is of type string")
    );
}

/// A gigabyte, made while it is written.
struct Gigabyte;

impl Serialize for Gigabyte {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = "x".repeat(1000);
        let mut map = serializer.serialize_map(None)?;
        for number in 0..1_000_000 {
            map.serialize_entry(&number, &text)?;
        }
        map.end()
    }
}

#[tokio::test]
async fn of_too_much_data_only_type_and_size_are_told() {
    let coordinator = Coordinator::up();
    let reporter = builder(MEMORY, &coordinator)
        .event_cap(100_000)
        .build()
        .unwrap();
    assert!(
        reporter
            .report_interaction_complete("i", Gigabyte)
            .is_accepted()
    );
    assert!(
        reporter
            .report_interaction_complete("i", json!({"a": "x".repeat(90_000)}))
            .is_accepted()
    );
    delivered(&reporter).await;
    let events = coordinator.events();
    let known = data(&events[0]);
    assert_eq!(
        (&known["truncated"], &known["type"]),
        (&json!(true), &json!("object"))
    );
    let size = known["size_so_far"].as_u64().unwrap();
    assert!((100_000..110_000).contains(&size), "{size}");
    assert_eq!(data(&events[1])["a"].as_str().unwrap().len(), 90_000);
    assert_eq!(reporter.stats().truncated, 1);
    assert!(reporter.stats().bytes < 1_000_000);
}

#[tokio::test]
async fn at_the_cap_new_events_are_refused() {
    let reporter = builder(MEMORY, &Coordinator::down())
        .memory_cap(2 << 20)
        .build()
        .unwrap();
    let data = json!({"a": "x".repeat(1000)});
    let mut accepted = 0;
    let refused = loop {
        match reporter.report_interaction_start("i", &data) {
            Report::Accepted => accepted += 1,
            other => break other,
        }
    };
    assert_eq!(refused, Report::Rejected(Rejection::Full));
    assert!((1600..2048).contains(&accepted), "{accepted}");
    let stats = reporter.stats();
    assert_eq!((stats.accepted, stats.rejected.full), (accepted, 1));
    assert!(stats.bytes <= 2 << 20);
}
