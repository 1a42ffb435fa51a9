//! The ConfigMap `values[-REVISION]`: what the istiod chart was given (1.26 and newer).

use istio_catalog::{ComponentName, Facts, Release, Version};
use serde_json::{Map, Value, json};

use super::identity::config_map;
use super::profile;
use super::setting::{Installation, Setting, beyond};
use crate::defaults::tree;
use crate::input::Said;
use crate::kubernetes::text;
use crate::outcome::{ControlPlane, Inventory, Subject};
use crate::snapshot::Snapshot;

/// What a release stamps on its own charts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamps<'a> {
    /// The release that was installed.
    pub(super) version: &'a Version,
    /// What is known of releases.
    pub(super) known: &'a Facts,
}

/// What istioctl writes into the values by itself (domain §1.5): it stands for a component, or for a stamp.
pub(super) const TRANSLATED: [&[&str]; 4] = [
    &["pilot", "enabled"],
    &["pilot", "cni", "enabled"],
    &["revision"],
    &["global", "istioNamespace"],
];

/// Returns the values that the istiod chart was given, before its own defaults, and where they stand.
fn original_values(snapshot: &Snapshot, plane: &ControlPlane) -> Option<(Value, Subject)> {
    let (object, kept) = config_map(snapshot, plane, "values")?;
    let values = serde_json::from_str(text(&kept.value, "/data/original-values")?).ok()?;
    Some((
        values,
        Subject::kept(object, kept).field("data.original-values"),
    ))
}

/// Returns the compatibility version of the installation.
pub(crate) fn compatibility_version(snapshot: &Snapshot, plane: &ControlPlane) -> Option<Said> {
    let (original, subject) = original_values(snapshot, plane)?;
    let said = text(&original, "/compatibilityVersion").filter(|it| !it.is_empty())?;
    Some(Said {
        place: subject.value(said),
        value: said.to_owned(),
    })
}

/// Reads what goes beyond the profile.
pub(super) fn read(
    snapshot: &Snapshot,
    inventory: &Inventory,
    plane: &ControlPlane,
    release: &Release,
    stamps: Stamps<'_>,
) -> Option<Installation> {
    let (original, evidence) = original_values(snapshot, plane)?;
    let profile = profile::guess(release, &original, inventory);
    let spec = release.profile(&profile).unwrap_or_default();
    let base = spec
        .get("values")
        .cloned()
        .unwrap_or_else(|| Value::Object(Map::new()));
    let mut settings = Vec::new();
    let mut add = |path: Vec<&str>, value: &Value, subject: &Subject| {
        settings.push(Setting::new(
            path.into_iter().map(str::to_owned).collect(),
            value.clone(),
            subject.clone(),
        ));
    };
    beyond(
        &original,
        Some(&base),
        &mut Vec::new(),
        &mut |path, value| {
            if TRANSLATED.contains(&path) || stamps.has(path, value) {
                return;
            }
            let subject = evidence
                .clone()
                .field(format!("data.original-values: {}", tree::text(path)));
            match path {
                ["meshConfig", ..] | ["compatibilityVersion"] => {
                    add(path.to_vec(), value, &subject);
                }
                _ => add([&["values"], path].concat(), value, &subject),
            }
        },
    );
    // The switch of the CNI component is kept in the values of istiod.
    if let Some(cni) = original
        .pointer("/pilot/cni/enabled")
        .and_then(Value::as_bool)
    {
        let by_profile = spec
            .pointer("/components/cni/enabled")
            .and_then(Value::as_bool)
            == Some(true);
        let runs = inventory
            .components
            .iter()
            .any(|it| it.component == ComponentName::Cni);
        if cni != by_profile && cni == runs {
            let subject = evidence
                .clone()
                .field("data.original-values: pilot.cni.enabled");
            add(vec!["components", "cni", "enabled"], &json!(cni), &subject);
        }
    }
    sorted::sort_by(&mut settings, |a, b| a.path.cmp(&b.path));
    Some(Installation {
        profile,
        settings,
        evidence,
    })
}

impl Stamps<'_> {
    /// Whether a value is what the release stamps: its own registry, its own tag without a variant. Any other registry was
    /// chosen by somebody, though it may be one that Istio publishes to.
    pub(super) fn has(self, path: &[&str], value: &Value) -> bool {
        let Some(value) = value.as_str() else {
            return false;
        };
        match path {
            ["global", "hub"] => self.known.is_stamp(self.version, value),
            ["global", "tag"] => Version::parse_tag(value).is_some_and(|it| it.variant().is_none()),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use istio_catalog::{Catalog, Facts, Version};
    use serde_json::{Value, json};

    use super::{Stamps, read};
    use crate::rules::fixture::Cluster;

    /// Settings as `path=value`, for values beyond what the default profile of 1.29 gives.
    fn settings(values: &Value) -> Vec<String> {
        let version = Version::new(1, 29, 6);
        let release = Catalog::embedded().release(&version).unwrap();
        let stamps = Stamps {
            version: &version,
            known: Facts::embedded(),
        };
        let mut whole = release.profile("default").unwrap()["values"].clone();
        istio_render_merge(&mut whole, values);
        let mut cluster = Cluster::new();
        cluster.object(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "values", "namespace": "istio-system"},
            "data": {"original-values": whole.to_string()},
        }));
        let plane = &cluster.inventory.control_planes[0];
        let found = read(
            &cluster.snapshot,
            &cluster.inventory,
            plane,
            release,
            stamps,
        )
        .unwrap();
        found
            .settings
            .iter()
            .map(|it| format!("{}={}", it.name(), it.value))
            .collect()
    }

    fn istio_render_merge(into: &mut Value, from: &Value) {
        match (into, from) {
            (Value::Object(into), Value::Object(from)) => {
                for (key, value) in from {
                    istio_render_merge(into.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
            (into, from) => *into = from.clone(),
        }
    }

    #[test]
    fn stamps_and_translations_are_no_settings() {
        let values = json!({
            "global": {"hub": "docker.io/istio", "tag": "1.29.6"},
            "pilot": {"enabled": true, "cni": {"enabled": false}},
        });
        assert!(settings(&values).is_empty());
    }

    #[test]
    fn a_registry_of_istio_that_the_release_does_not_stamp_is_a_setting() {
        for hub in ["gcr.io/istio-release", "registry.istio.io/release"] {
            assert_eq!(
                settings(&json!({"global": {"hub": hub}})),
                [format!("values.global.hub={hub:?}")]
            );
        }
    }

    #[test]
    fn a_registry_and_a_variant_are_settings() {
        let values =
            json!({"global": {"hub": "registry.example/istio", "tag": "1.29.6-distroless"}});
        assert_eq!(
            settings(&values),
            [
                "values.global.hub=\"registry.example/istio\"",
                "values.global.tag=\"1.29.6-distroless\""
            ]
        );
    }

    #[test]
    fn values_mesh_configuration_and_compatibility_version_stand_where_a_user_writes_them() {
        let values = json!({
            "compatibilityVersion": "1.28",
            "meshConfig": {"enablePrometheusMerge": false},
            "pilot": {"traceSampling": 10, "env": {"A.B": "x"}},
        });
        assert_eq!(
            settings(&values),
            [
                "compatibilityVersion=\"1.28\"",
                "meshConfig.enablePrometheusMerge=false",
                "values.pilot.env.A\\.B=\"x\"",
                "values.pilot.traceSampling=10",
            ]
        );
    }
}
