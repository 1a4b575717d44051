//! Events are stored once, whatever happens on the way.

use crate::surroundings::{Server, call, event, named};
use serde_json::{Value, json};

#[tokio::test]
async fn an_event_is_stored_once_however_often_it_is_sent() {
    Server::each(async |server| {
        let first = named(
            event("start", "int_1_a", 1.5, &json!({"user_id": "ann"})),
            "e1",
        );
        assert_eq!(server.report(&first).await, "e1");
        for _ in 0..3 {
            let (status, body) = server.post("/api/v2/interactions", &first).await;
            assert_eq!(status, 200);
            assert_eq!(body, json!({"event_id": "e1", "status": "duplicate"}));
        }
        let results = server
            .batch(&[first.clone(), named(first.clone(), "e2"), first.clone()])
            .await;
        let statuses: Vec<_> = results.iter().map(|one| &one["status"]).collect();
        assert_eq!(statuses, ["duplicate", "stored", "duplicate"]);
        assert_eq!(server.kept().await, 2);
    })
    .await;
}

#[tokio::test]
async fn retries_of_clients_that_send_no_id_collapse() {
    Server::each(async |server| {
        let [start, end] = call("int_1700000000_0a1b2c3d", 1_700_000_000.123_456_7);
        let id = server.report(&start).await;
        for _ in 0..3 {
            let (status, body) = server.post("/api/v2/interactions", &start).await;
            assert_eq!(status, 200);
            assert_eq!(body, json!({"event_id": id, "status": "duplicate"}));
        }
        let results = server
            .batch(&[start.clone(), end.clone(), start, end])
            .await;
        let statuses: Vec<_> = results.iter().map(|one| &one["status"]).collect();
        assert_eq!(statuses, ["duplicate", "stored", "duplicate", "duplicate"]);
        // The next moment is another event.
        server
            .report(&event(
                "progress",
                "int_1700000000_0a1b2c3d",
                1_700_000_000.2,
                &json!({}),
            ))
            .await;
        server
            .report(&event(
                "progress",
                "int_1700000000_0a1b2c3d",
                1_700_000_000.3,
                &json!({}),
            ))
            .await;
        assert_eq!(server.kept().await, 4);
    })
    .await;
}

#[tokio::test]
async fn fields_of_later_versions_do_no_harm() {
    Server::each(async |server| {
        let mut event = event(
            "start",
            "int_1_a",
            1.0,
            &json!({"something": {"new": [1, null]}}),
        );
        event["schema"] = json!(7);
        event["seq"] = json!(3);
        event["traceparent"] = json!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        server.report(&event).await;
        let found = server.found("/api/v2/interactions/int_1_a").await;
        let kept = &found["events"][0];
        for field in [
            "request_data",
            "seq",
            "traceparent",
            "timestamp",
            "action",
            "mcp_id",
        ] {
            assert_eq!(kept[field], event[field], "{kept}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_empty_batch_is_answered() {
    Server::each(async |server| {
        assert_eq!(server.batch(&[]).await, Vec::<Value>::new());
    })
    .await;
}

#[tokio::test]
async fn many_senders_at_once_lose_nothing() {
    Server::each(async |server| {
        let send = async |sender: usize| {
            for round in 0..10 {
                let events: Vec<_> = (0..20)
                    .map(|n| {
                        event(
                            "progress",
                            &format!("int_{sender}"),
                            f64::from(round * 20 + n),
                            &json!({}),
                        )
                    })
                    .collect();
                for result in server.batch(&events).await {
                    assert_eq!(result["status"], "stored", "{result}");
                }
            }
        };
        futures_util::future::join_all((0..8).map(send)).await;
        assert_eq!(server.kept().await, 8 * 200);
    })
    .await;
}
