//! One configuration for all of it: a TOML file, the environment, and code.
//!
//! What code sets wins over the environment, which wins over the file, which wins over the defaults. Every key can be
//! set by a variable named after its path: `engine.retry.base` by `MCS_ENGINE_RETRY_BASE`. A key that does not exist
//! is an error that names the nearest right one. `mcs.example.toml` explains every key.

mod builder;
mod check;
mod choice;
mod claude_code;
mod command;
mod database;
mod directories;
mod engine;
mod error;
#[cfg(test)]
mod example;
mod http;
mod interaction_logging;
mod interactions;
mod kinds;
mod mcp;
mod models;
mod new_token;
mod open;
mod programs;
mod provider;
mod provider_kind;
mod retention;
mod source;
mod unknown;
mod value;

pub use crate::executor::settings::{
    ClaudeCodeConfig, CommandConfig, PermissionMode, Policy, SandboxUse,
};
pub use crate::provider::settings::ProviderConfig;
pub use builder::Builder;
pub use choice::{Synchronous, ToolSet};
pub use database::Database;
pub use directories::DirectoriesConfig;
pub use engine::{EngineConfig, QueueConfig, RetryConfig};
pub use error::{ConfigError, Place};
pub use http::{HttpConfig, TlsConfig};
pub use interaction_logging::InteractionLoggingConfig;
pub use interactions::InteractionsConfig;
pub use mcp::McpConfig;
pub use new_token::{MadeToken, NewTokenError, TokenPlace, new_token};
pub use open::{OpenError, builder, open};

use crate::domain::{Retention, check_name};
use crate::executor::KindSpec;
use crate::provider::models::ModelInfo;
use crate::provider::settings;
use check::{Problem, check_concurrency};
use source::{Section, Source};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tracing::level_filters::LevelFilter;

/// Everything that can be configured. Keys are secrets and not shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where the tasks are kept.
    pub database: Database,
    /// When a commit is synced to the disk.
    pub synchronous: Synchronous,
    /// How much is logged.
    pub log: LevelFilter,
    /// How tasks are run.
    pub engine: EngineConfig,
    /// Queues that are run differently, by name.
    pub queues: BTreeMap<String, QueueConfig>,
    /// LLM APIs, by name. `openai`, `anthropic` and `deepseek` are known and need only a key.
    pub providers: BTreeMap<String, ProviderConfig>,
    /// The provider of prompts that name none. `None` for the first usable one of `openai`, `anthropic`, `deepseek`
    /// and the others by name, else `echo`.
    pub default_provider: Option<String>,
    /// Kinds of tasks that nothing here runs: workers elsewhere take them.
    pub kinds: Vec<KindSpec>,
    /// Models that are new, or have other sizes and prices than in the table that ships.
    pub models: Vec<ModelInfo>,
    /// Where tasks that run programs may work.
    pub directories: DirectoriesConfig,
    /// Whether and how tasks of the kind `command` are run.
    pub command: CommandConfig,
    /// How tasks of the kind `claude_code` are run.
    pub claude_code: ClaudeCodeConfig,
    /// How long finished tasks and events are kept.
    pub retention: Retention,
    /// What MCP servers report of the calls they serve.
    pub interactions: InteractionsConfig,
    /// What is shown over MCP, and who this server is.
    pub mcp: McpConfig,
    /// Whether and how calls and attempts are told to a coordinator.
    pub interaction_logging: InteractionLoggingConfig,
    /// How it is reached over HTTP.
    pub http: HttpConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database: Database::default(),
            synchronous: Synchronous::default(),
            log: LevelFilter::INFO,
            engine: EngineConfig::default(),
            queues: BTreeMap::new(),
            providers: BTreeMap::new(),
            default_provider: None,
            kinds: Vec::new(),
            models: Vec::new(),
            directories: DirectoriesConfig::default(),
            command: CommandConfig::default(),
            claude_code: ClaudeCodeConfig::default(),
            retention: Retention::default(),
            interactions: InteractionsConfig::default(),
            mcp: McpConfig::default(),
            interaction_logging: InteractionLoggingConfig::default(),
            http: HttpConfig::default(),
        }
    }
}

impl Config {
    /// The configuration of a service that keeps everything in memory.
    pub fn in_memory() -> Self {
        Self {
            database: Database::Memory,
            ..Self::default()
        }
    }

    /// Reads `path`, or else the file that `MCS_CONFIG` names, if any, and then the environment.
    ///
    /// This reads a small file and blocks for as long as that takes.
    pub fn load(
        path: Option<&Path>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let named = || environment("MCS_CONFIG").filter(|path| !path.trim().is_empty());
        let Some(path) = path
            .map(Path::to_owned)
            .or_else(|| named().map(PathBuf::from))
        else {
            return Self::parse(Path::new(""), "", environment);
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&path, &text, environment),
            Err(source) => Err(ConfigError::Read { path, source }),
        }
    }

    /// Reads `text`, which came from `file`, and then the environment.
    pub fn parse(
        file: &Path,
        text: &str,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let source = Source::parse(file, text, &environment)?;
        let mut config = Self::default();
        config.read(&source.root())?;
        unknown::refuse_unknown(&source)?;
        config.check_from(|key| source.place_of(key))?;
        config.database = config.database.expand(&environment);
        config.directories = config.directories.expand(&environment);
        config.interaction_logging = config.interaction_logging.expand(&environment);
        config.http = config.http.expand(&environment);
        Ok(config)
    }

    /// Refuses values that make no sense. [`open`] does this too.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.check_from(|_| Place::Code)
    }

    fn read(&mut self, root: &Section<'_>) -> Result<(), ConfigError> {
        root.set("database", &mut self.database)?;
        root.set("synchronous", &mut self.synchronous)?;
        root.set("log", &mut self.log)?;
        self.engine.read(&root.section("engine")?)?;
        for (name, section) in root.section("queues")?.named()? {
            self.queues.insert(name, QueueConfig::read(&section)?);
        }
        let providers = root.section("providers")?;
        for name in settings::known() {
            let provider = provider::read(name, &providers.section(name)?)?;
            // Without a key or an address of its own it is as if it was not there.
            if provider != ProviderConfig::default() {
                self.providers.insert(name.to_owned(), provider);
            }
        }
        for (name, section) in providers.named()? {
            if settings::known().all(|known| known != name) {
                let provider = provider::read(&name, &section)?;
                self.providers.insert(name, provider);
            }
        }
        self.default_provider = root.get("default_provider")?;
        for section in root.list("kinds")? {
            self.kinds.push(kinds::read(&section)?);
        }
        for section in root.list("models")? {
            self.models.push(models::read(&section)?);
        }
        self.directories.read(&root.section("directories")?)?;
        command::read(&mut self.command, &root.section("command")?)?;
        claude_code::read(&mut self.claude_code, &root.section("claude_code")?)?;
        retention::read(&mut self.retention, &root.section("retention")?)?;
        self.interactions.read(&root.section("interactions")?)?;
        self.mcp.read(&root.section("mcp")?)?;
        let logging = root.section("interaction_logging")?;
        self.interaction_logging.read(&logging)?;
        self.http.read(&root.section("http")?)
    }

    fn check_from(&self, place_of: impl Fn(&str) -> Place) -> Result<(), ConfigError> {
        self.find_problem()
            .map_err(|Problem { key, problem }| ConfigError::Value {
                place: place_of(&key),
                key,
                problem,
            })
    }

    fn find_problem(&self) -> Result<(), Problem> {
        self.engine.check()?;
        for (name, queue) in &self.queues {
            check_named("queues", name)?;
            let key = format!("{}.concurrency", source::join("queues", name));
            check_concurrency(&key, queue.concurrency)?;
        }
        for (name, provider) in &self.providers {
            check_named("providers", name)?;
            provider::check(name, provider)?;
        }
        provider::check_routes(&self.providers)?;
        kinds::check(&self.kinds)?;
        models::check(&self.models)?;
        command::check(&self.command)?;
        claude_code::check(&self.claude_code)?;
        self.mcp.check()?;
        self.interaction_logging.check(&self.mcp)?;
        self.http.check()
    }
}

fn check_named(table: &str, name: &str) -> Result<(), Problem> {
    check_name("name", name).map_err(|error| {
        Problem::new(
            source::join(table, name),
            format!("is no name: it {}", error.problem),
        )
    })
}
