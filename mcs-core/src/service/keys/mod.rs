//! Keys: what proves over a network who calls.

mod cache;
mod entry;
mod record;
mod token;
mod token_file;

pub(super) use cache::KeyCache;
pub use entry::{TokenEntry, TokenHash};
pub use record::{Key, NewKey};
pub use token_file::{TokenFile, TokenFileError};

use super::{Principal, Scope, Service, ServiceError};
use crate::clock::{Clock, SystemClock};
use crate::domain::{InvalidInput, PageRequest};
use crate::provider::secret::Secret;
use crate::store::{Expected, Record, RecordStore, StoreError};
use record::{KeyRecord, KnownKey};
use std::sync::Arc;
use token::Token;

/// Where the records are.
const COLLECTION: &str = "key";

/// What can be done with keys. Changing and listing them needs the admin scope.
///
/// The store has the hash of a key and never the key, which is shown once. A revoked key stops working in this process
/// before [`Keys::revoke`] returns, and within a second in every other that has the store open.
#[derive(Debug, Clone, Copy)]
pub struct Keys<'a> {
    pub(super) service: &'a Service,
}

/// A key that was just made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// What is known of it from now on.
    pub key: Key,
    /// What the caller sends. Nobody can show it again.
    pub token: Secret,
}

/// A part of the list of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPage {
    /// The keys by id, revoked ones too.
    pub keys: Vec<Key>,
    /// The id after which the next page begins; `None` on the last.
    pub next: Option<String>,
}

impl Keys<'_> {
    /// Makes a key.
    pub async fn create(&self, who: &Principal, new: NewKey) -> Result<NewToken, ServiceError> {
        who.needs(Scope::Admin)?;
        let made = keep_new(&**self.service.records(), new).await?;
        self.service.0.key_cache.forget(&made.key.id);
        Ok(made)
    }

    /// A page of up to `limit` keys, those after the id `after`.
    pub async fn list(
        &self,
        who: &Principal,
        after: Option<&str>,
        limit: usize,
    ) -> Result<KeyPage, ServiceError> {
        who.needs(Scope::Admin)?;
        PageRequest::first(limit).check()?;
        if let Some(id) = after.filter(|id| !Token::is_id(id)) {
            let problem = format!("is `{id}`, which is no id of a key; use one of a list");
            return Err(InvalidInput::new("cursor", problem).into());
        }
        // One more than is shown tells whether there is a next page.
        let records = self.service.records();
        let found = records.list_records(COLLECTION, "", after, limit + 1);
        let found = found.await?;
        let shown = found.iter().take(limit);
        let keys: Vec<_> = shown
            .map(|record| Ok(KeyRecord::read(record)?.into_key(&record.key)))
            .collect::<Result<_, StoreError>>()?;
        let last = keys.last().filter(|_| found.len() > limit);
        Ok(KeyPage {
            next: last.map(|key| key.id.clone()),
            keys,
        })
    }

    /// Has the key of this id work no longer. Revoking a key that is revoked changes nothing.
    pub async fn revoke(&self, who: &Principal, id: &str) -> Result<Key, ServiceError> {
        who.needs(Scope::Admin)?;
        loop {
            let Some(record) = self.find(id).await? else {
                return Err(ServiceError::NoKey { id: id.to_owned() });
            };
            let mut key = KeyRecord::read(&record)?;
            if key.revoked_at.is_none() {
                key.revoked_at = Some(SystemClock.now());
                let expected = Expected::Version(record.version);
                match self.write(id, &key, expected).await {
                    Ok(()) => {}
                    // Somebody else changed it just now.
                    Err(StoreError::VersionConflict { .. }) => continue,
                    Err(error) => return Err(error.into()),
                }
            }
            self.service.0.key_cache.forget(id);
            return Ok(key.into_key(id));
        }
    }

    /// The key that `token` proves, unless there is none or it is revoked.
    ///
    /// What the store says is believed for a second, so that a client that calls often costs no read of it.
    pub async fn authenticate(&self, token: &str) -> Result<Option<Arc<Key>>, ServiceError> {
        let Some(token) = Token::parse(token) else {
            return Ok(None);
        };
        let known = self.known(&token.id).await?;
        Ok(known.and_then(|known| known.prove(&token)))
    }

    /// Whether the key of this id, which was proven before, still works. As with [`Keys::authenticate`] the answer may be
    /// a second old where another process revokes it.
    pub async fn works(&self, id: &str) -> Result<bool, ServiceError> {
        let known = self.known(id).await?;
        Ok(known.is_some_and(|known| known.works()))
    }

    /// Whether a key was ever made. A revoked one counts: revoking the last key must not open a door that it kept shut.
    pub async fn any(&self) -> Result<bool, ServiceError> {
        let cache = &self.service.0.key_cache;
        if let Some(any) = cache.any() {
            return Ok(any);
        }
        let round = cache.round();
        let records = self.service.records();
        let found = records.list_records(COLLECTION, "", None, 1).await?;
        cache.put_any(!found.is_empty(), round);
        Ok(!found.is_empty())
    }

    /// What the store says of the key of this id, or said a moment ago.
    async fn known(&self, id: &str) -> Result<Option<Arc<KnownKey>>, ServiceError> {
        let cache = &self.service.0.key_cache;
        if let Some(known) = cache.get(id) {
            return Ok(Some(known));
        }
        let round = cache.round();
        let Some(record) = self.find(id).await? else {
            return Ok(None);
        };
        let known = Arc::new(KeyRecord::read(&record)?.into_known(id));
        cache.put(id, known.clone(), round);
        Ok(Some(known))
    }

    async fn find(&self, id: &str) -> Result<Option<Record>, ServiceError> {
        // What is no id is no name of a record either, and no error of the caller who only guesses.
        if !Token::is_id(id) {
            return Ok(None);
        }
        Ok(self.service.records().get_record(COLLECTION, id).await?)
    }

    async fn write(
        &self,
        id: &str,
        record: &KeyRecord,
        expected: Expected,
    ) -> Result<(), StoreError> {
        write(&**self.service.records(), id, record, expected).await
    }
}

/// A token that nobody can guess, to be kept as an entry of a token file or of the configuration.
pub(crate) fn new_entry(new: NewKey) -> Result<(Secret, TokenEntry), ServiceError> {
    let token = Token::random().map_err(ServiceError::Randomness)?.text();
    let entry = TokenEntry::of(&token, new)?;
    Ok((token, entry))
}

/// Makes a key in `records`.
pub(crate) async fn keep_new(
    records: &dyn RecordStore,
    new: NewKey,
) -> Result<NewToken, ServiceError> {
    let new = new.checked()?;
    loop {
        let token = Token::random().map_err(ServiceError::Randomness)?;
        let record = KeyRecord::new(&new, &token, SystemClock.now());
        match write(records, &token.id, &record, Expected::Absent).await {
            Ok(()) => {
                return Ok(NewToken {
                    key: record.into_key(&token.id),
                    token: token.text(),
                });
            }
            // Another key has the id. That is as likely as it sounds, and the next one is free.
            Err(StoreError::VersionConflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

async fn write(
    records: &dyn RecordStore,
    id: &str,
    record: &KeyRecord,
    expected: Expected,
) -> Result<(), StoreError> {
    let value = record.to_json()?;
    let written = records.put_record(COLLECTION, id, value, expected, None);
    written.await.map(drop)
}
