//! What clients hear without asking again: changes of tasks, and of the tools that are shown.
//!
//! A client of 2026-07-28 listens with one long request, whose answer ends it. In a session of an earlier protocol it
//! subscribes to one resource after another, and hears of the tools without having asked.

mod listener;
mod news;
mod outlet;
mod pace;
mod sessions;
mod watched;

pub(crate) use sessions::{Sessions, greet, subscribe};
pub(crate) use watched::accepted;

use crate::server::Shared;
use listener::Listener;
use mcs_core::service::Principal;
use news::News;
use outlet::Outlet;
use rmcp::model::ErrorData;
use rmcp::service::SubscriptionContext;
use watched::Watched;

/// Tells a listener what it asked for until it has enough or the server ends.
///
/// What it asked for was acknowledged before anybody looked whether these tasks are its own. If one is not, that is the
/// answer, which is the same for a task that does not exist.
pub(crate) async fn listen(
    server: &Shared,
    who: Principal,
    context: &SubscriptionContext,
) -> Result<(), ErrorData> {
    let place = server.listeners.take(&who.owner());
    let _place = place.map_err(|full| ErrorData::invalid_request(full.to_string(), None))?;
    let asked = context.accepted();
    let tools = asked.tools_list_changed == Some(true);
    let watched = Watched::of(asked.resource_subscriptions.iter().flatten());
    let news = if watched.is_empty() {
        None
    } else {
        let mut news = News::begin(&server.service, who, watched.into()).await?;
        news.check().await?;
        // Something may have happened between the acknowledgement and the beginning.
        news.tell_all();
        Some(news)
    };
    let listener = Listener {
        outlet: Outlet::Listener(context.sink().clone()),
        tools: tools.then(|| server.tools.changes()),
        news,
    };
    tokio::select! {
        () = listener.run() => {}
        () = context.cancelled() => {}
        () = server.ending.cancelled() => {}
    }
    Ok(())
}
