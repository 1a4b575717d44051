use crate::config::check::Problem;
use std::net::IpAddr;

/// Refuses what is no name of a host.
pub(super) fn check_hosts(hosts: &[String]) -> Result<(), Problem> {
    let odd = hosts.iter().find(|host| !is_host(host));
    refuse(
        "http.allowed_hosts",
        odd,
        "is no name of a host; write it without a scheme, a port or a path, such as \"mcs.example.com\"",
    )
}

/// Refuses what is no origin of a web page.
pub(super) fn check_origins(origins: &[String]) -> Result<(), Problem> {
    let odd = origins.iter().find(|origin| !is_origin(origin));
    refuse(
        "http.cors_origins",
        odd,
        "is no origin; write scheme and host, and nothing behind them, such as \"https://app.example.com\" or \
         \"http://localhost:3000\"",
    )
}

/// Refuses what is no address of a server on the web.
pub(in crate::config) fn check_urls(key: &str, urls: &[String]) -> Result<(), Problem> {
    let odd = urls.iter().find(|url| !is_url(url));
    refuse(
        key,
        odd,
        "is no address; write scheme and host, and a path if there is one, such as \"https://mcs.example.com\"",
    )
}

fn refuse(key: &str, odd: Option<&String>, problem: &str) -> Result<(), Problem> {
    odd.map_or(Ok(()), |odd| {
        Err(Problem::new(key, format!("has `{odd}`, which {problem}")))
    })
}

fn is_host(text: &str) -> bool {
    let address = text.trim_start_matches('[').trim_end_matches(']');
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let named = !text.is_empty() && text.bytes().all(in_name);
    named || address.parse::<IpAddr>().is_ok()
}

/// Whether browsers could write it so: they leave out the port that the scheme means, and write small letters.
fn is_origin(text: &str) -> bool {
    let (rest, usual) = match (text.strip_prefix("http://"), text.strip_prefix("https://")) {
        (Some(rest), _) => (rest, "80"),
        (_, Some(rest)) => (rest, "443"),
        _ => return false,
    };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (rest, None),
    };
    let small = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    small && is_host(host) && port.is_none_or(|port| port != usual && port.parse::<u16>().is_ok())
}

/// Whether it is scheme and host with or without a port and a path, and can be quoted as it is.
fn is_url(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest else { return false };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let in_path = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte);
    is_host(host)
        && port.is_none_or(|port| port.parse::<u16>().is_ok())
        && path.bytes().all(in_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_alone() {
        for good in ["mcs.example.com", "mcs", "10.0.0.1", "[::1]", "::1", "MCS"] {
            assert!(is_host(good), "{good}");
        }
        for bad in ["", "https://mcs", "mcs:8080", "mcs/", "*", "a b", "*.x.org"] {
            assert!(!is_host(bad), "{bad}");
        }
    }

    #[test]
    fn addresses_have_a_scheme_and_a_host() {
        for good in [
            "https://mcs.example.com",
            "http://localhost:8080/",
            "https://login.example.com/realms/mcs",
            "https://[::1]:8443/mcs",
        ] {
            assert!(is_url(good), "{good}");
        }
        for bad in [
            "",
            "mcs.example.com",
            "ftp://x",
            "https://",
            "https://x:port",
            "https://x/?a=b",
            "https://x/\"",
            "https://ann@x",
        ] {
            assert!(!is_url(bad), "{bad}");
        }
    }

    #[test]
    fn origins_are_as_browsers_write_them() {
        for good in [
            "https://app.example.com",
            "http://localhost:3000",
            "http://[::1]:3000",
            "http://[::1]",
        ] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "",
            "*",
            "null",
            "app.example.com",
            "https://app.example.com/",
            "https://App.example.com",
            "https://app.example.com:443",
            "http://localhost:80",
            "http://localhost:port",
            "ftp://x",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
