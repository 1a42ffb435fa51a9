//! An object as it was, beside what the plan left and what it is now: values, owners, and how they differ.
//!
//! What the plan wrote goes back. What others wrote since stays, value and owner, unless the plan wrote the same field.

use std::collections::{BTreeMap, BTreeSet};

use istio_planner::digest::{SERVER_METADATA, TEMPLATE_COUNTS, digest, relevant};
use istio_planner::plan::FIELD_MANAGER;
use serde_json::{Map, Value, json};

use crate::cluster::is_going;
use crate::fields::{self, Difference};
use crate::journal::copy::MANAGER;

/// An object as it was, and as the plan left it.
#[derive(Debug, Clone)]
pub(super) struct Before<'a> {
    /// As it was.
    pub(super) former: &'a Value,
    /// As the plan left it, without what others wrote; nothing where that is not known: then everything is as it was.
    pub(super) left: Option<Value>,
}

impl Before<'_> {
    /// The values as they are to be again.
    ///
    /// A controller's count of templates only goes up, so the live one is kept, and so is a number of replicas that nobody
    /// declares, then or now: it is for those to say who scale. A validating webhook that refuses what it cannot check goes
    /// on refusing it.
    pub(super) fn values(&self, live: Option<&Value>) -> Value {
        let Some(live) = live else {
            return plain(self.former);
        };
        let former = plain(self.former);
        let wanted = match &self.left {
            Some(left) => {
                let (left, live) = (plain(left), plain(live));
                fields::merged(Some(&former), Some(&left), Some(&live)).unwrap_or(former)
            }
            None => former,
        };
        settled(wanted, self.former, live)
    }

    /// Whether a live object has the values that it is to have. The server counts a `DaemonSet`'s templates within the
    /// write that changes one, so what is stored is compared, not what was sent.
    pub(super) fn has_content(&self, live: &Value) -> bool {
        digest(&self.values(Some(live))) == digest(live)
    }

    /// The `managedFields` as they are to be again.
    pub(super) fn ownership(&self, live: &Value) -> Vec<Value> {
        match &self.left {
            Some(left) => owned_again(self.former, left, live),
            None => ownership(self.former),
        }
    }

    /// Whether everybody owns what they are to own.
    pub(super) fn has_owners(&self, live: &Value) -> bool {
        sets(&self.ownership(live)) == sets(&ownership(live))
    }

    /// What others changed since the plan wrote the object, and that stays.
    pub(super) fn kept(&self, live: &Value) -> Vec<Difference> {
        let wanted = self.values(Some(live));
        fields::differences(Some(&plain(self.former)), Some(&wanted))
            .into_iter()
            .filter(|it| !is_a_controllers(it))
            .collect()
    }

    /// What goes back, from what it is now.
    pub(super) fn back(&self, live: &Value) -> Vec<Difference> {
        let wanted = self.values(Some(live));
        fields::differences(Some(&plain(live)), Some(&wanted))
    }

    /// What others wrote since over what the plan wrote: it is lost.
    pub(super) fn lost(&self, live: &Value) -> Vec<Difference> {
        let Some(left) = &self.left else {
            return Vec::new();
        };
        let back = self.back(live);
        let touches = |it: &Difference| {
            back.iter()
                .any(|other| other.path.starts_with(&it.path) || it.path.starts_with(&other.path))
        };
        fields::differences(Some(&plain(left)), Some(&plain(live)))
            .into_iter()
            .filter(|it| touches(it) && !is_a_controllers(it))
            .collect()
    }
}

/// An object without what only the server writes.
pub(in crate::run) fn plain(object: &Value) -> Value {
    let mut plain = object.clone();
    if let Some(object) = plain.as_object_mut() {
        object.remove("status");
    }
    if let Some(metadata) = plain["metadata"].as_object_mut() {
        for field in SERVER_METADATA {
            metadata.remove(field);
        }
    }
    plain
}

fn settled(mut wanted: Value, former: &Value, live: &Value) -> Value {
    for annotation in TEMPLATE_COUNTS {
        let now = &live["metadata"]["annotations"][annotation];
        if now.is_string() {
            wanted["metadata"]["annotations"][annotation] = now.clone();
        }
    }
    let replicas = &live["spec"]["replicas"];
    if replicas.is_number() && !declares_replicas(former) && !declares_replicas(live) {
        wanted["spec"]["replicas"] = replicas.clone();
    }
    if former["kind"] == "ValidatingWebhookConfiguration" {
        let live = live["webhooks"].as_array().cloned().unwrap_or_default();
        for webhook in wanted["webhooks"].as_array_mut().into_iter().flatten() {
            let now = live.iter().find(|it| it["name"] == webhook["name"]);
            if now.is_some_and(|it| it["failurePolicy"] == "Fail") {
                webhook["failurePolicy"] = Value::from("Fail");
            }
        }
    }
    wanted
}

/// Whether a field is one that controllers write by themselves.
pub(in crate::run) fn is_a_controllers(difference: &Difference) -> bool {
    let path = fields::path(&difference.path);
    TEMPLATE_COUNTS.iter().any(|it| path.contains(it))
}

/// Whether somebody wrote the number of replicas into the object itself. Autoscalers and `kubectl scale` write a
/// subresource.
fn declares_replicas(object: &Value) -> bool {
    ownership(object)
        .iter()
        .any(|it| it.pointer("/fieldsV1/f:spec/f:replicas").is_some())
}

/// Who owned which fields; entries of subresources (status) are the server's own.
pub(super) fn ownership(object: &Value) -> Vec<Value> {
    let entries = object["metadata"]["managedFields"].as_array();
    let mut entries: Vec<Value> = entries
        .into_iter()
        .flatten()
        .filter(|it| it["subresource"].is_null())
        .cloned()
        .collect();
    entries.sort_by_key(|it| {
        (
            it["manager"].to_string(),
            it["operation"].to_string(),
            it["time"].to_string(),
        )
    });
    entries
}

/// A manager's entry: who, how, in which version of the API.
pub(super) type Entry = (String, String, String);

/// Fields, each as the way to it in an entry's `fieldsV1`.
pub(super) type Set = BTreeSet<Vec<String>>;

pub(super) fn entry(it: &Value) -> Entry {
    let text = |name: &str| it[name].as_str().unwrap_or_default().to_owned();
    (text("manager"), text("operation"), text("apiVersion"))
}

/// Who owns which fields, whenever that was, without those that controllers take for their own.
fn sets(entries: &[Value]) -> BTreeMap<Entry, Set> {
    let mut found: BTreeMap<Entry, Set> = BTreeMap::new();
    for it in entries {
        let mut set = Set::new();
        members(&it["fieldsV1"], &mut Vec::new(), &mut set);
        set.retain(|path| {
            !TEMPLATE_COUNTS
                .iter()
                .any(|count| path.iter().any(|it| it.strip_prefix("f:") == Some(count)))
                && *path != ["f:metadata", "f:annotations", "."]
        });
        found.entry(entry(it)).or_default().extend(set);
    }
    found.retain(|_, set| !set.is_empty());
    found
}

/// Writes a tree of fields as the ways to them; each ends with `.`.
pub(super) fn members(node: &Value, here: &mut Vec<String>, set: &mut Set) {
    let Some(map) = node.as_object().filter(|it| !it.is_empty()) else {
        let mut path = here.clone();
        path.push(".".to_owned());
        set.insert(path);
        return;
    };
    for (name, inner) in map {
        if name == "." {
            let mut path = here.clone();
            path.push(".".to_owned());
            set.insert(path);
            continue;
        }
        here.push(name.clone());
        members(inner, here, set);
        here.pop();
    }
}

/// Makes a tree of fields of the ways to them.
pub(super) fn tree(set: &Set) -> Value {
    let mut root = Value::Object(Map::new());
    for path in set {
        let mut here = &mut root;
        for name in path.iter().filter(|it| *it != ".") {
            here = &mut here[name.as_str()];
            if here.is_null() {
                *here = json!({});
            }
        }
    }
    // A field that holds others is only owned itself where that is said.
    for path in set {
        let names = &path[..path.len().saturating_sub(1)];
        let mut here = &mut root;
        for name in names {
            here = &mut here[name.as_str()];
        }
        if let Some(map) = here.as_object_mut().filter(|it| !it.is_empty()) {
            map.insert(".".to_owned(), json!({}));
        }
    }
    root
}

/// Whose fields are whose again: as before the plan, but for what others took or gave up since it wrote the object.
fn owned_again(former: &Value, left: &Value, live: &Value) -> Vec<Value> {
    let [was, after, now] = [former, left, live].map(ownership);
    let all = |entries: &[Value]| -> BTreeMap<Entry, Set> {
        let mut found: BTreeMap<Entry, Set> = BTreeMap::new();
        for it in entries {
            members(
                &it["fieldsV1"],
                &mut Vec::new(),
                found.entry(entry(it)).or_default(),
            );
        }
        found
    };
    let [was_sets, after_sets, now_sets] = [&was, &after, &now].map(|it| all(it));
    // What a rollback that was stopped half-way wrote is nobody's wish.
    let own: Set = now_sets
        .iter()
        .filter(|(entry, _)| entry.0 == MANAGER)
        .flat_map(|(_, set)| set.iter().cloned())
        .collect();
    let keys: BTreeSet<&Entry> = was_sets.keys().chain(now_sets.keys()).collect();
    let empty = Set::new();
    let mut entries: Vec<Value> = keys
        .into_iter()
        .filter_map(|key| {
            let [was_set, after_set, now_set] =
                [&was_sets, &after_sets, &now_sets].map(|it| it.get(key).unwrap_or(&empty));
            let find = |list: &[Value]| list.iter().find(|it| entry(it) == *key).cloned();
            if key.0 == MANAGER || after_set == now_set {
                return find(&was);
            }
            let taken: Set = now_set.difference(after_set).cloned().collect();
            let given_up: Set = after_set
                .difference(now_set)
                .filter(|it| !own.contains(*it))
                .cloned()
                .collect();
            let set: Set = was_set
                .union(&taken)
                .filter(|it| !given_up.contains(*it))
                .cloned()
                .collect();
            if set == *was_set {
                return find(&was);
            }
            let mut entry = find(&now).or_else(|| find(&was))?;
            entry["fieldsV1"] = tree(&set);
            (!set.is_empty()).then_some(entry)
        })
        .collect();
    entries.sort_by_key(|it| {
        (
            it["manager"].to_string(),
            it["operation"].to_string(),
            it["time"].to_string(),
        )
    });
    entries
}

/// Whether an action that is not known to have been done was not: nothing of ours is in the object that was not before.
///
/// Times of ownership are whole seconds, so the fields that the action writes (`content`) are compared too: had others
/// changed those, they would own them.
pub(super) fn untouched(
    former: Option<&Value>,
    live: Option<&Value>,
    content: Option<&Value>,
) -> bool {
    let ours = |it: &Value| -> Vec<Value> {
        ownership(it)
            .into_iter()
            .filter(|it| it["manager"] == FIELD_MANAGER || it["manager"] == MANAGER)
            .collect()
    };
    match (former, live) {
        (None, None) => true,
        (None, Some(live)) => ours(live).is_empty(),
        (Some(_), None) => false,
        (Some(former), Some(live)) => {
            former["metadata"]["uid"] == live["metadata"]["uid"]
                // What a run that was killed has asked to be deleted goes yet, however much it is as it was.
                && is_going(former) == is_going(live)
                && ours(former) == ours(live)
                && content.is_none_or(|it| relevant(former, Some(it)) == relevant(live, Some(it)))
        }
    }
}

/// How an object differs from what it is to be again; nothing if it does not.
pub(super) fn difference(before: Option<&Before<'_>>, live: Option<&Value>) -> Option<String> {
    match (before, live) {
        (None, None) => None,
        (None, Some(live)) if is_going(live) => Some("it is still being deleted".to_owned()),
        (None, Some(_)) => Some("it was not there".to_owned()),
        (Some(_), None) => Some("it is not there".to_owned()),
        (Some(before), Some(live)) => {
            if !before.has_content(live) {
                Some("its content differs".to_owned())
            } else if !before.has_owners(live) {
                Some("others own its fields".to_owned())
            } else {
                None
            }
        }
    }
}
