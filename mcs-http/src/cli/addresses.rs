use mcs_core::config::{Config, Database};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Says on standard output where everything is. That nobody reads it is no reason not to serve.
pub(super) fn print(config: &Config, url: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out
        .write_all(text(config, url).as_bytes())
        .and_then(|()| out.flush());
}

fn text(config: &Config, url: &str) -> String {
    let kept = match &config.database {
        Database::File(path) => format!("keeps its tasks in {}", path.display()),
        Database::UserData => "keeps its tasks in the user's data directory".to_owned(),
        Database::Memory => "keeps its tasks in memory, and they are gone with it".to_owned(),
    };
    format!(
        "MCS {version} {kept}\n\
         page         {url}/\n\
         API          {url}/api/v1\n\
         MCP          {url}/mcp\n\
         reference    {url}/docs\n\
         coordinator  {url}/api/v2\n\
         metrics      {url}/metrics\n",
        version = env!("CARGO_PKG_VERSION"),
    )
}

/// Where somebody on this machine reaches what listens at `address`.
pub(super) fn url(config: &Config, address: SocketAddr) -> String {
    let scheme = if config.http.tls.is_some() {
        "https"
    } else {
        "http"
    };
    format!("{scheme}://{}", to_open(address))
}

/// Where those are sent who open the same database: `url`, unless it has a name by which its certificate, or a proxy, is found.
pub(super) fn announced<'a>(config: &'a Config, url: &'a str) -> &'a str {
    let public = config.http.public_url.as_deref();
    public.map_or(url, |public| public.trim_end_matches('/'))
}

/// Where somebody on this machine reaches what listens there. An address that stands for all is none to go to.
fn to_open(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_can_be_opened() {
        for (listens, shown) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:8080", "[::1]:8080"),
            ("10.0.0.1:80", "10.0.0.1:80"),
        ] {
            let config = Config::in_memory();
            let text = text(&config, &url(&config, listens.parse().unwrap()));
            assert!(text.contains(&format!("http://{shown}/docs")), "{text}");
        }
    }

    #[test]
    fn a_public_address_is_the_one_that_is_announced() {
        let mut config = Config::in_memory();
        let url = "https://127.0.0.1:8443";
        assert_eq!(announced(&config, url), url);
        config.http.public_url = Some("https://mcs.example.com/".to_owned());
        assert_eq!(announced(&config, url), "https://mcs.example.com");
    }
}
