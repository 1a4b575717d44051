use super::{Service, ServiceError};
use crate::domain::{Json, WorkerId};
use crate::store::{Expected, Record, StoreError};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::net::IpAddr;

/// A service with this store, which is reached over a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// Where it is reached, such as `https://mcs.example.com` or, from its own machine alone, `http://127.0.0.1:8080`.
    pub url: String,
    /// Its process.
    pub pid: u32,
}

const COLLECTION: &str = "service";
/// Most services of one store that are looked at.
const MOST: usize = 100;

impl Service {
    /// Leaves word in the store that this service is reached at `url`, for processes that open the same store. Word of services
    /// that are gone is removed.
    pub async fn announce(&self, url: &str) -> Result<(), ServiceError> {
        let workers = self.engine().workers().await?;
        let Some(own) = workers.iter().find(|worker| worker.here) else {
            // An engine that runs nothing keeps nobody else from running it.
            return Ok(());
        };
        for record in self.word_left().await? {
            let known = workers
                .iter()
                .find(|known| *known.worker.id.0 == *record.key);
            if known.is_none_or(|known| known.alive == Some(false)) {
                self.forget(&record.key, Expected::Version(record.version))
                    .await?;
            }
        }
        let announced = Announced {
            url: url.to_owned(),
            pid: own.worker.pid,
        };
        let value = Json::new(&announced).map_err(|error| {
            ServiceError::from(crate::domain::InvalidInput::new("url", error.to_string()))
        })?;
        let records = self.records();
        let written = records.put_record(COLLECTION, &own.worker.id.0, value, Expected::Any, None);
        written.await?;
        Ok(())
    }

    /// Takes back what [`Service::announce`] left.
    pub async fn withdraw(&self) -> Result<(), ServiceError> {
        // Its engine may have ended, and be no worker any more.
        let own = self.engine().worker();
        Ok(self.forget(&own.0, Expected::Any).await?)
    }

    /// Another service with this store that lives and said where it is reached. What is left of one whose process is gone is
    /// not believed.
    pub async fn announced(&self) -> Result<Option<Announced>, ServiceError> {
        let records = self.word_left().await?;
        if records.is_empty() {
            return Ok(None);
        }
        let workers = self.engine().workers().await?;
        let others = workers.iter().filter(|worker| !worker.here);
        let alive: HashMap<&WorkerId, _> = others
            .filter(|worker| worker.alive == Some(true))
            .map(|worker| (&worker.worker.id, worker))
            .collect();
        let found = records.iter().find_map(|record| {
            let worker = alive.get(&WorkerId(record.key.as_str().into()))?;
            let announced = record.value.parse::<Announced>().ok()?;
            // An address of another machine's own is none here.
            (!worker.elsewhere || !is_own(&announced.url)).then_some(announced)
        });
        Ok(found)
    }

    async fn word_left(&self) -> Result<Vec<Record>, StoreError> {
        let records = self.records();
        records.list_records(COLLECTION, "", None, MOST).await
    }

    async fn forget(&self, key: &str, expected: Expected) -> Result<(), StoreError> {
        match self
            .records()
            .delete_record(COLLECTION, key, expected)
            .await
        {
            // Somebody else was faster.
            Err(StoreError::VersionConflict { .. }) | Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Whether the address means the machine itself, whoever asks.
fn is_own(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => host,
        _ => authority,
    };
    let ip = host.trim_start_matches('[').trim_end_matches(']');
    let ip = ip.parse::<IpAddr>().map(|ip| ip.to_canonical());
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::is_own;
    use crate::config::{Config, Database, open};
    use std::time::Duration;

    #[tokio::test]
    async fn word_of_a_service_is_believed_while_it_lives() {
        let directory = tempfile::tempdir().unwrap();
        let config = Config {
            database: Database::File(directory.path().join("mcs.db")),
            ..Config::default()
        };
        let serves = open(&config).await.unwrap();
        let other = open(&config).await.unwrap();
        assert_eq!(other.announced().await.unwrap(), None);
        serves.announce("http://127.0.0.1:8080").await.unwrap();
        let found = other.announced().await.unwrap().unwrap();
        assert_eq!(found.url, "http://127.0.0.1:8080");
        assert_eq!(found.pid, std::process::id());
        assert_eq!(serves.announced().await.unwrap(), None, "it is itself");
        serves.withdraw().await.unwrap();
        assert_eq!(other.announced().await.unwrap(), None);
        serves.announce("http://127.0.0.1:8081").await.unwrap();
        serves.engine().shutdown(Duration::ZERO).await;
        assert_eq!(other.announced().await.unwrap(), None, "it has ended");
        assert_eq!(other.word_left().await.unwrap().len(), 1);
        serves.withdraw().await.unwrap();
        let left = other.word_left().await.unwrap();
        assert_eq!(left, [], "nothing is left after an orderly end");
        serves.shutdown(Duration::ZERO).await.unwrap();
        let gone = open(&config).await.unwrap();
        gone.announce("http://127.0.0.1:8083").await.unwrap();
        gone.shutdown(Duration::ZERO).await.unwrap();
        other.announce("http://127.0.0.1:8082").await.unwrap();
        let left = other.word_left().await.unwrap();
        assert_eq!(left.len(), 1, "what is left of others is removed: {left:?}");
        other.shutdown(Duration::ZERO).await.unwrap();
    }

    #[test]
    fn an_address_that_means_another_machine_elsewhere_is_known() {
        for (url, own) in [
            ("http://127.0.0.1:8080", true),
            ("http://127.0.0.1", true),
            ("https://[::1]:8443/mcs", true),
            ("http://localhost:1", true),
            ("https://mcs.example.com", false),
            ("https://mcs.example.com:8443", false),
            ("http://10.0.0.1:8080", false),
            ("http://[2001:db8::1]:8080", false),
        ] {
            assert_eq!(is_own(url), own, "{url}");
        }
    }
}
