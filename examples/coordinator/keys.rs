//! The keys of a coordinator, from the command line.

use crate::Outcome;
use clap::Subcommand;
use mcs_core::service::{Keys, NewKey, Principal, Scope};
use serde_json::json;

/// What is done with keys.
#[derive(Subcommand)]
pub(crate) enum Change {
    /// Makes a key and prints it, this once: for the MCP server NAME, or with scopes for somebody else.
    Create {
        name: String,
        /// read, write, execute or admin. May be given several times.
        #[arg(long = "scope")]
        scopes: Vec<Scope>,
    },
    /// Prints the keys without what is secret.
    List,
    /// Has the key of this id work no longer.
    Revoke { id: String },
}

/// Does it and prints what is left to know.
pub(crate) async fn change(keys: Keys<'_>, what: Change) -> Outcome {
    let me = Principal::local();
    let found = match what {
        Change::Create { name, scopes } => {
            let new = match scopes.as_slice() {
                [] => NewKey::of_mcp(name),
                scopes => NewKey::of_user(name, scopes),
            };
            println!("{}", keys.create(&me, new).await?.token.expose());
            return Ok(());
        }
        Change::List => keys.list(&me, None, 500).await?.keys,
        Change::Revoke { id } => vec![keys.revoke(&me, &id).await?],
    };
    for key in found {
        println!("{}", json!(key));
    }
    Ok(())
}
