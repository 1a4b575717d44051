//! Whether settings make sense, and what to do where they do not.

use crate::settings::{
    EVENT_CAPS, LEAST_CAP, LONGEST_RETRY_DELAY, LONGEST_TIMEOUT, REQUEST_RATES,
    SHORTEST_RETRY_DELAY, Settings,
};
use mcs_core::domain::{InvalidInput, check_name};
use std::time::Duration;

impl Settings {
    /// The settings with what may be written in several ways written in one, or the first that makes no sense.
    pub(crate) fn checked(mut self) -> Result<Self, InvalidInput> {
        let slashes = self.coordinator_url.trim().trim_end_matches('/');
        self.coordinator_url = slashes.to_owned();
        // Configurations of old have any number here, since it was never used.
        self.retry_delay = self
            .retry_delay
            .clamp(SHORTEST_RETRY_DELAY, LONGEST_RETRY_DELAY);
        check_url(&self.coordinator_url)?;
        self.check_key()?;
        check_name("mcp_id", &self.mcp_id)?;
        self.check_path()?;
        if !self.is_in_memory() {
            // The host may go to another folder later.
            self.local_cache_path =
                std::path::absolute(&self.local_cache_path).map_err(|error| {
                    InvalidInput::new(
                        "local_cache_path",
                        format!("cannot be made absolute: {error}; give an absolute one"),
                    )
                })?;
        }
        self.check_bounds()?;
        Ok(self)
    }

    fn check_key(&self) -> Result<(), InvalidInput> {
        let key = self.api_key.expose();
        let problem = if key.is_empty() {
            "is missing; give the key that the coordinator made for this mcp_id"
        } else if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            "has characters that do not go into a header; copy it again as the coordinator showed it"
        } else {
            return Ok(());
        };
        Err(InvalidInput::new("api_key", problem))
    }

    fn check_path(&self) -> Result<(), InvalidInput> {
        let path = &self.local_cache_path;
        let refuse = |problem| Err(InvalidInput::new("local_cache_path", problem));
        if path.as_os_str().is_empty() {
            return refuse(
                "is empty; give a file, or `:memory:` to keep none, or leave it out".to_owned(),
            );
        }
        if path.is_dir() {
            return refuse(format!(
                "`{}` is a folder; give a file in it",
                path.display()
            ));
        }
        Ok(())
    }

    fn check_bounds(&self) -> Result<(), InvalidInput> {
        for (field, timeout) in [
            ("timeout", self.timeout),
            ("connect_timeout", self.connect_timeout),
        ] {
            let problem =
                format!("is {timeout:?}; give more than zero and at most {LONGEST_TIMEOUT:?}");
            let fits = timeout > Duration::ZERO && timeout <= LONGEST_TIMEOUT;
            must(fits, field, || problem)?;
        }
        for (field, cap) in [("disk_cap", self.disk_cap), ("memory_cap", self.memory_cap)] {
            must(cap >= LEAST_CAP, field, || {
                format!("is {cap} bytes; give at least {LEAST_CAP}")
            })?;
        }
        must(EVENT_CAPS.contains(&self.event_cap), "event_cap", || {
            let (least, most) = (EVENT_CAPS.start(), EVENT_CAPS.end());
            format!("is {} bytes; give {least} to {most}", self.event_cap)
        })?;
        let rate = self.requests_per_second;
        must(REQUEST_RATES.contains(&rate), "requests_per_second", || {
            let (least, most) = (REQUEST_RATES.start(), REQUEST_RATES.end());
            format!("is {rate}; give {least} to {most}")
        })
    }
}

fn must(holds: bool, field: &str, problem: impl FnOnce() -> String) -> Result<(), InvalidInput> {
    if holds {
        Ok(())
    } else {
        Err(InvalidInput::new(field, problem()))
    }
}

fn check_url(url: &str) -> Result<(), InvalidInput> {
    const EXAMPLE: &str = "give one such as http://coordinator:8080";
    let refuse = |problem: String| Err(InvalidInput::new("coordinator_url", problem));
    if url.is_empty() {
        return refuse(format!("is missing; {EXAMPLE}"));
    }
    if url.contains('@') {
        // It may hold a password, so it is not shown.
        return refuse(format!(
            "has a user in it; put the key into api_key and {EXAMPLE}"
        ));
    }
    // So may what follows the address.
    let address = url.split(['?', '#']).next().unwrap_or_default();
    let scheme = |name: &str| {
        let start = address.get(..name.len())?;
        start
            .eq_ignore_ascii_case(name)
            .then(|| &address[name.len()..])
    };
    let Some(rest) = scheme("http://").or_else(|| scheme("https://")) else {
        return refuse(format!(
            "`{}` is no HTTP address; {EXAMPLE}",
            address.escape_debug()
        ));
    };
    if address.len() < url.len() {
        return refuse(format!(
            "has something behind the address `{}`; leave it out, and {EXAMPLE}",
            address.escape_debug()
        ));
    }
    let host = rest.split(['/', ':']).next().unwrap_or_default();
    if host.is_empty() || !address.bytes().all(|byte| byte.is_ascii_graphic()) {
        return refuse(format!(
            "`{}` is no address of a server; {EXAMPLE}",
            address.escape_debug()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api_key::ApiKey;

    fn good() -> Settings {
        Settings {
            coordinator_url: "http://coordinator:8080".into(),
            api_key: ApiKey::new("key-1"),
            mcp_id: "mcp".into(),
            ..Settings::default()
        }
    }

    fn refused(settings: Settings) -> String {
        settings.checked().unwrap_err().to_string()
    }

    #[test]
    fn the_slash_goes_and_the_pause_is_bounded() {
        let settings = Settings {
            coordinator_url: " HTTPS://c.example/base// ".into(),
            retry_delay: Duration::ZERO,
            ..good()
        };
        let checked = settings.checked().unwrap();
        assert_eq!(checked.coordinator_url, "HTTPS://c.example/base");
        assert_eq!(checked.retry_delay, SHORTEST_RETRY_DELAY);
    }

    #[test]
    fn urls_are_addresses_of_servers() {
        for url in ["http://[::1]:80", "http://127.0.0.1:1", "https://c/x/y"] {
            assert!(check_url(url).is_ok(), "{url}");
        }
        for url in [
            "coordinator:8080",
            "ftp://c",
            "http://",
            "http:///x",
            "http://:80",
            "http://a b",
            "http://a\nb",
            "http://c?x",
            "http://c#x",
            "http://ä",
        ] {
            let error = check_url(url).unwrap_err().to_string();
            assert!(
                error.contains("coordinator_url") && error.contains("give one such as"),
                "{error}"
            );
            assert!(!error.contains('\n'));
        }
    }

    #[test]
    fn what_may_be_a_secret_in_an_address_is_not_quoted() {
        for url in [
            "http://user:hunter2@c",
            "http://user:hunt/er2hunter2@c/base",
            "user:hunter2@coordinator:8080",
            "htp://user:hunter2@c",
            "http://c?token=hunter2",
            "http://c/base#hunter2",
            "htp://c?token=hunter2",
            "c/?hunter2",
        ] {
            let error = check_url(url).unwrap_err().to_string();
            assert!(error.contains("give one such as"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn what_is_missing_is_named_with_the_remedy() {
        let error = refused(Settings {
            coordinator_url: String::new(),
            ..good()
        });
        assert!(
            error.contains("`coordinator_url` is missing; give"),
            "{error}"
        );
        let error = refused(Settings {
            api_key: ApiKey::new(" "),
            ..good()
        });
        assert!(error.contains("`api_key` is missing; give"), "{error}");
        for (id, problem) in [
            ("", "is empty"),
            ("a\nb", "control character"),
            (&"x".repeat(300), "300 bytes"),
        ] {
            let error = refused(Settings {
                mcp_id: id.into(),
                ..good()
            });
            assert!(
                error.contains("`mcp_id`") && error.contains(problem),
                "{error}"
            );
        }
    }

    #[test]
    fn a_bad_key_is_not_quoted() {
        let error = refused(Settings {
            api_key: ApiKey::new("hunter2\u{7f}x"),
            ..good()
        });
        assert!(
            error.contains("api_key") && !error.contains("hunter2"),
            "{error}"
        );
    }

    #[test]
    fn numbers_are_bounded() {
        let error = refused(Settings {
            timeout: Duration::ZERO,
            ..good()
        });
        assert!(error.contains("`timeout` is 0ns; give"), "{error}");
        let error = refused(Settings {
            connect_timeout: Duration::MAX,
            ..good()
        });
        assert!(error.contains("`connect_timeout`"), "{error}");
        let error = refused(Settings {
            disk_cap: 5,
            ..good()
        });
        assert!(
            error.contains("`disk_cap` is 5 bytes; give at least"),
            "{error}"
        );
        let error = refused(Settings {
            memory_cap: 5,
            ..good()
        });
        assert!(error.contains("`memory_cap`"), "{error}");
        let error = refused(Settings {
            event_cap: 1,
            ..good()
        });
        assert!(
            error.contains("`event_cap` is 1 bytes; give 1024"),
            "{error}"
        );
        let error = refused(Settings {
            requests_per_second: 0,
            ..good()
        });
        assert!(
            error.contains("`requests_per_second` is 0; give 1"),
            "{error}"
        );
    }

    #[test]
    fn the_cache_is_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let error = refused(Settings {
            local_cache_path: directory.path().into(),
            ..good()
        });
        assert!(error.contains("is a folder; give a file in it"), "{error}");
        let error = refused(Settings {
            local_cache_path: "".into(),
            ..good()
        });
        assert!(error.contains("is empty"), "{error}");
    }

    #[test]
    fn a_cache_stays_where_it_was_when_the_host_goes_elsewhere() {
        let path = |given: &str| {
            let settings = Settings {
                local_cache_path: given.into(),
                ..good()
            };
            settings.checked().unwrap().local_cache_path
        };
        let here = std::env::current_dir().unwrap();
        assert_eq!(path("data/cache.db"), here.join("data/cache.db"));
        assert_eq!(path("./cache.db"), here.join("cache.db"));
        assert_eq!(path(":memory:"), std::path::Path::new(":memory:"));
    }
}
