use super::NewKey;
use super::token::{SecretHash, from_hex, hex};
use crate::domain::InvalidInput;
use crate::provider::secret::Secret;
use crate::service::{Principal, Scope, Scopes};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// A token of the configuration or of a token file: who holds it, what it may do, and its hash.
///
/// A line of a token file is one, written `name:scope,scope:sha256`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenEntry {
    /// Who holds it, and owns the tasks that are created with it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// What is known of it.
    pub sha256: TokenHash,
}

/// The SHA-256 of a whole token, as `printf %s "$TOKEN" | sha256sum` shows it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(SecretHash);

impl TokenEntry {
    /// The entry of `token`, which is that of `new`.
    pub fn of(token: &Secret, new: NewKey) -> Result<Self, InvalidInput> {
        Self::checked(new, TokenHash::of(token.expose()))
    }

    /// The entry with the defaults of a key filled in. What only a key of the store can be is refused.
    pub(crate) fn checked(new: NewKey, sha256: TokenHash) -> Result<Self, InvalidInput> {
        let reports = new.scopes.contains(&Scope::Report) && !new.scopes.contains(&Scope::Admin);
        if reports || new.mcp_id.is_some() {
            return Err(InvalidInput::new(
                "scopes",
                "has `report`, which is for the key of one MCP server; make that by POST /api/v2/keys with its `mcp_id`",
            ));
        }
        let NewKey { name, scopes, .. } = new.checked()?;
        Ok(Self {
            name,
            scopes,
            sha256,
        })
    }

    /// Who calls with it.
    pub fn principal(&self) -> Principal {
        Principal::new(self.name.as_str(), Scopes::of(&self.scopes))
    }
}

impl fmt::Display for TokenEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scopes: Vec<_> = self.scopes.iter().map(|scope| scope.as_str()).collect();
        write!(f, "{}:{}:{}", self.name, scopes.join(","), self.sha256)
    }
}

/// Reads a line of a token file. The error quotes nothing behind the scopes: it may be a token that stands there by mistake.
impl FromStr for TokenEntry {
    type Err = InvalidInput;

    fn from_str(line: &str) -> Result<Self, InvalidInput> {
        let Some((who, hash)) = line.rsplit_once(':') else {
            let problem = "has no `:`; write name:scopes:sha256, such as ci:read,write:5e88...";
            return Err(InvalidInput::new("line", problem));
        };
        let sha256 = hash.trim().parse()?;
        if !who.contains(':') {
            let problem = "are missing; write name:scopes:sha256, such as ci:read,write:5e88...";
            return Err(InvalidInput::new("scopes", problem));
        }
        Self::checked(who.parse()?, sha256)
    }
}

/// Reads `name:scope,scope`. Without scopes it is the key of a user who may do all but administer.
impl FromStr for NewKey {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        // A name may have colons, and no scope has one.
        let (name, scopes) = text.rsplit_once(':').unwrap_or((text, ""));
        let scopes = scopes.split(',').map(str::trim);
        let scopes = scopes.filter(|scope| !scope.is_empty());
        let scopes: Vec<Scope> = scopes.map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self::of_user(name.trim(), &scopes))
    }
}

impl TokenHash {
    /// The hash of `token`.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
}

impl FromStr for TokenHash {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        let refuse = || {
            InvalidInput::new(
                "sha256",
                "is no SHA-256, which has 64 hexadecimal digits; `printf %s \"$TOKEN\" | sha256sum` shows that of a token",
            )
        };
        from_hex(&text.to_ascii_lowercase())
            .map(Self)
            .ok_or_else(refuse)
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let line = format!("team:ci:read,write:{HASH}");
        let entry: TokenEntry = line.parse().unwrap();
        assert_eq!(
            (&*entry.name, &*entry.scopes),
            ("team:ci", &[Scope::Read, Scope::Write][..])
        );
        assert_eq!(entry.sha256, TokenHash::of("test"));
        assert_eq!(entry.to_string(), line);
        let upper = format!("ci:admin:{}", HASH.to_ascii_uppercase());
        assert_eq!(upper.parse::<TokenEntry>().unwrap().sha256, entry.sha256);
        assert_eq!(&*entry.principal().name, "team:ci");
    }

    #[test]
    fn lines_that_make_no_sense_are_refused_by_field_and_never_quoted() {
        for (line, field) in [
            ("hunter2", "line"),
            ("ci:read:hunter2", "sha256"),
            (&format!("ci:{HASH}"), "scopes"),
            (&format!("ci:root:{HASH}"), "scope"),
            (&format!("ci:report:{HASH}"), "scopes"),
            (&format!(":read:{HASH}"), "name"),
            (&format!("mcp:weather:read:{HASH}"), "name"),
        ] {
            let error = line.parse::<TokenEntry>().unwrap_err();
            assert_eq!(error.field, field, "{line}: {error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_key_is_asked_for_by_name_and_scopes() {
        let key = |text: &str| text.parse::<NewKey>().unwrap();
        assert_eq!(key("ci"), NewKey::of_user("ci", &[]));
        assert_eq!(
            key("ci: read, execute"),
            NewKey::of_user("ci", &[Scope::Read, Scope::Execute])
        );
        assert!("ci:everything".parse::<NewKey>().is_err());
    }
}
