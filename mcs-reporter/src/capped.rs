use std::io::{self, Write};

/// Writes to the end of a buffer up to a cap, and refuses all that comes after it.
#[derive(Debug)]
pub(crate) struct Capped<'a> {
    into: &'a mut Vec<u8>,
    /// Length of the buffer that is not exceeded.
    end: usize,
    size: usize,
    is_full: bool,
}

impl<'a> Capped<'a> {
    /// Takes `cap` bytes.
    pub(crate) fn new(into: &'a mut Vec<u8>, cap: usize) -> Self {
        let end = into.len().saturating_add(cap);
        Self {
            into,
            end,
            size: 0,
            is_full: false,
        }
    }

    /// How many bytes were offered, the refused ones included.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Whether some were refused. A writer may have passed over the error.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }
}

impl Write for Capped<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.size = self.size.saturating_add(bytes.len());
        if self.is_full || bytes.len() > self.end - self.into.len() {
            self.is_full = true;
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.into.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_the_cap_and_no_more() {
        let mut buffer = b"before".to_vec();
        let mut capped = Capped::new(&mut buffer, 4);
        assert!(capped.write_all(b"abcd").is_ok());
        assert!(!capped.is_full());
        assert!(capped.write_all(b"e").is_err());
        assert!(capped.write_all(b"").is_err(), "it stays full");
        assert!(capped.is_full());
        assert_eq!(capped.size(), 5);
        assert_eq!(buffer, b"beforeabcd");
    }
}
