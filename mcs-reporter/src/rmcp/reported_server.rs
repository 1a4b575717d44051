use super::asked::Asked;
use super::call::Call;
use super::options::Options;
use mcs_core::reporter::InteractionReporter;
use rmcp::service::{RequestContext, RoleServer};
use std::fmt;
use std::sync::Arc;

/// An rmcp server whose every `tools/call`, `prompts/get` and `resources/read` is reported: when it begins, and when it
/// completes or fails. In everything else it is the server that it holds, and it is a `ServerHandler` itself, so it goes
/// wherever that server went, over any transport.
///
/// A call's events carry its method, the name of the tool, prompt or resource, the sizes and types of arguments and
/// result, the time it took, and how CPU and memory of the process changed meanwhile, which other calls that run at the
/// time take part in. Arguments and results themselves are told only on request, and so is what an error says, since it
/// may quote them: without, an error is told by its code. A tool that answers with `isError`, a protocol error, a call that
/// was cancelled before it was answered, even if the server finishes it, and one that was dropped before are errors.
///
/// A size is exact up to 256 KiB. Of what is larger no more is read than that, and `output_size` or `input_size` is at
/// least so much, which `output_size_is_lower_bound` or `input_size_is_lower_bound` says. As `mcp.session.id` of an HTTP
/// session the events have the first 16 hexadecimal digits of its SHA-256, since the id itself may open the session to
/// whoever reads it.
///
/// The server never waits for the reporter and does not see its failures. Clones share one reporter.
#[derive(Clone)]
pub struct ReportedServer<S> {
    pub(super) server: S,
    options: Arc<Options>,
}

impl<S> ReportedServer<S> {
    /// Tells `reporter` of the calls of `server`.
    pub fn new(server: S, reporter: Arc<dyn InteractionReporter>) -> Self {
        Self {
            server,
            options: Arc::new(Options::new(reporter)),
        }
    }

    /// Whether the events carry the arguments of tools and prompts, the whole address of resources, and the messages of
    /// protocol errors. They do not unless this is called: without, an address is told up to its `?`.
    pub fn record_arguments(self, record: bool) -> Self {
        self.with(|options| options.arguments = record)
    }

    /// Whether the events carry results, up to 128 KiB each, what tools say that fail, and the messages of protocol
    /// errors. They do not unless this is called.
    pub fn record_results(self, record: bool) -> Self {
        self.with(|options| options.results = record)
    }

    /// What calls travel over where no HTTP request says so, as OpenTelemetry's `network.transport` has it: `pipe` for
    /// standard input and output, `tcp`, `unix`. Calls over HTTP are known to be `tcp`.
    pub fn network_transport(self, name: &'static str) -> Self {
        self.with(|options| options.network = Some(name))
    }

    /// Asks `who` at the beginning of each call for the user it is made for. Where the server is served over HTTP, the
    /// request's `http::request::Parts` are among the extensions of the context.
    pub fn user_id(
        self,
        who: impl Fn(&RequestContext<RoleServer>) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.with(|options| options.user = Some(Arc::new(who)))
    }

    /// The server inside.
    pub fn inner(&self) -> &S {
        &self.server
    }

    /// Gives the server back.
    pub fn into_inner(self) -> S {
        self.server
    }

    fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(Arc::make_mut(&mut self.options));
        self
    }

    /// Tells that a call begins, if anybody listens.
    pub(super) fn begin(
        &self,
        request: &impl Asked,
        context: &RequestContext<RoleServer>,
    ) -> Option<Call> {
        if !self.options.is_enabled() {
            return None;
        }
        Call::begin(self.options.clone(), request, context)
    }
}

impl<S: fmt::Debug> fmt::Debug for ReportedServer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReportedServer")
            .field("server", &self.server)
            .field("options", &self.options)
            .finish()
    }
}
