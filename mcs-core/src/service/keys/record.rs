use super::token::{SecretHash, Token, from_hex, hex};
use crate::domain::{InvalidInput, Json, Timestamp, check_name, limits};
use crate::service::{Principal, Scope, Scopes};
use crate::store::{Record, StoreError};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewKey {
    /// The name of who holds it. Left empty, it is the `mcp_id`.
    pub name: String,
    /// The one MCP server that it reports as. `None` for keys of people and programs.
    pub mcp_id: Option<String>,
    /// What it may do. Left empty, a key with an `mcp_id` may report, and one without may do all but administer.
    pub scopes: Vec<Scope>,
}

/// What is known of a key. Its secret is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Key {
    /// The part of the token that is no secret.
    pub id: String,
    /// Who holds it.
    pub name: String,
    /// The one MCP server that it reports as, if any.
    pub mcp_id: Option<String>,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

impl Key {
    /// Who calls with this key: the MCP server that it belongs to, else who holds it.
    pub fn principal(&self) -> Principal {
        let scopes = Scopes::of(&self.scopes);
        match &self.mcp_id {
            Some(mcp_id) => Principal::mcp(mcp_id.as_str(), scopes),
            None => Principal::new(self.name.as_str(), scopes),
        }
    }
}

impl NewKey {
    /// The key of the MCP server `mcp_id`, which may report.
    pub fn of_mcp(mcp_id: impl Into<String>) -> Self {
        Self {
            mcp_id: Some(mcp_id.into()),
            ..Self::default()
        }
    }

    /// The key of a person or a program.
    pub fn of_user(name: impl Into<String>, scopes: &[Scope]) -> Self {
        Self {
            name: name.into(),
            scopes: scopes.to_vec(),
            ..Self::default()
        }
    }

    /// The same with the defaults filled in.
    pub(super) fn checked(mut self) -> Result<Self, InvalidInput> {
        if let Some(mcp_id) = &self.mcp_id {
            check_name("mcp_id", mcp_id)?;
            if self.name.is_empty() {
                self.name.clone_from(mcp_id);
            }
        }
        check_name("name", &self.name)?;
        self.check_owner()?;
        self.scopes.sort_unstable();
        self.scopes.dedup();
        match (&self.mcp_id, self.scopes.as_slice()) {
            (Some(_), []) => self.scopes.push(Scope::Report),
            (None, []) => self
                .scopes
                .extend([Scope::Read, Scope::Write, Scope::Execute]),
            (Some(_), scopes) if scopes.contains(&Scope::Admin) => {
                return Err(InvalidInput::new(
                    "scopes",
                    "has `admin`, which no key of one MCP server can have; leave out `mcp_id` or `admin`",
                ));
            }
            (None, scopes)
                if scopes.contains(&Scope::Report) && !scopes.contains(&Scope::Admin) =>
            {
                return Err(InvalidInput::new(
                    "mcp_id",
                    "is missing; a key that may report does so as one MCP server, so say which",
                ));
            }
            _ => {}
        }
        Ok(self)
    }

    /// Refuses a name that would own the tasks of an MCP server, and an MCP server whose tasks could have no owner.
    fn check_owner(&self) -> Result<(), InvalidInput> {
        let prefix = Principal::MCP_OWNER;
        match &self.mcp_id {
            None if self.name.starts_with(prefix) => {
                let problem = format!(
                    "is `{}`, but what begins with `{prefix}` owns the tasks of an MCP server; use another name, or give `mcp_id`",
                    self.name
                );
                Err(InvalidInput::new("name", problem))
            }
            Some(mcp_id) if self.scopes.contains(&Scope::Write) => {
                let most = limits::NAME_BYTES - prefix.len();
                if mcp_id.len() <= most {
                    return Ok(());
                }
                let problem = format!(
                    "has {} bytes; with the scope `write` use at most {most}, since `{prefix}` is put before it to name the owner of tasks",
                    mcp_id.len()
                );
                Err(InvalidInput::new("mcp_id", problem))
            }
            _ => Ok(()),
        }
    }
}

/// A key as the store has it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeyRecord {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mcp_id: Option<String>,
    scopes: Vec<Scope>,
    /// SHA-256 of the secret, in hexadecimal.
    sha256: String,
    created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) revoked_at: Option<Timestamp>,
}

impl KeyRecord {
    pub(super) fn new(new: &NewKey, token: &Token, now: Timestamp) -> Self {
        Self {
            name: new.name.clone(),
            mcp_id: new.mcp_id.clone(),
            scopes: new.scopes.clone(),
            sha256: hex(&token.hash()),
            created_at: now,
            revoked_at: None,
        }
    }

    pub(super) fn read(record: &Record) -> Result<Self, StoreError> {
        let unreadable = |detail: String| StoreError::Corrupt {
            path: PathBuf::from(format!("record {}/{}", record.collection, record.key)),
            detail,
        };
        let read: Self = record
            .value
            .parse()
            .map_err(|error| unreadable(error.to_string()))?;
        if from_hex::<32>(&read.sha256).is_none() {
            return Err(unreadable("its sha256 is none".to_owned()));
        }
        Ok(read)
    }

    pub(super) fn to_json(&self) -> Result<Json, StoreError> {
        Json::new(self).map_err(|error| InvalidInput::new("key", error.to_string()).into())
    }

    pub(super) fn into_key(self, id: &str) -> Key {
        Key {
            id: id.to_owned(),
            name: self.name,
            mcp_id: self.mcp_id,
            scopes: self.scopes,
            created_at: self.created_at,
            revoked_at: self.revoked_at,
        }
    }

    pub(super) fn into_known(self, id: &str) -> KnownKey {
        KnownKey {
            // Reading the record has checked it; a hash that nothing has proves nothing.
            hash: from_hex(&self.sha256),
            key: Arc::new(self.into_key(id)),
        }
    }
}

/// A key with what proves it.
#[derive(Debug)]
pub(super) struct KnownKey {
    hash: Option<SecretHash>,
    key: Arc<Key>,
}

impl KnownKey {
    /// The key, if `token` is its and it is not revoked. Takes as long for a token that is nearly right as for any other.
    pub(super) fn prove(&self, token: &Token) -> Option<Arc<Key>> {
        let proven = self.hash?.ct_eq(&token.hash()).into();
        (proven && self.works()).then(|| self.key.clone())
    }

    /// Whether it is not revoked.
    pub(super) fn works(&self) -> bool {
        self.key.revoked_at.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(name: &str, mcp_id: Option<&str>, scopes: &[Scope]) -> NewKey {
        NewKey {
            name: name.to_owned(),
            mcp_id: mcp_id.map(str::to_owned),
            scopes: scopes.to_vec(),
        }
    }

    #[test]
    fn what_is_left_out_has_sensible_defaults() {
        let key = new("", Some("weather"), &[]).checked().unwrap();
        assert_eq!(
            (&*key.name, &*key.scopes),
            ("weather", &[Scope::Report][..])
        );
        let key = new("ops", None, &[]).checked().unwrap();
        assert_eq!(key.scopes, [Scope::Read, Scope::Write, Scope::Execute]);
        let key = new("ops", None, &[Scope::Admin, Scope::Read, Scope::Admin]);
        assert_eq!(key.checked().unwrap().scopes, [Scope::Read, Scope::Admin]);
    }

    #[test]
    fn keys_that_make_no_sense_are_refused() {
        let long = "x".repeat(300);
        let too_long_to_own = "x".repeat(197);
        for (key, field) in [
            (new("", None, &[]), "name"),
            (new("a\nb", None, &[]), "name"),
            (new("", Some(""), &[]), "mcp_id"),
            (new("", Some(&long), &[]), "mcp_id"),
            (new("ops", None, &[Scope::Report]), "mcp_id"),
            (new("mcp:weather", None, &[]), "name"),
            (new("", Some(&too_long_to_own), &[Scope::Write]), "mcp_id"),
            (new("ops", Some("weather"), &[Scope::Admin]), "scopes"),
        ] {
            assert_eq!(key.checked().unwrap_err().field, field);
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_shows_no_secret() {
        let token = Token::random().unwrap();
        let key = new("", Some("weather"), &[]).checked().unwrap();
        let written = KeyRecord::new(&key, &token, Timestamp::from_millis(5));
        let json = written.to_json().unwrap();
        let secret = token.text().expose().rsplit('_').next().unwrap().to_owned();
        assert!(!json.as_str().contains(&secret), "{json:?}");
        let record = Record {
            collection: "key".into(),
            key: token.id.clone(),
            version: 1,
            value: json,
            updated_at: Timestamp::from_millis(5),
        };
        let known = KeyRecord::read(&record).unwrap().into_known(&token.id);
        assert_eq!(known.prove(&token).unwrap().id, token.id);
        assert_eq!(known.prove(&Token::random().unwrap()), None);
        let other = Record {
            value: Json::from_stored(
                r#"{"name":"x","scopes":[],"sha256":"","created_at":"2026-01-01T00:00:00Z"}"#,
            ),
            ..record
        };
        assert!(matches!(
            KeyRecord::read(&other),
            Err(StoreError::Corrupt { .. })
        ));
    }
}
