//! What a real API server made of objects that use much of what there is to default.
//!
//! `applied.json` is what kube-apiserver 1.36.3 stored of `applied.yaml`, by
//! `kubectl apply --server-side --field-manager=istio-operator`, without what only the server knows.

use serde_json::Value;

use super::stored::{differences, normal};
use crate::defaulting::{Cluster, complete};
use crate::ownership::Apply;
use crate::schema::Schemas;

#[test]
fn created_objects_are_stored_as_predicted() {
    let mut wanted: Vec<Value> = Vec::new();
    kube_yaml::load(include_str!("applied.yaml"), |node| {
        wanted.push(node.to_json());
    })
    .unwrap();
    let stored: Vec<Value> = serde_json::from_str(include_str!("applied.json")).unwrap();
    let mut schemas = Schemas::builtin();
    for object in &wanted {
        schemas.add_crd(object);
    }
    let mut problems = String::new();
    for stored in &stored {
        let name = |it: &Value| (it["kind"].clone(), it["metadata"]["name"].clone());
        let config = wanted.iter().find(|it| name(it) == name(stored)).unwrap();
        let apply = Apply {
            schemas: &schemas,
            live: None,
            config,
            manager: "istio-operator",
            force: true,
        };
        let applied = apply.predict().unwrap();
        let object = complete(&schemas, &Cluster::default(), None, applied.object);
        let (kind, title) = name(stored);
        let path = format!("{kind} {title}");
        differences(
            &normal(&object, true),
            &normal(stored, true),
            &path,
            &mut problems,
        );
        let owners = applied.managers.to_managed_fields();
        differences(
            &owners,
            &stored["metadata"]["managedFields"],
            &path,
            &mut problems,
        );
    }
    assert_eq!(stored.len(), wanted.len());
    assert!(problems.is_empty(), "\n{problems}");
}
