//! Who reports as whom, and who sees what of it.

use super::*;

#[tokio::test]
async fn a_key_reports_and_sees_its_own_mcp_server_only() {
    let service = service().await;
    let report = async |who: &Principal, mcp: &str| {
        service
            .interactions()
            .report(who, wire(&start(mcp, "i")))
            .await
    };
    for mcp in ["a", "b"] {
        report(&server(mcp), mcp).await.unwrap();
    }
    let refused = report(&server("a"), "b").await.unwrap_err();
    assert!(
        matches!(&refused, ServiceError::OtherMcp { own, mcp_id } if own == "a" && mcp_id == "b")
    );
    assert_eq!(listed(&service, &server("a"), None).await, ["a"]);
    assert!(listed(&service, &server("a"), Some("b")).await.is_empty());
    assert_eq!(
        listed(&service, &Principal::local(), None).await,
        ["b", "a"]
    );
    let interactions = service.interactions();
    let of_b = interactions.get(&server("a"), "i", Some("b"), None).await;
    assert!(matches!(of_b, Err(ServiceError::NoInteraction(id)) if id == "i"));
    let page = interactions
        .events(&server("a"), None, Cursor(0), 10)
        .await
        .unwrap();
    assert_eq!(
        page.events
            .iter()
            .map(|event| &*event.mcp_id)
            .collect::<Vec<_>>(),
        ["a"]
    );
    assert_eq!(
        (page.next, page.more),
        (Cursor(2), false),
        "the place moves on over what is not seen"
    );
    let page = interactions
        .events(&server("a"), Some("b"), Cursor(0), 10)
        .await
        .unwrap();
    assert!(page.events.is_empty());
}

#[tokio::test]
async fn an_id_of_several_mcp_servers_needs_a_name() {
    let service = service().await;
    let local = Principal::local();
    for mcp in ["b", "a"] {
        service
            .interactions()
            .report(&local, wire(&start(mcp, "i")))
            .await
            .unwrap();
    }
    let error = service
        .interactions()
        .get(&local, "i", None, None)
        .await
        .unwrap_err();
    assert!(matches!(error, ServiceError::Conflict { .. }));
    assert!(error.to_string().contains("`a`, `b`; say whose"), "{error}");
    let found = service
        .interactions()
        .get(&local, "i", Some("b"), None)
        .await
        .unwrap();
    assert_eq!(&*found.interaction.mcp_id, "b");
    // A key never hears of the other.
    let found = service
        .interactions()
        .get(&server("a"), "i", None, None)
        .await
        .unwrap();
    assert_eq!(&*found.interaction.mcp_id, "a");
}

#[tokio::test]
async fn scopes_are_needed() {
    let service = service().await;
    let nobody = Principal::mcp("m", Scopes::default());
    let interactions = service.interactions();
    let forbidden = |refused: bool| assert!(refused);
    let is = |error: ServiceError| matches!(error, ServiceError::Forbidden { .. });
    forbidden(is(interactions
        .report(&nobody, wire(&start("m", "i")))
        .await
        .unwrap_err()));
    forbidden(is(batch(&service, &nobody, &[]).await.unwrap_err()));
    forbidden(is(interactions
        .get(&nobody, "i", None, None)
        .await
        .unwrap_err()));
    let list = interactions.list(&nobody, InteractionFilter::default(), None, 1);
    forbidden(is(list.await.unwrap_err()));
    forbidden(is(interactions
        .events(&nobody, None, Cursor(0), 1)
        .await
        .unwrap_err()));
    forbidden(is(interactions.follow(&nobody, None, None).unwrap_err()));
    forbidden(is(interactions
        .statistics(&nobody, None, 1)
        .await
        .unwrap_err()));
}

#[tokio::test]
async fn a_key_sees_the_statistics_of_its_own_mcp_server_only() {
    let service = service().await;
    let local = Principal::local();
    for mcp in ["a", "b"] {
        let mut event = start(mcp, "i");
        event["timestamp"] = now().into();
        let reported = service.interactions().report(&local, wire(&event)).await;
        reported.unwrap();
    }
    let names = async |who: &Principal, mcp: Option<&str>| {
        // Two hours, in case one ends meanwhile.
        let found = service
            .interactions()
            .statistics(who, mcp, 2)
            .await
            .unwrap();
        let names = found.iter().map(|one| one.mcp_id.to_string());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(&local, None).await, ["a", "b"]);
    assert_eq!(names(&server("a"), None).await, ["a"]);
    assert_eq!(names(&server("a"), Some("a")).await, ["a"]);
    assert!(names(&server("a"), Some("b")).await.is_empty());
}

#[tokio::test]
async fn a_user_is_no_mcp_server_of_its_name() {
    let service = service().await;
    let report = Scopes {
        report: true,
        ..Scopes::USER
    };
    let user = Principal::new("a", report);
    let event = wire(&start("a", "i"));
    let interactions = service.interactions();
    let refused = interactions.report(&user, event.clone()).await.unwrap_err();
    assert!(
        matches!(refused, ServiceError::Forbidden { .. }),
        "{refused}"
    );
    let refused = batch(&service, &user, &[start("a", "i")])
        .await
        .unwrap_err();
    assert!(
        matches!(refused, ServiceError::Forbidden { .. }),
        "{refused}"
    );
    interactions.report(&server("a"), event).await.unwrap();
    assert!(listed(&service, &user, None).await.is_empty());
    assert!(listed(&service, &user, Some("a")).await.is_empty());
    let found = interactions.get(&user, "i", Some("a"), None).await;
    assert!(matches!(found, Err(ServiceError::NoInteraction(_))));
    let page = interactions.events(&user, None, Cursor(0), 10).await;
    assert!(page.unwrap().events.is_empty());
    let statistics = interactions.statistics(&user, Some("a"), 1).await;
    assert!(statistics.unwrap().is_empty());
}
