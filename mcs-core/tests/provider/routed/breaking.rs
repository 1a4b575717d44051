//! When a member that fails is left alone, and when it is tried again.

use super::{Act, Scripted, pool, routed};
use crate::reading::asks;
use futures_util::StreamExt;
use mcs_core::domain::ErrorClass;
use mcs_core::provider::Provider;
use mcs_core::provider::routed::{BreakerSettings, Policy};
use mcs_core::provider::settings::RoutedSettings;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::advance;

fn quick() -> RoutedSettings {
    RoutedSettings {
        breaker: BreakerSettings {
            failures: 2,
            pause: Duration::from_secs(30),
        },
        ..RoutedSettings::new("pool", ["a", "b"])
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_again_and_again_is_left_alone_and_then_tried_once() {
    let a = Scripted::new("a", &[Act::Fail(500); 3]);
    let b = Scripted::new("b", &[]);
    let pool = routed(quick(), &[&a, &b]);
    for _ in 0..5 {
        assert_eq!(pool.complete(&asks()).await.unwrap().text, "b");
    }
    assert_eq!(a.asked().len(), 2, "it is left alone after two failures");
    advance(Duration::from_secs(30)).await;
    for _ in 0..2 {
        assert_eq!(pool.complete(&asks()).await.unwrap().text, "b");
    }
    assert_eq!(a.asked().len(), 3, "one call tried, and failed");
    advance(Duration::from_secs(30)).await;
    for _ in 0..2 {
        assert_eq!(pool.complete(&asks()).await.unwrap().text, "a");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_says_when_to_come_back_is_believed() {
    let a = Scripted::new("a", &[Act::FailFor(529, 7)]);
    let b = Scripted::new("b", &[]);
    let pool = pool(Policy::InOrder, &[&a, &b]);
    for _ in 0..3 {
        assert_eq!(pool.complete(&asks()).await.unwrap().text, "b");
    }
    assert_eq!(a.asked().len(), 1);
    advance(Duration::from_secs(7)).await;
    assert_eq!(pool.complete(&asks()).await.unwrap().text, "a");
}

#[tokio::test(start_paused = true)]
async fn where_all_are_left_alone_nobody_is_asked_and_the_wait_is_told() {
    let a = Scripted::new("a", &[Act::FailFor(529, 9)]);
    let b = Scripted::new("b", &[Act::FailFor(429, 5)]);
    let pool = pool(Policy::InOrder, &[&a, &b]);
    assert_eq!(
        pool.complete(&asks()).await.unwrap_err().class(),
        ErrorClass::Transient
    );
    advance(Duration::from_secs(2)).await;
    let error = pool.complete(&asks()).await.unwrap_err();
    assert_eq!(
        error.class(),
        ErrorClass::RateLimited,
        "it costs no attempt"
    );
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
    assert!(
        error.to_string().contains("a: left alone for 7 s"),
        "{error}"
    );
    assert_eq!((a.asked().len(), b.asked().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn bad_requests_open_no_breaker() {
    let a = Scripted::new("a", &[Act::Fail(400); 9]);
    let b = Scripted::new("b", &[]);
    let pool = routed(quick(), &[&a, &b]);
    for _ in 0..9 {
        assert!(pool.complete(&asks()).await.is_err());
    }
    assert_eq!(pool.complete(&asks()).await.unwrap().text, "a");
}

#[tokio::test(start_paused = true)]
async fn a_bad_request_is_refused_for_good_while_another_member_rests() {
    let a = Scripted::new("a", &[Act::FailFor(429, 60)]);
    let b = Scripted::new("b", &[Act::Fail(400); 2]);
    let pool = pool(Policy::InOrder, &[&a, &b]);
    // First `a` answers with its limit, then it is left alone; the request is as bad either way.
    for _ in 0..2 {
        let error = pool.complete(&asks()).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Permanent, "{error}");
        assert_eq!((error.status(), error.retry_after()), (Some(400), None));
        assert!(error.to_string().contains("a: "), "{error}");
    }
    assert_eq!((a.asked().len(), b.asked().len()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_streams_lets_others_through_from_its_first_part_on() {
    let a = Scripted::new("a", &[Act::FailFor(529, 5)]);
    let b = Scripted::new("b", &[]);
    let pool = pool(Policy::InOrder, &[&a, &b]);
    assert_eq!(pool.complete(&asks()).await.unwrap().text, "b");
    advance(Duration::from_secs(5)).await;
    let mut long = pool.stream(&asks()).await.unwrap();
    assert_eq!(pool.complete(&asks()).await.unwrap().text, "a");
    while let Some(delta) = long.next().await {
        delta.unwrap();
    }
    assert_eq!(pool.complete(&asks()).await.unwrap().text, "a");
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_its_caller_gives_up_does_not_block_the_next() {
    let acts = [Act::Fail(500), Act::Fail(500), Act::Hang];
    let a = Scripted::new("a", &acts);
    let b = Scripted::new("b", &[]);
    let pool = Arc::new(routed(quick(), &[&a, &b]));
    for _ in 0..2 {
        pool.complete(&asks()).await.unwrap();
    }
    advance(Duration::from_secs(30)).await;
    let request = asks();
    let trial = pool.complete(&request);
    assert!(
        tokio::time::timeout(Duration::from_secs(1), trial)
            .await
            .is_err()
    );
    assert_eq!(pool.complete(&asks()).await.unwrap().text, "a");
}

#[tokio::test(start_paused = true)]
async fn streams_that_break_count_as_failures_and_unread_ones_do_not() {
    let acts = [Act::Break(500), Act::Cut, Act::Answer, Act::Break(529)];
    let a = Scripted::new("a", &acts);
    let b = Scripted::new("b", &[]);
    let pool = routed(quick(), &[&a, &b]);
    let read = || crate::reading::read(&pool);
    // It broke after it had begun, so this one is lost; a cut before the beginning is mended.
    assert!(read().await.1.is_err());
    assert_eq!(read().await.0, "b");
    assert_eq!(read().await.0, "b", "two failures in a row");
    advance(Duration::from_secs(30)).await;
    drop(pool.stream(&asks()).await.unwrap());
    assert!(read().await.1.is_err(), "the trial failed");
    assert_eq!(read().await.0, "b");
}
