use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::ChildStdout;

/// Reads the lines of a child's output. Nothing is lost: not by dropping the future of [`Lines::next`], not where a line
/// is very long, binary, or cut by the end.
#[derive(Debug)]
pub struct Lines<R = ChildStdout> {
    reader: R,
    line_bytes: usize,
    buffer: Vec<u8>,
    /// Where in the buffer the next line starts, and how far it was looked for its end.
    start: usize,
    searched: usize,
    ended: bool,
}

/// One line, or a piece of a very long one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its bytes, without the line feed.
    pub bytes: Vec<u8>,
    /// The line goes on with the next piece.
    pub more: bool,
    /// The output ended before the line did: there is no line feed after it.
    pub cut: bool,
}

/// How much is read at once: what a pipe holds.
const READ_BYTES: usize = 64 * 1024;
/// What a buffer keeps for the next line after a longer one is gone.
const KEEP_BYTES: usize = 4 * READ_BYTES;

impl<R: AsyncRead + Unpin> Lines<R> {
    /// The lines of `reader`, in pieces of at most `line_bytes`.
    pub fn new(reader: R, line_bytes: usize) -> Self {
        Self {
            reader,
            line_bytes: line_bytes.max(1),
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            ended: false,
        }
    }

    /// The next line or piece of one; `None` at the end. It may be dropped and called again.
    pub async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            if let Some(line) = self.take() {
                return Ok(Some(line));
            }
            if self.ended {
                return Ok(None);
            }
            self.make_room();
            self.ended = self.reader.read_buf(&mut self.buffer).await? == 0;
        }
    }

    fn take(&mut self) -> Option<Line> {
        let unseen = &self.buffer[self.searched..];
        let found = unseen.iter().position(|byte| *byte == b'\n');
        let end = found.map_or(self.buffer.len(), |offset| self.searched + offset);
        self.searched = end;
        let is_long = end - self.start > self.line_bytes;
        let line = if is_long {
            self.cut_off(self.start + self.line_bytes, true, false)
        } else if found.is_some() {
            let line = self.cut_off(end, false, false);
            self.start += 1;
            line
        } else if self.ended && end > self.start {
            self.cut_off(end, false, true)
        } else {
            return None;
        };
        self.searched = self.searched.max(self.start);
        Some(line)
    }

    fn cut_off(&mut self, end: usize, more: bool, cut: bool) -> Line {
        let bytes = self.buffer[self.start..end].to_vec();
        self.start = end;
        Line { bytes, more, cut }
    }

    /// Forgets what was given out, so that there is room to read more.
    fn make_room(&mut self) {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        if self.buffer.capacity() > KEEP_BYTES && self.buffer.len() < READ_BYTES {
            self.buffer.shrink_to(KEEP_BYTES);
        }
        self.buffer.reserve(READ_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio::io::AsyncWriteExt;
    use tokio::task::yield_now;

    fn line(bytes: &[u8]) -> Line {
        Line {
            bytes: bytes.to_vec(),
            more: false,
            cut: false,
        }
    }

    async fn all(text: &[u8], line_bytes: usize) -> Vec<Line> {
        let mut lines = Lines::new(text, line_bytes);
        let mut all = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            all.push(line);
        }
        assert_eq!(lines.next().await.unwrap(), None);
        all
    }

    #[tokio::test]
    async fn lines_empty_ones_and_a_cut_one_arrive() {
        assert_eq!(all(b"", 10).await, []);
        let cut = Line {
            cut: true,
            ..line(b"\xff\0cut")
        };
        let expected = [line(b"a"), line(b""), line(b"b\r"), cut];
        assert_eq!(all(b"a\n\nb\r\n\xff\0cut", 10).await, expected);
    }

    #[tokio::test]
    async fn a_long_line_comes_in_pieces() {
        let more = |bytes: &[u8]| Line {
            more: true,
            ..line(bytes)
        };
        assert_eq!(
            all(b"abcdefg\nabc\n", 3).await,
            [more(b"abc"), more(b"def"), line(b"g"), line(b"abc")]
        );
        let cut = Line {
            cut: true,
            ..line(b"d")
        };
        assert_eq!(all(b"abcd", 3).await, [more(b"abc"), cut]);
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(
            chunks in prop::collection::vec(prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..40), 0..20),
            line_bytes in 1_usize..30,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let read = runtime.block_on(interrupted(chunks.clone(), line_bytes));
            prop_assert_eq!(read, chunks.concat());
        }
    }

    /// Writes chunk by chunk, and gives up every wait for a line once before it is kept.
    async fn interrupted(chunks: Vec<Vec<u8>>, line_bytes: usize) -> Vec<u8> {
        let (mut writer, reader) = tokio::io::duplex(16);
        let writing = async move {
            for chunk in chunks {
                writer.write_all(&chunk).await.unwrap();
                yield_now().await;
            }
        };
        let reading = async move {
            let (mut lines, mut read) = (Lines::new(reader, line_bytes), Vec::new());
            loop {
                let line = tokio::select! {
                    biased;
                    line = lines.next() => line.unwrap(),
                    () = yield_now() => continue,
                };
                let Some(line) = line else { return read };
                assert!(line.bytes.len() <= line_bytes);
                read.extend(&line.bytes);
                read.extend((!line.more && !line.cut).then_some(b'\n'));
            }
        };
        tokio::join!(writing, reading).1
    }
}
