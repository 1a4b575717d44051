//! The fixtures behind everything of ours.

use crate::fixtures::Fixtures;
use mcs_mcp::http::{self, HttpOptions};
use tokio::net::TcpListener;

/// Serves until the process ends, and says where.
pub(crate) async fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(http::serve(
        listener,
        Fixtures::new(),
        HttpOptions::default(),
    ));
    format!("http://{address}{}", http::PATH)
}
