use super::callers::callers;
use super::endpoint::Endpoint;
use super::options::HttpOptions;
use crate::McpServer;
use mcs_core::config::ToolSet;
use mcs_core::service::Service;
use rmcp::ServerHandler;

/// The endpoint of a task service, which shows the tools of `tools`. It takes requests of whom a layer before it knows, see
/// [`callers`], and tells the service's reporter of each call.
pub fn endpoint(service: &Service, tools: ToolSet, options: HttpOptions) -> Endpoint {
    let server = McpServer::new(service.clone(), callers(), tools);
    Endpoint::telling(server.ending(), reported(server, service), options)
}

#[cfg(feature = "reporter")]
fn reported(server: McpServer, service: &Service) -> impl ServerHandler + Clone {
    mcs_reporter::ReportedServer::new(server, service.reporter().clone()).user_id(|context| {
        let caller = super::callers::caller(&context.extensions)?;
        Some(caller.name.to_string())
    })
}

#[cfg(not(feature = "reporter"))]
fn reported(server: McpServer, _service: &Service) -> impl ServerHandler + Clone {
    server
}
