//! Lines in any order, cut, doubled and mixed with nonsense never break the reader, and never make a success out of a run
//! whose last result is none.

use super::failure::Ending;
use super::fixtures::{WARN, all};
use super::outcome::{Spent, Traces, conclude};
use super::stream::{Run, Step};
use super::usage::Base;
use crate::domain::{Timestamp, Usage};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;
use std::sync::LazyLock;

/// Every line that a real run wrote.
static LINES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    all()
        .into_iter()
        .flat_map(|fixture| fixture.lines)
        .collect()
});

/// A line that somebody could meet.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let real = || select(&**LINES);
    let results: Vec<Vec<u8>> = LINES
        .iter()
        .filter(|line| is_result(line))
        .cloned()
        .collect();
    let kinds = [
        "result",
        "assistant",
        "user",
        "system",
        "stream_event",
        "control_request",
        "new_type",
    ];
    prop_oneof![
        6 => real(),
        3 => select(results),
        2 => (real(), any::<Index>()).prop_map(|(line, at)| line[..at.index(line.len())].to_vec()),
        1 => prop::collection::vec(any::<u8>().prop_filter("one line", |byte| *byte != b'\n'), 0..60),
        2 => (select(kinds.to_vec()), value()).prop_map(|(kind, value)| {
            // Everything that a line may have is of a type that nobody promised.
            let mut line = serde_json::json!({"type": kind});
            for name in ["subtype", "message", "is_error", "modelUsage", "total_cost_usd", "request", "request_id",
                "event", "permission_denials", "mcp_servers", "result", "tasks"] {
                line[name] = value.clone();
            }
            line.to_string().into_bytes()
        }),
        1 => real().prop_map(shuffled),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let names = select(
            &[
                "type", "content", "text", "id", "input", "status", "name", "costUSD",
            ][..],
        );
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(names, inner, 0..3).prop_map(|map| {
                Value::Object(
                    map.into_iter()
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}

/// The same line with its keys the other way round.
fn shuffled(line: Vec<u8>) -> Vec<u8> {
    let Ok(Value::Object(fields)) = serde_json::from_slice::<Value>(&line) else {
        return line;
    };
    let fields = fields.into_iter().rev();
    let fields = fields.map(|(name, value)| format!("{}: {value}", Value::from(name)));
    format!(" {{ {} }} ", fields.collect::<Vec<_>>().join(" , ")).into_bytes()
}

fn is_result(line: &[u8]) -> bool {
    let value: Option<Value> = serde_json::from_str(&String::from_utf8_lossy(line)).ok();
    value.is_some_and(|value| value["type"] == "result")
}

/// Whether the last line that is a result says that all went well: what must hold, found in another way.
fn last_is_good(lines: &[Vec<u8>]) -> bool {
    let last = lines.iter().rev().find(|line| is_result(line));
    last.is_some_and(|line| {
        let value: Value = serde_json::from_str(&String::from_utf8_lossy(line)).unwrap();
        value["is_error"] == Value::Bool(false)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn only_a_good_last_result_is_a_success(
        lines in prop::collection::vec(line(), 0..20),
        code in prop::option::of(-1..200_i32),
        signal in prop::option::of(1..16_i32),
        stderr in prop_oneof![Just(String::new()), ".{0,40}"],
    ) {
        let mut run = Run::default();
        for line in &lines {
            if let Step::Entries(entries) = run.line(line) {
                prop_assert!(!entries.is_empty());
                for entry in entries {
                    let json = entry.to_json();
                    prop_assert!(json.as_str().len() <= 16 * 1024);
                    prop_assert!(json.parse::<Value>().is_ok());
                }
            }
        }
        let ending = Ending { code, signal, stderr, duration_ms: 1 };
        let base = Base::default();
        let concluded = conclude(&run, &ending, WARN, &Spent::default(), &Traces::default(), Timestamp::default());
        let is_killed = signal.is_some() || code.is_some_and(|code| code > 128);
        let expected = last_is_good(&lines) && (run.is_idle() || !is_killed);
        prop_assert_eq!(concluded.is_ok(), expected, "{:?}", concluded);
        if let Err(error) = concluded {
            prop_assert!(error.details.unwrap()["name"].is_string());
            prop_assert!(!error.message.is_empty());
        }
        let usage = base.of_attempt(&run.totals(), &Usage::default());
        prop_assert_eq!(usage, usage.bounded());
    }

    #[test]
    fn a_line_says_the_same_whatever_the_order_of_its_keys(line in select(&**LINES)) {
        // The text of what lies deeper is kept as it is, so that only the outer keys change their places.
        let line: Value = serde_json::from_slice(&line).unwrap();
        let line = line.to_string().into_bytes();
        prop_assert_eq!(super::stream::read(&line), super::stream::read(&shuffled(line.clone())));
    }
}
