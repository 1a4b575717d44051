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
    /// The tool does not run: a worker that dies now cuts nothing off.
    #[serde(default)]
    pub(super) rests: bool,
    /// Workers that had died under the task when the tool began to run.
    #[serde(default)]
    rescues: u32,
    /// The tool was told to end and did not say what it had done.
    #[serde(default)]
    cut_off: bool,
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

    /// Whether the tool was running when its worker died or the server ended, so that nobody knows what it did.
    pub(super) const fn was_cut_off(&self, task: &Task) -> bool {
        !self.rests && (self.cut_off || task.rescues > self.rescues)
    }

    /// The tool is about to run.
    pub(super) const fn runs(&mut self, task: &Task) {
        self.rests = false;
        self.rescues = task.rescues;
    }

    /// The tool was told to end.
    pub(super) const fn cut(&mut self) {
        self.cut_off = true;
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
        self.rests = true;
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
