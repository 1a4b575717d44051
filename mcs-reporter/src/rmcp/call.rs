use super::answer::{Answer, Failure};
use super::asked::{Asked, traceparent};
use super::options::Options;
use super::session::told_apart;
use super::usage::Usage;
use crate::call::ABANDONED;
use crate::interaction_id::new_interaction_id;
use mcs_core::clock::{Clock, SystemClock};
use mcs_core::reporter::{Interaction, InteractionAction};
use rmcp::model::ErrorData;
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Map, Value};
use std::mem;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A call that was told to begin, and is told to end: by [`Call::end`], or where nobody comes to that, by being dropped.
pub(super) struct Call {
    options: Arc<Options>,
    id: String,
    /// What each of its events says.
    identity: Map<String, Value>,
    traceparent: Option<String>,
    cancelled: CancellationToken,
    before: Usage,
    ended: bool,
}

impl Call {
    /// Tells that a call begins. `None` if the reporter was switched off in this very moment.
    pub(super) fn begin<R: Asked>(
        options: Arc<Options>,
        request: &R,
        context: &RequestContext<RoleServer>,
    ) -> Option<Self> {
        let at = SystemClock.now();
        let identity = request.identity(&options);
        let mut data = identity.clone();
        tell_surroundings(&mut data, &options, context);
        request.tell_arguments(&mut data, &options);
        let start = Interaction {
            action: InteractionAction::Start,
            interaction_id: new_interaction_id(),
            at,
            data,
            traceparent: context.meta.get_traceparent().and_then(traceparent),
        };
        let (id, traceparent) = (start.interaction_id.clone(), start.traceparent.clone());
        options.report(start).then(|| Self {
            options,
            id,
            identity,
            traceparent,
            cancelled: context.ct.clone(),
            // What telling costs is no cost of the call.
            before: Usage::now(),
            ended: false,
        })
    }

    /// Tells how it ended.
    pub(super) fn end<A: Answer>(mut self, answer: &Result<A, ErrorData>) {
        let mut data = mem::take(&mut self.identity);
        self.before.tell_since(&mut data);
        let failure = match answer {
            Ok(answer) => answer.tell(&mut data, &self.options),
            Err(error) => Some(Failure::of(error, &self.options)),
        };
        self.tell_end(data, failure);
    }

    fn tell_end(&mut self, mut data: Map<String, Value>, mut failure: Option<Failure>) {
        self.ended = true;
        // Nobody waits for what a cancelled call answers, even where the answer says that it ended well.
        if self.cancelled.is_cancelled() {
            data.insert("cancelled".to_owned(), true.into());
            failure = Some(Failure::cancelled(failure));
        }
        data.insert("success".to_owned(), failure.is_none().into());
        let action = match failure {
            None => InteractionAction::Complete,
            Some(failure) => {
                data.insert("error_type".to_owned(), failure.kind.into());
                data.insert("error_message".to_owned(), failure.message.into());
                if let Some(code) = failure.code {
                    data.insert("error_code".to_owned(), code.into());
                }
                InteractionAction::Error
            }
        };
        self.options.report(Interaction {
            action,
            interaction_id: mem::take(&mut self.id),
            at: SystemClock.now(),
            data,
            traceparent: self.traceparent.take(),
        });
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let mut data = mem::take(&mut self.identity);
        self.before.tell_since(&mut data);
        let (kind, message) = if std::thread::panicking() {
            ("panic", "the server panicked in the call")
        } else {
            (ABANDONED, "the call was dropped before it was answered")
        };
        let failure = Failure {
            kind,
            message: message.to_owned(),
            code: None,
        };
        self.tell_end(data, Some(failure));
    }
}

/// Adds who calls, and over what.
fn tell_surroundings(
    data: &mut Map<String, Value>,
    options: &Options,
    context: &RequestContext<RoleServer>,
) {
    let http = context.extensions.get::<http::request::Parts>();
    let session = http.and_then(|parts| parts.headers.get("mcp-session-id"));
    let session = session.map(|id| told_apart(id.as_bytes()));
    let network = http.map(|_| "tcp").or(options.network).map(str::to_owned);
    let version = context
        .protocol_version()
        .map(|version| version.to_string());
    let told = [
        ("user_id", options.user_of(context)),
        ("jsonrpc.request.id", Some(context.id.to_string())),
        ("mcp.session.id", session),
        ("mcp.protocol.version", version),
        ("network.transport", network),
    ];
    for (field, value) in told {
        if let Some(value) = value {
            data.insert(field.to_owned(), super::asked::shortened(&value).into());
        }
    }
}
