//! Streams: another member takes over until the first part was handed out, and never after.

use super::{Act, Scripted, pool};
use crate::reading::{asks, read};
use futures_util::StreamExt;
use mcs_core::domain::ErrorClass;
use mcs_core::provider::routed::Policy;
use mcs_core::provider::{Delta, Provider};

#[tokio::test]
async fn before_the_first_part_another_takes_over() {
    for act in [Act::Fail(500), Act::Fail(429), Act::TimeOut, Act::Cut] {
        let (a, b) = (Scripted::new("a", &[act]), Scripted::new("b", &[]));
        let (texts, end) = read(&pool(Policy::InOrder, &[&a, &b])).await;
        assert_eq!(texts, "b", "{act:?}");
        let end = end.unwrap();
        let respondent = end.respondent.unwrap();
        assert_eq!(
            (respondent.provider.as_str(), respondent.model.as_str()),
            ("b", "own")
        );
    }
}

#[tokio::test]
async fn after_the_first_part_nobody_takes_over() {
    let (a, b) = (
        Scripted::new("a", &[Act::Break(529)]),
        Scripted::new("b", &[]),
    );
    let (texts, end) = read(&pool(Policy::InOrder, &[&a, &b])).await;
    assert_eq!(texts, "a");
    let error = end.unwrap_err();
    assert_eq!(
        (error.class(), error.status()),
        (ErrorClass::Transient, Some(529))
    );
    assert!(b.asked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_ahead_of_need() {
    let (a, b) = (
        Scripted::new("a", &[Act::Slow(5000)]),
        Scripted::new("b", &[]),
    );
    let pool = pool(Policy::InOrder, &[&a, &b]);
    let mut deltas = pool.stream(&asks()).await.unwrap();
    let first = deltas.next().await.unwrap().unwrap();
    assert_eq!(first, Delta::Text("a".into()));
    assert!(b.asked().is_empty());
}
