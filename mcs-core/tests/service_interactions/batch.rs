//! Batches, and what their answers say.

use super::*;

#[tokio::test]
async fn a_batch_is_answered_event_by_event() {
    let service = service().await;
    let mut twice = start("m", "a");
    twice["event_id"] = "1".into();
    let mut no_object = start("m", "b");
    no_object["request_data"] = json!([1]);
    no_object["event_id"] = "2".into();
    let mut long = start("m", "c");
    long["interaction_id"] = "x".repeat(300).into();
    let other = start("n", "d");
    let events = [
        twice.clone(),
        no_object,
        long,
        other,
        json!("no event"),
        json!({"event_id": "3", "action": "interaction_dance"}),
        twice,
        end("m", "a"),
    ];
    let answer = batch(&service, &server("m"), &events).await.unwrap();
    let outcomes: Vec<_> = answer.results.iter().map(|one| one.status).collect();
    assert_eq!(
        outcomes,
        [
            Stored, Rejected, Rejected, Rejected, Rejected, Rejected, Duplicate, Stored
        ]
    );
    let ids: Vec<_> = answer
        .results
        .iter()
        .map(|one| one.event_id.as_str())
        .collect();
    assert_eq!(ids, ["1", "2", "#2", "#3", "#4", "3", "1", "the end"]);
    for (place, says) in [
        (1, "request_data"),
        (2, "300 bytes"),
        (3, "not as `n`"),
        (4, "no interaction event"),
        (5, "interaction_dance"),
    ] {
        let error = answer.results[place].error.as_deref().unwrap();
        assert!(error.contains(says), "{error}");
    }
    assert_eq!(listed(&service, &Principal::local(), None).await, ["m"]);
}

#[tokio::test]
async fn a_batch_is_bounded() {
    let service = service().await;
    let events: Vec<_> = (0..101).map(|n| start("m", &n.to_string())).collect();
    let error = batch(&service, &server("m"), &events).await.unwrap_err();
    assert!(
        matches!(&error, ServiceError::Invalid(refused) if refused.field == "events"),
        "{error}"
    );
    assert!(listed(&service, &server("m"), None).await.is_empty());
    let answer = batch(&service, &server("m"), &events[..100]).await.unwrap();
    assert!(
        answer
            .results
            .iter()
            .all(|one| one.status == EventOutcome::Stored)
    );
    assert_eq!(
        batch(&service, &server("m"), &[]).await.unwrap().results,
        []
    );
}

#[tokio::test]
async fn a_batch_of_another_mcp_server_is_refused_as_a_whole() {
    let service = service().await;
    let mut no_object = start("n", "b");
    no_object["request_data"] = json!([1]);
    // What cannot be read says nothing of whose it is.
    let events = [start("n", "a"), json!("no event"), no_object];
    let error = batch(&service, &server("m"), &events).await.unwrap_err();
    assert!(
        matches!(&error, ServiceError::OtherMcp { own, mcp_id } if own == "m" && mcp_id == "n"),
        "{error}"
    );
    assert!(listed(&service, &Principal::local(), None).await.is_empty());
    // One of its own among them shows that the key is the right one, also if it cannot be stored.
    let mut bad = start("m", "c");
    bad["request_data"] = json!([1]);
    for own in [bad, start("m", "d")] {
        let answer = batch(&service, &server("m"), &[start("n", "a"), own]).await;
        let answer = answer.unwrap();
        assert_eq!(answer.results[0].status, Rejected);
    }
    let answer = batch(&service, &server("m"), &[json!("no event")]).await;
    assert_eq!(answer.unwrap().results[0].status, Rejected);
}
