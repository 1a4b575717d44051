use super::Context;
use std::ffi::OsString;

/// The variable in which a program finds the span that started it.
const TRACEPARENT: &str = "TRACEPARENT";
/// What a vendor adds to a trace. That of this process belongs to another one.
const TRACESTATE: &str = "TRACESTATE";

/// Tells a program which span of which trace it is part of. A trace that this process is part of itself is not the task's.
pub(super) fn hand_on_trace(environment: &mut Vec<(OsString, OsString)>, context: &Context) {
    environment.retain(|(name, _)| name != TRACEPARENT && name != TRACESTATE);
    if let Some(traceparent) = context.traceparent() {
        environment.push((TRACEPARENT.into(), traceparent.to_string().into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{IdSource, LeaseNumber, Timestamp, Traceparent};
    use tokio::sync::mpsc;
    use tokio_util::sync::CancellationToken;

    #[test]
    fn the_trace_of_the_task_takes_the_place_of_any_other() {
        let own: Traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            .parse()
            .unwrap();
        let pair = |name: &str, value: &str| (OsString::from(name), OsString::from(value));
        for (traceparent, expected) in [
            (None, vec![pair("HOME", "/")]),
            (
                Some(own),
                vec![pair("HOME", "/"), pair("TRACEPARENT", &own.to_string())],
            ),
        ] {
            let mut environment = vec![
                pair("TRACEPARENT", "00-other"),
                pair("HOME", "/"),
                pair("TRACESTATE", "other=1"),
            ];
            let task = IdSource::default().next(Timestamp::from_millis(0));
            let (signals, _heard) = mpsc::channel(1);
            let context = Context::new(task, 1, LeaseNumber(1), CancellationToken::new(), signals)
                .with_traceparent(traceparent);
            hand_on_trace(&mut environment, &context);
            assert_eq!(environment, expected);
        }
    }
}
