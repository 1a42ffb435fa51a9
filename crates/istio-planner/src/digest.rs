//! A short name for an object's content, so that an executor can tell drift from a status update.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Fields of `metadata` that only the server or a controller writes.
pub const SERVER_METADATA: [&str; 6] = [
    "resourceVersion",
    "generation",
    "uid",
    "creationTimestamp",
    "managedFields",
    "selfLink",
];

/// Returns the first 16 hexadecimal digits of the SHA-256 of the object's canonical JSON (sorted keys),
/// without `status` and without [`SERVER_METADATA`].
pub fn digest(object: &Value) -> String {
    let mut object = object.clone();
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
        if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
            for field in SERVER_METADATA {
                metadata.remove(field);
            }
        }
    }
    hex(&Sha256::digest(object.to_string()).as_slice()[..8])
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|it| [DIGITS[usize::from(it >> 4)], DIGITS[usize::from(it & 15)]])
        .map(char::from)
        .collect()
}
