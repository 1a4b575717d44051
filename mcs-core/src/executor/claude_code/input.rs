use std::collections::VecDeque;
use std::io;
use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;

/// Most lines that wait to be read by the program. One that reads none of them is not listening.
const LINES: usize = 1000;

/// What is said to the program. Writing never keeps anybody from reading: a program that reads nothing while it writes
/// would otherwise wait for us, and we for it.
#[derive(Debug)]
pub(super) struct Input {
    pipe: Option<ChildStdin>,
    lines: VecDeque<String>,
    /// How much of the first line is written.
    written: usize,
    is_closing: bool,
}

impl Input {
    /// What goes into `pipe`.
    pub(super) fn new(pipe: Option<ChildStdin>) -> Self {
        Self {
            pipe,
            lines: VecDeque::new(),
            written: 0,
            is_closing: false,
        }
    }

    /// Adds a line, which ends with its line feed. Says no once nothing more can be said.
    #[must_use]
    pub(super) fn say(&mut self, line: String) -> bool {
        let can = self.pipe.is_some() && !self.is_closing && self.lines.len() < LINES;
        if can {
            self.lines.push_back(line);
        }
        can
    }

    /// Ends it after what was added.
    pub(super) fn close(&mut self) {
        self.is_closing = true;
    }

    /// Whether [`Input::write`] has anything to do.
    pub(super) fn has_work(&self) -> bool {
        self.pipe.is_some() && (self.is_closing || !self.lines.is_empty())
    }

    /// Writes a part of what waits. It may be dropped and called again.
    pub(super) async fn write(&mut self) {
        if let Err(error) = self.write_some().await {
            // How the program ended says more than that it does not listen any more.
            tracing::debug!(%error, "Claude Code does not read its input");
            self.pipe = None;
            self.lines.clear();
        }
    }

    async fn write_some(&mut self) -> io::Result<()> {
        let Some(pipe) = &mut self.pipe else {
            return Ok(());
        };
        if let Some(line) = self.lines.front() {
            let rest = line.as_bytes().get(self.written..).unwrap_or_default();
            self.written += pipe.write(rest).await?;
            if self.written >= line.len() {
                self.lines.pop_front();
                self.written = 0;
            }
        }
        if self.is_closing && self.lines.is_empty() {
            self.pipe = None;
        }
        Ok(())
    }
}
