use super::Policy;
use super::executor::ToolExecutor;
use crate::callers::Callers;
use mcs_core::domain::TaskId;
use mcs_core::engine::EngineError;
use mcs_core::service::{Principal, Service};
use rmcp::ServerHandler;
use rmcp::model::{CallToolRequestParams, ErrorData};
use rmcp::service::{RequestContext, RoleServer};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A server whose tools are durable where a [`Policy`] says so. Clones are one server: where a transport wants a server for
/// each session, give it clones.
#[derive(Clone)]
pub struct Durable<S> {
    pub(super) server: S,
    pub(super) service: Service,
    pub(super) callers: Callers,
    prefix: Arc<str>,
    tools: BTreeMap<Arc<str>, Arc<DurableTool>>,
    admit: Option<Arc<Admit>>,
    pub(super) ending: CancellationToken,
}

/// Whether a call is let in.
type Admit = dyn Fn(&CallToolRequestParams, &RequestContext<RoleServer>) -> Result<(), ErrorData>
    + Send
    + Sync;

/// One tool, and what is known of it.
pub(super) struct DurableTool {
    pub(super) kind: Arc<str>,
    pub(super) policy: Policy,
}

/// What a durable call is, for the tool that runs it: found in the extensions of its request context.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DurableCall {
    /// The task. The same for all attempts, so that it can serve as an idempotency key to others.
    pub task_id: TaskId,
    /// The attempt, counted from 1.
    pub attempt: u32,
    /// For whom it runs.
    pub owner: Arc<str>,
}

/// Why a tool was not made durable.
#[derive(Debug, thiserror::Error)]
#[error(
    "the tool {tool} cannot be durable: {source}; wrap a server once and clone that, and give each server of a service a \
     name of its own"
)]
pub struct DurableError {
    tool: String,
    source: EngineError,
}

impl<S: ServerHandler + Clone> Durable<S> {
    /// The server as it is. Its durable calls become tasks of `service`, of kinds that begin with the server's name.
    pub fn new(server: S, service: Service) -> Self {
        let prefix = server.get_info().server_info.name.into();
        Self {
            server,
            service,
            callers: Principal::local().into(),
            prefix,
            tools: BTreeMap::new(),
            admit: None,
            ending: CancellationToken::new(),
        }
    }

    /// The same server, whose tasks have kinds that begin with `prefix`. Comes before [`Durable::tool`].
    pub fn named(mut self, prefix: impl Into<Arc<str>>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The same server, whose calls are made by whom `callers` finds instead of by the local user.
    pub fn callers(mut self, callers: impl Into<Callers>) -> Self {
        self.callers = callers.into();
        self
    }

    /// The same server, where `admit` decides on every call of a durable tool before it is stored. What depends on the
    /// request, such as who may call which tool, belongs here: the tool itself runs without the request, and knows of its
    /// caller what [`DurableCall`] says.
    pub fn admit(
        mut self,
        admit: impl Fn(&CallToolRequestParams, &RequestContext<RoleServer>) -> Result<(), ErrorData>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.admit = Some(Arc::new(admit));
        self
    }

    /// Cancel it when the end of the server is near: clients that wait for results are then told that the work goes on
    /// without them. Over HTTP, cancel it together with the `stop` of the endpoint.
    pub fn ending(&self) -> CancellationToken {
        self.ending.clone()
    }

    /// Refuses a call that may not be made.
    pub(super) fn check(
        &self,
        request: &CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let admit = self.admit.as_ref();
        admit.map_or(Ok(()), |admit| admit(request, context))
    }

    /// The same server, where calls of the tool with this name are durable. Stored calls that were not finished go on at
    /// once.
    pub fn tool(mut self, name: impl Into<Arc<str>>, policy: Policy) -> Result<Self, DurableError> {
        let name = name.into();
        let kind: Arc<str> = format!("{}.{name}", self.prefix).into();
        let executor = ToolExecutor {
            server: self.server.clone(),
            tool: Arc::clone(&name),
            kind: Arc::clone(&kind),
            retry_errors: policy.retry_errors,
            idempotent: policy.idempotent,
            limit: policy.limit,
        };
        let registered = self.service.register(executor);
        registered.map_err(|source| DurableError {
            tool: name.to_string(),
            source,
        })?;
        let tool = DurableTool { kind, policy };
        self.tools.insert(name, Arc::new(tool));
        Ok(self)
    }

    /// The durable tool with this name.
    pub(super) fn durable(&self, name: &str) -> Option<&DurableTool> {
        self.tools.get(name).map(|tool| &**tool)
    }
}

impl<S> fmt::Debug for Durable<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Durable")
            .field("prefix", &self.prefix)
            .field("tools", &self.tools.keys().collect::<Vec<_>>())
            .field("callers", &self.callers)
            .finish_non_exhaustive()
    }
}
