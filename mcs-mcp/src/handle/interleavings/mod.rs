//! A thousand random interleavings of what several clients ask of one task, against a model of what they may see.

mod model;

use self::model::{Checked, Model};
use super::{Handles, finished};
use async_trait::async_trait;
use futures_util::future::{join_all, try_join_all};
use mcs_core::config::{Config, Database, builder};
use mcs_core::domain::{Task, TaskId, TaskResult};
use mcs_core::executor::{Context, ExecuteError, Executor, KindSpec, Outcome};
use mcs_core::service::{Principal, Service};
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestCaseError, TestRunner};
use rmcp::model::{ErrorCode, InputResponses, TaskPayload, UpdateTaskParams};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const CASES: u32 = 1000;
const QUESTIONS: usize = 4;
const CLIENTS: usize = 3;

/// Asks so many questions at once, and answers with the answers.
#[derive(Debug)]
struct Quiz;

#[async_trait]
impl Executor for Quiz {
    fn kind(&self) -> KindSpec {
        KindSpec::new("quiz", "asks and tells")
    }

    async fn execute(&self, task: &Task, context: &Context) -> Result<Outcome, ExecuteError> {
        let payload = task.payload.as_ref().expect("the payload is there");
        let count: usize = payload.parse().expect("it is a number");
        let ask = |number| async move {
            let answer = context.ask(key(number), json!("and?").into()).await?;
            Ok::<_, mcs_core::executor::ContextError>((key(number), answer))
        };
        match try_join_all((0..count).map(ask)).await {
            Ok(answers) => {
                let answers: BTreeMap<_, _> = answers.into_iter().collect();
                let text = serde_json::to_string(&answers).expect("answers are JSON");
                Ok(Outcome::Done(TaskResult::text(text)))
            }
            Err(_) => Err(ExecuteError::cancelled()),
        }
    }
}

fn key(number: usize) -> String {
    format!("q{number}")
}

/// What a client asks.
#[derive(Debug, Clone)]
enum Ask {
    Get,
    /// Answers to these questions, some of which nobody has asked.
    Update(BTreeMap<usize, Say>),
    Cancel,
    /// Of a task of nobody.
    Stray,
}

#[derive(Debug, Clone)]
enum Say {
    Text(u8),
    Decline,
    /// Does not fit.
    Nonsense,
}

/// What some clients ask at the same time, and how often the server gets its turn after that.
#[derive(Debug, Clone)]
struct Round {
    asked: Vec<Ask>,
    turns: usize,
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
        1 => Just(Ask::Cancel),
        1 => Just(Ask::Stray),
    ]
}

fn rounds() -> impl Strategy<Value = Vec<Round>> {
    let asked = proptest::collection::vec(ask(), 1..=CLIENTS);
    let round = (asked, 0..12_usize).prop_map(|(asked, turns)| Round { asked, turns });
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
    fn kept(&self) -> Option<Value> {
        match self {
            Self::Text(number) => Some(json!(number.to_string())),
            Self::Decline => Some(json!({"action": "decline"})),
            Self::Nonsense => None,
        }
    }
}

/// How one of a round was answered.
enum Answered {
    Got(TaskPayload),
    Updated { refused: bool },
    Cancelled,
    Refused,
}

async fn answered(handles: &Handles<'_>, id: &str, ask: &Ask) -> Result<Answered, TestCaseError> {
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

async fn play(service: &Service, questions: usize, rounds: &[Round]) -> Checked {
    let who = Principal::local();
    let handles = Handles::new(service, &who, finished);
    let task = service.new_task("quiz", json!(questions));
    let id = service.tasks().create(&who, task).await;
    let id: TaskId = id.expect("it is stored").id;
    let name = id.to_string();
    let mut model = Model::of(questions);
    for Round { asked, turns } in rounds {
        let before = model.closed.clone();
        let cancels = asked.iter().any(|ask| matches!(ask, Ask::Cancel));
        model.cancelled |= cancels;
        let all = join_all(asked.iter().map(|ask| answered(&handles, &name, ask))).await;
        let (mut seen, mut meanwhile) = (Vec::new(), BTreeSet::new());
        for (ask, answer) in asked.iter().zip(all) {
            match (ask, answer?) {
                (Ask::Update(said), Answered::Updated { refused }) => {
                    meanwhile.extend(said.keys().map(|number| key(*number)));
                    model.updated(said, refused, &before, asked.len() == 1)?;
                }
                (_, Answered::Got(payload)) => seen.push(payload),
                _ => {}
            }
        }
        // Who saw the end saw it after all others.
        seen.sort_by_key(|payload: &TaskPayload| payload.status().is_terminal());
        for payload in seen {
            model.seen(payload, &before, &meanwhile)?;
        }
        model.ended_round(cancels, !meanwhile.is_empty());
        for _ in 0..*turns {
            tokio::task::yield_now().await;
        }
    }
    finish(&handles, service, id, &mut model).await
}

/// Answers all that is left, and looks at the end twice.
async fn finish(
    handles: &Handles<'_>,
    service: &Service,
    id: TaskId,
    model: &mut Model,
) -> Checked {
    let (who, name) = (Principal::local(), id.to_string());
    let tasks = service.tasks();
    if model.doomed {
        let ended = tasks.wait(&who, id, Duration::from_mins(1)).await;
        prop_assert!(ended.is_ok_and(|task| task.status.is_terminal()));
    }
    loop {
        let waited = tasks.wait_or_asked(&who, id, Duration::from_mins(1)).await;
        let status = waited.expect("the task is there").status;
        let before = model.closed.clone();
        let got = handles.get(&name).await.expect("the task is there");
        let payload = got.task.payload;
        model.seen(payload.clone(), &before, &BTreeSet::new())?;
        if status.is_terminal() {
            break;
        }
        if let TaskPayload::InputRequired { input_requests } = payload {
            let said: BTreeMap<usize, Say> = (0..QUESTIONS)
                .filter(|number| input_requests.contains_key(&key(*number)))
                .map(|number| (number, Say::Text(255)))
                .collect();
            let refused = !matches!(
                answered(handles, &name, &Ask::Update(said.clone())).await?,
                Answered::Updated { refused: false }
            );
            model.updated(&said, refused, &before, true)?;
        }
    }
    let again = handles.get(&name).await.expect("the task is there");
    let before = model.closed.clone();
    model.seen(again.task.payload, &before, &BTreeSet::new())
}

async fn service(database: Database) -> Service {
    let mut config = Config::in_memory();
    config.claude_code.enabled = false;
    config.database = database;
    let service = builder(&config).executor(Quiz).open();
    service.await.expect("the store opens")
}

#[test]
fn clients_see_one_task_whatever_the_order_in_which_they_ask() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let service = runtime.block_on(service(Database::Memory));
    let cases = Cases {
        failure_persistence: None,
        ..Cases::with_cases(CASES)
    };
    TestRunner::new(cases)
        .run(&(1..=QUESTIONS, rounds()), |(questions, rounds)| {
            runtime.block_on(play(&service, questions, &rounds))
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}

/// The store in memory answers at once, so that one request is done before the next begins. In a file they overlap.
#[tokio::test]
async fn all_who_answer_at_the_same_time_are_acknowledged_and_one_answer_stands() {
    let directory = tempfile::tempdir().expect("a directory");
    let service = service(Database::File(directory.path().join("tasks.db"))).await;
    let who = Principal::local();
    let handles = Handles::new(&service, &who, finished);
    let task = service.new_task("quiz", json!(1));
    let id = service.tasks().create(&who, task).await;
    let id = id.expect("it is stored").id;
    let minute = Duration::from_mins(1);
    let asked = service.tasks().wait_or_asked(&who, id, minute).await;
    assert!(asked.is_ok_and(|task| !task.status.is_terminal()));

    let name = id.to_string();
    let answers = (0..8).map(|number| Ask::Update([(0, Say::Text(number))].into()));
    let answers: Vec<Ask> = answers.collect();
    let all = join_all(answers.iter().map(|ask| answered(&handles, &name, ask))).await;
    for answer in all {
        let answer = answer.expect("no answer is an error");
        assert!(matches!(answer, Answered::Updated { refused: false }));
    }
    let ended = service.tasks().wait(&who, id, minute).await;
    assert!(ended.is_ok_and(|task| task.status.is_terminal()));
    let got = handles.get(&name).await.expect("the task is there");
    let TaskPayload::Completed { result } = got.task.payload else {
        panic!("{got:?}");
    };
    let told: BTreeMap<String, u8> = result["content"][0]["text"]
        .as_str()
        .and_then(|text| serde_json::from_str::<BTreeMap<String, String>>(text).ok())
        .into_iter()
        .flatten()
        .map(|(key, answer)| (key, answer.parse().expect("a number")))
        .collect();
    assert!(told.len() == 1 && told["q0"] < 8, "{told:?}");
    let ended = service.shutdown(Duration::ZERO).await;
    ended.expect("the store closes");
}
