//! Lines of the type `system` and their like. Each part of one is looked for by itself, so that a part of an unexpected
//! type costs no other.

use super::Event;
use super::raw::{Raw, count, list, name, some_name, status, string};
use super::text::shortened;
use serde::Deserialize;

/// Most MCP servers of which the state is kept.
const SERVERS: usize = 200;

/// What `system/init` says: how the session is set up.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Init {
    pub(crate) session_id: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) version: Option<String>,
    /// Names and states.
    pub(crate) mcp_servers: Vec<(String, String)>,
}

/// What `system/api_retry` says: the API failed and is asked again.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Retry {
    pub(crate) attempt: u64,
    pub(crate) max_retries: u64,
    pub(crate) delay_ms: u64,
    /// The HTTP status, where there was an answer.
    pub(crate) status: Option<u16>,
    pub(crate) error: String,
}

/// A tool call that was not permitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Denial {
    pub(crate) tool: String,
    pub(crate) tool_use_id: String,
    /// Why, where it is said.
    pub(crate) message: Option<String>,
}

impl Init {
    pub(super) fn read(text: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Line<'a> {
            #[serde(borrow, default)]
            session_id: Raw<'a>,
            #[serde(borrow, default)]
            model: Raw<'a>,
            #[serde(borrow, default)]
            claude_code_version: Raw<'a>,
            #[serde(borrow, default)]
            mcp_servers: Raw<'a>,
        }
        #[derive(Deserialize)]
        struct Server<'a> {
            #[serde(borrow, default)]
            name: Raw<'a>,
            #[serde(borrow, default)]
            status: Raw<'a>,
        }
        let line: Line<'_> = serde_json::from_str(text).ok()?;
        let servers = list(line.mcp_servers).into_iter().take(SERVERS);
        let servers = servers.filter_map(|raw| serde_json::from_str::<Server<'_>>(raw.get()).ok());
        Some(Self {
            session_id: some_name(line.session_id),
            model: some_name(line.model),
            version: some_name(line.claude_code_version),
            mcp_servers: servers
                .map(|server| (name(server.name), name(server.status)))
                .collect(),
        })
    }
}

impl Retry {
    pub(super) fn read(text: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Line<'a> {
            #[serde(borrow, default)]
            attempt: Raw<'a>,
            #[serde(borrow, default)]
            max_retries: Raw<'a>,
            #[serde(borrow, default)]
            retry_delay_ms: Raw<'a>,
            #[serde(borrow, default)]
            error_status: Raw<'a>,
            #[serde(borrow, default)]
            error: Raw<'a>,
        }
        let line: Line<'_> = serde_json::from_str(text).ok()?;
        Some(Self {
            attempt: count(line.attempt),
            max_retries: count(line.max_retries),
            delay_ms: count(line.retry_delay_ms),
            status: status(line.error_status),
            error: name(line.error),
        })
    }
}

impl Denial {
    pub(super) fn read(text: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Line<'a> {
            #[serde(borrow, default)]
            tool_name: Raw<'a>,
            #[serde(borrow, default)]
            tool_use_id: Raw<'a>,
            #[serde(borrow, default)]
            message: Raw<'a>,
        }
        let line: Line<'_> = serde_json::from_str(text).ok()?;
        Some(Self {
            tool: name(line.tool_name),
            tool_use_id: name(line.tool_use_id),
            message: string(line.message).map(|text| shortened(&text, 1024)),
        })
    }
}

/// How many tasks go on in the background.
pub(super) fn background(text: &str) -> Option<Event> {
    #[derive(Deserialize)]
    struct Line<'a> {
        #[serde(borrow, default)]
        tasks: Raw<'a>,
    }
    let line: Line<'_> = serde_json::from_str(text).ok()?;
    Some(Event::Background(list(line.tasks).len()))
}

/// Whether the account's limit is reached, and when that ends.
pub(super) fn rate_limit(text: &str) -> Option<Event> {
    #[derive(Deserialize)]
    struct Line<'a> {
        #[serde(borrow, default)]
        rate_limit_info: Raw<'a>,
    }
    #[derive(Deserialize)]
    struct Info<'a> {
        #[serde(borrow, default)]
        status: Raw<'a>,
        #[serde(borrow, default, rename = "resetsAt")]
        resets_at: Raw<'a>,
    }
    let line: Line<'_> = serde_json::from_str(text).ok()?;
    let info: Info<'_> = serde_json::from_str(line.rate_limit_info?.get()).ok()?;
    Some(Event::RateLimit {
        rejected: name(info.status) == "rejected",
        resets_at: info
            .resets_at
            .and_then(|raw| raw.get().parse().ok())
            .filter(|seconds| *seconds > 0),
    })
}
