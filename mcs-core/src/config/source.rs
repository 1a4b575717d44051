use super::error::{ConfigError, Place};
use super::value::{Raw, Setting};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reads the environment.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The file and the environment, and what was asked of them: a key of the file that nobody asked for is unknown.
pub(super) struct Source<'a> {
    file: &'a Path,
    text: &'a str,
    root: DeTable<'a>,
    environment: Environment<'a>,
    asked: RefCell<BTreeMap<String, BTreeSet<String>>>,
    places: RefCell<BTreeMap<String, Place>>,
}

impl<'a> Source<'a> {
    /// Takes `text`, which came from `file`.
    pub(super) fn parse(
        file: &'a Path,
        text: &'a str,
        environment: Environment<'a>,
    ) -> Result<Self, ConfigError> {
        // The parser's own display quotes the line, which may hold a key; its message does not.
        let root = DeTable::parse(text).map_err(|error| ConfigError::Syntax {
            place: place(file, text, error.span().unwrap_or_default().start),
            message: error.message().to_owned(),
        })?;
        Ok(Self {
            file,
            text,
            root: root.into_inner(),
            environment,
            asked: RefCell::default(),
            places: RefCell::default(),
        })
    }

    /// The whole of it.
    pub(super) fn root(&self) -> Section<'_> {
        Section {
            source: self,
            path: String::new(),
            table: Some(&self.root),
        }
    }

    /// A variable of the environment. An empty one counts as not set.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|value| !value.trim().is_empty())
    }

    /// Where the value of `key` came from; of one that was not given, where its table is.
    pub(super) fn place_of(&self, mut key: &str) -> Place {
        let places = self.places.borrow();
        loop {
            match (places.get(key), key.rsplit_once('.')) {
                (Some(place), _) => return place.clone(),
                (None, Some((table, _))) => key = table,
                (None, None) => return Place::Code,
            }
        }
    }

    /// Every key that was asked for, by the path of its table.
    pub(super) fn asked(&self) -> BTreeMap<String, BTreeSet<String>> {
        self.asked.borrow().clone()
    }

    /// The place of the byte `offset` of the file.
    pub(super) fn place_at(&self, offset: usize) -> Place {
        place(self.file, self.text, offset)
    }

    /// The file's table.
    pub(super) fn table(&self) -> &DeTable<'a> {
        &self.root
    }
}

fn place(file: &Path, text: &str, offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let line = 1 + before.matches('\n').count();
    Place::File {
        path: file.to_owned(),
        line,
    }
}

/// One table of the configuration, there or not.
pub(super) struct Section<'a> {
    source: &'a Source<'a>,
    path: String,
    table: Option<&'a DeTable<'a>>,
}

impl<'a> Section<'a> {
    /// Sets `target` to the value of `key`: the environment's, else the file's, else it stays as it is.
    pub(super) fn set<T: Setting>(&self, key: &str, target: &mut T) -> Result<(), ConfigError> {
        if let Some(value) = self.get(key)? {
            *target = value;
        }
        Ok(())
    }

    /// The value of `key`, if there is one.
    pub(super) fn get<T: Setting>(&self, key: &str) -> Result<Option<T>, ConfigError> {
        let path = self.ask(key);
        let Some((raw, place)) = self.find(key, &path) else {
            return Ok(None);
        };
        let read = T::read(&raw);
        self.source
            .places
            .borrow_mut()
            .insert(path.clone(), place.clone());
        read.map(Some).map_err(|problem| ConfigError::Value {
            place,
            key: path,
            problem,
        })
    }

    /// The table under `key`.
    pub(super) fn section(&self, key: &str) -> Result<Self, ConfigError> {
        let path = self.ask(key);
        match self.entry(key) {
            None => Ok(self.below(path, None)),
            Some(value) => self.open(path, value),
        }
    }

    /// The tables of the list under `key`.
    pub(super) fn list(&self, key: &str) -> Result<Vec<Self>, ConfigError> {
        let path = self.ask(key);
        let Some(value) = self.entry(key) else {
            return Ok(Vec::new());
        };
        let DeValue::Array(items) = value.get_ref() else {
            return Err(ConfigError::Value {
                place: self.source.place_at(value.span().start),
                problem: format!(
                    "is a list of tables; write each as [[{path}]] with its keys below"
                ),
                key: path,
            });
        };
        let items = items.iter().enumerate();
        items
            .map(|(index, item)| self.open(format!("{path}[{index}]"), item))
            .collect()
    }

    /// The tables under names that the user chose.
    pub(super) fn named(&self) -> Result<Vec<(String, Self)>, ConfigError> {
        let names = self.table.into_iter().flat_map(|table| table.keys());
        names
            .map(|name| Ok((name.get_ref().to_string(), self.section(name.get_ref())?)))
            .collect()
    }

    /// The keys that are written in this table.
    pub(super) fn keys(&self) -> Vec<String> {
        let keys = self.table.into_iter().flat_map(|table| table.keys());
        keys.map(|key| key.get_ref().to_string()).collect()
    }

    /// An error about the value of `key` here.
    pub(super) fn refuse(&self, key: &str, problem: impl Into<String>) -> ConfigError {
        let key = join(&self.path, key);
        ConfigError::Value {
            place: self.source.place_of(&key),
            key,
            problem: problem.into(),
        }
    }

    /// A variable of the environment. An empty one counts as not set.
    pub(super) fn environment(&self, name: &str) -> Option<String> {
        self.source.variable(name)
    }

    /// A variable of the environment, remembered as the place of `key`.
    pub(super) fn variable(&self, key: &str, name: &str) -> Option<String> {
        let value = self.source.variable(name)?;
        let place = Place::Environment {
            name: name.to_owned(),
        };
        let path = join(&self.path, key);
        self.source.places.borrow_mut().insert(path, place);
        Some(value)
    }

    fn entry(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.and_then(|table| table.get(key))
    }

    fn open(&self, path: String, value: &'a Spanned<DeValue<'a>>) -> Result<Self, ConfigError> {
        let place = self.source.place_at(value.span().start);
        match value.get_ref() {
            DeValue::Table(table) => {
                self.source.places.borrow_mut().insert(path.clone(), place);
                Ok(self.below(path, Some(table)))
            }
            _ => Err(ConfigError::Value {
                place,
                problem: format!("is a table; write it as [{path}] with its keys below"),
                key: path,
            }),
        }
    }

    fn below(&self, path: String, table: Option<&'a DeTable<'a>>) -> Self {
        Section {
            source: self.source,
            path,
            table,
        }
    }

    fn ask(&self, key: &str) -> String {
        let mut asked = self.source.asked.borrow_mut();
        asked
            .entry(self.path.clone())
            .or_default()
            .insert(key.to_owned());
        join(&self.path, key)
    }

    fn find(&self, key: &str, path: &str) -> Option<(Raw, Place)> {
        let name = variable_name(path);
        if let Some(word) = self.source.variable(&name) {
            return Some((Raw::Word(word), Place::Environment { name }));
        }
        let value = self.entry(key)?;
        let raw = match value.get_ref() {
            DeValue::String(text) => Raw::Text(text.to_string()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Raw::Other("a number that is too large"), Raw::Integer),
            DeValue::Float(number) => number
                .as_str()
                .parse()
                .map_or(Raw::Other("a number that cannot be read"), Raw::Float),
            DeValue::Boolean(value) => Raw::Bool(*value),
            DeValue::Datetime(_) => Raw::Other("a date"),
            DeValue::Array(items) => texts(items),
            DeValue::Table(_) => Raw::Other("a table"),
        };
        Some((raw, self.source.place_at(value.span().start)))
    }
}

/// A list of texts, if it is one.
fn texts(items: &[Spanned<DeValue<'_>>]) -> Raw {
    let texts = items.iter().map(|item| match item.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        _ => None,
    });
    texts
        .collect::<Option<_>>()
        .map_or(Raw::Other("a list of other things"), Raw::List)
}

/// The path of `key` in the table `path`, quoted where TOML quotes it.
pub(super) fn join(path: &str, key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut joined = path.to_owned();
    if !joined.is_empty() {
        joined.push('.');
    }
    if !key.is_empty() && key.chars().all(bare) {
        joined.push_str(key);
    } else {
        // Writing to a text does not fail.
        let _ = write!(joined, "{key:?}");
    }
    joined
}

/// The variable that sets `path`: `engine.retry.base` is set by `MCS_ENGINE_RETRY_BASE`.
fn variable_name(path: &str) -> String {
    let letters = path.chars().filter(|c| *c != '"').map(|c| match c {
        c if c.is_ascii_alphanumeric() => c.to_ascii_uppercase(),
        _ => '_',
    });
    "MCS_".chars().chain(letters).collect()
}
