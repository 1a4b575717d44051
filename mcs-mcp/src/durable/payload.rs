use mcs_core::domain::Json;
use rmcp::model::{
    ClientCapabilities, Implementation, InitializeRequestParams, InputResponses, JsonObject,
    RequestMetaObject,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A call as it is stored: what a tool may want to know of it after the caller has gone.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Payload {
    /// The arguments. First, since lists show the start of a payload.
    #[serde(default)]
    pub(super) arguments: Option<JsonObject>,
    /// What the request said beside them. Where there is no session, that has the client's revision and capabilities.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub(super) meta: RequestMetaObject,
    /// How the client opened its session, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) client: Option<InitializeRequestParams>,
    /// What the client answered before the call was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) answered: Option<Answered>,
    /// Whether the tool said of itself that it may run again once it was cut off. A policy that says it is asked then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) idempotent: bool,
}

/// What a tool that asked its client is called again with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Answered {
    /// What the tool wanted back beside the answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<String>,
    /// The answers.
    pub(super) responses: InputResponses,
}

impl Payload {
    pub(super) fn to_json(&self) -> Result<Json, serde_json::Error> {
        Json::new(self)
    }

    /// What the tool is asked to do, whoever asks and how.
    pub(super) fn asked(&self) -> Value {
        json!([self.arguments, self.answered])
    }

    /// The client as a session of its revision would know it.
    pub(super) fn client(&mut self) -> InitializeRequestParams {
        self.client.take().unwrap_or_else(|| {
            let capabilities = self.meta.client_capabilities().unwrap_or_default();
            let mut client = unknown(capabilities);
            if let Some(info) = self.meta.client_info() {
                client.client_info = info;
            }
            if let Some(version) = self.meta.protocol_version() {
                client.protocol_version = version;
            }
            client
        })
    }
}

fn is_empty(meta: &RequestMetaObject) -> bool {
    meta.0.0.is_empty()
}

fn unknown(capabilities: ClientCapabilities) -> InitializeRequestParams {
    InitializeRequestParams::new(
        capabilities,
        Implementation::new("mcs", env!("CARGO_PKG_VERSION")),
    )
}
