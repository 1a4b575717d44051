//! What is read again, and followed.

use super::*;

#[tokio::test]
async fn a_follower_hears_what_comes_and_of_its_own_only() {
    let service = service().await;
    let local = Principal::local();
    let report = async |mcp: &str, id: &str| {
        service
            .interactions()
            .report(&local, wire(&start(mcp, id)))
            .await
            .unwrap();
    };
    report("a", "before").await;
    let mut all = service.interactions().follow(&local, None, None).unwrap();
    let mut own = service
        .interactions()
        .follow(&server("a"), None, Some(Cursor(0)))
        .unwrap();
    let (first, ()) = tokio::join!(all.next(10), async {
        report("b", "1").await;
        report("a", "2").await;
    });
    let mut heard = first.unwrap().unwrap();
    while heard.len() < 2 {
        heard.extend(all.next(10).await.unwrap().unwrap());
    }
    assert_eq!(
        heard
            .iter()
            .map(|event| &*event.interaction_id)
            .collect::<Vec<_>>(),
        ["1", "2"]
    );
    // One at a time, over what is not its own.
    for id in ["before", "2"] {
        let heard = own.next(1).await.unwrap().unwrap();
        assert_eq!(
            heard
                .iter()
                .map(|event| &*event.interaction_id)
                .collect::<Vec<_>>(),
            [id]
        );
    }
    assert_eq!(own.place(), Cursor(3));
    service.shutdown(Duration::ZERO).await.unwrap();
    assert!(all.next(10).await.is_err() || all.next(10).await.unwrap().is_none());
}

#[tokio::test]
async fn a_follower_from_ahead_of_all_events_hears_what_comes() {
    let service = service().await;
    let local = Principal::local();
    let report = async |id: &str| {
        let event = wire(&start("m", id));
        service.interactions().report(&local, event).await.unwrap();
    };
    report("before").await;
    let ahead = Some(Cursor(1000));
    let mut follower = service.interactions().follow(&local, None, ahead).unwrap();
    assert_eq!(follower.place(), Cursor(1));
    report("after").await;
    let heard = follower.next(10).await.unwrap().unwrap();
    assert_eq!(heard.len(), 1);
    assert_eq!(&*heard[0].interaction_id, "after");
}

#[tokio::test]
async fn a_name_that_none_can_have_is_refused_before_anything_is_followed() {
    let service = service().await;
    let local = Principal::local();
    for bad in ["", "a\n"] {
        let interactions = service.interactions();
        let followed = interactions.follow(&local, Some(bad), None);
        assert!(
            matches!(followed, Err(ServiceError::Invalid(refused)) if refused.field == "mcp_id")
        );
        let read = interactions.events(&local, Some(bad), Cursor(0), 1).await;
        assert!(matches!(read, Err(ServiceError::Invalid(refused)) if refused.field == "mcp_id"));
    }
}

/// The actions of the events of `i`, in the order in which they are shown.
async fn shown(service: &Service, events: &[(&str, f64, Option<u64>)]) -> Vec<String> {
    let events: Vec<_> = events
        .iter()
        .map(|(action, at, seq)| {
            json!({"action": action, "interaction_id": "i", "mcp_id": "m", "timestamp": at, "seq": seq})
        })
        .collect();
    batch(service, &server("m"), &events).await.unwrap();
    let events = detail(service).await.events;
    events
        .iter()
        .map(|event| event.action.as_str().to_owned())
        .collect()
}

/// The interaction `i`.
async fn detail(service: &Service) -> InteractionDetail {
    let (interactions, who) = (service.interactions(), server("m"));
    interactions.get(&who, "i", None, None).await.unwrap()
}

#[tokio::test]
async fn events_are_shown_in_the_order_of_their_reporter() {
    // The clock went back between them, and the network turned them round.
    let events = [
        ("interaction_complete", 90.0, Some(8)),
        ("interaction_start", 100.0, Some(7)),
    ];
    let order = shown(&service().await, &events).await;
    assert_eq!(order, ["interaction_start", "interaction_complete"]);
    // Without numbers of one reporter there are only the times.
    for numbers in [[None, None], [Some(8), None], [Some(8), Some(8)]] {
        let mut events = events;
        for (event, number) in events.iter_mut().zip(numbers) {
            event.2 = number;
        }
        let order = shown(&service().await, &events).await;
        assert_eq!(
            order,
            ["interaction_complete", "interaction_start"],
            "{numbers:?}"
        );
    }
}

#[tokio::test]
async fn data_that_only_json_can_hold_is_kept() {
    let service = service().await;
    let event = r#"{"action": "interaction_start", "interaction_id": "i", "mcp_id": "m", "timestamp": 5,
        "request_data": {"user_id": "\ud83d", "\ud83d": 1, "tool": "add", "processing_time": 1e999}}"#;
    let raw: &RawValue = serde_json::from_str(event).unwrap();
    let (interactions, who) = (service.interactions(), server("m"));
    let answer = interactions.report_batch(&who, &[raw]).await.unwrap();
    assert_eq!(answer.results[0].status, Stored);
    let found = detail(&service).await;
    assert_eq!(found.interaction.tool.as_deref(), Some("add"));
    assert_eq!(found.interaction.user_id, None);
    assert!(found.events[0].data.as_str().contains("1e999"));
}
