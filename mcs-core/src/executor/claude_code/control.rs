//! The control protocol: lines in JSON that the program and its host write to each other beside the conversation.

use super::stream::{Raw, keep, name, shortened, some_name, string};
use crate::domain::Json;
use crate::executor::settings::PermissionMode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Most that is kept of a text the program adds to a request, in bytes of JSON.
const TEXT_BYTES: usize = 1024;
/// Most of a reason that the model is told, in bytes of JSON.
const REASON_BYTES: usize = 8 * 1024;

/// What we ask of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// The first one: opens the protocol.
    Initialize,
    /// End what is running. A result with the cost follows.
    Interrupt,
    /// Go on under another permission mode.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "a run keeps the mode it began with")
    )]
    SetPermissionMode(PermissionMode),
}

/// What we say to a tool request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Permission {
    /// Run it with this input.
    Allow {
        /// The input as it was asked for.
        input: Json,
    },
    /// Do not run it.
    Deny {
        /// Why, for the model.
        message: String,
    },
}

/// What the program says to us.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Incoming {
    /// It wants to use a tool.
    Tool(ToolRequest),
    /// It answers a request of ours, or repeats an answer of ours.
    Response {
        request_id: String,
        /// Why it refused.
        error: Option<String>,
    },
    /// It no longer waits for our answer.
    Cancel { request_id: String },
    /// It asks for something that this host does not offer.
    Other { request_id: String, subtype: String },
}

/// A tool that the program wants to use.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ToolRequest {
    pub(crate) request_id: String,
    pub(crate) tool: String,
    /// The whole input, which an answer that allows it gives back.
    pub(crate) input: Json,
    /// The input as a question takes it: cut where it is large.
    pub(crate) shown: Json,
    pub(crate) tool_use_id: Option<String>,
    /// What it is about, such as a command line.
    pub(crate) description: Option<String>,
    /// The path for which permission is missing.
    pub(crate) blocked_path: Option<String>,
}

/// The line that says something to the model.
pub(crate) fn user_message(text: &str) -> String {
    line(&json!({
        "type": "user",
        "message": {"role": "user", "content": [{"type": "text", "text": text}]},
        "parent_tool_use_id": null,
        "session_id": "",
    }))
}

/// The line of a request, under an id that its answer names.
pub(crate) fn request(request_id: &str, request: Request) -> String {
    let request = match request {
        Request::Initialize => json!({"subtype": "initialize", "hooks": null}),
        Request::Interrupt => json!({"subtype": "interrupt"}),
        Request::SetPermissionMode(mode) => {
            json!({"subtype": "set_permission_mode", "mode": mode.flag()})
        }
    };
    line(&json!({"type": "control_request", "request_id": request_id, "request": request}))
}

/// The line of an answer to a tool request.
pub(crate) fn permission(
    request_id: &str,
    permission: &Permission,
) -> Result<String, serde_json::Error> {
    // Written without a value in between, so that the input goes back as it came.
    #[derive(Serialize)]
    struct Line<'a> {
        r#type: &'static str,
        response: Reply<'a>,
    }
    #[derive(Serialize)]
    struct Reply<'a> {
        subtype: &'static str,
        request_id: &'a str,
        response: Answer<'a>,
    }
    #[derive(Serialize)]
    #[serde(tag = "behavior", rename_all = "snake_case")]
    enum Answer<'a> {
        Allow {
            #[serde(rename = "updatedInput")]
            input: &'a Json,
        },
        Deny {
            message: String,
        },
    }
    let response = match permission {
        Permission::Allow { input } => Answer::Allow { input },
        Permission::Deny { message } => Answer::Deny {
            message: shortened(message, REASON_BYTES),
        },
    };
    let mut line = serde_json::to_string(&Line {
        r#type: "control_response",
        response: Reply {
            subtype: "success",
            request_id,
            response,
        },
    })?;
    line.push('\n');
    Ok(line)
}

/// The line that refuses a request of a kind that this host does not offer; without it the program would wait.
pub(crate) fn unsupported(request_id: &str, subtype: &str) -> String {
    let error = format!("`{subtype}` is not offered by this host");
    let response = json!({"subtype": "error", "request_id": request_id, "error": error});
    line(&json!({"type": "control_response", "response": response}))
}

fn line(message: &Value) -> String {
    format!("{message}\n")
}

impl Incoming {
    /// What a line of the type `kind` says. `None` for one that names no request, which nobody could answer.
    pub(super) fn read(kind: &str, text: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Line<'a> {
            #[serde(borrow, default)]
            request_id: Raw<'a>,
            #[serde(borrow, default)]
            request: Raw<'a>,
            #[serde(borrow, default)]
            response: Raw<'a>,
        }
        let line: Line<'_> = serde_json::from_str(text).ok()?;
        match kind {
            "control_response" => response(line.response?),
            "control_cancel_request" => Some(Self::Cancel {
                request_id: id(line.request_id)?,
            }),
            _ => asked(id(line.request_id)?, line.request),
        }
    }
}

/// An id as a whole: a part of one would name another request.
fn id(raw: Raw<'_>) -> Option<String> {
    string(raw)
        .filter(|id| !id.is_empty())
        .map(std::borrow::Cow::into_owned)
}

fn asked(request_id: String, request: Raw<'_>) -> Option<Incoming> {
    #[derive(Deserialize)]
    struct Asked<'a> {
        #[serde(borrow, default)]
        subtype: Raw<'a>,
        #[serde(borrow, default)]
        tool_name: Raw<'a>,
        #[serde(borrow, default)]
        input: Raw<'a>,
        #[serde(borrow, default)]
        tool_use_id: Raw<'a>,
        #[serde(borrow, default)]
        description: Raw<'a>,
        #[serde(borrow, default)]
        blocked_path: Raw<'a>,
    }
    let asked: Asked<'_> = serde_json::from_str(request?.get()).ok()?;
    let subtype = name(asked.subtype);
    let Some(tool) = some_name(asked.tool_name).filter(|_| subtype == "can_use_tool") else {
        return Some(Incoming::Other {
            request_id,
            subtype,
        });
    };
    let text = |raw| {
        let text = string(raw).filter(|text| !text.is_empty());
        text.map(|text| shortened(&text, TEXT_BYTES))
    };
    let input = asked.input.map_or("{}", RawValue::get);
    Some(Incoming::Tool(ToolRequest {
        request_id,
        tool,
        input: Json::from_stored(input),
        shown: keep(asked.input).0,
        tool_use_id: some_name(asked.tool_use_id),
        description: text(asked.description),
        blocked_path: text(asked.blocked_path),
    }))
}

fn response(response: &RawValue) -> Option<Incoming> {
    #[derive(Deserialize)]
    struct Response<'a> {
        #[serde(borrow, default)]
        subtype: Raw<'a>,
        #[serde(borrow, default)]
        request_id: Raw<'a>,
        #[serde(borrow, default)]
        error: Raw<'a>,
    }
    let response: Response<'_> = serde_json::from_str(response.get()).ok()?;
    let failed = name(response.subtype) != "success";
    let error = || {
        string(response.error).map_or_else(
            || "refused without a reason".to_owned(),
            |text| shortened(&text, TEXT_BYTES),
        )
    };
    Some(Incoming::Response {
        request_id: id(response.request_id)?,
        error: failed.then(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(line: &str) -> Value {
        assert!(line.ends_with('\n') && line.lines().count() == 1, "{line}");
        serde_json::from_str(line).unwrap()
    }

    #[test]
    fn an_answer_gives_the_input_back_byte_for_byte() {
        let input = r#"{"z":1,"a":1.0e3,"deep":[[["é"]]]}"#;
        let allow = Permission::Allow {
            input: Json::from_stored(input),
        };
        let line = permission("r1", &allow).unwrap();
        assert!(
            line.contains(&format!("\"updatedInput\":{input}")),
            "{line}"
        );
    }

    #[test]
    fn texts_cannot_break_out_of_their_line() {
        let text = "a\nb\"}\u{2028}";
        assert_eq!(
            value(&user_message(text))["message"]["content"][0]["text"],
            text
        );
        let refused = value(&unsupported("r\n1", "hook_callback"));
        assert_eq!(refused["response"]["request_id"], "r\n1");
        assert_eq!(refused["response"]["subtype"], "error");
    }

    #[test]
    fn what_names_no_request_is_no_message() {
        for (kind, text) in [
            ("control_request", "{}"),
            ("control_request", r#"{"request_id":7,"request":{}}"#),
            ("control_request", r#"{"request_id":"r"}"#),
            ("control_response", r#"{"response":{"subtype":"success"}}"#),
            ("control_cancel_request", r#"{"request_id":""}"#),
        ] {
            assert_eq!(Incoming::read(kind, text), None, "{text}");
        }
        let hook = r#"{"request_id":"r","request":{"subtype":"hook_callback"}}"#;
        let other = Incoming::Other {
            request_id: "r".into(),
            subtype: "hook_callback".into(),
        };
        assert_eq!(Incoming::read("control_request", hook), Some(other));
        let cancel = Incoming::read("control_cancel_request", r#"{"request_id":"r"}"#);
        assert_eq!(
            cancel,
            Some(Incoming::Cancel {
                request_id: "r".into()
            })
        );
        let failed = r#"{"response":{"subtype":"error","request_id":"r","error":"no"}}"#;
        let failed = Incoming::read("control_response", failed);
        let expected = Incoming::Response {
            request_id: "r".into(),
            error: Some("no".into()),
        };
        assert_eq!(failed, Some(expected));
    }
}
