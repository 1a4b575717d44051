use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitCode, Stdio};

/// How a child of the stand-in lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// In the group of its parent, until a signal ends it.
    InGroup,
    /// In a session of its own, and only KILL ends it.
    Daemon,
}

/// Starts a child that lives for an hour.
pub(crate) fn start(life: Life) -> std::io::Result<Child> {
    let word = match life {
        Life::InGroup => "in-group",
        Life::Daemon => "daemon",
    };
    // A signal that is ignored stays so over an exec, and a shell is what can ignore one.
    let script = match life {
        Life::InGroup => "exec \"$0\" grandchild \"$1\"",
        Life::Daemon => "trap '' HUP INT TERM; exec \"$0\" grandchild \"$1\"",
    };
    Command::new("/bin/sh")
        .args(["-c", script])
        .arg(std::env::current_exe()?)
        .arg(word)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// Starts a shell command in a session of its own, as the real program's tool `Bash` does.
pub(crate) fn shell(command: &str) -> std::io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .args(["grandchild", "shell", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

/// Kills all that a shell command started and that did not leave its session.
pub(crate) fn kill(shell: u32) {
    let pid = i32::try_from(shell)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        // It is a group only once the child has come so far.
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

/// What a child does that was started by the functions above.
pub(crate) fn live(arguments: &[String]) -> ExitCode {
    let word = arguments.first().map(String::as_str).unwrap_or_default();
    if word != "in-group" && rustix::process::setsid().is_err() {
        return ExitCode::FAILURE;
    }
    if word == "shell" {
        let command = arguments.get(1).map(String::as_str).unwrap_or_default();
        let error = Command::new("/bin/sh").args(["-c", command]).exec();
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    if let Some(directory) = std::env::var_os("CLAUDE_STAND_IN_PIDS") {
        let file = std::path::Path::new(&directory).join(std::process::id().to_string());
        let _ = std::fs::write(file, "");
    }
    std::thread::sleep(std::time::Duration::from_hours(1));
    ExitCode::SUCCESS
}
