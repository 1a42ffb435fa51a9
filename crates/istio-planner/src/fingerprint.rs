//! Certificates by their fingerprints: what of them may be kept, compared and printed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::digest::hex;

/// The key of `istio-ca-root-cert` that holds the root certificates of the mesh
/// (1.31:pkg/config/constants/constants.go, `CACertNamespaceConfigMapDataName`).
pub(crate) const ROOT_KEY: &str = "root-cert.pem";

/// Returns the SHA-256 of every certificate in a PEM text, sorted, each `sha256:` and 64 hexadecimal digits. It is the
/// fingerprint that `openssl x509 -fingerprint -sha256` prints, without colons.
pub(crate) fn of_pem(pem: &str) -> Vec<String> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    let mut fingerprints: Vec<_> = pem
        .split(BEGIN)
        .skip(1)
        .filter_map(|it| it.split_once("-----END CERTIFICATE-----"))
        .filter_map(|(body, _)| {
            let body: String = body.split_whitespace().collect();
            Some(format!(
                "sha256:{}",
                hex(&Sha256::digest(STANDARD.decode(body).ok()?))
            ))
        })
        .collect();
    sorted::sort(&mut fingerprints);
    fingerprints.dedup();
    fingerprints
}

/// Returns the fingerprints of a `caBundle`: PEM in base64.
pub(crate) fn of_bundle(bundle: &str) -> Vec<String> {
    let pem = STANDARD.decode(bundle.trim()).unwrap_or_default();
    of_pem(&String::from_utf8_lossy(&pem))
}

/// Puts fingerprints in the place of the certificates of an `istio-ca-root-cert`, and takes out what no rule reads.
pub(crate) fn reduce_root(config_map: &mut Value) {
    let pem = config_map
        .pointer(&format!("/data/{ROOT_KEY}"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    let data = serde_json::json!({ROOT_KEY: of_pem(pem).join(" ")});
    if let Some(object) = config_map.as_object_mut() {
        object.retain(|key, _| key == "metadata");
        object.insert("data".to_owned(), data);
        let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
        if let Some(metadata) = metadata {
            metadata.retain(|key, _| matches!(key.as_str(), "name" | "namespace"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{of_bundle, of_pem, reduce_root};

    // The body is any base64: no certificate is read here.
    const ONE: &str = "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n";
    const ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn every_certificate_of_a_text_has_its_fingerprint() {
        assert_eq!(of_pem(ONE), [ABC]);
        assert_eq!(of_pem(&format!("{ONE}{ONE}")), [ABC]);
        assert!(of_pem("no certificate").is_empty());
        assert!(of_pem("-----BEGIN CERTIFICATE-----\n?").is_empty());
    }

    #[test]
    fn a_bundle_is_the_text_in_base64() {
        use base64::Engine as _;
        let bundle = base64::engine::general_purpose::STANDARD.encode(ONE);
        assert_eq!(of_bundle(&bundle), [ABC]);
        assert!(of_bundle("").is_empty());
    }

    #[test]
    fn of_a_root_only_the_fingerprint_is_kept() {
        let mut root = json!({"metadata": {"name": "istio-ca-root-cert", "namespace": "a", "labels": {"x": "y"}},
            "data": {"root-cert.pem": ONE, "crl.pem": "x"}});
        reduce_root(&mut root);
        assert_eq!(
            root,
            json!({"metadata": {"name": "istio-ca-root-cert", "namespace": "a"}, "data": {"root-cert.pem": ABC}})
        );
    }
}
