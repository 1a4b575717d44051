use super::check::{Problem, check_range, check_variables};
use super::error::ConfigError;
use super::source::Section;
use crate::executor::settings::{CommandConfig, CommandLimits};
use std::path::PathBuf;

/// Least and most output of a command that a result has. In JSON a letter may take six times as much, twice.
const OUTPUT_BYTES: (usize, usize) = (1024, 4 * 1024 * 1024);

/// Takes over what the file and the environment say.
pub(super) fn read(config: &mut CommandConfig, section: &Section<'_>) -> Result<(), ConfigError> {
    section.set("enabled", &mut config.enabled)?;
    section.set("programs", &mut config.programs)?;
    section.set("environment", &mut config.environment)?;
    section.set("sandbox", &mut config.sandbox)?;
    section.set("network", &mut config.network)?;
    section.set("writable", &mut config.writable)?;
    section.set("output_bytes", &mut config.output_bytes)?;
    let section = section.section("limits")?;
    let limits = &mut config.limits;
    for (key, limit) in named(limits) {
        *limit = section.get(key)?;
    }
    Ok(())
}

fn named(limits: &mut CommandLimits) -> [(&'static str, &mut Option<u64>); 5] {
    [
        ("memory_bytes", &mut limits.memory_bytes),
        ("cpu_seconds", &mut limits.cpu_seconds),
        ("open_files", &mut limits.open_files),
        ("processes", &mut limits.processes),
        ("file_bytes", &mut limits.file_bytes),
    ]
}

/// Refuses values that no command can have.
pub(super) fn check(config: &CommandConfig) -> Result<(), Problem> {
    let is_odd = |name: &&String| name.trim().is_empty() || name.contains('\0');
    if let Some(name) = config.programs.iter().find(is_odd) {
        let problem =
            format!("has {name:?}, which is no program; write names such as \"git\" or full paths");
        return Err(Problem::new("command.programs", problem));
    }
    let is_relative = |path: &&PathBuf| !path.is_absolute() && !path.starts_with("~");
    if let Some(path) = config.writable.iter().find(is_relative) {
        let problem = format!(
            "has `{}`; use absolute paths, or such as \"~/.cache\"",
            path.display()
        );
        return Err(Problem::new("command.writable", problem));
    }
    let mut limits = config.limits;
    for (key, limit) in named(&mut limits) {
        if *limit == Some(0) {
            let problem = "is 0, with which nothing runs; use more, or leave it out";
            return Err(Problem::new(format!("command.limits.{key}"), problem));
        }
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
        let text = "writable = ['/cache', '~/.cargo']\n[command.limits]\nopen_files = 64\nmemory_bytes = 1000000";
        let command = read(text).unwrap().command;
        assert_eq!(
            command.writable,
            ["/cache", "~/.cargo"].map(std::path::PathBuf::from)
        );
        assert_eq!(command.limits.open_files, Some(64));
        assert_eq!(command.limits.memory_bytes, Some(1_000_000));
        assert_eq!(command.limits.cpu_seconds, None);
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
            (
                "writable = ['cache']",
                ["`command.writable` has `cache`", "absolute"],
            ),
            (
                "[command.limits]\ncpu_seconds = 0",
                ["`command.limits.cpu_seconds` is 0", "leave it out"],
            ),
        ] {
            let error = read(text).unwrap_err().to_string();
            for part in parts {
                assert!(error.contains(part), "{text}: {error}");
            }
        }
    }
}
