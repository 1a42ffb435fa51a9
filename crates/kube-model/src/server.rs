//! The server: what it stores, and what it answers.

use std::sync::{Arc, LazyLock};

use kube_apply::defaulting::{self, Cluster};
use kube_apply::ownership::{self, Apply, ApplyError};
use kube_apply::schema::Schemas;
use serde_json::{Map, Value, json};
use sorted::SortedMap;

use crate::address::{self, Key, Place};
use crate::generation;
use crate::refusal::{self, Refused, failure, fresh, not_found, other_uid};

/// The table takes milliseconds to read.
static BUILTIN: LazyLock<Arc<Schemas>> = LazyLock::new(|| Arc::new(Schemas::builtin()));

/// Fields of `metadata` that no write sets.
const SERVERS_OWN: [&str; 4] = ["uid", "creationTimestamp", "resourceVersion", "generation"];

/// Fields of a Service that are allocated after it was told who owns what.
const ALLOCATED: [&str; 3] = ["clusterIPs", "ipFamilies", "ipFamilyPolicy"];

/// Kinds that a whole object makes where there is none (`AllowCreateOnUpdate` of their strategies).
const CREATED_BY_PUT: [&str; 4] = ["ClusterRole", "Lease", "Role", "Service"];

/// The finalizer by which the garbage collector deletes dependents first.
const FOREGROUND: &str = "foregroundDeletion";

/// A request, taken apart.
#[derive(Debug, Clone)]
pub struct Request {
    /// For example `PATCH`.
    pub method: String,
    /// Without its query.
    pub path: String,
    /// What stands after `?`.
    pub query: String,
    /// What kind of patch it is.
    pub content_type: String,
    /// Null where there is none.
    pub body: Value,
}

impl Request {
    fn parameter(&self, name: &str) -> Option<&str> {
        let pairs = self.query.split('&').filter_map(|it| it.split_once('='));
        pairs.filter(|it| it.0 == name).map(|it| it.1).next_back()
    }

    /// Whether nothing is stored.
    pub fn is_dry(&self) -> bool {
        self.parameter("dryRun") == Some("All") || self.body["dryRun"][0] == "All"
    }

    /// Whether it may change something.
    pub fn is_write(&self) -> bool {
        self.method != "GET" && !self.is_dry()
    }

    /// The object that is meant, where it is one.
    pub fn key(&self) -> Option<Key> {
        let place = address::place(&self.path)?;
        let name = place.name.clone().or_else(|| {
            let name = self.body["metadata"]["name"].as_str();
            name.filter(|_| self.method == "POST").map(str::to_owned)
        });
        Some(place.key(&name?))
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The object, a list, or a `Status`.
    pub body: Value,
    /// What changed in storage, and what was there before.
    pub changed: Option<(Key, Option<Value>)>,
}

/// The server.
#[derive(Debug, Clone)]
pub struct Server {
    schemas: Arc<Schemas>,
    objects: SortedMap<Key, Value>,
    version: u64,
    uids: u64,
    now: String,
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl Server {
    /// Returns an empty server.
    pub fn new() -> Self {
        Self {
            schemas: Arc::clone(&BUILTIN),
            objects: SortedMap::new(),
            version: 100,
            uids: 0,
            now: "2026-01-01T00:00:00Z".to_owned(),
        }
    }

    /// Says what time it is, in RFC 3339 to the second.
    pub fn at(&mut self, now: String) {
        self.now = now;
    }

    /// Returns an object as it is stored.
    pub fn object(&self, key: &Key) -> Option<&Value> {
        self.objects.get(key)
    }

    /// Returns all objects.
    pub fn objects(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.objects.iter()
    }

    /// Answers a request.
    pub fn answer(&mut self, request: &Request) -> Answer {
        if let Some(kinds) = address::discovery(&request.path) {
            return success(200, kinds);
        }
        let Some(place) = address::place(&request.path) else {
            return failure(404, "the server could not find the requested resource");
        };
        let Some(key) = request.key() else {
            return self.list(&place, request);
        };
        let live = self.objects.get(&key).cloned();
        let answer = match (request.method.as_str(), live) {
            ("GET", Some(live)) => Ok(success(200, live)),
            ("GET" | "DELETE", None) => Err(not_found(&key)),
            ("DELETE", Some(live)) => self.delete(&key, live, request),
            (_, live) => self.write(&key, live, request),
        };
        answer.unwrap_or_else(|it| *it)
    }

    /// What a controller reports of an object: its status, and annotations of its own.
    pub fn report(&mut self, key: &Key, status: &Value, annotations: &Map<String, Value>) {
        let Some(live) = self.objects.get(key) else {
            return;
        };
        let mut object = live.clone();
        object["status"] = status.clone();
        for (name, value) in annotations {
            object["metadata"]["annotations"][name] = value.clone();
        }
        generation::count(&key.kind, Some(live), &mut object);
        if object == *live {
            return;
        }
        let owned = |map: &Map<String, Value>| -> Map<String, Value> {
            map.keys()
                .map(|it| (format!("f:{it}"), json!({})))
                .collect()
        };
        let mut fields = json!({ "f:status": owned(status.as_object().unwrap_or(&Map::new())) });
        if !annotations.is_empty() {
            fields["f:metadata"]["f:annotations"] = owned(annotations).into();
        }
        let entry = json!({
            "manager": "kube-controller-manager",
            "operation": "Update",
            "apiVersion": key.api_version,
            "time": self.now,
            "fieldsType": "FieldsV1",
            "fieldsV1": fields,
            "subresource": "status",
        });
        let entries = object["metadata"]["managedFields"].as_array_mut();
        if let Some(entries) = entries {
            entries.retain(|it| it["subresource"].is_null());
            entries.push(entry);
        }
        self.store(key, object);
    }

    /// What the garbage collector does with an object whose dependents are gone: it goes too.
    pub fn collect(&mut self, key: &Key) -> bool {
        let is_going = self.objects.get(key).is_some_and(|it| {
            it["metadata"]["deletionTimestamp"].is_string()
                && it["metadata"]["finalizers"] == json!([FOREGROUND])
        });
        if is_going {
            self.version += 1;
            self.objects.remove(key);
        }
        is_going
    }

    fn list(&self, place: &Place, request: &Request) -> Answer {
        let labels = request.parameter("labelSelector").unwrap_or_default();
        let labels = labels
            .replace("%3D", "=")
            .replace("%2C", ",")
            .replace("%2F", "/");
        let wanted: Vec<(&str, &str)> = labels
            .split(',')
            .filter_map(|it| it.split_once('='))
            .collect();
        let items: Vec<&Value> = self
            .objects
            .iter()
            .filter(|(key, _)| key.api_version == place.api_version && key.kind == place.kind)
            .filter(|(key, _)| place.namespace.is_empty() || key.namespace == place.namespace)
            .filter(|(_, it)| {
                let labels = &it["metadata"]["labels"];
                wanted.iter().all(|(name, value)| labels[*name] == *value)
            })
            .map(|it| it.1)
            .collect();
        let list = json!({
            "kind": format!("{}List", place.kind),
            "apiVersion": place.api_version,
            "metadata": { "resourceVersion": self.version.to_string() },
            "items": items,
        });
        success(200, list)
    }

    fn delete(&mut self, key: &Key, live: Value, request: &Request) -> Result<Answer, Refused> {
        let wanted = &request.body["preconditions"];
        let meta = &live["metadata"];
        for (field, word) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
            if wanted[field].is_string() && wanted[field] != meta[field] {
                // apiserver@v0.36.3:pkg/registry/rest/delete.go: resources are named by their kind here.
                let [one, two] =
                    [&wanted[field], &meta[field]].map(|it| it.as_str().unwrap_or_default());
                return Err(Box::new(failure(
                    409,
                    &format!(
                        "Operation cannot be fulfilled on {} {:?}: the {word} in the precondition ({one}) does not match the {word} in record ({two}). The object might have been {}",
                        key.grouped(&key.kind),
                        key.name,
                        if field == "uid" {
                            "deleted and then recreated"
                        } else {
                            "modified"
                        }
                    ),
                )));
            }
        }
        let foreground = request.body["propagationPolicy"] == "Foreground";
        if !foreground && live["metadata"]["finalizers"][0].is_null() {
            let gone = json!({
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Success",
                "details": { "name": key.name, "kind": key.plural(), "uid": live["metadata"]["uid"] },
            });
            if request.is_dry() {
                return Ok(success(200, gone));
            }
            self.version += 1;
            self.objects.remove(key);
            return Ok(changed(success(200, gone), key, Some(live)));
        }
        let mut going = live.clone();
        if going["metadata"]["deletionTimestamp"].is_null() {
            going["metadata"]["deletionTimestamp"] = self.now.as_str().into();
            going["metadata"]["deletionGracePeriodSeconds"] = 0.into();
            if foreground {
                going["metadata"]["finalizers"] = json!([FOREGROUND]);
            }
            // kubernetes' registry counts a graceful deletion as a change of what is wanted.
            if let Some(generation) = going["metadata"]["generation"].as_u64() {
                going["metadata"]["generation"] = (generation + 1).into();
            }
        }
        if request.is_dry() || going == live {
            return Ok(success(200, going));
        }
        let going = self.store(key, going);
        Ok(changed(success(200, going), key, Some(live)))
    }

    fn write(
        &mut self,
        key: &Key,
        live: Option<Value>,
        request: &Request,
    ) -> Result<Answer, Refused> {
        let mut object = self.written(key, live.as_ref(), request)?;
        let status = if live.is_none() { 201 } else { 200 };
        if live.as_ref().is_some_and(|it| is_same(it, &object)) {
            return Ok(success(status, live.unwrap_or_default()));
        }
        if live.is_none() {
            self.uids += 1;
            object["metadata"]["uid"] = format!("uid-{}", self.uids).into();
            object["metadata"]["creationTimestamp"] = self.now.as_str().into();
        }
        if request.is_dry() {
            return Ok(success(status, object));
        }
        let object = self.store(key, object);
        Ok(changed(success(status, object), key, live))
    }

    fn store(&mut self, key: &Key, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.objects.insert(key.clone(), object.clone());
        object
    }

    /// What a write makes of an object, or why it is refused.
    fn written(
        &self,
        key: &Key,
        live: Option<&Value>,
        request: &Request,
    ) -> Result<Value, Refused> {
        let manager = request.parameter("fieldManager").unwrap_or("unknown");
        let is_apply = request.content_type.starts_with("application/apply-patch");
        let mut body = request.body.clone();
        if request.method != "PATCH" || is_apply {
            body["metadata"]["name"] = key.name.as_str().into();
            if !key.namespace.is_empty() {
                body["metadata"]["namespace"] = key.namespace.as_str().into();
            }
        }
        let (object, owned) = match (request.method.as_str(), live) {
            ("POST", Some(_)) => return Err(refusal::exists(key)),
            ("PATCH", live) if is_apply => self.applied(live, &body, manager, request)?,
            ("PATCH", Some(live)) => {
                let mut object = live.clone();
                merge(&mut object, &body);
                self.updated(live, object, manager)
            }
            ("PUT", Some(live)) => self.updated(live, body.clone(), manager),
            ("PUT", None) if CREATED_BY_PUT.contains(&key.kind.as_str()) => {
                if body["metadata"]["uid"].is_string() {
                    return Err(other_uid(key, &body, ""));
                }
                self.created(&body, manager)
            }
            ("POST", None) => self.created(&body, manager),
            _ => return Err(not_found(key)),
        };
        if let Some(live) = live {
            fresh(key, live, &body, request.method == "PUT")?;
        }
        let mut object = self.complete(live, object);
        if owned.as_array().is_some_and(|it| !it.is_empty()) {
            object["metadata"]["managedFields"] = self.timed(owned);
        }
        generation::count(&key.kind, live, &mut object);
        Ok(object)
    }

    fn applied(
        &self,
        live: Option<&Value>,
        config: &Value,
        manager: &str,
        request: &Request,
    ) -> Result<(Value, Value), Refused> {
        // A version is of no use where there is nothing; a uid is.
        if live.is_none() && config["metadata"]["uid"].is_string() {
            return Err(refusal::nothing_of_uid(config));
        }
        let apply = Apply {
            schemas: &self.schemas,
            live,
            config,
            manager,
            force: request.parameter("force") == Some("true"),
        };
        let applied = apply.predict().map_err(|error| {
            Box::new(match error {
                ApplyError::Conflict(taken) => failure(409, &refusal::conflict(&taken)),
                ApplyError::Malformed(words) => failure(400, &words),
            })
        })?;
        Ok((applied.object, applied.managers.to_managed_fields()))
    }

    /// The whole object again. Whoever sends `managedFields` says who owned what before.
    fn updated(&self, live: &Value, mut object: Value, manager: &str) -> (Value, Value) {
        let mut before = live.clone();
        let sent = object["metadata"]["managedFields"].take();
        if sent.as_array().is_some_and(|it| !it.is_empty()) {
            before["metadata"]["managedFields"] = sent;
        }
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        // Only a write of the status writes the status.
        if live["status"].is_null() {
            object.as_object_mut().map(|it| it.remove("status"));
        } else {
            object["status"] = live["status"].clone();
        }
        // Defaults come before owners are told, here.
        let object = defaulting::complete(&self.schemas, &Cluster::default(), Some(live), object);
        let managers = ownership::update(&self.schemas, &before, &object, manager);
        (object, managers.to_managed_fields())
    }

    /// Whoever creates an object owns what is in it, with what the server added.
    fn created(&self, body: &Value, manager: &str) -> (Value, Value) {
        let mut object = body.clone();
        object.as_object_mut().map(|it| it.remove("status"));
        let sent = object["metadata"]["managedFields"].take();
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        let object = defaulting::complete(&self.schemas, &Cluster::default(), None, object);
        // An update of nothing, by which nobody's field goes.
        let mut nothing = json!({
            "apiVersion": object["apiVersion"],
            "kind": object["kind"],
            "metadata": { "managedFields": [{
                "manager": "",
                "operation": "Update",
                "apiVersion": object["apiVersion"],
                "fieldsType": "FieldsV1",
                "fieldsV1": { "f:nothing": {} },
            }] },
        });
        if object["spec"].is_object() {
            nothing["spec"] = empty_spec(&object["kind"]);
        }
        let entries = nothing["metadata"]["managedFields"].as_array_mut();
        if let (Some(entries), Value::Array(sent)) = (entries, sent) {
            entries.extend(sent);
        }
        let mut tracked = object.clone();
        for field in ALLOCATED {
            if let Some(spec) = tracked["spec"].as_object_mut()
                && body["spec"][field].is_null()
            {
                spec.remove(field);
            }
        }
        let managers = ownership::update(&self.schemas, &nothing, &tracked, manager);
        let mut owned = managers.to_managed_fields();
        if let Some(entries) = owned.as_array_mut() {
            entries.retain(|it| it["manager"] != "");
        }
        (object, owned)
    }

    /// What the server adds and keeps.
    fn complete(&self, live: Option<&Value>, object: Value) -> Value {
        let mut object = defaulting::complete(&self.schemas, &Cluster::default(), live, object);
        let none = Value::Null;
        let before = live.map_or(&none, |it| &it["metadata"]);
        let Some(metadata) = object["metadata"].as_object_mut() else {
            return object;
        };
        metadata.remove("managedFields");
        for field in SERVERS_OWN {
            match &before[field] {
                Value::Null => metadata.remove(field),
                kept => metadata.insert(field.to_owned(), kept.clone()),
            };
        }
        object
    }

    /// The newest entries get the time.
    fn timed(&self, mut owned: Value) -> Value {
        for entry in owned.as_array_mut().into_iter().flatten() {
            if entry["time"].is_null() {
                entry["time"] = self.now.as_str().into();
            }
        }
        owned
    }
}

/// What a new object of a kind holds before anything is in it: structs that are no pointers.
fn empty_spec(kind: &Value) -> Value {
    match kind.as_str() {
        Some("Deployment" | "ReplicaSet") => json!({
            "strategy": {},
            "template": { "metadata": {}, "spec": { "containers": [] } },
        }),
        _ => json!({}),
    }
}

/// Whether a write changes nothing: the time at which somebody wrote what stood there already does not count.
fn is_same(live: &Value, object: &Value) -> bool {
    let untimed = |it: &Value| {
        let mut it = it.clone();
        let entries = it["metadata"]["managedFields"].as_array_mut();
        for entry in entries.into_iter().flatten() {
            entry.as_object_mut().map(|it| it.remove("time"));
        }
        let entries = it["metadata"]["managedFields"].as_array_mut();
        if let Some(entries) = entries {
            entries.sort_by_key(ToString::to_string);
        }
        it
    };
    live == object || untimed(live) == untimed(object)
}

/// JSON merge patch (RFC 7396).
pub fn merge(target: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in fields {
        if value.is_null() {
            target.as_object_mut().map(|it| it.remove(key));
        } else {
            merge(&mut target[key], value);
        }
    }
}

pub(crate) fn success(status: u16, body: Value) -> Answer {
    Answer {
        status,
        body,
        changed: None,
    }
}

fn changed(answer: Answer, key: &Key, before: Option<Value>) -> Answer {
    Answer {
        changed: Some((key.clone(), before)),
        ..answer
    }
}
