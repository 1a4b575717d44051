use crate::config::check::Problem;
use crate::config::error::ConfigError;
use crate::config::source::Section;
use crate::service::{NewKey, TokenEntry};

/// The list `http.tokens`.
pub(super) fn read(http: &Section<'_>) -> Result<Vec<TokenEntry>, ConfigError> {
    let sections = http.list("tokens")?;
    sections.iter().map(read_one).collect()
}

fn read_one(section: &Section<'_>) -> Result<TokenEntry, ConfigError> {
    const PARTS: &str = "every token has a `name`, `scopes` and a `sha256`";
    let missing = |key| section.refuse(key, format!("is missing; {PARTS}"));
    Ok(TokenEntry {
        name: section.get("name")?.ok_or_else(|| missing("name"))?,
        scopes: section.get("scopes")?.ok_or_else(|| missing("scopes"))?,
        sha256: section.get("sha256")?.ok_or_else(|| missing("sha256"))?,
    })
}

/// Refuses what no key of a user could be, and one token that is told to be two.
pub(super) fn check(tokens: &[TokenEntry]) -> Result<(), Problem> {
    for (index, token) in tokens.iter().enumerate() {
        let key = |field: &str| format!("http.tokens[{index}].{field}");
        if token.scopes.is_empty() {
            let problem = "is empty; say what it may do, such as [\"read\", \"write\"]";
            return Err(Problem::new(key("scopes"), problem));
        }
        let new = NewKey::of_user(token.name.as_str(), &token.scopes);
        TokenEntry::checked(new, token.sha256)
            .map_err(|refused| Problem::new(key(&refused.field), refused.problem))?;
        let before = tokens[..index].iter();
        if let Some(other) = before.clone().find(|other| other.sha256 == token.sha256) {
            let problem = format!("is that of `{}` too; remove one of them", other.name);
            return Err(Problem::new(key("sha256"), problem));
        }
    }
    Ok(())
}
