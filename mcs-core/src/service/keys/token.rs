use crate::provider::secret::Secret;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// What a caller sends: `mcs_<id>_<secret>`, both in lower-case hexadecimal.
pub(super) struct Token {
    /// Names the record. Not secret.
    pub(super) id: String,
    secret: String,
}

/// What the store keeps of a secret.
pub(super) type SecretHash = [u8; 32];

const PREFIX: &str = "mcs_";
const ID_BYTES: usize = 8;
const SECRET_BYTES: usize = 32;

impl Token {
    /// A token that nobody can guess.
    pub(super) fn random() -> Result<Self, getrandom::Error> {
        Ok(Self {
            id: random_hex::<ID_BYTES>()?,
            secret: random_hex::<SECRET_BYTES>()?,
        })
    }

    /// `text` in its parts, if it looks like a token.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let whole = Self::is_id(id) && is_hex(secret, SECRET_BYTES);
        whole.then(|| Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
        })
    }

    /// Whether `text` may be the id of a token.
    pub(super) fn is_id(text: &str) -> bool {
        is_hex(text, ID_BYTES)
    }

    /// The token as it is sent.
    pub(super) fn text(&self) -> Secret {
        Secret::new(format!("{PREFIX}{}_{}", self.id, self.secret))
    }

    /// The secret as it is kept. It has 256 random bits, so one round of a fast hash is as good as many of a slow one.
    pub(super) fn hash(&self) -> SecretHash {
        Sha256::digest(self.secret.as_bytes()).into()
    }
}

/// `bytes` in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // Writing to a text does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// The bytes that [`hex`] wrote.
pub(super) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if !is_hex(text, N) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).ok()?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(bytes)
}

fn random_hex<const N: usize>() -> Result<String, getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(hex(&bytes))
}

fn is_hex(text: &str, bytes: usize) -> bool {
    text.len() == 2 * bytes && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_no_two_are_alike() {
        let (one, two) = (Token::random().unwrap(), Token::random().unwrap());
        let read = Token::parse(one.text().expose()).unwrap();
        assert_eq!((&read.id, read.hash()), (&one.id, one.hash()));
        assert!(one.id != two.id && one.hash() != two.hash());
        assert_eq!(from_hex(&hex(&one.hash())), Some(one.hash()));
    }

    #[test]
    fn what_is_no_token_is_none() {
        let good = Token::random().unwrap().text();
        let good = good.expose();
        for bad in [
            "",
            "mcs_",
            "mcs__",
            &good[4..],
            &good[..good.len() - 1],
            &good.to_ascii_uppercase(),
            &format!("{good}0"),
            &format!("{good} "),
            &good.replacen('_', "é", 2),
        ] {
            assert!(Token::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(from_hex::<2>("00fg"), None);
        assert_eq!(from_hex::<2>("00ffaa"), None);
    }
}
