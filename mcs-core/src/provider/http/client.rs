use crate::provider::settings::ApiSettings;
use reqwest::{Client, Url, redirect, retry};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// An HTTP client that is made when it is first needed: loading the system's certificates takes time and memory that a
/// process which never calls the API should not spend.
#[derive(Debug, Clone, Default)]
pub(crate) struct LazyClient(Arc<OnceCell<Client>>);

impl LazyClient {
    pub(crate) async fn get(
        &self,
        settings: &ApiSettings,
        url: &Url,
    ) -> Result<&Client, Box<dyn std::error::Error + Send + Sync>> {
        let make = || async {
            let connect_timeout = settings.connect_timeout;
            let url = url.clone();
            // Certificates are read from files.
            let made = tokio::task::spawn_blocking(move || {
                let mut builder = Client::builder()
                    .user_agent(concat!("mcs/", env!("CARGO_PKG_VERSION")))
                    .connect_timeout(connect_timeout)
                    // A redirect would carry prompt and key to somewhere that nobody configured.
                    .redirect(redirect::Policy::none())
                    // Retries are the engine's, which counts them.
                    .retry(retry::never());
                if is_loopback(&url) {
                    builder = builder.no_proxy();
                }
                if url.scheme() == "http" {
                    builder = builder.tls_certs_only([]);
                }
                builder.build()
            });
            Ok(made.await??)
        };
        self.0.get_or_try_init(make).await
    }
}

/// Whether `url` is on this machine, where no proxy leads.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_recognised() {
        for (url, loopback) in [
            ("http://127.0.0.1:1/v1", true),
            ("http://[::1]:1/v1", true),
            ("http://localhost/v1", true),
            ("http://192.168.1.5/v1", false),
            ("https://api.openai.com/v1", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), loopback, "{url}");
        }
    }
}
