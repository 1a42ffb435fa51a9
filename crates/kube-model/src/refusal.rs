//! What the server refuses, and in which words: clients read them.

use kube_apply::ownership::{FieldSet, Manager};
use serde_json::{Value, json};
use sorted::SortedMap;

use crate::address::Key;
use crate::server::{Answer, success};

/// A refusal.
pub(crate) type Refused = Box<Answer>;

/// Refuses a write of an object that is another one by now, or of a version that is not the newest.
pub(crate) fn fresh(key: &Key, live: &Value, body: &Value, is_put: bool) -> Result<(), Refused> {
    let (wanted, meta) = (&body["metadata"], &live["metadata"]);
    let differs = |name: &str| {
        let value = wanted[name].as_str().filter(|it| !it.is_empty());
        value.is_some_and(|it| meta[name] != it)
    };
    if is_put && differs("uid") {
        return Err(other_uid(
            key,
            body,
            meta["uid"].as_str().unwrap_or_default(),
        ));
    }
    if !differs("resourceVersion") {
        if differs("uid") {
            let words = format!(
                "{} {:?} is invalid: metadata.uid: Invalid value: {}: field is immutable",
                key.grouped(&key.kind),
                key.name,
                wanted["uid"]
            );
            return Err(Box::new(failure(422, &words)));
        }
        return Ok(());
    }
    Err(Box::new(failure(
        409,
        &format!(
            "Operation cannot be fulfilled on {} {:?}: the object has been modified; please apply your changes to the latest version and try again",
            key.grouped(key.plural()),
            key.name
        ),
    )))
}

/// Fields that others own.
pub(crate) fn conflict(taken: &SortedMap<Manager, FieldSet>) -> String {
    let count: usize = taken.len();
    let names: Vec<String> = taken.keys().map(|it| format!("{:?}", it.name)).collect();
    format!(
        "Apply failed with {count} conflict{}: conflict with {}",
        if count == 1 { "" } else { "s" },
        names.join(", ")
    )
}

/// An apply that means an object which is not there.
pub(crate) fn nothing_of_uid(config: &Value) -> Refused {
    let key = Key::new(config);
    let uid = config["metadata"]["uid"].as_str().unwrap_or_default();
    Box::new(failure(
        409,
        &format!(
            "Operation cannot be fulfilled on {} {:?}: uid mismatch: the provided object specified uid {uid}, and no existing object was found",
            key.grouped(key.plural()),
            key.name
        ),
    ))
}

/// An object that is to be made and is there.
pub(crate) fn exists(key: &Key) -> Refused {
    let kind = key.grouped(key.plural());
    let words = format!("{kind} {:?} already exists", key.name);
    Box::new(failure(409, &words))
}

/// Returns a refusal, as the API writes it.
pub fn failure(status: u16, message: &str) -> Answer {
    let body = json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "code": status,
    });
    success(status, body)
}

/// The object that is meant has another uid, or is not there (apiserver@v0.36.3:pkg/storage/interfaces.go).
pub(crate) fn other_uid(key: &Key, body: &Value, found: &str) -> Refused {
    let wanted = body["metadata"]["uid"].as_str().unwrap_or_default();
    Box::new(failure(
        409,
        &format!(
            "Operation cannot be fulfilled on {} {:?}: Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}",
            key.grouped(key.plural()),
            key.name
        ),
    ))
}

/// An object that is not there.
pub(crate) fn not_found(key: &Key) -> Refused {
    let words = format!("{} {:?} not found", key.grouped(key.plural()), key.name);
    Box::new(failure(404, &words))
}
