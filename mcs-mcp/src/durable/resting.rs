use super::questions::Questions;
use mcs_core::domain::{Json, Task};
use rmcp::model::InputRequiredResult;
use serde::{Deserialize, Serialize};

/// What a later attempt goes on from.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Resting {
    /// The tool has answered with questions, and is called again with their answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) round: Option<Round>,
    /// The attempt in which a tool that may run once was called, until it has said itself how that ended. Stored before
    /// the call: whoever finds it later cannot know what the tool did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) begun: Option<u32>,
    /// Rounds in a row in which the tool wanted to be called again and asked nothing.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) silent: u32,
}

/// Questions that a tool answered a call with.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Round {
    /// What the tool wants back beside the answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<String>,
    /// The questions.
    pub(super) asked: Vec<Asked>,
}

/// One of them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Asked {
    /// What the tool calls it.
    pub(super) name: String,
    /// Its key in the task.
    pub(super) key: String,
    /// The request as MCP has it.
    pub(super) request: Json,
}

impl Resting {
    pub(super) fn of(task: &Task) -> Result<Self, serde_json::Error> {
        let stored = task.checkpoint.as_ref().map(Json::parse).transpose()?;
        Ok(stored.unwrap_or_default())
    }

    /// The tool has asked.
    pub(super) fn asks(
        &mut self,
        answer: InputRequiredResult,
        questions: &mut Questions,
    ) -> Result<(), serde_json::Error> {
        let mut asked = Vec::new();
        for (name, request) in answer.input_requests.unwrap_or_default() {
            let request = Json::new(&request)?;
            let key = questions.key(&name, &request);
            asked.push(Asked { name, key, request });
        }
        self.begun = None;
        self.silent = if asked.is_empty() { self.silent + 1 } else { 0 };
        self.round = Some(Round {
            state: answer.request_state,
            asked,
        });
        Ok(())
    }

    pub(super) fn to_json(&self) -> Result<Json, serde_json::Error> {
        Json::new(self)
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rounds_without_a_question_are_counted_until_there_is_one() {
        let mut resting = Resting::default();
        let mut questions = Questions::default();
        let silent = || InputRequiredResult::new(None, Some("more".into()));
        for count in 1..=3 {
            resting.asks(silent(), &mut questions).unwrap();
            assert_eq!(resting.silent, count);
        }
        let asked = json!({"roots": {"method": "roots/list"}});
        let asked = InputRequiredResult::new(serde_json::from_value(asked).unwrap(), None);
        resting.asks(asked, &mut questions).unwrap();
        assert_eq!(resting.silent, 0);
    }
}
