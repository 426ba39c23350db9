//! The machine's key, domain-separated signing and strict verification.

use std::fmt;

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::id::AuthorId;

/// Put before a header when its author signs it.
pub const MESSAGE_DOMAIN: &[u8] = b"cc-connect/1 message\0";
/// Put before room and joiner when an invite secret signs a join.
pub const JOIN_DOMAIN: &[u8] = b"cc-connect/1 join\0";
/// Put before a receipt when its member signs it.
pub const RECEIPT_DOMAIN: &[u8] = b"cc-connect/1 receipt\0";

/// An Ed25519 signature. Shape: 64 bytes, R then S.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Signature({})",
            data_encoding::HEXLOWER.encode(&self.0[..5])
        )
    }
}

// As two halves: serde derives arrays of up to 32, and the encoding is the same 64 bytes.
impl Serialize for Signature {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (r, s) = self.halves();
        (r, s).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (r, s) = <([u8; 32], [u8; 32])>::deserialize(deserializer)?;
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&r);
        bytes[32..].copy_from_slice(&s);
        Ok(Self(bytes))
    }
}

impl Signature {
    fn halves(&self) -> ([u8; 32], [u8; 32]) {
        let (mut r, mut s) = ([0; 32], [0; 32]);
        r.copy_from_slice(&self.0[..32]);
        s.copy_from_slice(&self.0[32..]);
        (r, s)
    }
}

/// A signing key: a machine's identity, or the secret of an invite. Never printed.
#[derive(Clone)]
pub struct Identity(SigningKey);

impl Identity {
    /// The identity of a 32-byte seed.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// The seed, which is the secret.
    pub fn seed(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The public key.
    pub fn author(&self) -> AuthorId {
        AuthorId::from_bytes(self.0.verifying_key().to_bytes())
    }

    /// Signs `message` under `domain`.
    pub fn sign(&self, domain: &[u8], message: &[u8]) -> Signature {
        Signature(self.0.sign(&[domain, message].concat()).to_bytes())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.author().short())
    }
}

/// Whether somebody can have the secret of a key: it is the canonical encoding of a point, and that
/// is not of small order, under which anybody can sign.
pub fn is_sound_key(key: &[u8; 32]) -> bool {
    sound_key(key).is_some()
}

fn sound_key(bytes: &[u8; 32]) -> Option<VerifyingKey> {
    let key = VerifyingKey::from_bytes(bytes).ok()?;
    let canonical = key.to_edwards().compress().as_bytes() == bytes;
    (canonical && !key.is_weak()).then_some(key)
}

/// Strict Ed25519 verification under `domain`: small-order keys, non-canonical points and a
/// non-canonical S are refused, so that all members come to the same verdict.
pub fn verify(key: &[u8; 32], domain: &[u8], message: &[u8], signature: &Signature) -> bool {
    let Some(key) = sound_key(key) else {
        return false;
    };
    let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
    key.verify_strict(&[domain, message].concat(), &signature)
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_domain_key_and_message_alone() {
        let identity = Identity::from_seed([7; 32]);
        let key = identity.author();
        let signature = identity.sign(MESSAGE_DOMAIN, b"hello");
        assert!(verify(key.as_bytes(), MESSAGE_DOMAIN, b"hello", &signature));
        assert!(!verify(key.as_bytes(), JOIN_DOMAIN, b"hello", &signature));
        assert!(!verify(
            key.as_bytes(),
            MESSAGE_DOMAIN,
            b"hellp",
            &signature
        ));
        assert!(!verify(&[0; 32], MESSAGE_DOMAIN, b"hello", &signature));
    }

    #[test]
    fn a_key_that_is_no_canonical_point_of_large_order_is_not_sound() {
        let key = |low: u8, rest: u8, high: u8| {
            let mut key = [rest; 32];
            (key[0], key[31]) = (low, high);
            key
        };
        assert!(is_sound_key(
            Identity::from_seed([7; 32]).author().as_bytes()
        ));
        for (what, key) in [
            ("of order 4", key(0, 0, 0)),
            ("neutral", key(1, 0, 0)),
            ("neutral, with the sign of x = 0", key(1, 0, 0x80)),
            ("of order 2", key(0xec, 0xff, 0x7f)),
            ("no point", key(2, 0, 0)),
            ("of large order, with y = p + 3", key(0xf0, 0xff, 0x7f)),
        ] {
            assert!(!is_sound_key(&key), "{what}");
        }
    }

    #[test]
    fn the_secret_is_not_printed() {
        let identity = Identity::from_seed([7; 32]);
        assert!(!format!("{identity:?}").contains(&data_encoding::HEXLOWER.encode(&[7; 8])));
    }
}
