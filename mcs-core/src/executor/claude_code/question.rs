use super::control::{Permission, ToolRequest};
use super::stream::shortened;
use crate::domain::{Approval, ApprovalAnswer, Decision, InputRequest, Timestamp};
use serde_json::Value;
use std::collections::BTreeSet;

/// Most that a question says of what a tool is about to do, in bytes of JSON.
const ABOUT_BYTES: usize = 1024;
/// What the model is told when a human gives no reason.
const DENIED: &str = "the user does not want this tool to be used";

impl ToolRequest {
    /// The question that a human is asked.
    pub(crate) fn question(&self, work_directory: &str, expires_at: Option<Timestamp>) -> Approval {
        let about = self.about();
        let colon = if about.is_empty() { "" } else { ": " };
        Approval {
            message: format!("Claude Code wants to use {}{colon}{about}", self.tool),
            tool: self.tool.clone(),
            input: self.shown.parse().unwrap_or_default(),
            work_directory: Some(work_directory.to_owned()),
            expires_at,
        }
    }

    /// What is said to the program when a human answered so.
    pub(crate) fn answered(&self, answer: &ApprovalAnswer) -> Permission {
        match answer.decision {
            Decision::Allow | Decision::AllowAlways => self.allowed(),
            Decision::Deny => Permission::Deny {
                message: answer.reason.clone().unwrap_or_else(|| DENIED.to_owned()),
            },
        }
    }

    /// What is said to the program when nobody needs to be asked.
    pub(crate) fn allowed(&self) -> Permission {
        Permission::Allow {
            input: self.input.clone(),
        }
    }

    fn about(&self) -> String {
        // All of it: what is shown of a large one may end before that.
        let input: Value = self.input.parse().unwrap_or_default();
        let of_input = ["command", "file_path", "path", "url", "pattern", "query"]
            .iter()
            .find_map(|name| input.get(name)?.as_str());
        let about = of_input
            .or(self.description.as_deref())
            .or(self.blocked_path.as_deref());
        shortened(about.unwrap_or_default(), ABOUT_BYTES)
    }
}

/// The tools that answers to a task's questions allow for all of it.
pub(crate) fn always_allowed(questions: &[InputRequest]) -> BTreeSet<String> {
    let allowed = questions.iter().filter_map(|question| {
        let answer = ApprovalAnswer::parse(question.response.as_ref()?).ok()?;
        let approval = Approval::of(&question.request)?;
        (answer.decision == Decision::AllowAlways).then_some(approval.tool)
    });
    allowed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Json, LeaseNumber};
    use crate::executor::claude_code::control::Incoming;
    use crate::executor::claude_code::stream::Step;
    use serde_json::json;

    fn request(input: &Value) -> ToolRequest {
        let line = json!({
            "type": "control_request", "request_id": "r",
            "request": {"subtype": "can_use_tool", "tool_name": "Bash", "input": input, "description": "about"},
        });
        let mut run = crate::executor::claude_code::stream::Run::default();
        match run.line(line.to_string().as_bytes()) {
            Step::Control(Incoming::Tool(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_question_says_what_the_tool_is_about_to_do() {
        let question = request(&json!({"command": "touch y.txt"})).question("/srv/x", None);
        assert_eq!(
            question.message,
            "Claude Code wants to use Bash: touch y.txt"
        );
        assert_eq!(question.input, json!({"command": "touch y.txt"}));
        assert_eq!(question.work_directory.as_deref(), Some("/srv/x"));
        let question = request(&json!({"other": 1})).question("/srv/x", None);
        assert_eq!(question.message, "Claude Code wants to use Bash: about");
        // What is large is shown by its start, and goes back whole.
        let large = json!({"content": "x".repeat(1_000_000)});
        let large_request = request(&large);
        let question = large_request.question("/srv/x", None);
        assert!(question.to_json().unwrap().as_str().len() < 64 * 1024);
        let allowed = Permission::Allow {
            input: large.into(),
        };
        assert_eq!(
            large_request.answered(&ApprovalAnswer::new(Decision::AllowAlways)),
            allowed
        );
    }

    #[test]
    fn a_denial_always_has_a_reason() {
        let request = request(&json!({}));
        let message = |answer: &ApprovalAnswer| match request.answered(answer) {
            Permission::Deny { message } => message,
            Permission::Allow { .. } => panic!("allowed"),
        };
        assert_eq!(message(&ApprovalAnswer::deny("not today")), "not today");
        assert_eq!(message(&ApprovalAnswer::new(Decision::Deny)), DENIED);
    }

    #[test]
    fn only_answers_to_approvals_allow_a_tool_for_good() {
        let approval = request(&json!({}))
            .question("/srv/x", None)
            .to_json()
            .unwrap();
        let question = |request: &Json, response: Option<Value>| InputRequest {
            key: "k".into(),
            request: request.clone(),
            response: response.map(Json::from),
            lease: LeaseNumber(1),
        };
        let always = json!({"decision": "allow_always"});
        let other = Json::from(json!({"tool": "Bash"}));
        for (questions, expected) in [
            (vec![question(&approval, Some(always.clone()))], 1),
            (
                vec![question(&approval, Some(json!({"decision": "allow"})))],
                0,
            ),
            (
                vec![question(&approval, None), question(&other, Some(always))],
                0,
            ),
            (vec![question(&approval, Some(Value::Null))], 0),
        ] {
            assert_eq!(always_allowed(&questions).len(), expected, "{questions:?}");
        }
    }
}
