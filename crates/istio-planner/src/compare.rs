//! One object before and after, as text: what a person reads when a list of fields is not enough.

use serde_json::Value;
use sorted::SortedMap;

use crate::credentials::without;
use crate::kubernetes::shown;
use crate::outcome::Ref;
use crate::snapshot::{Snapshot, kept};
use kube_apply::defaulting::{self, Cluster};
use kube_apply::schema::Schemas;

/// An object before and after, as YAML.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// As exported; `None` where it is not there.
    pub live: Option<String>,
    /// As it would be; `None` where it goes, or is not touched.
    pub predicted: Option<String>,
}

/// What of an object is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Without what only the server writes, and without labels that every release writes anew.
    Meaning,
    /// All of it.
    Everything,
}

/// Compares an object of the cluster with what it would be.
pub fn compare(
    snapshot: &Snapshot,
    predicted: &SortedMap<Ref, Value>,
    object: &Ref,
    detail: Detail,
) -> Comparison {
    let text = |mut value: Value| {
        if detail == Detail::Meaning {
            quiet(&mut value);
        }
        kube_yaml::to_string(&without(value))
    };
    Comparison {
        live: kept(snapshot, object).map(|it| text(shown(stored(snapshot, object, &it.value)))),
        predicted: predicted.get(object).map(|it| text(it.clone())),
    }
}

/// The live object as the server stores it in the version that the target writes: what a newer server adds is no change.
fn stored(snapshot: &Snapshot, object: &Ref, live: &Value) -> Value {
    let mut live = live.clone();
    live["apiVersion"] = object.api_version.as_str().into();
    let mut schemas = Schemas::builtin();
    let of_kind = |kind: &'static str| {
        let all = snapshot.objects.iter();
        all.filter(move |it| it.0.kind == kind)
            .map(|it| &it.1.value)
    };
    of_kind("CustomResourceDefinition").for_each(|it| schemas.add_crd(it));
    let services: Vec<_> = of_kind("Service").collect();
    let cluster = Cluster::new(&services);
    defaulting::complete(&schemas, &cluster, Some(&live), live.clone())
}

/// Fields of `metadata` that only the server writes.
const SERVER: [&str; 6] = [
    "creationTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Labels that every release writes anew, on objects and in pod templates.
const STAMPS: [&str; 3] = [
    "operator.istio.io/version",
    "helm.sh/chart",
    "app.kubernetes.io/version",
];

fn quiet(value: &mut Value) {
    if let Value::Object(map) = value {
        map.remove("status");
    }
    for pointer in ["/metadata", "/spec/template/metadata"] {
        let Some(Value::Object(metadata)) = value.pointer_mut(pointer) else {
            continue;
        };
        metadata.retain(|key, _| !SERVER.contains(&key.as_str()));
        if let Some(Value::Object(labels)) = metadata.get_mut("labels") {
            labels.retain(|key, _| !STAMPS.contains(&key.as_str()));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sorted::SortedMap;

    use super::{Detail, compare};
    use crate::outcome::Ref;
    use crate::rules::fixture::Cluster;

    #[test]
    fn stamps_and_status_are_left_out_until_they_are_asked_for() {
        let mut cluster = Cluster::new();
        let object = |version: &str, image: &str| {
            json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {
                    "name": "c", "namespace": "n", "resourceVersion": "7",
                    "labels": {"operator.istio.io/version": version, "kept": "yes"},
                },
                "data": {"image": image},
            })
        };
        cluster.object(object("1.29.6", "a"));
        let key = Ref {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            namespace: Some("n".to_owned()),
            name: "c".to_owned(),
        };
        let predicted = SortedMap::from([(key.clone(), object("1.30.3", "b"))]);
        let quiet = compare(&cluster.snapshot, &predicted, &key, Detail::Meaning);
        let (live, after) = (quiet.live.unwrap(), quiet.predicted.unwrap());
        assert!(
            live.contains("kept") && !live.contains("1.29.6") && !live.contains("resourceVersion")
        );
        assert_eq!(live.replace("image: a", "image: b"), after);
        let all = compare(&cluster.snapshot, &predicted, &key, Detail::Everything);
        assert!(all.live.unwrap().contains("1.29.6"));
        let other = Ref {
            name: "d".to_owned(),
            ..key
        };
        assert_eq!(
            compare(&cluster.snapshot, &predicted, &other, Detail::Meaning),
            super::Comparison::default()
        );
    }
}
