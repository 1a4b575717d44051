//! Ids of what a service asks its client.
//!
//! Each session counts its requests from the beginning, so that the answer to a question of one would fit a question of the
//! next. At the client their ids say the session too.

use serde_json::value::{RawValue, to_raw_value};
use std::collections::BTreeMap;

/// A message, or its parameters, with each part as it was written.
type Parts = BTreeMap<String, Box<RawValue>>;

/// What a session says, as its client is told it.
#[derive(Debug)]
pub(super) enum Told {
    /// A request, by its id at the client.
    Asked { id: String, text: Vec<u8> },
    /// The request with this id at the client need not be answered any more.
    Withdrawn { id: String, text: Vec<u8> },
    /// Anything else.
    Other(Vec<u8>),
}

/// What the session of that number says, for its client.
pub(super) fn told(session: u64, text: Vec<u8>) -> Told {
    let Ok(mut parts) = serde_json::from_slice::<Parts>(&text) else {
        return Told::Other(text);
    };
    let Some(method) = parts.get("method") else {
        return Told::Other(text);
    };
    let withdraws = method.get() == r#""notifications/cancelled""#;
    if let Some(id) = parts.get("id") {
        let id = named(session, id);
        let name = id.get().to_owned();
        parts.insert("id".to_owned(), id);
        return match written(&parts) {
            Some(text) => Told::Asked { id: name, text },
            None => Told::Other(text),
        };
    }
    if withdraws && let Some((id, text)) = withdrawn(session, parts) {
        return Told::Withdrawn { id, text };
    }
    Told::Other(text)
}

/// The notification about another request, with the id of that at the client.
fn withdrawn(session: u64, mut parts: Parts) -> Option<(String, Vec<u8>)> {
    let mut params: Parts = serde_json::from_str(parts.get("params")?.get()).ok()?;
    let id = named(session, params.get("requestId")?);
    let name = id.get().to_owned();
    params.insert("requestId".to_owned(), id);
    parts.insert("params".to_owned(), to_raw_value(&params).ok()?);
    Some((name, written(&parts)?))
}

/// The id that a session gave what has this id at the client.
pub(super) fn original(id: &str) -> Option<Box<RawValue>> {
    let name: String = serde_json::from_str(id).ok()?;
    let (_, id) = name.split_once(':')?;
    RawValue::from_string(id.to_owned()).ok()
}

/// The message with another id.
pub(super) fn with_id(text: &[u8], id: Box<RawValue>) -> Option<Vec<u8>> {
    let mut parts: Parts = serde_json::from_slice(text).ok()?;
    parts.insert("id".to_owned(), id);
    written(&parts)
}

fn named(session: u64, id: &RawValue) -> Box<RawValue> {
    let name = format!("{session}:{}", id.get());
    to_raw_value(&name).unwrap_or_else(|_| id.to_owned())
}

fn written(parts: &Parts) -> Option<Vec<u8>> {
    serde_json::to_vec(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn value(text: &[u8]) -> Value {
        serde_json::from_slice(text).unwrap()
    }

    #[test]
    fn an_id_says_its_session_at_the_client_and_is_the_sessions_own_in_the_answer() {
        for id in [json!(0), json!("a:\"b\"")] {
            let request = json!({"jsonrpc": "2.0", "id": id, "method": "ping", "params": {"n": 1}});
            let Told::Asked { id: name, text } = told(7, request.to_string().into_bytes()) else {
                panic!("it asks nothing: {request}");
            };
            let told = value(&text);
            assert_eq!(told["id"], format!("7:{id}"));
            assert_eq!(told["params"], request["params"]);
            let answer = json!({"jsonrpc": "2.0", "id": told["id"], "result": {}}).to_string();
            assert_eq!(name, told["id"].to_string());
            let answer = with_id(answer.as_bytes(), original(&name).unwrap()).unwrap();
            assert_eq!(value(&answer)["id"], id);
        }
    }

    #[test]
    fn a_question_is_withdrawn_by_the_id_that_it_has_at_the_client() {
        let text =
            json!({"method": "notifications/cancelled", "params": {"requestId": 0, "reason": "x"}});
        let Told::Withdrawn { id, text } = told(2, text.to_string().into_bytes()) else {
            panic!("it withdraws nothing");
        };
        assert_eq!(id, r#""2:0""#);
        assert_eq!(
            value(&text)["params"],
            json!({"requestId": "2:0", "reason": "x"})
        );
    }

    #[test]
    fn nothing_else_is_changed() {
        for text in [
            r#"{"id": 1, "result": {}}"#,
            r#"{"method": "notifications/cancelled"}"#,
            r#"{"method": "notifications/progress", "params": {"requestId": 1}}"#,
            "[]",
        ] {
            let Told::Other(told) = told(1, text.into()) else {
                panic!("it was changed: {text}");
            };
            assert_eq!(told, text.as_bytes());
        }
        for id in ["1", "null", r#""x""#, r#""1:""#] {
            assert!(original(id).is_none(), "{id}");
        }
    }
}
