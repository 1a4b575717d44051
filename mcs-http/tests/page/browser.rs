//! A browser, as tests use it.

use crate::console::Console;
use crate::driver::Programs;
use crate::session::Session;
use crate::support::skip;
use fantoccini::Client;
use futures_util::FutureExt;
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::{Path, PathBuf};
use std::thread;

/// One window of a browser.
pub(crate) struct Browser {
    pub(crate) client: Client,
    session: Session,
}

/// How large the window is.
pub(crate) const WIDE: (u32, u32) = (1280, 900);
pub(crate) const NARROW: (u32, u32) = (390, 844);

/// Does `test` with a browser. Whatever comes of it, the browser ends; a test that went well also leaves nothing in the
/// console but the requests that it meant to fail.
pub(crate) async fn browse(test: impl AsyncFnOnce(&Browser)) {
    let Some(programs) = Programs::find() else {
        return skip(Programs::MISSING);
    };
    let session = Session::open(&programs).await.unwrap();
    let client = session.client.clone();
    let browser = Browser { client, session };
    let outcome = AssertUnwindSafe(async {
        browser.resize(WIDE).await;
        test(&browser).await;
        browser.console().await.assert_quiet();
    });
    let outcome = outcome.catch_unwind().await;
    if outcome.is_err() {
        let shown = AssertUnwindSafe(browser.show_failure());
        // The first failure is the one that counts.
        let _ = shown.catch_unwind().await;
    }
    let closed = browser.session.close().await;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
    closed.unwrap();
}

impl Browser {
    /// Takes a picture of what is shown, and prints what the console says.
    pub(crate) async fn show_failure(&self) {
        let test = thread::current()
            .name()
            .unwrap_or("page")
            .replace("::", "-");
        self.shoot(&format!("failed-{test}")).await;
        eprintln!("{:#?}", self.console().await);
    }

    async fn console(&self) -> Console {
        let wanted = json!({"type": "browser"});
        let lines = self.session.command("se/log", &wanted).await;
        Console(lines.unwrap())
    }

    /// The result of a script in the page.
    pub(crate) async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.session.run(script, arguments).await.unwrap()
    }

    /// Shows pages in a window of so many points, as a telephone where it is narrow.
    pub(crate) async fn resize(&self, (width, height): (u32, u32)) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        let done = self
            .session
            .devtools("Emulation.setDeviceMetricsOverride", &size);
        done.await.unwrap();
    }

    /// Shows pages as somebody sees them whose system is `light` or `dark`.
    pub(crate) async fn theme(&self, theme: &str) {
        let features = json!([
            {"name": "prefers-color-scheme", "value": theme},
            // What moves would be on the way somewhere in a picture.
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        let features = json!({"features": features});
        let done = self
            .session
            .devtools("Emulation.setEmulatedMedia", &features);
        done.await.unwrap();
    }

    /// Runs a script in every page that is opened from now on, before its own.
    pub(crate) async fn before_each_page(&self, script: &str) {
        let source = json!({"source": script});
        let method = "Page.addScriptToEvaluateOnNewDocument";
        self.session.devtools(method, &source).await.unwrap();
    }

    /// Moves the pointer to the middle of what a selector finds.
    pub(crate) async fn point_at(&self, selector: &str) {
        let script = "const { x, y, width, height } = document.querySelector(arguments[0]).getBoundingClientRect(); \
                      return { type: 'mouseMoved', x: x + width / 2, y: y + height / 2 }";
        let moved = self.run(script, vec![json!(selector)]).await;
        let done = self.session.devtools("Input.dispatchMouseEvent", &moved);
        done.await.unwrap();
    }

    /// Writes a picture of all of the page below the target folder, and says where.
    pub(crate) async fn shoot(&self, name: &str) {
        let size = "const { clientWidth, scrollHeight } = document.documentElement; return [clientWidth, innerHeight, scrollHeight]";
        let size = self.run(size, vec![]).await;
        let number = |index: usize| u32::try_from(size[index].as_u64().unwrap()).unwrap();
        self.resize((number(0), number(2))).await;
        let picture = self.client.screenshot().await.unwrap();
        self.resize((number(0), number(1))).await;
        let path = pictures().join(format!("{name}.png"));
        std::fs::write(&path, picture).unwrap();
        eprintln!("{}", path.display());
    }
}

/// Where pictures go.
fn pictures() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
