use crate::support::recorder::text;
use mcs_reporter::{Interaction, InteractionAction};
use std::collections::BTreeMap;

/// One call: its method, what it was of, the size of its arguments, and how it ended.
pub(crate) type Call = (String, String, Option<u64>, String);

/// What the client wrote down.
pub(crate) fn did(lines: &str) -> Vec<Call> {
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What was reported. Every call has one start and one end, in this order.
pub(crate) fn told(reported: &[Interaction]) -> Vec<Call> {
    let mut begun: BTreeMap<&str, &Interaction> = BTreeMap::new();
    let mut calls = Vec::new();
    for told in reported {
        if told.action == InteractionAction::Start {
            let earlier = begun.insert(&told.interaction_id, told);
            assert_eq!(earlier, None, "two calls have one id");
            continue;
        }
        let start = begun
            .remove(&*told.interaction_id)
            .expect("what ends began");
        assert!(told.action.is_last(), "{told:?}");
        calls.push((
            text(start, "request_type").to_owned(),
            subject(told).to_owned(),
            start
                .data
                .get("input_size")
                .map(|size| size.as_u64().unwrap()),
            ending(told).to_owned(),
        ));
    }
    assert!(begun.is_empty(), "what began has ended: {begun:?}");
    calls
}

fn subject(told: &Interaction) -> &str {
    let fields = ["tool", "gen_ai.prompt.name", "mcp.resource.uri"];
    fields
        .map(|field| text(told, field))
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap()
}

fn ending(told: &Interaction) -> &str {
    match text(told, "error_type") {
        "" => "ok",
        kind @ ("tool_error" | "cancelled") => kind,
        _ => "error",
    }
}
