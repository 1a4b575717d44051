use super::{Entry, entries, set};
use crate::blocks;
use crate::call::Call;
use crate::page::page;
use crate::server::STATIC_TTL_MS;
use mcs_core::config::ToolSet;
use mcs_core::schema::{nearest, shortened};
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, ErrorData, ListToolsResult,
    PaginatedRequestParams, Tool,
};
use std::fmt;
use tokio::sync::watch;

/// The tools of a server: those there are, and the set of them that it shows.
pub(crate) struct Catalogue {
    entries: Vec<Entry>,
    set: watch::Sender<ToolSet>,
}

impl Catalogue {
    pub(crate) fn showing(set: ToolSet) -> Self {
        Self {
            entries: entries().into(),
            set: watch::Sender::new(set),
        }
    }

    /// Shows the tools of `set` from now on.
    pub(crate) fn show(&self, set: ToolSet) {
        self.set
            .send_if_modified(|shown| std::mem::replace(shown, set) != set);
    }

    /// Tells each time when other tools are shown.
    pub(crate) fn changes(&self) -> watch::Receiver<ToolSet> {
        self.set.subscribe()
    }

    /// What clients are told of the tools that are shown. Which these are depends on the server, and not on who asks.
    pub(crate) fn list(
        &self,
        request: Option<PaginatedRequestParams>,
    ) -> Result<ListToolsResult, ErrorData> {
        let shown = self.shown().map(|tool| tool.definition().clone());
        let (tools, next) = page(shown.collect(), |tool| &tool.name, request)?;
        let mut list = ListToolsResult::with_all_items(tools)
            .with_ttl_ms(STATIC_TTL_MS)
            .with_cache_scope(CacheScope::Public);
        list.next_cursor = next;
        Ok(list)
    }

    /// What clients are told of one tool, if it is shown.
    pub(crate) fn definition(&self, name: &str) -> Option<Tool> {
        self.find(name).ok().map(|tool| tool.definition().clone())
    }

    /// The tool of this name, if it is shown.
    pub(crate) fn find(&self, name: &str) -> Result<&Entry, ErrorData> {
        self.shown()
            .find(|tool| tool.name == name)
            .ok_or_else(|| ErrorData::invalid_params(self.unknown(name), None))
    }

    /// Calls a tool. What it refuses is its result, since a model reads that.
    pub(crate) async fn call(
        &self,
        tool: &Entry,
        request: CallToolRequestParams,
        call: &Call<'_>,
    ) -> CallToolResponse {
        let _place = match call.place() {
            Ok(place) => place,
            Err(busy) => return busy.into_result(tool.name).into(),
        };
        let arguments = request.arguments.unwrap_or_default();
        match tool.call(arguments, call).await {
            Ok(CallToolResponse::Complete(result)) if !call.has_links() => {
                blocks::without_links(result).into()
            }
            Ok(answer) => answer,
            Err(refusal) => {
                tracing::debug!(tool = tool.name, %refusal, "a call was refused");
                refusal.into_result(tool.name).into()
            }
        }
    }

    fn shown(&self) -> impl Iterator<Item = &Entry> {
        let shown = *self.set.borrow();
        self.entries
            .iter()
            .filter(move |tool| set::includes(shown, tool.set))
    }

    fn unknown(&self, name: &str) -> String {
        let shown = shortened(name);
        if let Some(hidden) = self.entries.iter().find(|tool| tool.name == name) {
            return format!(
                "Unknown tool: {shown}. This server shows the tools of the set {}; start it with the set {} to have it.",
                set::name(*self.set.borrow()),
                set::name(hidden.set)
            );
        }
        match nearest(name, self.shown().map(|tool| tool.name)) {
            Some(near) => format!("Unknown tool: {shown}. Did you mean {near}?"),
            None => format!("Unknown tool: {shown}. Call tools/list for those there are."),
        }
    }
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalogue")
            .field("set", &*self.set.borrow())
            .finish_non_exhaustive()
    }
}
