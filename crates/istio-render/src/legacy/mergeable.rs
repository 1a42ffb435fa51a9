//! What istioctl 1.7 to 1.23 cannot merge: maps and lists that both sides have, where the types that it merges by have none.
//!
//! `OverlayIOP` of 1.7.8 and 1.21.6:operator/pkg/util/`merge_iop.go`; k8s.io/apimachinery v0.29.3:pkg/util/strategicpatch, `mergeMap`, `meta.go`.

use semver::Version;
use serde_json::{Map, Value};

use super::merge;
use crate::Diagnostic;
use crate::operator::schema::{FieldType, KUBERNETES, LEGACY, MERGING, MESH_CONFIG, Table, VALUES};
use crate::overlay::strategic::Strategy;

/// Says why an overlay cannot be merged over a base.
pub(super) fn check(
    base: &Value,
    overlay: &Value,
    version: &Version,
) -> Result<(), Box<Diagnostic>> {
    // In 1.6 merging knows no types.
    if version.minor < 7 {
        return Ok(());
    }
    let (Value::Object(base), Value::Object(overlay)) = (base, overlay) else {
        return Ok(());
    };
    let mut walk = Walk {
        version,
        path: Vec::new(),
    };
    walk.maps(Place::new(&MERGING, "IstioOperator"), base, overlay)
}

/// A type, and the table that defines it.
#[derive(Clone, Copy)]
struct Place {
    table: &'static Table,
    kind: &'static str,
}

impl Place {
    fn new(table: &'static Table, kind: &'static str) -> Self {
        let kind = kind.strip_prefix("[]").unwrap_or(kind);
        let (table, kind) = match kind.split_once(':') {
            Some(("values", kind)) => (&*VALUES, kind),
            Some(("mesh", kind)) => (&*MESH_CONFIG, kind),
            Some(("spec", kind)) => (&*LEGACY, kind),
            Some(("k8s", kind)) => (&*KUBERNETES, kind),
            _ => (table, kind),
        };
        Self { table, kind }
    }
}

struct Walk<'a> {
    version: &'a Version,
    path: Vec<String>,
}

impl Walk<'_> {
    fn maps(
        &mut self,
        place: Place,
        base: &Map<String, Value>,
        overlay: &Map<String, Value>,
    ) -> Result<(), Box<Diagnostic>> {
        for (key, value) in overlay {
            let Some(before) = base.get(key) else {
                continue;
            };
            self.path.push(key.clone());
            match (before, value) {
                (Value::Object(before), Value::Object(value)) => {
                    let below = self.below(place, key)?;
                    if merge::schema_of(self.version.minor)(&self.path) != Some(Strategy::Replace) {
                        self.maps(below, before, value)?;
                    }
                }
                (Value::Array(before), Value::Array(value)) => {
                    let below = self.below(place, key)?;
                    if let Some(Strategy::MergeBy(merge_key)) =
                        merge::schema_of(self.version.minor)(&self.path)
                    {
                        self.lists(below, before, value, merge_key)?;
                    }
                }
                _ => {}
            }
            self.path.pop();
        }
        Ok(())
    }

    fn lists(
        &mut self,
        place: Place,
        base: &[Value],
        overlay: &[Value],
        merge_key: &str,
    ) -> Result<(), Box<Diagnostic>> {
        for element in overlay {
            let Some(key) = element.get(merge_key) else {
                continue;
            };
            let before = base.iter().find(|it| it.get(merge_key) == Some(key));
            if let (Some(Value::Object(before)), Value::Object(element)) = (before, element) {
                self.maps(place, before, element)?;
            }
        }
        Ok(())
    }

    /// The type of a field that both sides have.
    fn below(&self, place: Place, key: &str) -> Result<Place, Box<Diagnostic>> {
        let message = match place.table.field(place.kind, key, self.version) {
            FieldType::Known { table, kind } => return Ok(Place::new(table, kind)),
            FieldType::Unknown => format!(
                "unable to find api field in struct {} for the json field {key:?}",
                place.kind
            ),
            FieldType::NoMessage => {
                "merging an object in json but data type is not struct, instead is: map".to_owned()
            }
        };
        let path: Vec<String> = self.path.iter().map(|it| it.replace('.', "\\.")).collect();
        let diagnostic = Diagnostic::error("merge-failed", format!("json merge error ({message})"))
            .at(path.join("."))
            .hinted("say it in one file, and whole: this release cannot merge it");
        Err(Box::new(diagnostic))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(base: &Value, overlay: &Value, minor: u64) -> Option<String> {
        let (base, overlay) = (json!({"spec": base}), json!({"spec": overlay}));
        let refused = check(&base, &overlay, &Version::new(1, minor, 6)).err();
        refused.and_then(|it| it.path)
    }

    #[test]
    fn maps_without_a_type_do_not_merge() {
        let ztunnel = json!({"values": {"ztunnel": {"resources": {"limits": {"cpu": "1"}}}}});
        assert_eq!(
            path(&ztunnel, &ztunnel, 21).as_deref(),
            Some("spec.values.ztunnel.resources")
        );
        assert_eq!(
            path(&ztunnel, &ztunnel, 19).as_deref(),
            Some("spec.values.ztunnel")
        );
        let flat = json!({"values": {"ztunnel": {"hub": "x"}}});
        assert_eq!(path(&flat, &flat, 21), None);
    }

    #[test]
    fn what_has_a_type_merges() {
        let both = json!({
            "values": {
                "global": {"proxy": {"resources": {"limits": {"cpu": "1"}}}, "defaultTolerations": []},
                "pilot": {"env": {"A": "b"}, "nodeSelector": {}},
                "gateways": {"istio-ingressgateway": {"labels": {"a": "b"}, "ports": [{"name": "x"}]}},
                "telemetry": {"v2": {"prometheus": {}}},
            },
            "meshConfig": {"defaultConfig": {"proxyMetadata": {"A": "b"}}, "extensionProviders": [{"name": "x", "zipkin": {"port": 1}}]},
            "components": {"pilot": {"k8s": {"env": [], "resources": {"limits": {}}, "hpaSpec": {"behavior": {}}}}, "ingressGateways": [{"name": "a", "label": {"a": "b"}, "k8s": {"service": {"ports": []}}}]},
        });
        for minor in 14..=23 {
            assert_eq!(path(&both, &both, minor), None, "1.{minor}");
        }
        let label =
            json!({"components": {"ingressGateways": [{"name": "a", "label": {"a": "b"}}]}});
        assert!(path(&label, &label, 13).is_some());
        assert_eq!(path(&label, &label, 6), None);
        let addon = json!({"addonComponents": {"kiali": {"enabled": true}}});
        assert!(path(&addon, &addon, 7).is_some());
        let image = json!({"values": {"grafana": {"image": {"tag": "1"}}, "mixer": {"adapters": {"stdio": {"enabled": true}}}}});
        assert_eq!(path(&image, &image, 7), None);
    }

    #[test]
    fn fields_that_merging_does_not_know_stand_on_one_side_only() {
        let selectors =
            json!({"meshConfig": {"discoverySelectors": [{"matchLabels": {"a": "b"}}]}});
        assert!(path(&selectors, &selectors, 21).is_some());
        assert_eq!(path(&json!({"meshConfig": {}}), &selectors, 21), None);
    }
}
