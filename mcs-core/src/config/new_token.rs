use super::open::{OpenError, stores};
use super::{Config, Database};
use crate::provider::secret::Secret;
use crate::service::{NewKey, Scope, ServiceError, TokenFile, TokenFileError, keep_new, new_entry};
use std::path::PathBuf;

/// A token that was just made. Nobody can show it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeToken {
    /// Who holds it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// What the caller sends.
    pub token: Secret,
    /// Where its hash is.
    pub kept: TokenPlace,
}

/// Where the hash of a token is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenPlace {
    /// As a line of the token file.
    File(PathBuf),
    /// As a key of the store, under this id.
    Store {
        /// By which the key is revoked.
        id: String,
    },
}

/// Why no token was made.
#[derive(Debug, thiserror::Error)]
pub enum NewTokenError {
    /// There is nowhere to keep it.
    #[error(
        "the database is \":memory:\", and a token in it is gone with this process; set `database` or MCS_DATABASE \
         to a file, or `http.token_file`"
    )]
    Nowhere,
    /// The store did not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The token file was not written.
    #[error(transparent)]
    File(#[from] TokenFileError),
    /// The token is not one that can be, or the store did not take it.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Makes a token and keeps its hash: in the token file of `config` if it has one, else in its store. Both may be in use by
/// a service that runs, which takes the token from then on.
pub async fn new_token(config: &Config, new: NewKey) -> Result<MadeToken, NewTokenError> {
    match &config.http.token_file {
        Some(path) => add_to(path.clone(), new).await,
        None => keep(config, new).await,
    }
}

async fn add_to(path: PathBuf, new: NewKey) -> Result<MadeToken, NewTokenError> {
    let (token, entry) = new_entry(new)?;
    let added = entry.clone();
    let file = TokenFile::new(path.clone());
    let adding = tokio::task::spawn_blocking(move || file.add(&added));
    // It is never cancelled, so that it ends without an answer only where it panics.
    adding.await.unwrap_or_else(|lost| {
        Err(TokenFileError::Write {
            path: path.clone(),
            source: lost.into(),
        })
    })?;
    Ok(MadeToken {
        name: entry.name,
        scopes: entry.scopes,
        token,
        kept: TokenPlace::File(path),
    })
}

async fn keep(config: &Config, new: NewKey) -> Result<MadeToken, NewTokenError> {
    if config.database == Database::Memory {
        return Err(NewTokenError::Nowhere);
    }
    let stores = stores(config).await?;
    let made = keep_new(&*stores.records, new).await;
    let closed = stores.tasks.close().await;
    let made = made?;
    closed.map_err(ServiceError::Store)?;
    Ok(MadeToken {
        name: made.key.name,
        scopes: made.key.scopes,
        token: made.token,
        kept: TokenPlace::Store { id: made.key.id },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::TokenHash;

    fn config(directory: &std::path::Path) -> Config {
        Config {
            database: Database::File(directory.join("mcs.db")),
            ..Config::default()
        }
    }

    #[tokio::test]
    async fn a_token_file_keeps_the_hash_of_what_is_told_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tokens");
        let mut config = config(directory.path());
        config.http.token_file = Some(path.clone());
        let made = new_token(&config, "ci:read".parse().unwrap());
        let made = made.await.unwrap();
        assert_eq!(made.kept, TokenPlace::File(path.clone()));
        let entries = TokenFile::new(&path).read().unwrap();
        assert_eq!(entries[0].sha256, TokenHash::of(made.token.expose()));
        assert_eq!(
            (&*entries[0].name, &*entries[0].scopes),
            ("ci", &[Scope::Read][..])
        );
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(made.token.expose()), "{text}");
        let refused = new_token(&config, NewKey::of_user("", &[])).await;
        assert!(refused.unwrap_err().to_string().contains("`name`"));
    }

    #[cfg(feature = "sqlite")]
    #[tokio::test]
    async fn without_one_it_is_a_key_of_the_store() {
        let directory = tempfile::tempdir().unwrap();
        let config = config(directory.path());
        let made = new_token(&config, NewKey::of_user("ci", &[]))
            .await
            .unwrap();
        let service = crate::open(&config).await.unwrap();
        let key = service.keys().authenticate(made.token.expose()).await;
        let key = key.unwrap().unwrap();
        assert_eq!(made.kept, TokenPlace::Store { id: key.id.clone() });
        assert_eq!(key.scopes, [Scope::Read, Scope::Write, Scope::Execute]);
        service.shutdown(std::time::Duration::ZERO).await.unwrap();
    }

    #[tokio::test]
    async fn a_token_in_memory_would_be_gone() {
        let refused = new_token(&Config::in_memory(), NewKey::of_user("ci", &[])).await;
        let text = refused.unwrap_err().to_string();
        assert!(text.contains("http.token_file"), "{text}");
    }
}
