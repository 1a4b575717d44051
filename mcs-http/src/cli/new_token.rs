use super::failure::Failure;
use mcs_core::config::{Config, TokenPlace, new_token};
use mcs_core::service::NewKey;

/// Makes a token and prints it, this once.
pub(super) async fn run(config: &Config, new: &NewKey) -> Result<(), Failure> {
    let made = new_token(config, new.clone()).await?;
    println!("{}", made.token.expose());
    match made.kept {
        TokenPlace::File(path) => eprintln!("mcs: its hash is in {}", path.display()),
        TokenPlace::Store { id } => {
            eprintln!("mcs: its hash is in the store; `mcs keys revoke {id}` ends it");
        }
    }
    Ok(())
}
