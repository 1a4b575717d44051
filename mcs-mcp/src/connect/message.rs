use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A message of the client, understood as far as it takes to forward it.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) body: Vec<u8>,
    pub(super) kind: Kind,
    /// The method and what it is about; `None` for answers.
    method: Option<(String, Option<String>)>,
    /// The version that the message says of itself, as those of 2026-07-28 do.
    version: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// The first request of a session.
    Initialize {
        id: String,
    },
    Request {
        id: String,
    },
    /// The session is ready.
    Initialized,
    /// The request with this id need not be answered any more.
    Cancelled {
        id: String,
    },
    /// The answer to a request of the server.
    Answer {
        id: String,
    },
    /// Another notification.
    Other,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: Option<String>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

/// Of the parameters, what is told in headers.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Params {
    #[serde(rename = "_meta")]
    meta: serde_json::Map<String, Value>,
    name: Value,
    uri: Value,
    #[serde(rename = "taskId")]
    task_id: Value,
    #[serde(rename = "requestId")]
    request_id: Option<Box<RawValue>>,
}

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
pub(super) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

impl Message {
    /// The message of a line; `None` if it is none.
    pub(super) fn parse(body: Vec<u8>) -> Option<Self> {
        let envelope: Envelope<'_> = serde_json::from_slice(&body).ok()?;
        let params = envelope.params.map(RawValue::get);
        let params: Params = params
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let id = envelope.id.map(|id| id.get().to_owned());
        let kind = match (envelope.method.as_deref(), id) {
            (Some("initialize"), Some(id)) => Kind::Initialize { id },
            (Some(_), Some(id)) => Kind::Request { id },
            (Some("notifications/initialized"), None) => Kind::Initialized,
            (Some("notifications/cancelled"), None) => match params.request_id {
                Some(id) => Kind::Cancelled {
                    id: id.get().to_owned(),
                },
                None => Kind::Other,
            },
            (Some(_), None) => Kind::Other,
            (None, Some(id)) => Kind::Answer { id },
            (None, None) => return None,
        };
        let about = |method: &str| match method {
            "tools/call" | "prompts/get" => text(&params.name),
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => text(&params.uri),
            "tasks/get" | "tasks/update" | "tasks/cancel" => text(&params.task_id),
            _ => None,
        };
        let method = envelope.method.map(|method| {
            let about = about(&method);
            (method, about)
        });
        let version = params.meta.get(VERSION).and_then(text);
        Some(Self {
            body,
            kind,
            method,
            version,
        })
    }

    /// Whether it stands for itself, and is part of no session.
    pub(super) fn is_modern(&self) -> bool {
        self.version.is_some()
    }

    /// Its method and what it is about.
    pub(super) fn method(&self) -> Option<(&str, Option<&str>)> {
        let (method, about) = self.method.as_ref()?;
        Some((method, about.as_deref()))
    }

    /// What is said of it beside its body: of one that stands for itself all that is asked for, of others nothing.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let (Some(version), Some((method, about))) = (&self.version, &self.method) else {
            return headers;
        };
        headers.insert(PROTOCOL_VERSION, value(version));
        headers.insert(METHOD, value(method));
        if let Some(about) = about {
            headers.insert(NAME, value(about));
        }
        headers
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// The text as a header carries it: encoded where it could not be one, or would be taken for an encoded one.
fn value(text: &str) -> HeaderValue {
    let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        && text.trim() == text
        && !(text.starts_with("=?base64?") && text.ends_with("?="));
    let encoded = || format!("=?base64?{}?=", BASE64_STANDARD.encode(text));
    let text = if plain { text.to_owned() } else { encoded() };
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Message {
        Message::parse(text.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn what_a_message_is_is_seen() {
        for (text, kind) in [
            (
                r#"{"id":1,"method":"initialize"}"#,
                Kind::Initialize { id: "1".into() },
            ),
            (
                r#"{"id":"a","method":"ping","params":[]}"#,
                Kind::Request { id: "\"a\"".into() },
            ),
            (
                r#"{"method":"notifications/initialized"}"#,
                Kind::Initialized,
            ),
            (
                r#"{"method":"notifications/cancelled","params":{"requestId":7}}"#,
                Kind::Cancelled { id: "7".into() },
            ),
            (r#"{"method":"notifications/cancelled"}"#, Kind::Other),
            (
                r#"{"id":"1:0","result":{}}"#,
                Kind::Answer {
                    id: r#""1:0""#.into(),
                },
            ),
        ] {
            let message = parse(text);
            assert_eq!(message.kind, kind, "{text}");
            assert!(message.headers().is_empty(), "{text}");
        }
        for none in [
            "",
            "[]",
            "{}",
            "nothing",
            r#"[{"id":1,"method":"ping"}]"#,
            "\u{0}",
        ] {
            assert!(Message::parse(none.into()).is_none(), "{none}");
        }
    }

    #[test]
    fn headers_say_what_the_body_says() {
        let meta = format!(r#""_meta":{{"{VERSION}":"2026-07-28"}}"#);
        for (method, params, name) in [
            ("tools/call", r#""name":"render""#, Some("render")),
            ("tools/call", r#""name":"süß""#, Some("=?base64?c8O8w58=?=")),
            ("tools/call", r#""name":" x""#, Some("=?base64?IHg=?=")),
            (
                "tools/call",
                r#""name":"=?base64?eA==?=""#,
                Some("=?base64?PT9iYXNlNjQ/ZUE9PT89?="),
            ),
            ("tools/call", r#""name":5"#, None),
            ("resources/read", r#""uri":"task://1""#, Some("task://1")),
            ("tasks/get", r#""taskId":"t1""#, Some("t1")),
            ("tools/list", r#""name":"x""#, None),
        ] {
            let text = format!(r#"{{"id":1,"method":"{method}","params":{{{params},{meta}}}}}"#);
            let message = parse(&text);
            let headers = message.headers();
            assert!(message.is_modern());
            assert_eq!(headers["mcp-protocol-version"], "2026-07-28");
            assert_eq!(headers["mcp-method"], method);
            let found = headers.get("mcp-name").map(|name| name.to_str().unwrap());
            assert_eq!(found, name, "{text}");
        }
    }
}
