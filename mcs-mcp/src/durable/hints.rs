use rmcp::ServerHandler;
use rmcp::model::{ErrorData, PaginatedRequestParams, Tool};
use rmcp::service::{RequestContext, RoleServer};
use std::sync::OnceLock;

/// Most pages of a list that are looked at for a tool.
const PAGES: usize = 100;

/// Whether a tool is there, and whether it says that its calls may run twice. Asked once it is called.
#[derive(Debug, Default)]
pub(super) struct Hints(OnceLock<bool>);

impl Hints {
    /// Whether the tool is idempotent as far as it says; `None` if the server has no tool of this name.
    pub(super) async fn of<S: ServerHandler>(
        &self,
        server: &S,
        name: &str,
        context: &RequestContext<RoleServer>,
    ) -> Result<Option<bool>, ErrorData> {
        if let Some(known) = self.0.get() {
            return Ok(Some(*known));
        }
        let tool = match server.get_tool(name) {
            Some(tool) => Some(tool),
            // A server need not know its tools by name, but it lists them.
            None => listed(server, name, context).await?,
        };
        Ok(tool.map(|tool| *self.0.get_or_init(|| is_idempotent(&tool))))
    }
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
