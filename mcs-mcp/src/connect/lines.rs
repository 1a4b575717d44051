use std::io;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longest line that is taken, as on a server's own standard input.
const LONGEST: u64 = 16 * 1024 * 1024;
/// Lines that wait to be forwarded, and to be written.
const WAITING: usize = 64;

/// What the client says.
pub(super) struct Input {
    /// Closes at its end.
    pub(super) lines: mpsc::Receiver<Vec<u8>>,
    /// There are no more than those that wait.
    pub(super) ended: CancellationToken,
}

/// The lines that come in.
pub(super) fn read(input: impl AsyncRead + Send + Unpin + 'static) -> Input {
    let (sender, lines) = mpsc::channel(WAITING);
    let ended = CancellationToken::new();
    let ending = ended.clone().drop_guard();
    tokio::spawn(async move {
        let _ending = ending;
        let mut input = BufReader::new(input);
        while let Some(line) = next(&mut input).await {
            if sender.send(line).await.is_err() {
                return;
            }
        }
    });
    Input { lines, ended }
}

/// The next line that is not empty and not too long.
async fn next(input: &mut BufReader<impl AsyncRead + Unpin>) -> Option<Vec<u8>> {
    loop {
        let mut line = Vec::new();
        let mut input = (&mut *input).take(LONGEST);
        let read = input.read_until(b'\n', &mut line).await;
        let length = read
            .inspect_err(|error| tracing::warn!(%error, "the input cannot be read"))
            .ok()?;
        if length == 0 {
            return None;
        }
        let whole = line.last() == Some(&b'\n') || (length as u64) < LONGEST;
        if !whole {
            tracing::warn!("dropped a line of more than {LONGEST} bytes");
            skip(input.into_inner()).await.ok()?;
            continue;
        }
        let text = line.trim_ascii();
        if !text.is_empty() {
            return Some(text.to_vec());
        }
    }
}

/// Passes over the rest of a line.
async fn skip(input: &mut BufReader<impl AsyncRead + Unpin>) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf().await?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(buffer.len(), |end| end + 1);
        input.consume(length);
        if end.is_some() {
            return Ok(());
        }
    }
}

/// Writes each message as a line of its own; the channel closes when nobody reads them any more. All are written once what is
/// returned with it is done.
pub(super) fn write(
    mut output: impl AsyncWrite + Send + Unpin + 'static,
) -> (mpsc::Sender<Vec<u8>>, JoinHandle<()>) {
    let (sender, mut receiver) = mpsc::channel::<Vec<u8>>(WAITING);
    let writing = tokio::spawn(async move {
        while let Some(mut line) = receiver.recv().await {
            // Between the values of JSON a line feed is a blank, and within texts there is none.
            for byte in &mut line {
                if matches!(byte, b'\n' | b'\r') {
                    *byte = b' ';
                }
            }
            line.push(b'\n');
            let written = async {
                output.write_all(&line).await?;
                output.flush().await
            };
            if written.await.is_err() {
                return;
            }
        }
    });
    (sender, writing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_come_whole_and_too_long_ones_are_passed_over() {
        let mut input = b"one\r\n\n  two\n".to_vec();
        input.resize(input.len() + usize::try_from(LONGEST).unwrap() + 10, b'x');
        input.extend(b"\nthree\nlast");
        let mut input = read(std::io::Cursor::new(input));
        let mut found = Vec::new();
        while let Some(line) = input.lines.recv().await {
            found.push(String::from_utf8(line).unwrap());
        }
        input.ended.cancelled().await;
        assert_eq!(found, ["one", "two", "three", "last"]);
    }

    #[tokio::test]
    async fn a_message_is_one_line_however_it_was_written() {
        let (near, mut far) = tokio::io::duplex(1024);
        let (output, writing) = write(near);
        output.send(b"{\n \"a\": 1\r\n}".to_vec()).await.unwrap();
        drop(output);
        writing.await.unwrap();
        let mut text = String::new();
        far.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "{  \"a\": 1  }\n");
    }
}
