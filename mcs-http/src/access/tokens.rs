use crate::options::Options;
use crate::watched::Watched;
use mcs_core::service::{Principal, Scopes, TokenEntry, TokenFile, TokenFileError, TokenHash};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The tokens that are not in the store: the admin key, and those of the configuration and of its token file.
///
/// Only hashes are kept. They are looked up by the hash of what a caller sends, so that how long it takes tells nothing of
/// a token.
#[derive(Debug)]
pub(crate) struct Tokens {
    configured: Holders,
    file: Option<Watched<Holders>>,
}

type Holders = HashMap<TokenHash, Holder>;

/// Who holds a token.
#[derive(Debug, Clone)]
pub(crate) struct Holder {
    pub(crate) principal: Principal,
    /// Whether it may ask as often as it likes.
    pub(crate) unlimited: bool,
}

/// The name of who calls with the admin key.
const ADMIN: &str = "admin";
/// How long the tokens of the file are believed. A token whose line is gone works no longer after that.
const REST: Duration = Duration::from_millis(900);

impl Tokens {
    /// The tokens of `options`. A token file that cannot be read has none, and says so in the log; [`check`] tells before.
    ///
    /// This reads a small file and blocks for as long as that takes.
    pub(crate) fn new(options: &Options) -> Self {
        let mut configured = holders(&options.tokens);
        if let Some(key) = &options.admin_key {
            let holder = Holder {
                principal: Principal::new(ADMIN, Scopes::ALL),
                unlimited: true,
            };
            configured.insert(TokenHash::of(key.expose()), holder);
        }
        let file = options.token_file.as_ref().map(|path| {
            let file = TokenFile::new(path);
            let files = vec![path.clone()];
            let last = Arc::<Mutex<Holders>>::default();
            let load = move || read_or_narrow(&file, &last);
            Watched::new(files.clone(), REST, load.clone()).unwrap_or_else(|error| {
                tracing::error!(%error, "there is no token of the file");
                Watched::beginning_with(HashMap::new(), files, REST, load)
            })
        });
        Self { configured, file }
    }

    /// Whether a token is asked of everybody. With a file it is, whatever is in it: to empty it must not open the door.
    pub(crate) fn are_asked_for(&self) -> bool {
        self.file.is_some() || !self.configured.is_empty()
    }

    /// Whether there is one at the moment.
    pub(crate) async fn any(&self) -> bool {
        let of_file = match &self.file {
            Some(file) => !file.current().await.is_empty(),
            None => false,
        };
        of_file || !self.configured.is_empty()
    }

    /// Who holds `token`, and how to ask later whether it still works.
    pub(crate) async fn find(&self, token: &str) -> Option<(TokenHash, Holder)> {
        // Callers with a key of the store need not wait for a hash that nobody has.
        if !self.are_asked_for() {
            return None;
        }
        let hash = TokenHash::of(token);
        Some((hash, self.holder(&hash).await?))
    }

    /// Who holds the token of this hash now.
    pub(crate) async fn holder(&self, hash: &TokenHash) -> Option<Holder> {
        if let Some(holder) = self.configured.get(hash) {
            return Some(holder.clone());
        }
        self.file.as_ref()?.current().await.get(hash).cloned()
    }
}

/// Refuses a token file that is wrong.
pub(crate) fn check(options: &Options) -> Result<(), TokenFileError> {
    match &options.token_file {
        Some(path) => TokenFile::new(path).read().map(drop),
        None => Ok(()),
    }
}

fn holders(entries: &[TokenEntry]) -> Holders {
    let holders = entries.iter().map(|entry| {
        let holder = Holder {
            principal: entry.principal(),
            unlimited: false,
        };
        (entry.sha256, holder)
    });
    holders.collect()
}

/// The tokens of a file that is all right. Of one that is not, no token is taken that was not there before, and those that
/// are nowhere in it any more work no longer: who removes a line must not need the others to be right.
fn read_or_narrow(file: &TokenFile, last: &Mutex<Holders>) -> Result<Holders, TokenFileError> {
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    match read(file) {
        Ok(holders) => last.clone_from(&holders),
        Err(error) => {
            let Ok(text) = std::fs::read_to_string(file.path()) else {
                return Err(error);
            };
            let text = text.to_ascii_lowercase();
            let before = last.len();
            last.retain(|hash, _| text.contains(&hash.to_string()));
            if before == last.len() {
                return Err(error);
            }
            let (gone, stay) = (before - last.len(), last.len());
            tracing::error!(%error, gone, stay, "tokens whose lines are gone work no longer, and no new one works");
        }
    }
    Ok(last.clone())
}

fn read(file: &TokenFile) -> Result<Holders, TokenFileError> {
    let entries = file.read()?;
    let path = file.path().display();
    if file.is_exposed() {
        tracing::warn!(
            "{path} can be read or changed by others than its user; `chmod 600 {path}` stops that"
        );
    }
    if entries.is_empty() {
        tracing::warn!("there is no token in {path}; `mcs --new-token name:scopes` adds one");
    }
    tracing::debug!(tokens = entries.len(), "read {path}");
    Ok(holders(&entries))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcs_core::provider::secret::Secret;
    use mcs_core::service::{NewKey, Scope};

    fn entry(name: &str) -> TokenEntry {
        let new = NewKey::of_user(name, &[Scope::Read]);
        TokenEntry::of(&Secret::new(format!("the token of {name}")), new).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_works_as_long_as_it_has_its_line() {
        let directory = tempfile::tempdir().unwrap();
        let file = TokenFile::new(directory.path().join("tokens"));
        let tokens = Tokens::new(&Options {
            token_file: Some(file.path().to_owned()),
            tokens: vec![entry("ann")],
            ..Options::default()
        });
        let found = async |name: &str| {
            tokio::time::advance(REST).await;
            let found = tokens.find(&format!("the token of {name}")).await;
            found.map(|(_, holder)| holder.principal.name.to_string())
        };
        assert_eq!(found("ann").await.as_deref(), Some("ann"));
        assert_eq!(found("bob").await, None);
        file.add(&entry("bob")).unwrap();
        assert_eq!(found("bob").await.as_deref(), Some("bob"));
        let (hash, _) = tokens.find("the token of bob").await.unwrap();
        assert!(tokens.holder(&hash).await.is_some());
        std::fs::remove_file(file.path()).unwrap();
        assert_eq!(found("bob").await, None);
        assert!(tokens.holder(&hash).await.is_none());
        assert_eq!(found("ann").await.as_deref(), Some("ann"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_is_wrong_keeps_no_token_whose_line_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let file = TokenFile::new(directory.path().join("tokens"));
        file.add(&entry("ann")).unwrap();
        file.add(&entry("bob")).unwrap();
        let tokens = Tokens::new(&Options {
            token_file: Some(file.path().to_owned()),
            ..Options::default()
        });
        let works = async |name: &str| {
            tokio::time::advance(REST).await;
            tokens.find(&format!("the token of {name}")).await.is_some()
        };
        assert!(works("ann").await && works("bob").await);
        let text = std::fs::read_to_string(file.path()).unwrap();
        let line = text.lines().find(|line| line.starts_with("ann")).unwrap();
        let without = text.replace(line, "");
        std::fs::write(file.path(), without + "nonsense\n").unwrap();
        assert!(!works("ann").await, "it was revoked");
        assert!(works("bob").await, "it was not");
        std::fs::write(file.path(), text + "nonsense of another kind\n").unwrap();
        assert!(!works("ann").await, "what is wrong brings nobody back");
        assert!(works("bob").await);
    }

    #[tokio::test]
    async fn an_empty_file_asks_for_a_token_that_nobody_has() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tokens");
        let options = Options {
            token_file: Some(path.clone()),
            ..Options::default()
        };
        let tokens = Tokens::new(&options);
        assert!(tokens.are_asked_for() && !tokens.any().await);
        check(&options).unwrap();
        std::fs::write(path, "nonsense").unwrap();
        assert!(check(&options).is_err());
        let none = Tokens::new(&Options::default());
        assert!(!none.are_asked_for() && !none.any().await);
    }
}
