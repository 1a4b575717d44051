use rmcp::ServerHandler;
use rmcp::model::{ErrorData, PaginatedRequestParams, Tool};
use rmcp::service::{RequestContext, RoleServer};

/// Most pages of a list that are looked at for a tool.
const PAGES: usize = 100;

/// Whether the tool is idempotent as far as it says; `None` if the server has no tool of this name for who calls. Asked with
/// every call, since a server may show different tools to different callers.
pub(super) async fn of_call<S: ServerHandler>(
    server: &S,
    name: &str,
    context: &RequestContext<RoleServer>,
) -> Result<Option<bool>, ErrorData> {
    let tool = match server.get_tool(name) {
        Some(tool) => Some(tool),
        // A server need not know its tools by name, but it lists them.
        None => listed(server, name, context).await?,
    };
    Ok(tool.as_ref().map(is_idempotent))
}

/// The same where nobody calls, as far as the server knows its tools by name.
pub(super) fn of_tool<S: ServerHandler>(server: &S, name: &str) -> bool {
    server
        .get_tool(name)
        .is_some_and(|tool| is_idempotent(&tool))
}

async fn listed<S: ServerHandler>(
    server: &S,
    name: &str,
    context: &RequestContext<RoleServer>,
) -> Result<Option<Tool>, ErrorData> {
    let mut page = None;
    for _ in 0..PAGES {
        let list = server.list_tools(page, context.clone()).await?;
        if let Some(tool) = list.tools.into_iter().find(|tool| tool.name == name) {
            return Ok(Some(tool));
        }
        let Some(cursor) = list.next_cursor else {
            break;
        };
        page = Some(PaginatedRequestParams::default().with_cursor(Some(cursor)));
    }
    Ok(None)
}

fn is_idempotent(tool: &Tool) -> bool {
    let hints = tool.annotations.as_ref();
    hints.is_some_and(|hints| hints.read_only_hint == Some(true) || hints.is_idempotent())
}
