//! A thousand random interleavings of what several clients ask of one task, against a model of what they may see.

mod ask;
mod halting;
mod model;

use self::ask::{Answered, Ask, Request, Round, Say, answered, rounds};
use self::halting::Halting;
use self::model::{Checked, Model};
use super::{Handles, finished};
use async_trait::async_trait;
use futures_util::future::{join_all, try_join_all};
use mcs_core::config::{Config, Database, builder};
use mcs_core::domain::{Task, TaskId, TaskResult};
use mcs_core::executor::{Context, ContextError, ExecuteError, Executor, KindSpec, Outcome};
use mcs_core::service::{Principal, Service};
use proptest::prelude::{any, prop_assert};
use proptest::test_runner::{Config as Cases, TestCaseError, TestRunner};
use rmcp::model::{InputRequests, TaskPayload};
use serde_json::json;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

const CASES: u32 = 1000;
const QUESTIONS: usize = 4;
const CLIENTS: usize = 4;

/// Asks so many questions at once, and answers with the answers. It ends when it is told to, or does not listen.
#[derive(Debug)]
struct Quiz;

#[async_trait]
impl Executor for Quiz {
    fn kind(&self) -> KindSpec {
        KindSpec::new("quiz", "asks and tells")
    }

    async fn execute(&self, task: &Task, context: &Context) -> Result<Outcome, ExecuteError> {
        let payload = task.payload.as_ref().expect("the payload is there");
        let (count, listens): (usize, bool) = payload.parse().expect("it is such a pair");
        let ask = |number| async move {
            let answer = context.ask(key(number), json!("and?").into()).await?;
            Ok::<_, ContextError>((key(number), answer))
        };
        let told = async {
            if !listens {
                pending::<()>().await;
            }
            context.cancelled().await;
        };
        let answers = tokio::select! {
            biased;
            answers = try_join_all((0..count).map(ask)) => answers,
            () = told => Err(ContextError::Ended),
        };
        match answers {
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

/// Plays one case, and says whether any of its requests overlapped.
async fn play(
    service: &Service,
    (questions, listens): (usize, bool),
    rounds: &[Round],
) -> Result<bool, TestCaseError> {
    let who = Principal::local();
    let handles = Handles::new(service, &who, finished);
    let task = service.new_task("quiz", json!([questions, listens]));
    let id = service.tasks().create(&who, task).await;
    let id: TaskId = id.expect("it is stored").id;
    let (name, moments) = (id.to_string(), Cell::new(0));
    let mut model = Model::of(questions);
    let mut overlapped = false;
    for Round { asked, turns } in rounds {
        let requests = asked.iter().map(async |(after, ask)| {
            give_turns(*after).await;
            Request::ask(&handles, &name, ask, &moments).await
        });
        let requests = try_join_all(requests).await?;
        overlapped |= requests.iter().any(|first| {
            let during = first.began + 1..first.ended;
            requests.iter().any(|other| during.contains(&other.began))
        });
        model.round(requests)?;
        give_turns(*turns).await;
    }
    finish(&handles, service, (id, &moments), &mut model).await?;
    Ok(overlapped)
}

async fn give_turns(turns: usize) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
}

/// Answers all that is left, and looks at the end twice.
async fn finish(
    handles: &Handles<'_>,
    service: &Service,
    (id, moments): (TaskId, &Cell<usize>),
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
        let got = Request::ask(handles, &name, &Ask::Get, moments).await?;
        let open = match &got.answer {
            Answered::Got(TaskPayload::InputRequired { input_requests }) => input_requests.clone(),
            _ => InputRequests::new(),
        };
        model.round(vec![got])?;
        if status.is_terminal() {
            break;
        }
        if !open.is_empty() {
            let asked = (0..QUESTIONS).filter(|number| open.contains_key(&key(*number)));
            let rest = Ask::Update(asked.map(|number| (number, Say::Text(255))).collect());
            let update = Request::ask(handles, &name, &rest, moments).await?;
            model.round(vec![update])?;
        }
    }
    let again = Request::ask(handles, &name, &Ask::Get, moments).await?;
    model.round(vec![again])
}

/// A service that asks, on the store of the configuration or on another one.
async fn service(database: Database, store: Option<Arc<Halting>>) -> Service {
    let mut config = Config::in_memory();
    config.claude_code.enabled = false;
    config.database = database;
    let mut service = builder(&config).executor(Quiz);
    if let Some(store) = store {
        service = service.store(store);
    }
    service.open().await.expect("the store opens")
}

#[test]
fn clients_see_one_task_whatever_the_order_in_which_they_ask() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let store = Arc::new(Halting::default());
    let service = runtime.block_on(service(Database::Memory, Some(Arc::clone(&store))));
    let overlapped = Cell::new(0);
    let cases = Cases {
        failure_persistence: None,
        ..Cases::with_cases(CASES)
    };
    let quiz = (1..=QUESTIONS, any::<bool>());
    let halts = proptest::collection::vec(0..8_usize, 1..64);
    TestRunner::new(cases)
        .run(&(quiz, rounds(), halts), |(quiz, rounds, halts)| {
            store.halt_for(halts);
            let overlaps = runtime.block_on(play(&service, quiz, &rounds))?;
            overlapped.set(overlapped.get() + u32::from(overlaps));
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    let (outrun, too_late) = store.late_answers();
    assert!(overlapped.get() > CASES / 2, "{} cases", overlapped.get());
    assert!(
        outrun > 0 && too_late > 0,
        "{outrun} answers were outrun and {too_late} too late"
    );
}

/// The same in a file, where others than the runtime say what comes first.
#[tokio::test]
async fn all_who_answer_at_the_same_time_are_acknowledged_and_one_answer_stands() {
    let directory = tempfile::tempdir().expect("a directory");
    let service = service(Database::File(directory.path().join("tasks.db")), None).await;
    let who = Principal::local();
    let handles = Handles::new(&service, &who, finished);
    let task = service.new_task("quiz", json!([1, true]));
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
