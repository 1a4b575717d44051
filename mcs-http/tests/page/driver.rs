//! A private `ChromeDriver`, which ends with whoever started it.

use std::error::Error;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Longest time until it says where it listens.
const START: Duration = Duration::from_secs(30);

/// The programs that are needed.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) chromium: PathBuf,
    chromedriver: PathBuf,
}

impl Programs {
    /// What to do where they are missing.
    pub(crate) const MISSING: &str = "there are no `chromium` and `chromedriver` on PATH; install them, with apt the \
                                      packages chromium and chromium-driver";

    pub(crate) fn find() -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        let find = |program: &str| {
            let mut files = std::env::split_paths(&path).map(|directory| directory.join(program));
            files.find(|file| file.is_file())
        };
        Some(Self {
            chromium: find("chromium")?,
            chromedriver: find("chromedriver")?,
        })
    }
}

/// A `ChromeDriver` on a port of its own.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) url: String,
    /// Is ended when it is dropped.
    _child: Child,
}

impl Driver {
    pub(crate) async fn start(programs: &Programs) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let mut child = Command::new(&programs.chromedriver)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or("it has no output")?;
        let mut lines = BufReader::new(stdout).lines();
        let port = async {
            while let Some(line) = lines.next_line().await? {
                if let Some((_, port)) = line.split_once("started successfully on port ") {
                    return Ok(port.trim_end_matches('.').to_owned());
                }
            }
            Err(Box::<dyn Error + Send + Sync>::from(
                "chromedriver ended without saying where it listens",
            ))
        };
        let port = timeout(START, port).await??;
        // What it says later is read, so that it never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self {
            url: format!("http://127.0.0.1:{port}"),
            _child: child,
        })
    }
}
