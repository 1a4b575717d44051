use super::{PATIENCE, Server};
use futures_util::{Stream, StreamExt};
use reqwest::Method;
use serde_json::Value;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::timeout;

/// Longest time that a whole stream may take.
const LONGEST: Duration = Duration::from_mins(2);

/// What a client of server-sent events hears.
pub(crate) struct Heard {
    chunks: Pin<Box<dyn Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    text: String,
    /// What it sends when it comes back.
    pub(crate) last_id: String,
}

impl Heard {
    /// Listens at `path`, from the last id on if there is one.
    pub(crate) async fn open(server: &Server, path: &str, last_id: Option<&str>) -> Self {
        let mut request = server.request(Method::GET, path).timeout(LONGEST);
        if let Some(id) = last_id {
            request = request.header("Last-Event-ID", id);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        assert_eq!(status, 200, "{path}");
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let mut heard = Self {
            chunks: Box::pin(answer.bytes_stream()),
            text: String::new(),
            last_id: String::new(),
        };
        // The first block says after how long to come back, and maybe where it begins.
        assert_eq!(heard.block().await, Some((String::new(), String::new())));
        heard
    }

    /// The next event and its data; `None` at the end.
    pub(crate) async fn block(&mut self) -> Option<(String, String)> {
        loop {
            if let Some((block, _)) = self.text.split_once("\n\n") {
                let block = block.to_owned();
                self.text.drain(..block.len() + 2);
                let field = |name: &str| {
                    let mut lines = block.lines();
                    lines.find_map(|line| Some(line.strip_prefix(name)?.trim_start().to_owned()))
                };
                if let Some(id) = field("id:") {
                    self.last_id = id;
                }
                if block.starts_with(':') {
                    continue;
                }
                let (name, data) = (field("event:"), field("data:"));
                return Some((name.unwrap_or_default(), data.unwrap_or_default()));
            }
            let chunk = timeout(PATIENCE, self.chunks.next())
                .await
                .expect("in time")?;
            self.text += std::str::from_utf8(&chunk.ok()?).unwrap();
        }
    }

    /// The data of the next event, which has this name.
    pub(crate) async fn next(&mut self, name: &str) -> Value {
        let (told, data) = self.block().await.expect("another event");
        assert_eq!(told, name, "{data}");
        serde_json::from_str(&data).unwrap()
    }
}
