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
        let input: Value = self.shown.parse().unwrap_or_default();
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
