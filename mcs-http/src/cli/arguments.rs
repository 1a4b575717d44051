use super::keys::KeyChange;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use mcs_core::config::{Config, Database};
use mcs_core::service::NewKey;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The durable task runtime for MCP, as a service over HTTP.
#[derive(Debug, Parser)]
#[command(name = "mcs", version)]
pub(super) struct Arguments {
    /// The file that keeps everything, or ":memory:". The configuration says otherwise, or ./mcs.db.
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) db: Option<PathBuf>,
    /// Where to listen, 127.0.0.1:8080 by default. Where other machines reach it, it needs a key first.
    #[arg(long, value_name = "ADDRESS", global = true)]
    pub(super) listen: Option<SocketAddr>,
    /// The configuration file. The environment may name it too.
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) config: Option<PathBuf>,
    /// Makes a token, such as ann:read,write, prints it, this once, and ends. Its hash goes into `http.token_file` if the
    /// configuration names one, else into the store.
    #[arg(long, value_name = "NAME:SCOPES")]
    pub(super) new_token: Option<NewKey>,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serves, which it does without a command too.
    Serve,
    /// Serves one MCP client on standard input and output. Its tasks are in the user's data directory unless --db or the
    /// configuration says otherwise.
    Stdio {
        /// Forwards to the service at this address instead, such as `http://127.0.0.1:8080`, so that work goes on when the client
        /// ends. `MCS_TOKEN` is its key.
        #[arg(long, value_name = "URL")]
        connect: Option<String>,
    },
    /// Makes, lists and revokes keys.
    #[command(subcommand)]
    Keys(KeyChange),
}

/// The file of a service that is told no other: one that is started by hand is looked for where it was started.
const FILE: &str = "mcs.db";

impl Arguments {
    /// What the words of a command line say.
    pub(super) fn read(
        words: impl IntoIterator<Item: Into<OsString> + Clone>,
    ) -> Result<Self, clap::Error> {
        let read = Self::try_parse_from(words)?;
        let connects = matches!(&read.command, Some(Command::Stdio { connect: Some(_) }));
        // Where it stands before the command, the parser does not see that they exclude each other.
        if connects && read.db.is_some() {
            let problem =
                "--db and --connect exclude each other: the tasks are those of the service";
            return Err(Self::command().error(ErrorKind::ArgumentConflict, problem));
        }
        Ok(read)
    }

    /// Whether a service is to be started.
    pub(super) const fn serves(&self) -> bool {
        self.new_token.is_none() && matches!(self.command, Some(Command::Serve) | None)
    }

    /// Whether one client is to be served on standard input and output.
    pub(super) const fn is_stdio(&self) -> bool {
        matches!(self.command, Some(Command::Stdio { .. }))
    }

    /// Puts what they say into the configuration.
    pub(super) fn apply(&self, config: &mut Config) {
        if let Some(file) = &self.db {
            config.database = Database::from(file.as_path());
        } else if config.database == Database::UserData && !self.is_stdio() {
            config.database = Database::File(FILE.into());
        }
        if let Some(address) = self.listen {
            config.http.address = address;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(arguments: &[&str], mut config: Config) -> Config {
        let words = ["mcs"].iter().chain(arguments);
        Arguments::read(words).unwrap().apply(&mut config);
        config
    }

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_file_is_refused_where_the_tasks_are_those_of_a_service() {
        let connect = ["mcs", "stdio", "--connect", "http://127.0.0.1:8080"];
        Arguments::read(connect).unwrap();
        for file in [
            ["mcs", "--db", "x", "stdio", "--connect", "http://x"],
            ["mcs", "stdio", "--db", "x", "--connect", "http://x"],
        ] {
            let refused = Arguments::read(file).unwrap_err().to_string();
            assert!(refused.contains("--db"), "{refused}");
        }
    }

    #[test]
    fn the_command_line_wins_over_the_configuration_which_wins_over_the_default() {
        let plain = applied(&[], Config::default());
        assert_eq!(plain.database, Database::File("mcs.db".into()));
        assert_eq!(plain.http.address, "127.0.0.1:8080".parse().unwrap());
        let kept = Config {
            database: Database::File("/kept.db".into()),
            ..Config::default()
        };
        assert_eq!(applied(&[], kept.clone()).database, kept.database);
        assert_eq!(
            applied(&["--db", ":memory:"], kept).database,
            Database::Memory
        );
        let stdio = applied(&["stdio"], Config::default());
        assert_eq!(
            stdio.database,
            Database::UserData,
            "clients start it anywhere"
        );
        let listen = ["serve", "--listen", "[::1]:0"];
        let address = applied(&listen, Config::default()).http.address;
        assert_eq!(address, "[::1]:0".parse().unwrap());
    }
}
