use super::ToolSet;
use super::check::{Problem, check_range, check_time};
use super::error::ConfigError;
use super::http::check_urls;
use super::source::Section;
use crate::domain::{check_name, limits};
use crate::provider::secret::Secret;
use std::time::Duration;

/// What is shown over MCP, and who this server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct McpConfig {
    /// Which tools are offered.
    pub tools: ToolSet,
    /// The name by which a coordinator knows this server.
    pub mcp_id: Option<String>,
    /// What people call this server. It is for those who read the file.
    pub name: Option<String>,
    /// The version of this server, for the same people.
    pub version: Option<String>,
    /// Addresses of those who give out tokens for this server, which clients over HTTP are told.
    pub authorization_servers: Vec<String>,
    /// The key with which a server on standard input and output forwards to a service. Best given by the environment.
    pub token: Option<Secret>,
    /// Most sessions of clients over HTTP, of which one principal may have a quarter. Clients of 2026-07-28 need none.
    pub max_sessions: usize,
    /// How long a session may be without a call under way or an open stream before it is closed.
    pub session_idle: Duration,
}

impl Default for McpConfig {
    fn default() -> Self {
        Self {
            tools: ToolSet::default(),
            mcp_id: None,
            name: None,
            version: None,
            authorization_servers: Vec::new(),
            token: None,
            max_sessions: 1024,
            session_idle: Duration::from_mins(30),
        }
    }
}

impl McpConfig {
    pub(super) fn read(&mut self, section: &Section<'_>) -> Result<(), ConfigError> {
        section.set("tools", &mut self.tools)?;
        self.mcp_id = section.get("mcp_id")?;
        self.name = section.get("name")?;
        self.version = section.get("version")?;
        section.set("authorization_servers", &mut self.authorization_servers)?;
        self.token = section.get("token")?;
        section.set("max_sessions", &mut self.max_sessions)?;
        section.set("session_idle", &mut self.session_idle)?;
        Ok(())
    }

    pub(super) fn check(&self) -> Result<(), Problem> {
        check_range("mcp.max_sessions", self.max_sessions, (1, 100_000))?;
        let times = (Duration::from_secs(1), limits::LONGEST);
        check_time("mcp.session_idle", self.session_idle, times)?;
        check_urls("mcp.authorization_servers", &self.authorization_servers)?;
        let names = [
            ("mcp.mcp_id", &self.mcp_id),
            ("mcp.name", &self.name),
            ("mcp.version", &self.version),
        ];
        for (key, name) in names {
            if let Some(name) = name {
                check_name(key, name).map_err(|error| Problem::new(key, error.problem))?;
            }
        }
        Ok(())
    }
}
