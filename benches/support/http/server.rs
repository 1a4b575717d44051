use crate::support::{Outcome, check};
use std::env::current_exe;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A server in a process of its own, which ends when its input does.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Server {
    /// Starts this program again as the child `name`, which serves what is in `directory` and first prints where.
    pub(crate) fn start(name: &str, directory: &Path) -> Outcome<Self> {
        let mut command = Command::new(current_exe()?);
        command
            .args(["--child", name, "--directory"])
            .arg(directory);
        Self::spawn(&mut command)
    }

    /// Starts a program that behaves so.
    pub(crate) fn spawn(command: &mut Command) -> Outcome<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let output = BufReader::new(output.ok_or("the server has no output")?);
        let mut server = Self {
            address: SocketAddr::from(([0; 4], 0)),
            child,
            input,
            output,
        };
        server.address = server.line()?.parse()?;
        Ok(server)
    }

    /// Tells the server something that it waits for, and returns what it says to that.
    pub(crate) fn ask(&mut self, what: &str) -> Outcome<String> {
        let input = self.input.as_mut().ok_or("the server was told to end")?;
        writeln!(input, "{what}")?;
        input.flush()?;
        self.line()
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it.
    pub(crate) fn end(mut self) -> Outcome {
        drop(self.input.take());
        let status = self.child.wait()?;
        check(status.success(), || {
            format!("the server ended with {status}")
        })
    }

    fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        let read = self.output.read_line(&mut line)?;
        check(read > 0, || "the server ended too early".to_owned())?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its input is still open only where something failed before.
        if self.input.is_some() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// In the child: returns once its parent closed the input, or is gone.
pub(crate) async fn told_to_end() {
    use tokio::io::AsyncReadExt;
    let mut rest = Vec::new();
    // An input that fails has ended as well.
    let _ = tokio::io::stdin().read_to_end(&mut rest).await;
}
