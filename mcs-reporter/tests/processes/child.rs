//! A process that reports until it is killed, and says which of its events were accepted.

use mcs_reporter::{Reporter, ReporterBuilder};
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

const CACHE: &str = "MCS_TEST_CACHE";
const URL: &str = "MCS_TEST_URL";

/// A reporter as these tests have it: as fast as may be, so that the tests are.
pub(crate) fn builder(cache: &Path, url: &str) -> ReporterBuilder {
    Reporter::builder()
        .coordinator_url(url)
        .api_key("sesame")
        .mcp_id("m")
        .local_cache_path(cache)
        .requests_per_second(1000)
}

/// Whether this process is somebody's child.
pub(crate) fn is_one() -> bool {
    std::env::var_os(CACHE).is_some()
}

/// The life of a child: it reports as events of one interaction the numbers from zero on, and says each number that was
/// accepted.
pub(crate) fn live() {
    let cache = std::env::var(CACHE).unwrap();
    let url = std::env::var(URL).unwrap();
    let reporter = builder(Path::new(&cache), &url).build().unwrap();
    let life = format!("life_{:016x}", fastrand::u64(..));
    let mut stdout = std::io::stdout().lock();
    for n in 0_u64.. {
        let report = reporter.report_interaction_progress(&life, serde_json::json!({ "n": n }));
        assert!(report.is_accepted(), "{report:?}");
        writeln!(stdout, "accepted {life} {n}").unwrap();
        stdout.flush().unwrap();
        if n % 10 == 9 {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// A child that runs.
pub(crate) struct Child {
    process: std::process::Child,
    listener: JoinHandle<Told>,
}

impl Child {
    /// Starts this test binary again, with the test named `test`.
    pub(crate) fn start(test: &str, cache: &Path, url: &str) -> Self {
        let exe = std::env::current_exe().unwrap();
        let mut process = Command::new(exe)
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(CACHE, cache)
            .env(URL, url)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = process.stdout.take().unwrap();
        let listener = std::thread::spawn(move || Told::listen(stdout));
        Self { process, listener }
    }

    /// Kills it, and returns what it said.
    pub(crate) fn kill(mut self) -> Told {
        let early = self.process.try_wait().unwrap();
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        assert_eq!(early, None, "it ended before it was killed; see above");
        self.listener.join().unwrap()
    }
}

/// How many events were accepted in each life.
#[derive(Debug, Default)]
pub(crate) struct Told(HashMap<String, u64>);

impl Told {
    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many events were accepted.
    pub(crate) fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// Each life and its number of events.
    pub(crate) fn lives(&self) -> impl Iterator<Item = (&String, u64)> {
        self.0.iter().map(|(life, count)| (life, *count))
    }

    fn listen(stdout: ChildStdout) -> Self {
        let mut told = Self::default();
        let mut lines = BufReader::new(stdout);
        let mut line = String::new();
        // The last line may have been cut off, and then says nothing.
        while lines.read_line(&mut line).unwrap() > 0 && line.ends_with('\n') {
            let mut words = line.split_whitespace();
            if words.next() == Some("accepted") {
                let whose = words.next().unwrap().to_owned();
                let n: u64 = words.next().unwrap().parse().unwrap();
                told.0.insert(whose, n + 1);
            }
            line.clear();
        }
        told
    }
}
