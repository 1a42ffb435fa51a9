//! The seal of what stands in the cluster: whoever may write a `ConfigMap` must not be able to write a journal.
//!
//! The key stands in a Secret beside istiod that refit makes, and that only `refit rbac` grants. HMAC-SHA256 (RFC 2104).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use istio_planner::outcome::Ref;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::copy::MANAGER;
use crate::cluster::{self, Cluster, Write, Writer};

/// The Secret that holds the key.
pub const SECRET: &str = "refit-journal-key";

/// Its entry.
const ENTRY: &str = "key";

/// The block of SHA-256, in bytes.
const BLOCK: usize = 64;

/// A key. It is never shown.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

/// Whether refit wrote a journal that stands in the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seal {
    /// It did.
    Genuine,
    /// Somebody else did, or changed it since.
    Broken,
    /// Whoever asks may not read the key.
    Unknown,
}

impl Key {
    /// Returns the key of a namespace; nothing where there is none yet.
    pub async fn load(cluster: &Cluster, namespace: &str) -> Result<Option<Self>, cluster::Error> {
        let live = cluster.get(&secret(namespace)).await?;
        Ok(live.and_then(|it| Self::read(&it)))
    }

    /// Returns the key of a namespace, and makes it where there is none yet.
    pub async fn ensure(writer: &Writer, namespace: &str) -> Result<Self, cluster::Error> {
        let object = secret(namespace);
        // Twice: somebody else may make it in between.
        for _ in 0..2 {
            if let Some(key) = Self::load(writer, namespace).await? {
                return Ok(key);
            }
            let mut key = [0; 32];
            getrandom::fill(&mut key).map_err(|it| cluster::Error::Config {
                reason: format!("there is no randomness for a key: {it}"),
            })?;
            let manifest = json!({
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {
                    "namespace": namespace,
                    "name": SECRET,
                    "labels": { "app.kubernetes.io/managed-by": "refit" },
                },
                "type": "Opaque",
                "data": { ENTRY: BASE64_STANDARD.encode(key) },
            });
            let write = Write::Create {
                manifest: &manifest,
                manager: MANAGER,
            };
            match writer.write_quietly(&object, &write).await {
                Ok(_) => return Ok(Self(key)),
                Err(error) if error.code() == Some(409) => {}
                Err(error) => return Err(error),
            }
        }
        Err(cluster::Error::Config {
            reason: format!("Secret {namespace}/{SECRET} holds no key: delete it"),
        })
    }

    fn read(secret: &Value) -> Option<Self> {
        let bytes = BASE64_STANDARD
            .decode(secret["data"][ENTRY].as_str()?)
            .ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// Seals text.
    pub fn seal(&self, text: &str) -> String {
        hex(&hmac(&self.0, text.as_bytes()))
    }

    /// Whether a seal is the one of this text. Takes as long for a wrong one as for a right one.
    pub fn fits(&self, text: &str, seal: &str) -> bool {
        let right = self.seal(text);
        right.len() == seal.len()
            && right
                .bytes()
                .zip(seal.bytes())
                .fold(0, |all, (one, other)| all | (one ^ other))
                == 0
    }
}

fn secret(namespace: &str) -> Ref {
    Ref {
        api_version: "v1".to_owned(),
        kind: "Secret".to_owned(),
        namespace: Some(namespace.to_owned()),
        name: SECRET.to_owned(),
    }
}
pub(crate) fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = [0; BLOCK];
    if key.len() > BLOCK {
        let key = Sha256::digest(key);
        block[..key.len()].copy_from_slice(&key);
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new()
        .chain_update(block.map(|it| it ^ 0x36))
        .chain_update(text)
        .finalize();
    Sha256::new()
        .chain_update(block.map(|it| it ^ 0x5c))
        .chain_update(inner)
        .finalize()
        .into()
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut all, it| {
        use std::fmt::Write as _;
        // Writing to a string cannot fail.
        let _ = write!(all, "{it:02x}");
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_the_one_that_the_standard_says() {
        // RFC 4231, test case 2.
        let text = "what do ya want for nothing?";
        let seal = hmac(b"Jefe", text.as_bytes());
        assert_eq!(seal[..4], [0x5b, 0xdc, 0xc1, 0x46]);
        assert_eq!(seal[28..], [0x64, 0xec, 0x38, 0x43]);
        // RFC 4231, case 6: a key that is longer than a block.
        let text = "Test Using Larger Than Block-Size Key - Hash Key First";
        let seal = hmac(&[0xaa; 131], text.as_bytes());
        assert_eq!(seal[..4], [0x60, 0xe4, 0x31, 0x59]);
    }

    #[test]
    fn another_key_and_another_text_do_not_fit() {
        let (one, other) = (Key([1; 32]), Key([2; 32]));
        let seal = one.seal("text");
        assert!(one.fits("text", &seal));
        assert!(!one.fits("texts", &seal) && !other.fits("text", &seal) && !one.fits("text", ""));
        assert_eq!(format!("{one:?}"), "Key");
    }
}
