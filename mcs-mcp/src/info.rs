//! What the server says of itself.

use crate::logging;
use mcs_core::service::Service;
use rmcp::model::{Icon, Implementation, ServerCapabilities, ServerConfig};
use std::sync::LazyLock;

/// All but the kinds. It is made once: rmcp asks for the whole before each request on a task, for one of the capabilities.
static UNCHANGING: LazyLock<ServerConfig> =
    LazyLock::new(|| ServerConfig::new(capabilities()).with_server_info(implementation()));

/// An M of one line. It is sent with every hello, so it is small, and no tool has one of its own.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M3 13V3l5 6 5-6v10' fill='none' stroke='%23478' stroke-width='2'/%3E%3C/svg%3E";

/// The name of the server, what it can do, and what a model should know of it first.
pub(crate) fn of(service: &Service) -> ServerConfig {
    let known = UNCHANGING.clone();
    known.with_instructions(instructions(service))
}

fn capabilities() -> ServerCapabilities {
    let mut capabilities = ServerCapabilities::builder()
        .enable_tools()
        .enable_tool_list_changed()
        .enable_resources()
        .enable_resources_subscribe()
        .enable_completions()
        .enable_prompts()
        .enable_tasks()
        .build();
    logging::declare(&mut capabilities);
    capabilities
}

fn implementation() -> Implementation {
    Implementation::new("mcs", env!("CARGO_PKG_VERSION"))
        .with_title("MCS")
        .with_description("The durable task runtime for MCP")
        .with_icons(vec![
            Icon::new(ICON)
                .with_mime_type("image/svg+xml")
                .with_sizes(vec!["any".to_owned()]),
        ])
}

fn instructions(service: &Service) -> String {
    let kinds = service.kinds();
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
