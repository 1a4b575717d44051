use crate::call::Call;
use crate::callers::Callers;
use crate::refusal::Refusal;
use crate::tools::{self, Entry, set};
use crate::{prompts, resources};
use mcs_core::config::ToolSet;
use mcs_core::schema::{nearest, shortened};
use mcs_core::service::Service;
use rmcp::ServerHandler;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, ErrorData, GetPromptRequestParams,
    GetPromptResponse, Implementation, ListPromptsResult, ListResourcesResult, ListToolsResult,
    PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities,
    ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use std::fmt;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Most tool calls of one client that are under way at a time.
const CALLS: usize = 1024;
/// How long clients may keep what does not change while the server runs, in milliseconds.
pub(crate) const STATIC_TTL_MS: u64 = 5 * 60 * 1000;

/// The MCP handler on a task service: tools, resources and prompts. Cheap to clone; clones are one server.
#[derive(Clone)]
pub struct McpServer(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) service: Service,
    callers: Callers,
    tools: Vec<Entry>,
    set: ToolSet,
    calls: Semaphore,
    pub(crate) ending: CancellationToken,
}

impl McpServer {
    /// A server that shows the tools of `set` and calls the service as whoever the caller is: one [`Principal`] for all
    /// requests, or [`Callers`] of many.
    ///
    /// [`Principal`]: mcs_core::service::Principal
    pub fn new(service: Service, callers: impl Into<Callers>, set: ToolSet) -> Self {
        Self(Arc::new(Shared {
            service,
            callers: callers.into(),
            tools: tools::entries().into(),
            set,
            calls: Semaphore::new(CALLS),
            ending: CancellationToken::new(),
        }))
    }

    /// Fires when the client can no longer be heard. Calls that wait for something return then.
    pub fn ending(&self) -> CancellationToken {
        self.0.ending.clone()
    }

    /// What a request has at hand, once it is known who makes it.
    fn call<'a>(&'a self, context: &'a RequestContext<RoleServer>) -> Result<Call<'a>, ErrorData> {
        let principal = self.0.callers.who(&context.extensions)?;
        Ok(Call::new(&self.0, principal, context))
    }

    fn shown(&self) -> impl Iterator<Item = &Entry> {
        self.0
            .tools
            .iter()
            .filter(|tool| set::includes(self.0.set, tool.set))
    }

    fn tool(&self, name: &str) -> Result<&Entry, ErrorData> {
        self.shown()
            .find(|tool| tool.name == name)
            .ok_or_else(|| ErrorData::invalid_params(self.unknown_tool(name), None))
    }

    fn unknown_tool(&self, name: &str) -> String {
        let shown = shortened(name);
        if let Some(hidden) = self.0.tools.iter().find(|tool| tool.name == name) {
            return format!(
                "Unknown tool: {shown}. This server shows the tools of the set {}; start it with the set {} to have it.",
                set::name(self.0.set),
                set::name(hidden.set)
            );
        }
        match nearest(name, self.shown().map(|tool| tool.name)) {
            Some(near) => format!("Unknown tool: {shown}. Did you mean {near}?"),
            None => format!("Unknown tool: {shown}. Call tools/list for those there are."),
        }
    }

    fn instructions(&self) -> String {
        let kinds = self.0.service.kinds();
        let kinds: Vec<String> = kinds
            .iter()
            .map(|kind| format!("{} ({})", kind.name, kind.description))
            .collect();
        format!(
            "MCS runs durable tasks: create_task stores a task and returns its task_id at once, wait_for_task and \
             get_task_result return its result. Tasks go on after this session ends, so keep task_ids. \
             Kinds of task here: {}.",
            kinds.join("; ")
        )
    }
}

impl fmt::Debug for McpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpServer")
            .field("set", &self.0.set)
            .field("callers", &self.0.callers)
            .finish_non_exhaustive()
    }
}

impl ServerHandler for McpServer {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .enable_prompts()
            .build();
        let name = Implementation::new("mcs", env!("CARGO_PKG_VERSION"))
            .with_title("MCS")
            .with_description("The durable task runtime for MCP");
        ServerConfig::new(capabilities)
            .with_server_info(name)
            .with_instructions(self.instructions())
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = self.shown().map(|tool| tool.definition().clone()).collect();
        // The list depends on how the server was started and not on who asks.
        Ok(ListToolsResult::with_all_items(tools)
            .with_ttl_ms(STATIC_TTL_MS)
            .with_cache_scope(CacheScope::Public))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tool(name).ok().map(|tool| tool.definition().clone())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let tool = self.tool(&request.name)?;
        let Ok(_permit) = self.0.calls.try_acquire() else {
            return Ok(Refusal::Busy(CALLS).into_result(tool.name).into());
        };
        let call = self.call(&context)?;
        let answer = tool
            .call(request.arguments.unwrap_or_default(), &call)
            .await;
        Ok(answer.unwrap_or_else(|refusal| {
            tracing::debug!(tool = tool.name, %refusal, "a call was refused");
            refusal.into_result(tool.name).into()
        }))
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(resources::list())
            .with_ttl_ms(STATIC_TTL_MS)
            .with_cache_scope(CacheScope::Public))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let call = self.call(&context)?;
        resources::read(&request.uri, &call).await.map(Into::into)
    }

    async fn list_prompts(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(prompts::list())
            .with_ttl_ms(STATIC_TTL_MS)
            .with_cache_scope(CacheScope::Public))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let call = self.call(&context)?;
        let arguments = request.arguments.unwrap_or_default();
        prompts::get(&request.name, &arguments, &call)
            .await
            .map(Into::into)
    }
}
