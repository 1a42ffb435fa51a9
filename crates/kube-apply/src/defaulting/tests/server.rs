//! What a real API server made of objects that use much of what there is to default.
//!
//! `applied.json` is what kube-apiserver 1.36.3 stored of `applied.yaml`, by
//! `kubectl apply --server-side --field-manager=installer`, without what only the server knows.

use serde_json::Value;

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
    for stored in &stored {
        let name = |it: &Value| (it["kind"].clone(), it["metadata"]["name"].clone());
        let config = wanted.iter().find(|it| name(it) == name(stored)).unwrap();
        let apply = Apply {
            schemas: &schemas,
            live: None,
            config,
            manager: "installer",
            force: true,
        };
        let applied = apply.predict().unwrap();
        let object = complete(&schemas, &Cluster::default(), None, applied.object);
        let (kind, title) = name(stored);
        assert_eq!(normal(&object), normal(stored), "{kind} {title}");
        let owners = applied.managers.to_managed_fields();
        assert_eq!(
            owners, stored["metadata"]["managedFields"],
            "{kind} {title}"
        );
    }
    assert_eq!(stored.len(), wanted.len());
}

/// Without what only the server chooses for a new object.
fn normal(object: &Value) -> Value {
    const SERVER: [&str; 5] = [
        "resourceVersion",
        "generation",
        "uid",
        "creationTimestamp",
        "managedFields",
    ];
    let mut object = object.clone();
    object.as_object_mut().unwrap().remove("status");
    let metadata = object["metadata"].as_object_mut().unwrap();
    metadata.retain(|key, it| {
        let nothing = matches!(key.as_str(), "annotations" | "labels")
            && it.as_object().is_some_and(serde_json::Map::is_empty);
        !SERVER.contains(&key.as_str()) && !nothing
    });
    if object["kind"] == "Service" {
        let spec = object["spec"].as_object_mut().unwrap();
        spec.retain(|key, _| {
            !matches!(
                key.as_str(),
                "clusterIP" | "clusterIPs" | "healthCheckNodePort"
            )
        });
        for port in object["spec"]["ports"].as_array_mut().into_iter().flatten() {
            port.as_object_mut().unwrap().remove("nodePort");
        }
    }
    object
}
