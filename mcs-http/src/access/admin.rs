use mcs_core::provider::secret::Secret;
use mcs_core::service::{Principal, Scopes};
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;

/// The key of the configuration, as its hash: hashes are of one length, so that comparing tells nothing of it.
pub(crate) struct AdminKey([u8; 32]);

impl AdminKey {
    /// The name of who calls with it.
    const NAME: &str = "admin";

    pub(crate) fn new(key: &Secret) -> Self {
        Self(Sha256::digest(key.expose().as_bytes()).into())
    }

    /// Whether `token` is the key. Takes as long for a token that is nearly right as for any other.
    pub(crate) fn is(&self, token: &str) -> bool {
        let other: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        self.0.ct_eq(&other).into()
    }

    /// Who calls with it.
    pub(crate) fn principal() -> Principal {
        Principal::new(Self::NAME, Scopes::ALL)
    }
}

impl fmt::Debug for AdminKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
