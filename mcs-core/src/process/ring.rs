use std::collections::VecDeque;

/// The last bytes of something that may be long.
#[derive(Debug)]
pub(crate) struct Ring {
    bytes: VecDeque<u8>,
    most: usize,
    /// How many bytes there were in all.
    total: u64,
}

impl Ring {
    pub(crate) const fn new(most: usize) -> Self {
        Self {
            bytes: VecDeque::new(),
            most,
            total: 0,
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let bytes = &bytes[bytes.len().saturating_sub(self.most)..];
        let over = (self.bytes.len() + bytes.len()).saturating_sub(self.most);
        self.bytes.drain(..over);
        self.bytes.extend(bytes);
    }

    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    /// The last bytes as a text, without the rest of a letter that was cut at its start. What is not UTF-8 is replaced.
    pub(crate) fn text(&self) -> String {
        let is_rest = |byte: &&u8| **byte & 0b1100_0000 == 0b1000_0000;
        let cut = if self.total > self.bytes.len() as u64 {
            self.bytes.iter().take(3).take_while(is_rest).count()
        } else {
            0
        };
        let bytes: Vec<u8> = self.bytes.iter().skip(cut).copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bytes_are_kept() {
        let mut ring = Ring::new(4);
        for chunk in ["ab", "cd", "e", "", "f"] {
            ring.push(chunk.as_bytes());
        }
        assert_eq!((ring.text().as_str(), ring.total()), ("cdef", 6));
        ring.push(b"0123456789");
        assert_eq!((ring.text().as_str(), ring.total()), ("6789", 16));
        ring.push("xx\u{20ac}".as_bytes());
        ring.push(b"y");
        assert_eq!(ring.text(), "\u{20ac}y");
        ring.push(b"z");
        assert_eq!(ring.text(), "yz");
    }
}
