use crate::support::{Outcome, check};
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

/// One connection that is kept open. It knows just enough of HTTP to cost the load little: what it costs is taken from the
/// server, which runs on the same cores.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: BufStream<TcpStream>,
    line: String,
    body: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufStream::new(stream),
            line: String::new(),
            body: Vec::new(),
        })
    }

    /// The bytes of a GET.
    pub(crate) fn get(path: &str) -> Vec<u8> {
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
    }

    /// The bytes of a POST of JSON.
    pub(crate) fn post(path: &str, body: &str) -> Vec<u8> {
        Self::post_with(path, "", body)
    }

    /// The same with further headers, each of which ends its line.
    pub(crate) fn post_with(path: &str, headers: &str, body: &str) -> Vec<u8> {
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }

    /// Sends a request and reads its answer, which must be a success.
    pub(crate) async fn call(&mut self, request: &[u8]) -> Outcome<&[u8]> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        let head = self.head().await?;
        self.body.resize(head.length.unwrap_or_default(), 0);
        self.stream.read_exact(&mut self.body).await?;
        check((200..300).contains(&head.status), || {
            let said = String::from_utf8_lossy(&self.body);
            format!("the server answered {}: {said}", head.status)
        })?;
        Ok(&self.body)
    }

    /// Sends a request and reads the head of its answer; what follows is a stream of lines.
    pub(crate) async fn follow(mut self, request: &[u8]) -> Outcome<Self> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        let head = self.head().await?;
        check(head.status == 200, || {
            format!("the server answered {} to a subscriber", head.status)
        })?;
        Ok(self)
    }

    /// The next line of a stream, without its end; `None` once the stream has ended.
    pub(crate) async fn line(&mut self) -> Outcome<Option<&str>> {
        self.line.clear();
        let read = self.stream.read_line(&mut self.line).await?;
        Ok((read > 0).then(|| self.line.trim_end()))
    }

    async fn head(&mut self) -> Outcome<Head> {
        let first = self.line().await?.ok_or("the server hung up")?;
        let status = first.split(' ').nth(1).unwrap_or_default().parse()?;
        let mut length = None;
        loop {
            let line = self.line().await?.ok_or("the server hung up")?;
            if line.is_empty() {
                return Ok(Head { status, length });
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = Some(value.trim().parse()?);
            }
        }
    }
}

struct Head {
    status: u16,
    length: Option<usize>,
}
