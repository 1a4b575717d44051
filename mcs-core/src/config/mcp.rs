use super::ToolSet;
use super::check::Problem;
use super::error::ConfigError;
use super::http::check_urls;
use super::source::Section;
use crate::domain::check_name;
use crate::provider::secret::Secret;

/// What is shown over MCP, and who this server is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
}

impl McpConfig {
    pub(super) fn read(&mut self, section: &Section<'_>) -> Result<(), ConfigError> {
        section.set("tools", &mut self.tools)?;
        self.mcp_id = section.get("mcp_id")?;
        self.name = section.get("name")?;
        self.version = section.get("version")?;
        section.set("authorization_servers", &mut self.authorization_servers)?;
        self.token = section.get("token")?;
        Ok(())
    }

    pub(super) fn check(&self) -> Result<(), Problem> {
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
