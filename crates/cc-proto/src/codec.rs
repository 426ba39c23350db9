//! The one canonical encoding: postcard whose re-encoding gives the same bytes.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes are not the canonical encoding of a value of the expected type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// They do not decode, or something follows the value.
    #[error("the bytes do not decode")]
    Malformed,
    /// They decode, but the value encodes to other bytes.
    #[error("the encoding is not canonical")]
    NotCanonical,
}

/// Encodes `value`.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    // The types of this crate are plain data, which postcard encodes without fail into a growing buffer.
    postcard::to_allocvec(value).expect("plain data encodes")
}

/// Decodes `bytes`, all of them, and checks that they are canonical.
///
/// # Errors
/// [`CodecError`] where they are cut, have something after them, or encode otherwise.
pub fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let (value, rest) = postcard::take_from_bytes(bytes).map_err(|_| CodecError::Malformed)?;
    if !rest.is_empty() {
        return Err(CodecError::Malformed);
    }
    if encode(&value) != bytes {
        return Err(CodecError::NotCanonical);
    }
    Ok(value)
}
