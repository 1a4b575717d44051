//! The program, as a process of its own.

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longest time that anything here may take. It needs milliseconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// `mcs` with these arguments, in a directory of its own and with nothing of the user's environment that it would read.
pub(crate) fn mcs(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcs"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("MCS_") || name.ends_with("_API_KEY") || name == "RUST_LOG" {
            command.env_remove(&*name);
        }
    }
    command.current_dir(directory).env("HOME", directory);
    command.env_remove("XDG_DATA_HOME").args(arguments);
    command
}

/// What it says when it ends by itself.
pub(crate) fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().expect("mcs starts")
}

/// One that serves. It does not outlive the test.
pub(crate) struct Program {
    child: Child,
    /// What it printed, by the words at the beginning of the lines.
    pub(crate) lines: Vec<String>,
    pub(crate) url: String,
    /// From its start until it printed where it is.
    pub(crate) ready_after: Duration,
    log: Receiver<String>,
    client: Client,
}

impl Program {
    /// Waits until it serves.
    pub(crate) fn serve(directory: &Path, arguments: &[&str]) -> Self {
        Self::start(mcs(directory, arguments).args(["--listen", "127.0.0.1:0"]))
    }

    pub(crate) fn start(command: &mut Command) -> Self {
        let begun = Instant::now();
        let command = command.stdin(Stdio::null());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("mcs starts");
        let (sender, log) = channel();
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                eprintln!("mcs: {line}");
                // The test may have heard enough.
                let _ = sender.send(line);
            }
        });
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let lines: Vec<String> = stdout.lines().map_while(Result::ok).take(7).collect();
        let ready_after = begun.elapsed();
        let mut program = Self {
            child,
            lines,
            url: String::new(),
            ready_after,
            log,
            client: Client::builder().timeout(PATIENCE).build().unwrap(),
        };
        let page = program.address("page");
        page.trim_end_matches('/').clone_into(&mut program.url);
        program
    }

    /// What it printed behind `name`.
    pub(crate) fn address(&self, name: &str) -> String {
        let mut lines = self.lines.iter();
        let found = lines.find_map(|line| line.strip_prefix(name));
        let found = found.unwrap_or_else(|| panic!("{name} is not in {:?}", self.lines));
        found.trim().to_owned()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        let answer = self.request(Method::GET, path).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    /// Creates a task, and returns its id.
    pub(crate) async fn create(&self, task: &Value) -> String {
        let request = self.request(Method::POST, "/api/v1/tasks").json(task);
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(status, 201, "{answer}");
        answer["id"].as_str().unwrap().to_owned()
    }

    /// The task once it has this status.
    pub(crate) async fn until(&self, id: &str, status: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (_, task) = self.get(&format!("/api/v1/tasks/{id}")).await;
            if task["status"] == status {
                return task;
            }
            assert!(Instant::now() < deadline, "{id} is not {status}: {task}");
            tokio::task::yield_now().await;
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.expect("kill is there").success());
    }

    /// The first line of its log that has `text` in it.
    pub(crate) fn logs(&self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.log.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("`{text}` was not logged"));
            if line.contains(text) {
                return line;
            }
        }
    }

    /// How it ends, which it is to do by now.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::yield_now();
        }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.ended();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It is dead already where everything went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(mut rest) = self.child.stdout.take() {
            let _ = rest.read_to_end(&mut Vec::new());
        }
    }
}

pub(crate) fn skip(why: &str) {
    assert!(
        std::env::var_os("MCS_TEST_REQUIRE_ALL").is_none_or(|all| all != "1"),
        "{why}"
    );
    eprintln!("skipped: {why}");
}

/// Whether `program` can be run.
pub(crate) fn has(program: &str) -> bool {
    let mut asked = Command::new(program);
    let asked = asked.arg("--version").stdout(Stdio::null());
    asked.stderr(Stdio::null()).status().is_ok()
}
