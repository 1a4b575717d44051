use super::{Service, ServiceError};
use crate::domain::{Json, WorkerId};
use crate::store::{Expected, Record, StoreError};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A service with this store, which is reached over a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// Where it is reached from this machine, such as `http://127.0.0.1:8080`.
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
        let workers = self.engine().workers().await?;
        if let Some(own) = workers.iter().find(|worker| worker.here) {
            self.forget(&own.worker.id.0, Expected::Any).await?;
        }
        Ok(())
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
            let lives = alive.contains_key(&WorkerId(record.key.as_str().into()));
            lives.then(|| record.value.parse::<Announced>().ok())?
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

#[cfg(all(test, feature = "sqlite"))]
mod tests {
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
        serves.shutdown(Duration::ZERO).await.unwrap();
        assert_eq!(other.announced().await.unwrap(), None, "it has ended");
        other.announce("http://127.0.0.1:8082").await.unwrap();
        let left = other.word_left().await.unwrap();
        assert_eq!(left.len(), 1, "what is left of others is removed: {left:?}");
        other.shutdown(Duration::ZERO).await.unwrap();
    }
}
