use super::ProviderConfig;
use crate::domain::limits;
use crate::provider::models::ModelTable;
use crate::provider::secret::Secret;
use std::collections::BTreeMap;
use std::time::Duration;

/// What every API over HTTP needs, whatever it speaks.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiSettings {
    /// Its name, as tasks give it.
    pub name: String,
    /// What it is, in a sentence.
    pub description: String,
    /// Where the paths of its protocol begin, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// The key. Local servers need none.
    pub api_key: Option<Secret>,
    /// The model for tasks that name none; empty if tasks have to name one.
    pub default_model: String,
    /// Most tokens that models are known to write, by name. A ceiling that is not below it is not sent.
    pub model_max_tokens: BTreeMap<String, u64>,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest time of a whole call, the answer included.
    pub timeout: Duration,
    /// Longest silence within a streamed answer.
    pub idle_timeout: Duration,
    /// Largest answer, in bytes.
    pub max_answer_bytes: usize,
}

impl ApiSettings {
    /// Longest wait for a connection unless it is set.
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
    /// Longest time of a call unless it is set.
    pub const TIMEOUT: Duration = Duration::from_mins(1);
    /// Longest silence within a stream unless it is set. As long as a whole call, because models that think may be
    /// silent for long: it is there for whoever raises the timeout of the call.
    pub const IDLE_TIMEOUT: Duration = Duration::from_mins(1);
    /// Largest answer unless it is set: half of what a stored result may have.
    pub const MAX_ANSWER_BYTES: usize = limits::RESULT_BYTES / 2;

    /// An API at `base_url`, without a key.
    pub fn new(
        name: impl Into<String>,
        base_url: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        let name = name.into();
        let default_model = ModelTable::builtin_default_of(&name).unwrap_or_default();
        Self {
            description: description.into(),
            default_model: default_model.into(),
            name,
            base_url: base_url.into(),
            api_key: None,
            model_max_tokens: BTreeMap::new(),
            connect_timeout: Self::CONNECT_TIMEOUT,
            timeout: Self::TIMEOUT,
            idle_timeout: Self::IDLE_TIMEOUT,
            max_answer_bytes: Self::MAX_ANSWER_BYTES,
        }
    }

    /// The same settings with what `table` knows of how much this provider's models write.
    pub fn with_models(mut self, table: &ModelTable) -> Self {
        self.model_max_tokens.extend(table.answer_sizes(&self.name));
        self
    }

    /// Takes over what `config` says. `description` is said of it where that moves it to an address of its own.
    pub(super) fn apply(&mut self, config: &ProviderConfig, description: &str) {
        let millis = |value: Option<u64>| value.map(Duration::from_millis);
        if let Some(base_url) = &config.base_url {
            self.move_to(base_url, description);
        }
        if config.api_key.is_some() {
            self.api_key.clone_from(&config.api_key);
        }
        set(&mut self.default_model, config.default_model.as_ref());
        set(
            &mut self.connect_timeout,
            millis(config.connect_timeout_ms).as_ref(),
        );
        set(&mut self.timeout, millis(config.timeout_ms).as_ref());
        set(
            &mut self.idle_timeout,
            millis(config.idle_timeout_ms).as_ref(),
        );
        set(&mut self.max_answer_bytes, config.max_answer_bytes.as_ref());
    }

    /// Points it at another server, and says so where it was described by its address.
    pub(super) fn move_to(&mut self, base_url: &str, description: &str) {
        if self.base_url != base_url {
            base_url.clone_into(&mut self.base_url);
            self.description = format!("{description} at {base_url}.");
        }
    }
}

pub(super) fn set<T: Clone>(target: &mut T, value: Option<&T>) {
    if let Some(value) = value {
        target.clone_from(value);
    }
}
