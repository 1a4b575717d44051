use crate::api_key::ApiKey;
use crate::build_error::BuildError;
use crate::command::{COMMANDS, Command};
use crate::counters::{Counters, Gauges};
use crate::encode::Encoder;
use crate::from_toml;
use crate::hook::Hook;
use crate::inner::Inner;
use crate::journal::Journal;
use crate::redact::{Redactor, SECRET_KEYS, SECRET_PARTS};
use crate::reporter::Reporter;
use crate::settings::{Settings, WhenFull};
use crate::shared::Shared;
use crate::transport::Transport;
use crate::worker;
use mcs_core::reporter::Interaction;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Makes a [`Reporter`]. Three things have no default: the coordinator's URL, the API key, and the id of the MCP.
#[derive(Debug, Default)]
pub struct ReporterBuilder {
    settings: Settings,
    secret_keys: Option<Vec<String>>,
    more_secret_keys: Vec<String>,
    hook: Option<Hook>,
    transport: Option<Arc<dyn Transport>>,
}

impl ReporterBuilder {
    /// One with the settings of a file; see [`Reporter::from_toml`].
    pub fn from_toml(text: &str) -> Result<Self, BuildError> {
        from_toml::read(text)
    }

    /// Where the coordinator is, such as `http://coordinator:8080`.
    pub fn coordinator_url(mut self, url: impl Into<String>) -> Self {
        self.settings.coordinator_url = url.into();
        self
    }

    /// The key that it knows this server by.
    pub fn api_key(mut self, key: impl AsRef<str>) -> Self {
        self.settings.api_key = ApiKey::new(key);
        self
    }

    /// Who reports. The key must be made for it.
    pub fn mcp_id(mut self, id: impl Into<String>) -> Self {
        self.settings.mcp_id = id.into();
        self
    }

    /// `false` makes a reporter that does nothing, for free: no file, no thread, and no setting is asked for.
    pub fn enable_reporting(mut self, enable: bool) -> Self {
        self.settings.enable_reporting = enable;
        self
    }

    /// Failed attempts before a warning is logged, 3 by default. Attempts themselves go on for as long as it takes.
    pub fn max_retries(mut self, attempts: u32) -> Self {
        self.settings.max_retries = attempts;
        self
    }

    /// The first pause after a failed request, a second by default; the following ones grow up to a minute.
    pub fn retry_delay(mut self, delay: Duration) -> Self {
        self.settings.retry_delay = delay;
        self
    }

    /// The file of the index, `./interaction_cache.db` by default. The journal is in a folder beside it that has the same
    /// name with `.segments` at its end. Several processes and MCPs may share it. `:memory:` keeps no files, and the end
    /// of the process then loses what was not delivered.
    pub fn local_cache_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.local_cache_path = path.into();
        self
    }

    /// Requests a second at most, 10 by default. A request carries up to 100 events.
    pub fn requests_per_second(mut self, rate: u32) -> Self {
        self.settings.requests_per_second = rate;
        self
    }

    /// How long a request may take, 5 seconds by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// How long connecting may take, 2 seconds by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.connect_timeout = timeout;
        self
    }

    /// Bytes that journal and index may take on the disk, 1 GiB by default. What is free again in the index does not count.
    pub fn disk_cap(mut self, bytes: u64) -> Self {
        self.settings.disk_cap = bytes;
        self
    }

    /// Bytes that may wait in memory where no files are kept, 64 MiB by default.
    pub fn memory_cap(mut self, bytes: u64) -> Self {
        self.settings.memory_cap = bytes;
        self
    }

    /// What happens to new events while that is reached; they are refused by default.
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.settings.when_full = when_full;
        self
    }

    /// Largest data of one event in bytes of JSON, 256 KiB by default. Of more only type and size are told.
    pub fn event_cap(mut self, bytes: usize) -> Self {
        self.settings.event_cap = bytes;
        self
    }

    /// Drops events that are older, delivered or not. They are kept however long it takes unless this is called.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.settings.max_age = Some(age);
        self
    }

    /// Words at the end of keys whose values are secrets, beside [`SECRET_KEYS`] and
    /// [`SECRET_PARTS`]. Secrets are masked before anything is written.
    pub fn redact_also<S: Into<String>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.more_secret_keys
            .extend(words.into_iter().map(Into::into));
        self
    }

    /// Such words in place of all of those.
    pub fn redact_only<S: Into<String>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.secret_keys = Some(words.into_iter().map(Into::into).collect());
        self
    }

    /// Shows each interaction to `look` before it is written, to be changed, or held back by `false`. It runs in the
    /// caller's thread and costs a copy of the data as a tree. What it leaves of secrets is masked afterwards.
    pub fn before_send(
        mut self,
        look: impl Fn(&mut Interaction) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.hook = Some(Hook::new(look));
        self
    }

    /// Reaches the coordinator by `transport` instead of HTTP.
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    pub(crate) fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// Checks all of it, makes the journal, and starts the thread that delivers.
    pub fn build(self) -> Result<Reporter, BuildError> {
        if !self.settings.enable_reporting {
            return Ok(Reporter::disabled());
        }
        let parts = self.assemble()?;
        worker::spawn(parts.shared, parts.commands, parts.transport).map_err(BuildError::Thread)?;
        Ok(parts.reporter)
    }

    /// Everything but the thread.
    pub(crate) fn assemble(self) -> Result<Parts, BuildError> {
        let settings = self.settings.checked()?;
        let transport = match self.transport {
            Some(transport) => transport,
            None => default_transport(&settings)?,
        };
        let (ends, parts) = match &self.secret_keys {
            Some(ends) => (ends.iter().map(String::as_str).collect(), [].as_slice()),
            None => (SECRET_KEYS.to_vec(), SECRET_PARTS),
        };
        let more = self.more_secret_keys.iter().map(String::as_str);
        let redactor = Redactor::new(ends.into_iter().chain(more), parts.iter().copied());
        let encoder = Encoder::new(&settings.mcp_id, settings.event_cap, redactor);
        let journal = open_journal(&settings)?;
        let shared = Arc::new(Shared {
            settings,
            journal,
            counters: Counters::default(),
            gauges: Gauges::default(),
        });
        let (sender, commands) = mpsc::channel(COMMANDS);
        let inner = Inner::new(Arc::clone(&shared), encoder, self.hook, sender);
        Ok(Parts {
            reporter: Reporter::new(inner),
            shared,
            commands,
            transport,
        })
    }
}

/// A reporter, and what its worker is given.
pub(crate) struct Parts {
    pub(crate) reporter: Reporter,
    pub(crate) shared: Arc<Shared>,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) transport: Arc<dyn Transport>,
}

fn open_journal(settings: &Settings) -> Result<Journal, BuildError> {
    let path = settings.segments_folder();
    match path.clone() {
        Some(folder) => Journal::open(folder, &settings.mcp_id, settings.bounds()),
        None => Journal::in_memory(settings.bounds()),
    }
    .map_err(|source| BuildError::Journal {
        path: path.unwrap_or_default(),
        source,
    })
}

#[cfg(feature = "http")]
fn default_transport(settings: &Settings) -> Result<Arc<dyn Transport>, BuildError> {
    let transport = crate::http::HttpTransport::new(settings.connect_timeout)?;
    Ok(Arc::new(transport))
}

#[cfg(not(feature = "http"))]
fn default_transport(_: &Settings) -> Result<Arc<dyn Transport>, BuildError> {
    Err(BuildError::NoTransport)
}
