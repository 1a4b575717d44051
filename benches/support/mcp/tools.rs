use super::{HOLD, NOOP};
use crate::support::Outcome;
use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    Implementation, ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig,
    Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::json;
use std::sync::Arc;

/// The least that a server can be: every tool gives the same answer, and nothing is kept.
#[derive(Debug, Clone)]
pub(super) struct Tools {
    answer: Arc<CallToolResult>,
    list: Arc<[Tool]>,
}

impl Tools {
    pub(super) fn new() -> Outcome<Self> {
        Self::answering(CallToolResult::success(vec![ContentBlock::text("done")]))
    }

    pub(super) fn answering(answer: CallToolResult) -> Outcome<Self> {
        let list = [NOOP, HOLD].into_iter().map(|name| {
            let schema = serde_json::from_value(json!({"type": "object"}))?;
            Ok(Tool::new(name, "Answers.", Arc::new(schema)))
        });
        Ok(Self {
            answer: Arc::new(answer),
            list: list.collect::<Outcome<_>>()?,
        })
    }
}

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("bench", "1"))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.list.to_vec()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.list.iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if request.name == HOLD {
            context.ct.cancelled().await;
        }
        Ok(CallToolResult::clone(&self.answer).into())
    }
}
