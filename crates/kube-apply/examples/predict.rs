//! Applies one object onto another, and prints what would be stored and who would own it.
//!
//! `cargo run -p kube-apply --example predict`

use kube_apply::defaulting::{self, Cluster};
use kube_apply::ownership::{Apply, ApplyError};
use kube_apply::schema::Schemas;
use serde_json::{Value, json};

#[expect(clippy::print_stdout, reason = "it prints what it found")]
fn main() -> Result<(), ApplyError> {
    let schemas = Schemas::builtin();
    let first = deployment(&json!({"replicas": 2}));
    let live = stored(&schemas, None, &first, "first", false)?;
    println!("created:\n{live:#}\n");

    // Somebody else wants another number: a conflict, until it is forced.
    let second = deployment(&json!({"replicas": 5}));
    if let Err(conflict) = stored(&schemas, Some(&live), &second, "second", false) {
        println!("refused: {conflict}\n");
    }
    let taken = stored(&schemas, Some(&live), &second, "second", true)?;
    println!("taken over:\n{:#}", taken["metadata"]["managedFields"]);
    Ok(())
}

fn deployment(more: &Value) -> Value {
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "web:1"}]}}},
    });
    object["spec"]["replicas"] = more["replicas"].clone();
    object
}

/// The object as the server would store it, with its `managedFields`.
fn stored(
    schemas: &Schemas,
    live: Option<&Value>,
    config: &Value,
    manager: &str,
    force: bool,
) -> Result<Value, ApplyError> {
    let apply = Apply {
        schemas,
        live,
        config,
        manager,
        force,
    };
    let applied = apply.predict()?;
    let mut object = defaulting::complete(schemas, &Cluster::default(), live, applied.object);
    object["metadata"]["managedFields"] = applied.managers.to_managed_fields();
    Ok(object)
}
