use super::news::News;
use super::outlet::Outlet;
use mcs_core::config::ToolSet;
use tokio::sync::watch;

/// A client that is told of changes.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) outlet: Outlet,
    /// The tools that are shown, if it is told of these.
    pub(super) tools: Option<watch::Receiver<ToolSet>>,
    /// The tasks, if it is told of some.
    pub(super) news: Option<News>,
}

impl Listener {
    /// Tells the client of changes until it cannot be told any more or the service has ended.
    pub(super) async fn run(self) {
        let Self {
            outlet,
            mut tools,
            mut news,
        } = self;
        loop {
            let told = tokio::select! {
                changed = changed(&mut tools) => changed && outlet.tools_changed().await,
                updated = updated(&mut news) => match updated {
                    Some(uris) => tell(&outlet, uris).await,
                    None => false,
                },
                () = outlet.closed() => false,
            };
            if !told {
                return;
            }
        }
    }
}

async fn tell(outlet: &Outlet, uris: Vec<String>) -> bool {
    for uri in uris {
        if !outlet.updated(uri).await {
            return false;
        }
    }
    true
}

/// Waits for other tools. Says whether there will be any at all.
async fn changed(tools: &mut Option<watch::Receiver<ToolSet>>) -> bool {
    match tools {
        Some(tools) => tools.changed().await.is_ok(),
        None => std::future::pending().await,
    }
}

async fn updated(news: &mut Option<News>) -> Option<Vec<String>> {
    match news {
        Some(news) => news.next().await,
        None => std::future::pending().await,
    }
}
