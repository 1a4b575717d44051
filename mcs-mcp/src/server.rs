use crate::call::{Call, is_modern};
use crate::callers::Callers;
use crate::confirm::Seals;
use crate::logging::{self, Levels};
use crate::places::Places;
use crate::refusal::Refusal;
use crate::tools::Catalogue;
use crate::{complete, handle, info, prompts, resources, subscribe};
use mcs_core::config::ToolSet;
use mcs_core::service::Service;
use rmcp::ServerHandler;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CancelTaskMethod, CancelTaskParams,
    CompleteRequestParams, CompleteResult, DiscoverResult, ErrorData, GetPromptRequestParams,
    GetPromptResponse, GetTaskMethod, GetTaskParams, GetTaskResult, InitializeRequestParams,
    InitializeResult, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
    ServerConfig, SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams,
    UpdateTaskMethod, UpdateTaskParams,
};
use rmcp::service::{NotificationContext, RequestContext, RoleServer, SubscriptionContext};
use std::fmt;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// How long clients may keep what does not change while the server runs, in milliseconds.
pub(crate) const STATIC_TTL_MS: u64 = 5 * 60 * 1000;

/// The same for what names the kinds of tasks, of which more may come.
pub(crate) const KINDS_TTL_MS: u64 = 10 * 1000;

/// Most calls that are under way at a time. Of several callers each has a quarter.
const CALLS: usize = 1024;

/// The MCP handler on a task service: tools, resources and prompts. Cheap to clone; clones are one server.
#[derive(Clone)]
pub struct McpServer(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) service: Service,
    callers: Callers,
    pub(crate) tools: Catalogue,
    /// For all that is asked and may take a while.
    pub(crate) calls: Places,
    /// For questions to users, which the calls that ask wait for.
    pub(crate) questions: Places,
    pub(crate) listeners: Places,
    pub(crate) sessions: subscribe::Sessions,
    pub(crate) log_levels: Levels,
    pub(crate) seals: Seals,
    pub(crate) ending: CancellationToken,
}

impl McpServer {
    /// A server that shows the tools of `set` and calls the service as whoever the caller is: one [`Principal`] for all
    /// requests, or [`Callers`] of many.
    ///
    /// [`Principal`]: mcs_core::service::Principal
    pub fn new(service: Service, callers: impl Into<Callers>, set: ToolSet) -> Self {
        let callers = callers.into();
        let each = if callers.are_many() { CALLS / 4 } else { CALLS };
        Self(Arc::new(Shared {
            service,
            callers,
            tools: Catalogue::showing(set),
            calls: Places::new("calls are under way", CALLS, each),
            questions: Places::new("questions to users are open", 256, 16),
            listeners: Places::new("listeners are open", 1024, 64),
            sessions: subscribe::Sessions::default(),
            log_levels: Levels::default(),
            seals: Seals::default(),
            ending: CancellationToken::new(),
        }))
    }

    /// Fires when the client can no longer be heard. Calls that wait for something return then.
    pub fn ending(&self) -> CancellationToken {
        self.0.ending.clone()
    }

    /// Shows the tools of `set` from now on. Clients that listen for it, and those with a session, hear of the change.
    pub fn show(&self, set: ToolSet) {
        self.0.tools.show(set);
    }

    /// What a request has at hand, once it is known who makes it.
    fn call<'a>(&'a self, context: &'a RequestContext<RoleServer>) -> Result<Call<'a>, ErrorData> {
        let principal = self.0.callers.who(&context.extensions)?;
        Call::new(&self.0, principal, context)
    }
}

impl fmt::Debug for McpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpServer")
            .field("tools", &self.0.tools)
            .field("callers", &self.0.callers)
            .finish_non_exhaustive()
    }
}

impl ServerHandler for McpServer {
    fn get_info(&self) -> ServerConfig {
        info::of(&self.0.service)
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        context.peer.set_peer_info(request.clone());
        self.negotiate_initialize(&request).map(handle::untold)
    }

    async fn discover(
        &self,
        _context: RequestContext<RoleServer>,
    ) -> Result<DiscoverResult, ErrorData> {
        let versions = self.supported_protocol_versions().into_owned();
        let found = DiscoverResult::from_server_info(versions, self.get_info());
        Ok(found
            .with_ttl_ms(KINDS_TTL_MS)
            .with_cache_scope(CacheScope::Public))
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        self.0.tools.list(request)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.0.tools.definition(name)
    }

    async fn call_tool(
        &self,
        mut request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let tool = self.0.tools.find(&request.name)?;
        let call = self.call(&context)?.answering(&mut request);
        Ok(self.0.tools.call(tool, request, &call).await)
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        resources::list(request)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        resources::list_templates(request)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let call = self.call(&context)?;
        let _place = call.place().map_err(Refusal::into_protocol_error)?;
        resources::read(&request.uri, &call).await.map(Into::into)
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(subscribe::accepted(requested))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let who = self.0.callers.who(&context.request_context().extensions)?;
        subscribe::listen(&self.0, who, &context).await
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let call = self.call(&context)?;
        subscribe::subscribe(&self.0, &request.uri, &call).await
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.0.sessions.unwatch(&context.peer, &request.uri);
        Ok(())
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        subscribe::greet(&self.0, context.peer);
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let call = self.call(&context)?;
        let _place = call.place().map_err(Refusal::into_protocol_error)?;
        complete::complete(&request, &call).await
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        prompts::list(request)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let call = self.call(&context)?;
        let _place = call.place().map_err(Refusal::into_protocol_error)?;
        let arguments = request.arguments.unwrap_or_default();
        prompts::get(&request.name, &arguments, &call)
            .await
            .map(Into::into)
    }

    async fn set_level(
        &self,
        request: logging::SetLevel,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.0
            .log_levels
            .set(&request, &context, is_modern(&context))
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        let call = self.call(&context)?;
        let _place = call.place().map_err(Refusal::into_protocol_error)?;
        let handles = call.handles_for::<GetTaskMethod>()?;
        handles.get(&request.task_id).await
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let call = self.call(&context)?;
        let handles = call.handles_for::<UpdateTaskMethod>()?;
        handles.update(request).await
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let call = self.call(&context)?;
        let handles = call.handles_for::<CancelTaskMethod>()?;
        handles.cancel(&request.task_id).await
    }
}
