//! The `prompt` executor, from the task that is submitted to the result that is stored.

use crate::anthropic::{end, start, stop, text};
use crate::openai::{finish_event, text_event};
use crate::server::{Server, Step, answer, event, part, stream, stream_head};
use crate::trace::{TRACE, is_child_of};
use mcs_core::domain::{ErrorClass, LeaseNumber, LogLevel, NewTask, Task};
use mcs_core::engine::Engine;
use mcs_core::executor::prompt::Prompt;
use mcs_core::executor::{Context, ExecuteError, Executor, Outcome, Signal, Signalled};
use mcs_core::provider::models::{ModelInfo, ModelTable};
use mcs_core::provider::routed::RoutedProvider;
use mcs_core::provider::settings::{AnthropicSettings, RoutedSettings};
use mcs_core::provider::{Provider, Providers};
use mcs_core::store::{MemoryStore, Parts, TaskStore};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub(crate) fn priced() -> ModelTable {
    priced_at("lab")
}

/// Prices of the model that the provider is asked.
fn priced_at(provider: &str) -> ModelTable {
    let model = ModelInfo {
        id: "test-model".into(),
        provider: provider.into(),
        context_tokens: None,
        max_output_tokens: None,
        input_usd_per_mtok: Some(1.0),
        cached_input_usd_per_mtok: None,
        output_usd_per_mtok: Some(10.0),
        default: true,
    };
    ModelTable::builtin().with_overrides([model]).unwrap()
}

fn executor(server: &Server) -> Prompt {
    Prompt::new(Providers::new().with(server.provider()), priced())
}

pub(crate) fn ask(prompt: &str) -> NewTask {
    NewTask::new(Prompt::KIND, json!({"prompt": prompt}))
}

/// The task as an executor gets it.
async fn stored(executor: &Prompt, mut task: NewTask) -> Task {
    executor.prepare(&mut task).unwrap();
    task.check().unwrap();
    let store = MemoryStore::new();
    let inserted = store.insert(vec![task], None).await.unwrap();
    let found = store.get(&[inserted[0].id], Parts::ALL).await.unwrap();
    found.into_iter().next().unwrap().unwrap()
}

struct Attempt {
    context: Context,
    signals: mpsc::Receiver<Signalled>,
    cancel: CancellationToken,
}

impl Attempt {
    fn of(task: &Task) -> Self {
        let (sender, signals) = mpsc::channel(64);
        let cancel = CancellationToken::new();
        let context = Context::new(task.id, 1, LeaseNumber(1), cancel.clone(), sender);
        Self {
            context,
            signals,
            cancel,
        }
    }

    fn signals(&mut self) -> Vec<Signal> {
        std::iter::from_fn(|| self.signals.try_recv().ok())
            .map(|signalled| signalled.signal)
            .collect()
    }
}

async fn fails(steps: Vec<Step>) -> (ExecuteError, Attempt) {
    let server = Server::start(steps).await;
    let executor = executor(&server);
    let task = stored(&executor, ask("hello")).await;
    let attempt = Attempt::of(&task);
    let error = executor.execute(&task, &attempt.context).await.unwrap_err();
    (error, attempt)
}

fn usage_event() -> String {
    event(&json!({"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 500}}))
}

pub(crate) fn answered(text: &str, finish: &str) -> Vec<Step> {
    stream(&[
        &text_event(text),
        &text_event("!"),
        &finish_event(finish),
        &usage_event(),
        "data: [DONE]\n\n",
    ])
}

#[tokio::test]
async fn a_prompt_is_answered_streamed_and_paid() {
    let mut server = Server::start(answered("hi", "stop")).await;
    let executor = executor(&server);
    let mut new = ask("hello");
    new.payload =
        json!({"prompt": "hello", "system": "be kind", "parameters": {"max_tokens": 7, "seed": 1}})
            .into();
    let task = stored(&executor, new).await;
    let mut attempt = Attempt::of(&task);
    let outcome = executor.execute(&task, &attempt.context).await.unwrap();

    let sent = server.request().await.body;
    assert_eq!(
        (&sent["model"], &sent["max_tokens"], &sent["seed"]),
        (&json!("test-model"), &json!(7), &json!(1))
    );
    assert_eq!(sent["messages"][0]["content"], "be kind");
    let Outcome::Done(result) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(result.joined_text(), "hi!");
    let structured = result.structured.unwrap();
    assert_eq!(structured["provider"], "lab");
    assert_eq!(structured["finish_reason"], "stop");
    assert_eq!(structured["request_id"], "req-7");
    let usage = attempt.context.usage();
    assert_eq!((usage.input_tokens, usage.output_tokens), (1000, 500));
    assert!((usage.cost_usd - 0.006).abs() < 1e-9, "{usage:?}");
    let signals = attempt.signals();
    let deltas = signals.iter().filter_map(|signal| match signal {
        Signal::Delta(text) => Some(text.as_str()),
        _ => None,
    });
    assert_eq!(deltas.collect::<Vec<_>>(), ["hi", "!"]);
    assert!(
        signals
            .iter()
            .any(|signal| matches!(signal, Signal::Progress(_)))
    );
}

#[tokio::test]
async fn a_rate_limit_says_how_long_and_by_whom() {
    let body =
        json!({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}).to_string();
    let (error, _) = fails(answer(
        429,
        &[("retry-after", "20"), ("x-request-id", "req-9")],
        &body,
    ))
    .await;
    assert_eq!(error.class, ErrorClass::RateLimited);
    assert_eq!(error.retry_after, Some(Duration::from_secs(20)));
    let details = error.details.unwrap();
    assert_eq!(
        (
            &details["provider"],
            &details["status"],
            &details["request_id"]
        ),
        (&json!("lab"), &json!(429), &json!("req-9"))
    );
}

#[tokio::test]
async fn an_answer_that_was_held_back_fails_and_is_paid_all_the_same() {
    let (error, attempt) = fails(answered("par", "content_filter")).await;
    assert_eq!(error.class, ErrorClass::Permanent);
    assert!(error.message.contains("content_filter"), "{error}");
    assert_eq!(attempt.context.usage().output_tokens, 500);

    let refusal = event(
        &json!({"choices": [{"index": 0, "delta": {"refusal": "I will not"}, "finish_reason": "stop"}]}),
    );
    let (error, _) = fails(stream(&[&refusal, "data: [DONE]\n\n"])).await;
    assert_eq!(error.class, ErrorClass::Permanent);
    assert!(
        error.message.contains("refusal") && error.message.contains("I will not"),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_at_its_limit_is_a_result_with_a_warning() {
    let server = Server::start(answered("par", "length")).await;
    let executor = executor(&server);
    let task = stored(&executor, ask("hello")).await;
    let mut attempt = Attempt::of(&task);
    let Outcome::Done(result) = executor.execute(&task, &attempt.context).await.unwrap() else {
        panic!()
    };
    assert_eq!(result.joined_text(), "par!");
    assert!(
        result.structured.unwrap()["warnings"][0]
            .to_string()
            .contains("max_tokens")
    );
    let logged = attempt
        .signals()
        .into_iter()
        .any(|signal| matches!(signal, Signal::Log(LogLevel::Warn, _)));
    assert!(logged);
}

#[tokio::test]
async fn a_cancelled_prompt_hangs_up() {
    let mut server = Server::start(vec![stream_head(), part(&text_event("par")), Step::Hold]).await;
    let executor = executor(&server);
    let task = stored(&executor, ask("hello")).await;
    let Attempt {
        context,
        mut signals,
        cancel,
    } = Attempt::of(&task);
    let run = tokio::spawn(async move { executor.execute(&task, &context).await });
    while !matches!(signals.recv().await.unwrap().signal, Signal::Delta(_)) {}
    cancel.cancel();
    assert_eq!(run.await.unwrap().unwrap_err().class, ErrorClass::Cancelled);
    server.hangup().await;
}

#[tokio::test]
async fn a_budget_bounds_the_answer_and_then_the_calls() {
    let mut server = Server::start(answered("par", "length")).await;
    let executor = executor(&server);
    // Two tokens of question cost 0.000002; the rest pays for 100 tokens of answer.
    let new = NewTask {
        budget_usd: Some(0.001_002_5),
        ..ask("12345678")
    };
    let mut task = stored(&executor, new).await;
    let attempt = Attempt::of(&task);
    let Outcome::Done(result) = executor.execute(&task, &attempt.context).await.unwrap() else {
        panic!()
    };
    assert_eq!(server.request().await.body["max_tokens"], 100);
    assert!(
        result.structured.unwrap()["warnings"][0]
            .to_string()
            .contains("budget_usd")
    );

    task.usage += attempt.context.usage();
    let error = executor
        .execute(&task, &Attempt::of(&task).context)
        .await
        .unwrap_err();
    assert_eq!(error.class, ErrorClass::Budget);
    assert_eq!(server.unseen(), 0);
}

#[tokio::test]
async fn a_budget_beyond_what_a_model_writes_is_no_limit_of_tokens() {
    // At these prices it would pay for a hundred thousand million tokens.
    let new = || NewTask {
        budget_usd: Some(1_000_000.0),
        ..ask("hello")
    };
    let mut lab = Server::start(answered("hi", "stop")).await;
    let of_lab = executor(&lab);
    let task = stored(&of_lab, new()).await;
    let attempt = Attempt::of(&task);
    of_lab.execute(&task, &attempt.context).await.unwrap();
    let sent = lab.request().await.body;
    assert_eq!(sent.get("max_tokens"), None);

    let said = [start(), text(0, &["hi"]), stop("end_turn"), end()].concat();
    let mut claude = Server::start(stream(&[&said])).await;
    let provider = Providers::new().with(claude.claude());
    let of_claude = Prompt::new(provider, priced_at("claude"));
    let settings = RoutedSettings::new("pool", ["claude"]);
    let members: Vec<Arc<dyn Provider>> = vec![Arc::new(claude.claude())];
    let routed = RoutedProvider::new(settings, members, &priced_at("claude")).unwrap();
    let of_routed = Prompt::new(Providers::new().with(routed), priced_at("claude"));
    for executor in [of_claude, of_routed] {
        let task = stored(&executor, new()).await;
        let attempt = Attempt::of(&task);
        executor.execute(&task, &attempt.context).await.unwrap();
        let sent = claude.request().await.body;
        assert_eq!(sent["max_tokens"], AnthropicSettings::MAX_TOKENS);
    }
}

#[tokio::test]
async fn a_task_is_completed_before_it_is_stored() {
    let server = Server::start(vec![]).await;
    let executor = executor(&server);
    let task = stored(&executor, ask("what is this")).await;
    assert_eq!(task.provider.as_deref(), Some("lab"));
    assert_eq!(task.model.as_deref(), Some("test-model"));
    assert_eq!(task.hold_key.as_deref(), Some("provider:lab"));
    assert_eq!(task.preview, "what is this");
    let named = NewTask {
        provider: Some("echo".into()),
        hold_key: Some("mine".into()),
        ..ask("hello")
    };
    let named = stored(&executor, named).await;
    assert_eq!(
        (named.model.as_deref(), named.hold_key.as_deref()),
        (Some("echo"), Some("mine"))
    );
    let unheard = stored(
        &executor,
        NewTask {
            model: Some("unheard-of".into()),
            ..ask("hello")
        },
    )
    .await;
    assert_eq!(unheard.provider.as_deref(), Some("lab"));
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_the_remedy() {
    let executor = Prompt::new(Providers::new(), ModelTable::builtin());
    let refused = |task: NewTask| {
        let mut task = task;
        let error = executor.prepare(&mut task).unwrap_err();
        (error.field.clone(), error.to_string())
    };
    let (field, text) = refused(ask("hello"));
    assert_eq!(field, "provider");
    assert!(
        text.contains("OPENAI_API_KEY")
            && text.contains("ANTHROPIC_API_KEY")
            && text.contains("DEEPSEEK_API_KEY")
            && text.contains("echo"),
        "{text}"
    );
    let (field, text) = refused(NewTask {
        provider: Some("opnai".into()),
        ..ask("hello")
    });
    assert_eq!(field, "provider");
    assert!(
        text.contains("`echo`") && text.contains("[providers.opnai]"),
        "{text}"
    );
    let (field, text) = refused(NewTask {
        model: Some("gpt-6-sol".into()),
        ..ask("hello")
    });
    assert_eq!(field, "model");
    assert!(
        text.contains("openai") && text.contains("OPENAI_API_KEY"),
        "{text}"
    );
    assert_eq!(refused(ask(" ")).0, "payload.prompt");
}

#[tokio::test]
async fn a_provider_that_is_gone_fails_the_task_for_good() {
    let server = Server::start(vec![]).await;
    let task = stored(&executor(&server), ask("hello")).await;
    let without = Prompt::new(Providers::new(), ModelTable::builtin());
    let error = without
        .execute(&task, &Attempt::of(&task).context)
        .await
        .unwrap_err();
    assert_eq!(error.class, ErrorClass::Permanent);
    assert!(error.message.contains("[providers.lab]"), "{error}");
}

#[tokio::test]
async fn an_echo_costs_nothing_and_needs_no_warning() {
    let executor = Prompt::new(
        Providers::new().with_default("echo").unwrap(),
        ModelTable::builtin(),
    );
    let task = stored(&executor, ask("one two three")).await;
    let attempt = Attempt::of(&task);
    let Outcome::Done(result) = executor.execute(&task, &attempt.context).await.unwrap() else {
        panic!()
    };
    assert_eq!(result.joined_text(), "one two three");
    assert_eq!(result.structured.unwrap().get("warnings"), None);
    assert_eq!(attempt.context.usage().output_tokens, 3);
    assert!(attempt.context.usage().cost_usd.abs() < f64::EPSILON);
}

#[test]
fn the_schema_and_the_reader_agree() {
    let schema = Prompt::new(Providers::new(), ModelTable::builtin())
        .kind()
        .schema
        .unwrap();
    let check = jsonschema::validator_for(&schema).unwrap();
    let good = [
        json!({"prompt": "p"}),
        json!({"prompt": "p", "system": null, "parameters": {"max_tokens": null, "x": [1]}}),
    ];
    assert!(good.iter().all(|payload: &Value| check.is_valid(payload)));
    let bad = [
        json!({}),
        json!({"prompt": ""}),
        json!({"prompt": "p", "extra": 1}),
        json!({"prompt": "p", "parameters": {"max_tokens": 0}}),
    ];
    assert!(!bad.iter().any(|payload: &Value| check.is_valid(payload)));
}

#[tokio::test]
async fn an_api_is_told_the_trace_of_the_task() {
    let mut server = Server::start(answered("hi", "stop")).await;
    let engine = Engine::builder(Arc::new(MemoryStore::new())).executor(executor(&server));
    let engine = engine.start().await.unwrap();
    let mut traced = ask("hello");
    traced.traceparent = Some(TRACE.to_owned());
    engine.submit(traced).await.unwrap();
    is_child_of(TRACE, server.request().await.header("traceparent").unwrap());
    engine.submit(ask("hello")).await.unwrap();
    assert_eq!(server.request().await.header("traceparent"), None);
    engine.shutdown(Duration::ZERO).await;
}
