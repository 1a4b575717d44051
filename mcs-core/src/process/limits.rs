use std::ffi::OsString;
use std::path::PathBuf;

/// What a child, and each process that comes from it, may use of the machine. Nothing is limited unless it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Address space, in bytes.
    pub memory_bytes: Option<u64>,
    /// Time on a processor, in seconds.
    pub cpu_seconds: Option<u64>,
    /// Files that are open at a time.
    pub open_files: Option<u64>,
    /// Processes of the same user at a time, those of others included. Root is not bound by it.
    pub processes: Option<u64>,
    /// The largest file that is written, in bytes.
    pub file_bytes: Option<u64>,
}

/// Units in which `ulimit` of a POSIX shell counts memory and files.
const MEMORY_UNIT: u64 = 1024;
const FILE_UNIT: u64 = 512;

impl Limits {
    /// The program and the arguments that start `program` within the limits.
    ///
    /// A small shell sets the limits and is then replaced by the program. Setting them from outside, on a process that
    /// runs already, comes too late for what it has started by then; setting them between fork and exec takes unsafe code.
    pub(super) fn wrap(
        &self,
        program: PathBuf,
        arguments: Vec<OsString>,
    ) -> (PathBuf, Vec<OsString>) {
        let Some(script) = self.script() else {
            return (program, arguments);
        };
        let words = [
            "-c".into(),
            script.into(),
            "sh".into(),
            program.into_os_string(),
        ];
        let arguments = words.into_iter().chain(arguments).collect();
        (PathBuf::from("/bin/sh"), arguments)
    }

    /// It holds numbers alone, so that nothing has to be quoted.
    fn script(&self) -> Option<String> {
        let limited = self.lowered();
        let mut steps = Vec::new();
        let mut step = |flag: &str, value: Option<u64>, unit: u64| {
            steps.extend(value.map(|value| format!("ulimit -{flag} {}", value.div_ceil(unit))));
        };
        step("v", limited.memory_bytes, MEMORY_UNIT);
        step("t", limited.cpu_seconds, 1);
        step("n", limited.open_files, 1);
        step("f", limited.file_bytes, FILE_UNIT);
        // Shells differ in how they call this one, and an unknown option may end one of them: it is tried aside first.
        steps.extend(limited.processes.map(|most| {
            format!(
                "if (ulimit -u {most}) 2>/dev/null; then ulimit -u {most}; else ulimit -p {most}; fi"
            )
        }));
        if steps.is_empty() {
            return None;
        }
        // What a shell returns for a program that it may not run.
        Some(format!(
            "{{ {}; }} && exec \"$@\" || exit 126",
            steps.join(" && ")
        ))
    }

    /// A limit that stands already cannot be raised, and need not be: it is the narrower one.
    #[cfg(unix)]
    fn lowered(&self) -> Self {
        use rustix::process::{Resource, getrlimit};
        let lower = |value: Option<u64>, resource| {
            let most = getrlimit(resource).maximum.unwrap_or(u64::MAX);
            value.map(|value| value.min(most))
        };
        Self {
            memory_bytes: lower(self.memory_bytes, Resource::As),
            cpu_seconds: lower(self.cpu_seconds, Resource::Cpu),
            open_files: lower(self.open_files, Resource::Nofile),
            processes: lower(self.processes, Resource::Nproc),
            file_bytes: lower(self.file_bytes, Resource::Fsize),
        }
    }

    /// There is no such shell and there are no such limits.
    #[cfg(not(unix))]
    fn lowered(&self) -> Self {
        if *self != Self::default() {
            tracing::warn!("limits of processes are not set on this system");
        }
        Self::default()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn without_limits_nothing_stands_in_between() {
        let (program, arguments) = Limits::default().wrap("/bin/true".into(), vec!["a".into()]);
        assert_eq!((program, arguments), ("/bin/true".into(), vec!["a".into()]));
    }

    #[test]
    fn limits_are_those_of_the_program_and_its_arguments_stay_as_they_are() {
        let limits = Limits {
            memory_bytes: Some(1 << 40),
            cpu_seconds: Some(77),
            open_files: Some(33),
            processes: Some(55),
            file_bytes: Some(1 << 20),
        };
        let script = "cat /proc/self/limits; printf '%s|' \"$@\"";
        let arguments = ["-c", script, "sh", "$(exit 3)", "a b"].map(OsString::from);
        let (program, arguments) = limits.wrap("/bin/sh".into(), arguments.to_vec());
        let output = std::process::Command::new(program)
            .args(arguments)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(text.ends_with("$(exit 3)|a b|"), "{text}");
        if cfg!(target_os = "linux") {
            let words: Vec<&str> = text.split_whitespace().collect();
            let text = words.join(" ");
            for line in [
                "Max address space 1099511627776 1099511627776",
                "Max cpu time 77 77",
                "Max open files 33 33",
                "Max processes 55 55",
                "Max file size 1048576 1048576",
            ] {
                assert!(text.contains(line), "{line}: {text}");
            }
        }
    }

    #[test]
    fn what_stands_already_is_never_raised() {
        let limits = Limits {
            open_files: Some(u64::MAX),
            ..Limits::default()
        };
        let (program, arguments) =
            limits.wrap("/bin/sh".into(), vec!["-c".into(), "exit 5".into()]);
        let status = std::process::Command::new(program)
            .args(arguments)
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(5));
    }
}
