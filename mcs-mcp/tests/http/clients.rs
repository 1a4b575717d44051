use crate::kit::{Waits, options};
use mcs_mcp::http::{HttpOptions, serve};
use rmcp::model::{CallToolRequestParams, ProtocolVersion};
use rmcp::service::{ClientLifecycleMode, ClientServiceExt};
use rmcp::transport::StreamableHttpClientTransport;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn clients_of_both_eras_are_served() {
    let (handler, stop) = (Waits::new(), CancellationToken::new());
    let options = HttpOptions {
        stop: stop.clone(),
        ..options(&handler)
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let served = tokio::spawn(serve(listener, handler, options));
    let modern = ClientLifecycleMode::Discover {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
    };
    for era in [ClientLifecycleMode::Initialize, modern] {
        let transport = StreamableHttpClientTransport::from_uri(&*url);
        let client = ().serve_with_lifecycle(transport, era).await.unwrap();
        for _ in 0..3 {
            let answer = client.call_tool(CallToolRequestParams::new("echo"));
            let answer = serde_json::to_string(&answer.await.unwrap()).unwrap();
            assert!(answer.contains("at once"), "{answer}");
        }
        client.cancel().await.unwrap();
    }
    stop.cancel();
    served.await.unwrap().unwrap();
}
