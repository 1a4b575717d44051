use super::check::{Problem, check_range, check_variables};
use super::error::ConfigError;
use super::source::Section;
use crate::executor::settings::CommandConfig;

/// Least and most output of a command that a result has. In JSON a letter may take six times as much, twice.
const OUTPUT_BYTES: (usize, usize) = (1024, 4 * 1024 * 1024);

/// Takes over what the file and the environment say.
pub(super) fn read(config: &mut CommandConfig, section: &Section<'_>) -> Result<(), ConfigError> {
    section.set("enabled", &mut config.enabled)?;
    section.set("programs", &mut config.programs)?;
    section.set("environment", &mut config.environment)?;
    section.set("sandbox", &mut config.sandbox)?;
    section.set("network", &mut config.network)?;
    section.set("output_bytes", &mut config.output_bytes)
}

/// Refuses values that no command can have.
pub(super) fn check(config: &CommandConfig) -> Result<(), Problem> {
    let is_odd = |name: &&String| name.trim().is_empty() || name.contains('\0');
    if let Some(name) = config.programs.iter().find(is_odd) {
        let problem =
            format!("has {name:?}, which is no program; write names such as \"git\" or full paths");
        return Err(Problem::new("command.programs", problem));
    }
    check_variables("command.environment", &config.environment)?;
    check_range("command.output_bytes", config.output_bytes, OUTPUT_BYTES)
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, ConfigError, SandboxUse};
    use std::path::Path;

    fn read(text: &str) -> Result<Config, ConfigError> {
        Config::parse(Path::new("mcs.toml"), &format!("[command]\n{text}"), |_| {
            None
        })
    }

    #[test]
    fn it_is_off_unless_the_file_says_so() {
        assert!(!read("").unwrap().command.enabled);
        let text = "enabled = true\nprograms = ['git', '/usr/bin/make']\nenvironment = ['CARGO_*']\nsandbox = 'required'";
        let command = read(text).unwrap().command;
        assert!(command.enabled && command.sandbox == SandboxUse::Required);
        assert_eq!(command.programs, ["git", "/usr/bin/make"]);
        assert_eq!(command.environment, ["CARGO_*"]);
    }

    #[test]
    fn values_that_make_no_sense_are_named() {
        for (text, parts) in [
            (
                "programs = ['']",
                ["`command.programs` has \"\"", "\"git\""],
            ),
            ("programs = 'git'", ["`command.programs`", "list"]),
            (
                "environment = ['A B']",
                ["`command.environment` has `A B`", "NPM_*"],
            ),
            (
                "output_bytes = 10",
                ["`command.output_bytes` is 10", "1024"],
            ),
            ("sandbox = 'on'", ["`command.sandbox`", "\"auto\""]),
            ("shell = true", ["command.shell", ""]),
        ] {
            let error = read(text).unwrap_err().to_string();
            for part in parts {
                assert!(error.contains(part), "{text}: {error}");
            }
        }
    }
}
