use super::failure::Failure;
use clap::Subcommand;
use mcs_core::config::Config;
use mcs_core::engine::EngineBuilder;
use mcs_core::service::{Keys, NewKey, Principal, Scope, ServiceError};
use serde_json::json;

/// What is done with the keys of a service.
#[derive(Debug, Clone, Subcommand)]
pub enum KeyChange {
    /// Makes a key and prints it, this once: for the MCP server NAME, or with scopes for somebody else.
    Create {
        /// Who it is for.
        name: String,
        /// read, write, execute, metrics or admin. May be given several times.
        #[arg(long = "scope")]
        scopes: Vec<Scope>,
    },
    /// Prints the keys without what is secret.
    List,
    /// Has the key of this id work no longer.
    Revoke {
        /// Its id, as the list shows it.
        id: String,
    },
}

impl KeyChange {
    /// Does it and prints what is left to know on standard output.
    pub async fn apply(&self, keys: Keys<'_>) -> Result<(), ServiceError> {
        let me = Principal::local();
        let found = match self {
            Self::Create { name, scopes } => {
                let new = match scopes.as_slice() {
                    [] => NewKey::of_mcp(name.clone()),
                    scopes => NewKey::of_user(name.clone(), scopes),
                };
                println!("{}", keys.create(&me, new).await?.token.expose());
                return Ok(());
            }
            Self::List => keys.list(&me, None, 500).await?.keys,
            Self::Revoke { id } => vec![keys.revoke(&me, id).await?],
        };
        for key in found {
            println!("{}", json!(key));
        }
        Ok(())
    }
}

/// Changes keys in the store that the configuration names. The tasks in it are the business of the processes that run them.
pub(super) async fn run(config: &Config, change: &KeyChange) -> Result<(), Failure> {
    let service = mcs_core::builder(config).engine(EngineBuilder::hands_off);
    let service = service.open().await?;
    let done = change.apply(service.keys()).await;
    service.shutdown(config.engine.shutdown_grace).await?;
    Ok(done?)
}
