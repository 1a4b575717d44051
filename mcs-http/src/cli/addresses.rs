use mcs_core::config::{Config, Database};
use std::io::Write;
use std::net::SocketAddr;

/// Says on standard output where everything is. That nobody reads it is no reason not to serve.
pub(super) fn print(config: &Config, address: SocketAddr) {
    let mut out = std::io::stdout().lock();
    let _ = out
        .write_all(text(config, address).as_bytes())
        .and_then(|()| out.flush());
}

fn text(config: &Config, address: SocketAddr) -> String {
    let kept = match &config.database {
        Database::File(path) => format!("keeps its tasks in {}", path.display()),
        Database::UserData => "keeps its tasks in the user's data directory".to_owned(),
        Database::Memory => "keeps its tasks in memory, and they are gone with it".to_owned(),
    };
    let scheme = if config.http.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let url = format!("{scheme}://{address}");
    format!(
        "MCS {version} {kept}\n\
         page         {url}/\n\
         API          {url}/api/v1\n\
         reference    {url}/docs\n\
         coordinator  {url}/api/v2\n\
         metrics      {url}/metrics\n",
        version = env!("CARGO_PKG_VERSION"),
    )
}
