use mcs_core::config::{Config, ToolSet, open};
use mcs_core::service::{NewKey, Principal, Scope};
use mcs_mcp::http::{HttpOptions, serve_service};
use rmcp::model::CallToolRequestParams;
use rmcp::service::{ClientLifecycleMode, ClientServiceExt};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_service_is_open_on_the_loopback_until_it_has_a_key() {
    let service = open(&Config::in_memory()).await.unwrap();
    let stop = CancellationToken::new();
    let options = HttpOptions {
        stop: stop.clone(),
        ..HttpOptions::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let serving = serve_service(listener, service.clone(), ToolSet::Core, options);
    let serving = tokio::spawn(serving);
    let connect = async |token: Option<&str>| {
        let config = StreamableHttpClientTransportConfig::with_uri(&*url);
        let config = match token {
            Some(token) => config.auth_header(token),
            None => config,
        };
        let transport = StreamableHttpClientTransport::from_config(config);
        ().serve_with_lifecycle(transport, ClientLifecycleMode::Initialize)
            .await
    };
    let client = connect(None).await.unwrap();
    client.cancel().await.unwrap();
    let new = NewKey::of_user("ann", &[Scope::Read]);
    let key = service.keys().create(&Principal::local(), new).await;
    let key = key.unwrap();
    assert!(connect(None).await.is_err(), "there is a key now");
    assert!(connect(Some("mcs_0_0")).await.is_err());
    let client = connect(Some(key.token.expose())).await.unwrap();
    let listed = client.call_tool(CallToolRequestParams::new("list_tasks"));
    assert_ne!(listed.await.unwrap().is_error, Some(true));
    let create = serde_json::json!({"prompt": "hello"});
    let create = CallToolRequestParams::new("create_task")
        .with_arguments(create.as_object().unwrap().clone());
    let refused = client.call_tool(create).await.unwrap();
    assert_eq!(refused.is_error, Some(true), "it may only read");
    client.cancel().await.unwrap();
    stop.cancel();
    serving.await.unwrap().unwrap();
}
