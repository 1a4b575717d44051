//! What was reported is found again.

use crate::surroundings::{Server, call, event, of};
use serde_json::{Value, json};

/// Five calls of two servers, ten seconds apart, of which one failed and one goes on.
async fn fill(server: &Server) {
    for (at, id) in [(0.0, "a"), (10.0, "b"), (20.0, "c")] {
        for event in call(id, at) {
            server.report(&event).await;
        }
    }
    let start = event(
        "start",
        "d",
        30.0,
        &json!({"user_id": "bob", "tool": "tide"}),
    );
    server.report(&of(start, "tides")).await;
    let error = json!({"error_type": "Timeout", "error_message": "too late"});
    server
        .report(&of(event("error", "d", 31.0, &error), "tides"))
        .await;
    server
        .report(&of(event("start", "e", 40.0, &json!({})), "tides"))
        .await;
}

fn ids(page: &Value) -> Vec<&str> {
    let items = page["interactions"].as_array().unwrap();
    items
        .iter()
        .map(|one| one["interaction_id"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn each_filter_finds_what_it_says() {
    Server::each(async |server| {
        fill(&server).await;
        for (query, wanted) in [
            ("", vec!["e", "d", "c", "b", "a"]),
            ("?mcp_id=weather", vec!["c", "b", "a"]),
            ("?status=completed", vec!["c", "b", "a"]),
            ("?status=FAILED", vec!["d"]),
            ("?status=started", vec!["e"]),
            ("?user=ann&mcp_id=tides", vec![]),
            ("?user=bob", vec!["d"]),
            ("?tool=forecast&limit=2", vec!["c", "b"]),
            ("?error_type=Timeout", vec!["d"]),
            ("?since=1970-01-01T00:00:20Z", vec!["e", "d", "c"]),
            ("?until=1970-01-01T00:00:20Z", vec!["b", "a"]),
            (
                "?since=1970-01-01T00:00:10Z&until=1970-01-01T00:00:30Z&status=completed",
                vec!["c", "b"],
            ),
            ("?mcp_id=nobody", vec![]),
        ] {
            let page = server.found(&format!("/api/v2/interactions{query}")).await;
            assert_eq!(ids(&page), wanted, "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn pages_follow_each_other_to_the_end() {
    Server::each(async |server| {
        fill(&server).await;
        let (mut found, mut next) = (Vec::new(), String::new());
        for _ in 0..5 {
            let page = server
                .found(&format!("/api/v2/interactions?limit=2{next}"))
                .await;
            found.extend(ids(&page).into_iter().map(str::to_owned));
            let Some(cursor) = page["next"].as_str() else {
                break;
            };
            next = format!("&cursor={cursor}");
        }
        assert_eq!(found, ["e", "d", "c", "b", "a"]);
    })
    .await;
}

#[tokio::test]
async fn an_interaction_is_shown_with_its_events_in_order() {
    Server::each(async |server| {
        let [start, end] = call("int_1_a", 100.0);
        let middle = event("progress", "int_1_a", 101.0, &json!({"percent": 50}));
        // They arrive in another order than they happened.
        for event in [&middle, &end, &start] {
            server.report(event).await;
        }
        let found = server
            .found("/api/v2/interactions/int_1_a?mcp_id=weather")
            .await;
        let shown = &found["interaction"];
        assert_eq!(shown["status"], "COMPLETED");
        assert_eq!(shown["user_id"], "ann");
        assert_eq!(shown["tool"], "forecast");
        assert!(
            shown["flags"].to_string().contains("out_of_order"),
            "{shown}"
        );
        let actions: Vec<_> = found["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["action"])
            .collect();
        assert_eq!(
            actions,
            [
                "interaction_start",
                "interaction_progress",
                "interaction_complete"
            ]
        );
        for (kept, sent) in found["events"]
            .as_array()
            .unwrap()
            .iter()
            .zip([&start, &middle, &end])
        {
            for (field, value) in sent.as_object().unwrap() {
                assert_eq!(&kept[field], value, "{kept}");
            }
            assert!(
                kept["event_id"].is_string() && kept["received_at"].is_string(),
                "{kept}"
            );
        }
        assert_eq!(found["next"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn two_servers_with_one_id_are_kept_apart() {
    Server::each(async |server| {
        for mcp_id in ["weather", "tides"] {
            server
                .report(&of(event("start", "int_1_a", 1.0, &json!({})), mcp_id))
                .await;
        }
        let (status, body) = server.get("/api/v2/interactions/int_1_a").await;
        assert_eq!(status, 409);
        let detail = body["detail"].as_str().unwrap();
        assert!(
            detail.contains("weather") && detail.contains("tides"),
            "{detail}"
        );
        let found = server
            .found("/api/v2/interactions/int_1_a?mcp_id=tides")
            .await;
        assert_eq!(found["interaction"]["mcp_id"], "tides");
        assert_eq!(found["events"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn any_id_can_be_asked_for() {
    Server::each(async |server| {
        for id in ["a b/c?d#e%", "ünï", "..", "batch"] {
            server.report(&event("start", id, 1.0, &json!({}))).await;
            let mut url =
                reqwest::Url::parse(&format!("http://{}/api/v2/interactions", server.address))
                    .unwrap();
            url.path_segments_mut().unwrap().push(id);
            // A path takes a name of two dots for the way up, whoever writes it.
            if id == ".." {
                continue;
            }
            let answer = server.client.get(url).send().await.unwrap();
            // What is a route of its own is found by the list.
            let wanted = if id == "batch" { 405 } else { 200 };
            assert_eq!(answer.status(), wanted, "{id}");
        }
    })
    .await;
}

#[tokio::test]
async fn statistics_count_calls_and_errors() {
    Server::each(async |server| {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs_f64();
        for n in 0..4 {
            for event in call(&format!("int_{n}"), now - 3.0) {
                server.report(&event).await;
            }
        }
        server
            .report(&of(event("start", "d", now, &json!({})), "tides"))
            .await;
        server
            .report(&of(
                event("error", "d", now, &json!({"error_type": "Timeout"})),
                "tides",
            ))
            .await;
        // A test that begins right after the hour has its calls in two.
        let body = server.found("/api/v2/statistics?hours=2").await;
        assert_eq!(body["hours"], 2);
        let of = |mcp_id: &str| {
            let servers = body["servers"].as_array().unwrap().iter();
            servers.clone().find(|one| one["mcp_id"] == mcp_id).unwrap()
        };
        assert_eq!(
            (&of("weather")["calls"], &of("weather")["errors"]),
            (&json!(4), &json!(0))
        );
        assert_eq!(
            (&of("tides")["calls"], &of("tides")["errors"]),
            (&json!(1), &json!(1))
        );
        let p50 = of("weather")["p50_ms"].as_f64().unwrap();
        assert!((1800.0..=2200.0).contains(&p50), "{p50}");
        assert_eq!(of("tides")["error_rate"], 1.0);
        let one = server
            .found("/api/v2/statistics?hours=2&mcp_id=tides")
            .await;
        assert_eq!(one["servers"].as_array().unwrap().len(), 1);
    })
    .await;
}
