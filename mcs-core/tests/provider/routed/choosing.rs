//! Who is asked first, what for, and who comes next.

use super::{Act, Scripted, pool, routed};
use crate::reading::asks;
use mcs_core::domain::ErrorClass;
use mcs_core::provider::routed::{Policy, RoutedProvider};
use mcs_core::provider::settings::RoutedSettings;
use mcs_core::provider::{CompletionRequest, Provider, Respondent};
use std::sync::Arc;

fn asks_model(model: &str) -> CompletionRequest {
    CompletionRequest {
        model: model.into(),
        ..asks()
    }
}

async fn answered_by(provider: &RoutedProvider, calls: usize) -> Vec<String> {
    let mut names = Vec::new();
    for _ in 0..calls {
        names.push(provider.complete(&asks()).await.unwrap().text);
    }
    names
}

#[tokio::test(start_paused = true)]
async fn each_policy_has_its_order() {
    let two = || {
        (
            Scripted::new("a", &[Act::Slow(300)]),
            Scripted::new("b", &[Act::Slow(100)]),
        )
    };
    let rows = [
        (Policy::InOrder, ["a", "a", "a", "a"]),
        (Policy::RoundRobin, ["a", "b", "a", "b"]),
        // Both are tried once, and then the one that was quicker.
        (Policy::LowestLatency, ["a", "b", "b", "b"]),
        // With a short question and a thousand tokens of answer.
        (Policy::LowestCost, ["b", "b", "b", "b"]),
    ];
    for (policy, expected) in rows {
        let (a, b) = two();
        let found = answered_by(&pool(policy, &[&a, &b]), 4).await;
        assert_eq!(found, expected, "{policy:?}");
    }
}

#[tokio::test]
async fn errors_that_may_go_away_move_on_and_others_are_the_answer() {
    let rows = [
        (Act::Fail(500), true),
        (Act::Fail(529), true),
        (Act::Fail(429), true),
        (Act::TimeOut, true),
        (Act::Fail(400), false),
        (Act::Fail(401), false),
        (Act::Fail(413), false),
    ];
    for (act, moves_on) in rows {
        for streamed in [false, true] {
            let (a, b) = (Scripted::new("a", &[act]), Scripted::new("b", &[]));
            let pool = pool(Policy::InOrder, &[&a, &b]);
            let error = if streamed {
                pool.stream(&asks()).await.err()
            } else {
                pool.complete(&asks()).await.err()
            };
            assert_eq!(error.is_none(), moves_on, "{act:?}");
            assert_eq!(b.asked().len(), usize::from(moves_on), "{act:?}");
            if let Some(error) = error {
                assert_eq!(error.class(), ErrorClass::Permanent);
                assert!(error.to_string().starts_with("a answered"), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn where_nobody_answers_all_are_named() {
    let a = Scripted::new("a", &[Act::FailFor(429, 9)]);
    let b = Scripted::new("b", &[Act::FailFor(429, 4)]);
    let error = pool(Policy::InOrder, &[&a, &b])
        .complete(&asks())
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::RateLimited);
    assert_eq!(error.retry_after().unwrap().as_secs(), 4);
    let text = error.to_string();
    assert!(
        text.contains("pool") && text.contains("a answered 429") && text.contains("b answered 429"),
        "{text}"
    );
}

#[tokio::test]
async fn each_member_is_asked_its_own_model() {
    let (a, b) = (
        Scripted::new("a", &[Act::Fail(500)]),
        Scripted::new("b", &[]),
    );
    let mut settings = RoutedSettings::new("pool", ["a", "b"]);
    settings.models.insert("b".into(), "mapped".into());
    let pool = routed(settings, &[&a, &b]);
    assert_eq!(pool.default_model(), RoutedProvider::AUTO);
    let completion = pool
        .complete(&asks_model(RoutedProvider::AUTO))
        .await
        .unwrap();
    assert_eq!(
        (a.asked(), b.asked()),
        (vec!["own".to_owned()], vec!["mapped".to_owned()])
    );
    let respondent = Respondent {
        provider: "b".into(),
        model: "mapped".into(),
    };
    assert_eq!(completion.respondent, Some(respondent));
    assert_eq!(completion.model, "mapped-snapshot");
}

#[tokio::test]
async fn a_model_that_is_named_is_the_only_one_that_answers() {
    let (a, b) = (
        Scripted::new("a", &[]),
        Scripted::new("b", &[Act::Fail(500)]),
    );
    let mut settings = RoutedSettings::new("pool", ["a", "b"]);
    settings.models.insert("b".into(), "mapped".into());
    let pool = routed(settings, &[&a, &b]);
    // `a` does not serve it, so nobody stands in for `b`.
    assert!(pool.complete(&asks_model("mapped")).await.is_err());
    assert!(a.asked().is_empty());
    // A member can be named with a model that no table knows.
    pool.complete(&asks_model("b/some/thing")).await.unwrap();
    assert_eq!(b.asked(), ["mapped", "some/thing"]);
    // What nobody is known to serve is asked of all, and a name before a slash need not be a member's.
    pool.complete(&asks_model("org/thing")).await.unwrap();
    assert_eq!(a.asked(), ["org/thing"]);
}

#[tokio::test]
async fn those_that_ask_others_can_be_asked_too() {
    let (a, b) = (
        Scripted::new("a", &[Act::Fail(500)]),
        Scripted::new("b", &[]),
    );
    let inner: Arc<dyn Provider> = Arc::new(pool(Policy::InOrder, &[&a, &b]));
    let settings = RoutedSettings::new("outer", ["pool"]);
    let outer = RoutedProvider::new(settings, vec![inner], &super::prices()).unwrap();
    let completion = outer.complete(&asks()).await.unwrap();
    assert_eq!(completion.respondent.unwrap().provider, "b");
    let names: Vec<_> = outer
        .respondents("")
        .into_iter()
        .map(|one| one.provider)
        .collect();
    assert_eq!(names, ["a", "b"]);
}
