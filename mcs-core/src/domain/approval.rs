use super::{InvalidInput, Json, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A question whether a tool may be used, as it is stored in a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "approval")]
pub struct Approval {
    /// The question in words.
    pub message: String,
    /// The tool.
    pub tool: String,
    /// What the tool is given.
    pub input: Value,
    /// The directory that the work is done in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_directory: Option<String>,
    /// When the question is answered with a denial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// What a human says to an [`Approval`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApprovalAnswer {
    /// The decision.
    pub decision: Decision,
    /// Why, for whoever wanted to use the tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Whether a tool may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// This once.
    Allow,
    /// As often as this task wants.
    AllowAlways,
    /// No.
    Deny,
}

impl Approval {
    /// The approval that a stored question asks for; `None` if it asks for something else.
    pub fn of(request: &Json) -> Option<Self> {
        #[derive(Deserialize)]
        struct Question {
            r#type: String,
        }
        // Of a struct the tag is written, and not looked at when it is read.
        let question: Question = request.parse().ok()?;
        (question.r#type == "approval").then(|| request.parse().ok())?
    }

    /// The question as it is stored.
    pub fn to_json(&self) -> Result<Json, serde_json::Error> {
        Json::new(self)
    }
}

impl ApprovalAnswer {
    /// A decision without a reason.
    pub const fn new(decision: Decision) -> Self {
        Self {
            decision,
            reason: None,
        }
    }

    /// A denial that says why.
    pub fn deny(reason: impl Into<String>) -> Self {
        Self {
            reason: Some(reason.into()),
            ..Self::new(Decision::Deny)
        }
    }

    /// The answer in `response`, or what is wrong with it.
    pub fn parse(response: &Json) -> Result<Self, InvalidInput> {
        let shape = r#"{"decision": "allow" | "allow_always" | "deny", "reason": "..."}"#;
        let Ok(fields) = response.parse::<Map<String, Value>>() else {
            let problem = format!("is no JSON object; this question takes {shape}");
            return Err(InvalidInput::new("response", problem));
        };
        let known = |name: &&String| ["decision", "reason"].contains(&name.as_str());
        if let Some(other) = fields.keys().find(|name| !known(name)) {
            let problem = format!("is not known; this question takes {shape}");
            return Err(InvalidInput::new(format!("response.{other}"), problem));
        }
        let Some(decision) = fields.get("decision") else {
            let problem = format!("is missing; this question takes {shape}");
            return Err(InvalidInput::new("response.decision", problem));
        };
        let decision = Decision::parse(decision)?;
        let reason = match fields.get("reason") {
            None | Some(Value::Null) => None,
            Some(Value::String(reason)) => Some(reason.clone()),
            Some(other) => {
                let problem = format!("is {other}; use a text, or leave it out");
                return Err(InvalidInput::new("response.reason", problem));
            }
        };
        Ok(Self { decision, reason })
    }

    /// The answer as it is stored.
    pub fn to_json(&self) -> Json {
        serde_json::json!(self).into()
    }
}

impl Decision {
    /// Every decision.
    pub const ALL: [Self; 3] = [Self::Allow, Self::AllowAlways, Self::Deny];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::AllowAlways => "allow_always",
            Self::Deny => "deny",
        }
    }

    fn parse(value: &Value) -> Result<Self, InvalidInput> {
        let meant = |decision: &Self| value.as_str() == Some(decision.as_str());
        Self::ALL.into_iter().find(meant).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            let problem = format!("is {value}; use one of {names}");
            InvalidInput::new("response.decision", problem)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_question_is_written_and_known_by_its_type() {
        let approval = Approval {
            message: "Claude Code wants to use Bash: touch y.txt".into(),
            tool: "Bash".into(),
            input: json!({"command": "touch y.txt"}),
            work_directory: Some("/srv/x".into()),
            expires_at: Some(Timestamp::from_millis(1_763_633_640_123)),
        };
        let json = approval.to_json().unwrap();
        let wire = json!({
            "type": "approval",
            "message": "Claude Code wants to use Bash: touch y.txt",
            "tool": "Bash",
            "input": {"command": "touch y.txt"},
            "work_directory": "/srv/x",
            "expires_at": "2025-11-20T10:14:00.123Z",
        });
        assert_eq!(json.parse::<Value>().unwrap(), wire);
        assert_eq!(Approval::of(&json), Some(approval));
        let mut choice = wire.clone();
        choice["type"] = json!("choice");
        let mut untyped = wire;
        untyped.as_object_mut().unwrap().remove("type");
        for other in [
            json!({"say": 1}),
            json!("approval"),
            json!(null),
            choice,
            untyped,
        ] {
            assert_eq!(Approval::of(&other.into()), None);
        }
    }

    #[test]
    fn answers_come_back_and_names_are_those_on_the_wire() {
        for decision in Decision::ALL {
            let answer = ApprovalAnswer::new(decision);
            assert_eq!(
                answer.to_json().parse::<Value>().unwrap(),
                json!({"decision": decision.as_str()})
            );
            assert_eq!(ApprovalAnswer::parse(&answer.to_json()).unwrap(), answer);
        }
        let denied = ApprovalAnswer::deny("not there");
        assert_eq!(ApprovalAnswer::parse(&denied.to_json()).unwrap(), denied);
    }

    #[test]
    fn other_answers_are_refused_with_what_is_taken() {
        let refused = [
            (json!("allow"), "response"),
            (json!({}), "response.decision"),
            (json!({"decision": "yes"}), "response.decision"),
            (json!({"decision": "deny", "reason": 5}), "response.reason"),
            (json!({"decision": "deny", "why": "x"}), "response.why"),
        ];
        for (answer, field) in refused {
            let error = ApprovalAnswer::parse(&answer.into()).unwrap_err();
            assert_eq!(error.field, field);
        }
        let error = ApprovalAnswer::parse(&json!({"decision": "yes"}).into()).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("\"yes\"") && text.contains("allow, allow_always, deny"),
            "{text}"
        );
    }
}
