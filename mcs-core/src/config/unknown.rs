use super::error::ConfigError;
use super::source::{Source, join};
use std::collections::{BTreeMap, BTreeSet};
use toml::de::{DeTable, DeValue};

/// Refuses a file with a key that nobody asked for, at any depth.
pub(super) fn refuse_unknown(source: &Source<'_>) -> Result<(), ConfigError> {
    visit(source, &source.asked(), "", source.table())
}

fn visit(
    source: &Source<'_>,
    asked: &BTreeMap<String, BTreeSet<String>>,
    path: &str,
    table: &DeTable<'_>,
) -> Result<(), ConfigError> {
    let nothing = BTreeSet::new();
    let known = asked.get(path).unwrap_or(&nothing);
    for (key, value) in table {
        let full = join(path, key.get_ref());
        if !known.contains(key.get_ref().as_ref()) {
            return Err(ConfigError::UnknownKey {
                place: source.place_at(key.span().start),
                key: full,
                remedy: remedy(asked, path, key.get_ref()),
            });
        }
        match value.get_ref() {
            DeValue::Table(inner) => visit(source, asked, &full, inner)?,
            DeValue::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    if let DeValue::Table(inner) = item.get_ref() {
                        visit(source, asked, &format!("{full}[{index}]"), inner)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The nearest key of the same table, else a key of that name elsewhere, else all that the table has.
fn remedy(asked: &BTreeMap<String, BTreeSet<String>>, path: &str, key: &str) -> String {
    let siblings = asked.get(path).into_iter().flatten();
    if let Some(near) = nearest(key, siblings.clone().map(String::as_str)) {
        return format!("did you mean `{}`?", join(path, near));
    }
    let all = asked
        .iter()
        .flat_map(|(table, keys)| keys.iter().map(move |key| (table, key.as_str())));
    let names: BTreeSet<&str> = all.clone().map(|(_, key)| key).collect();
    if let Some(near) = nearest(key, names.into_iter()) {
        let place = all.clone().find(|(_, other)| *other == near);
        if let Some((table, near)) = place {
            return format!("did you mean `{}`?", join(table, near));
        }
    }
    let known: Vec<_> = siblings.map(|key| format!("`{key}`")).collect();
    format!("there are {}", known.join(", "))
}

/// Of `names`, the one that `word` was most likely meant to be.
pub(super) fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const LIKELY: f64 = 0.75;
    let word = word.to_ascii_lowercase();
    let scored = names.map(|name| (strsim::jaro_winkler(&word, name), name));
    scored
        .filter(|(score, _)| *score >= LIKELY)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
