use super::super::Handles;
use super::{CLIENTS, QUESTIONS, key};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use rmcp::model::{ErrorCode, InputResponses, TaskPayload, UpdateTaskParams};
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::BTreeMap;

/// What a client asks.
#[derive(Debug, Clone)]
pub(super) enum Ask {
    Get,
    /// Answers to these questions, some of which nobody has asked.
    Update(BTreeMap<usize, Say>),
    Cancel,
    /// Of a task of nobody.
    Stray,
}

#[derive(Debug, Clone)]
pub(super) enum Say {
    Text(u8),
    Decline,
    /// Does not fit.
    Nonsense,
}

/// What some clients ask in the same while, each after so many turns of the others, and how often the server gets its turn
/// after that.
#[derive(Debug, Clone)]
pub(super) struct Round {
    pub(super) asked: Vec<(usize, Ask)>,
    pub(super) turns: usize,
}

/// How a request was answered.
#[derive(Debug)]
pub(super) enum Answered {
    Got(TaskPayload),
    Updated { refused: bool },
    Cancelled,
    Refused,
}

/// A request that was answered, and when it began and ended, counted in such moments.
#[derive(Debug)]
pub(super) struct Request<'a> {
    ask: &'a Ask,
    pub(super) answer: Answered,
    pub(super) began: usize,
    pub(super) ended: usize,
}

fn say() -> impl Strategy<Value = Say> {
    prop_oneof![
        6 => any::<u8>().prop_map(Say::Text),
        1 => Just(Say::Decline),
        1 => Just(Say::Nonsense),
    ]
}

fn ask() -> impl Strategy<Value = Ask> {
    let some = proptest::collection::btree_map(0..QUESTIONS + 1, say(), 0..QUESTIONS);
    prop_oneof![
        8 => Just(Ask::Get),
        6 => some.prop_map(Ask::Update),
        2 => Just(Ask::Cancel),
        1 => Just(Ask::Stray),
    ]
}

pub(super) fn rounds() -> impl Strategy<Value = Vec<Round>> {
    let asked = proptest::collection::vec((0..16_usize, ask()), 1..=CLIENTS);
    let round = (asked, 0..80_usize).prop_map(|(asked, turns)| Round { asked, turns });
    proptest::collection::vec(round, 1..12)
}

impl Say {
    fn response(&self) -> Value {
        match self {
            Self::Text(number) => {
                json!({"action": "accept", "content": {"answer": number.to_string()}})
            }
            Self::Decline => json!({"action": "decline"}),
            Self::Nonsense => json!({"action": "accept", "content": {"answer": 1}}),
        }
    }

    /// The answer as it is kept; `None` for one that is refused.
    pub(super) fn kept(&self) -> Option<Value> {
        match self {
            Self::Text(number) => Some(json!(number.to_string())),
            Self::Decline => Some(json!({"action": "decline"})),
            Self::Nonsense => None,
        }
    }
}

impl<'a> Request<'a> {
    /// Asks, and waits for the answer. `moments` counts them.
    pub(super) async fn ask(
        handles: &Handles<'_>,
        id: &str,
        ask: &'a Ask,
        moments: &Cell<usize>,
    ) -> Result<Self, TestCaseError> {
        let moment = || {
            moments.set(moments.get() + 1);
            moments.get()
        };
        let began = moment();
        let answer = answered(handles, id, ask).await?;
        Ok(Self {
            ask,
            answer,
            began,
            ended: moment(),
        })
    }

    /// The answers of an update that was acknowledged.
    pub(super) fn taken(&self) -> Option<&'a BTreeMap<usize, Say>> {
        self.said(false)
    }

    /// The answers of an update that was refused.
    pub(super) fn refused(&self) -> Option<&'a BTreeMap<usize, Say>> {
        self.said(true)
    }

    fn said(&self, which: bool) -> Option<&'a BTreeMap<usize, Say>> {
        match (self.ask, &self.answer) {
            (Ask::Update(said), Answered::Updated { refused }) if *refused == which => Some(said),
            _ => None,
        }
    }

    pub(super) const fn cancels(&self) -> bool {
        matches!(self.ask, Ask::Cancel)
    }

    pub(super) fn saw_the_end(&self) -> bool {
        matches!(&self.answer, Answered::Got(payload) if payload.status().is_terminal())
    }
}

pub(super) async fn answered(
    handles: &Handles<'_>,
    id: &str,
    ask: &Ask,
) -> Result<Answered, TestCaseError> {
    let unexpected = |error| TestCaseError::fail(format!("{ask:?}: {error:?}"));
    match ask {
        Ask::Get => {
            let got = handles.get(id).await.map_err(unexpected)?;
            Ok(Answered::Got(got.task.payload))
        }
        Ask::Update(said) => {
            let responses: InputResponses = said
                .iter()
                .map(|(number, say)| (key(*number), say.response()))
                .collect();
            match handles.update(UpdateTaskParams::new(id, responses)).await {
                Ok(()) => Ok(Answered::Updated { refused: false }),
                Err(error) if error.code == ErrorCode::INVALID_PARAMS => {
                    Ok(Answered::Updated { refused: true })
                }
                Err(error) => Err(unexpected(error)),
            }
        }
        Ask::Cancel => {
            handles.cancel(id).await.map_err(unexpected)?;
            Ok(Answered::Cancelled)
        }
        Ask::Stray => match handles.get("0199c0de-0000-7000-8000-000000000000").await {
            Err(error) if error.code == ErrorCode::INVALID_PARAMS => Ok(Answered::Refused),
            other => Err(TestCaseError::fail(format!("{other:?}"))),
        },
    }
}
