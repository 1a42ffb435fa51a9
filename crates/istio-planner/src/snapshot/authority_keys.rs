//! Which files of a certificate authority a Secret names: their names alone, never what they hold.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};

/// Every key that istiod reads of its Secret `cacerts` (`pilot/pkg/bootstrap/istio_ca.go`).
const FILES: [&str; 7] = [
    "ca-cert.pem",
    "ca-key.pem",
    "cert-chain.pem",
    "root-cert.pem",
    "ca.crt",
    "tls.crt",
    "tls.key",
];

/// Those of [`FILES`] that stand in a map; none for whatever is no map.
#[derive(Debug, Default)]
pub(super) struct AuthorityKeys(pub(super) Vec<&'static str>);

impl<'de> Deserialize<'de> for AuthorityKeys {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = AuthorityKeys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            map.next_value::<IgnoredAny>()?;
            found.extend(FILES.iter().find(|it| **it == key));
        }
        Ok(AuthorityKeys(found))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(AuthorityKeys::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }

    fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(AuthorityKeys::default())
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(AuthorityKeys::default())
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(AuthorityKeys::default())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(AuthorityKeys::default())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(AuthorityKeys::default())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(AuthorityKeys::default())
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(AuthorityKeys::default())
    }
}

#[cfg(test)]
mod tests {
    use super::AuthorityKeys;

    #[test]
    fn names_of_files_are_kept_and_nothing_else() {
        let read = |text: &str| serde_json::from_str::<AuthorityKeys>(text).unwrap().0;
        let keys = read(r#"{"ca-cert.pem": "hunter2", "hunter2": "x", "tls.key": null}"#);
        assert_eq!(keys, ["ca-cert.pem", "tls.key"]);
        for other in [
            "\"hunter2\"",
            "[{\"ca.crt\": 1}]",
            "1",
            "-1",
            "1.5",
            "true",
            "null",
        ] {
            assert!(read(other).is_empty(), "{other}");
        }
    }
}
