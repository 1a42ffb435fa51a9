//! The model of the API server (`kube-model`) against the real one: the same requests, by fifty seeds, and the same answers.
//!
//! What is compared: the status, the words that clients read, the object with its owners and its generation, and whether
//! something was stored. Where `metadata` names versions and uids, each side has its own.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use kube_model::{Key, Request, Server};
use serde_json::{Value, json};

use super::cluster::{Cluster, Faults, plane};
use super::{Random, is_long};

/// Seeds of every run.
const SEEDS: u64 = 50;

/// Seeds of `--long`.
const LONG: u64 = 1_000;

/// Requests of a seed.
const REQUESTS: usize = 24;

/// Fields that each side chooses by itself.
const OWN: [&str; 4] = ["uid", "resourceVersion", "creationTimestamp", "selfLink"];

/// The real server, through a proxy that takes plain HTTP.
struct Real {
    _proxy: Faults,
    address: String,
    token: String,
}

impl Real {
    fn new(cluster: &Cluster) -> Self {
        cluster.done(
            &["create", "serviceaccount", "model", "-n", "default"],
            None,
        );
        let binding = [
            "create",
            "clusterrolebinding",
            "model",
            "--clusterrole=cluster-admin",
            "--serviceaccount=default:model",
        ];
        cluster.done(&binding, None);
        let account = cluster.account("model");
        let account: Value = serde_json::from_slice(&std::fs::read(account).unwrap()).unwrap();
        let proxy = cluster.faults(1, "0");
        let config = std::fs::read(&proxy.kubeconfig).unwrap();
        let config: Value = serde_json::from_slice(&config).unwrap();
        let server = config["clusters"][0]["cluster"]["server"].as_str().unwrap();
        Self {
            address: server.strip_prefix("http://").unwrap().to_owned(),
            token: account["users"][0]["user"]["token"]
                .as_str()
                .unwrap()
                .to_owned(),
            _proxy: proxy,
        }
    }

    /// One request by HTTP/1.0: the answer ends with the connection.
    fn answer(&self, request: &Request) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let body = match &request.body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let text = format!(
            "{} {}?{} HTTP/1.0\r\nAuthorization: Bearer {}\r\nAccept: application/json\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{body}",
            request.method,
            request.path,
            request.query,
            self.token,
            request.content_type,
            body.len()
        );
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let text = String::from_utf8(answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_default())
    }
}

/// Which version or uid a request names; each side fills in its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    No,
    Fresh,
    Wrong,
}

/// A request before it is known what the sides call their versions.
#[derive(Debug, Clone)]
struct Wish {
    request: Request,
    version: Named,
    uid: Named,
    /// The owners are to be those of an earlier state.
    owners: bool,
}

/// What a side knows of the object.
#[derive(Debug, Clone, Default)]
struct Known {
    live: Option<Value>,
    /// The first state of it, for owners that come back.
    first: Option<Value>,
}

impl Wish {
    fn of_side(&self, known: &Known) -> Request {
        let mut request = self.request.clone();
        let live = known.live.as_ref();
        let field = |name: &str, named: Named| match named {
            Named::No => None,
            Named::Wrong if name == "uid" => {
                Some("4d0a43d5-0000-4000-8000-000000000000".to_owned())
            }
            Named::Wrong => Some("1".to_owned()),
            Named::Fresh => live
                .and_then(|it| it["metadata"][name].as_str())
                .map(str::to_owned),
        };
        let place = if request.method == "DELETE" {
            "preconditions"
        } else {
            "metadata"
        };
        for (name, named) in [("resourceVersion", self.version), ("uid", self.uid)] {
            if let Some(value) = field(name, named) {
                request.body[place][name] = value.into();
            }
        }
        if let Some(first) = known.first.as_ref().filter(|_| self.owners) {
            request.body["metadata"]["managedFields"] = first["metadata"]["managedFields"].clone();
        }
        request
    }
}

/// Kinds that are tried: whether a controller writes them, so that versions are not to be relied on.
const KINDS: [(&str, &str, bool); 8] = [
    ("v1", "ConfigMap", false),
    ("v1", "ConfigMap", false),
    ("v1", "Service", false),
    ("coordination.k8s.io/v1", "Lease", false),
    (
        "admissionregistration.k8s.io/v1",
        "MutatingWebhookConfiguration",
        false,
    ),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", false),
    ("policy/v1", "PodDisruptionBudget", true),
    ("apps/v1", "Deployment", true),
];

fn content(kind: &str, random: &mut Random) -> Value {
    let number = random.below(3);
    let mut content = match kind {
        "ConfigMap" => {
            let mut data = json!({});
            for name in ["a", "b", "c"] {
                if random.below(3) > 0 {
                    data[name] = random.below(3).to_string().into();
                }
            }
            json!({ "data": data })
        }
        "Service" => json!({ "spec": {
            "clusterIP": "None",
            "selector": { "app": "model" },
            "ports": (0..=number).map(|it| json!({ "name": format!("p{it}"), "port": 80 + it, "protocol": "TCP", "targetPort": 8080 + random.below(2) })).collect::<Vec<_>>(),
        } }),
        "Lease" => json!({ "spec": {
            "holderIdentity": format!("holder-{number}"),
            "leaseDurationSeconds": 15,
            "renewTime": format!("2026-01-01T00:00:0{number}.000000Z"),
        } }),
        "MutatingWebhookConfiguration" => json!({
            "webhooks": (0..=number % 2).map(|it| json!({
                "name": format!("w{it}.nobody.example.com"),
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": "Ignore",
                "clientConfig": { "service": { "name": "nobody", "namespace": "default", "path": format!("/{}", random.below(2)) } },
                "rules": [{ "apiGroups": ["nobody.example.com"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["nothings"] }],
            })).collect::<Vec<_>>(),
        }),
        "ClusterRole" => json!({ "rules": [
            { "apiGroups": [""], "resources": ["nothings"], "verbs": (["get", "list", "watch"][..=usize::try_from(number).unwrap()]) },
        ] }),
        "PodDisruptionBudget" => json!({ "spec": {
            "minAvailable": number,
            "selector": { "matchLabels": { "app": "model" } },
        } }),
        _ => json!({ "spec": {
            "paused": true,
            "replicas": 0,
            "selector": { "matchLabels": { "app": "model" } },
            "template": {
                "metadata": { "labels": { "app": "model" } },
                "spec": { "containers": [{ "name": "main", "image": format!("example.com/it:{number}") }] },
            },
        } }),
    };
    if random.below(2) == 0 {
        content["metadata"]["labels"][format!("l{}", random.below(2))] =
            random.below(2).to_string().into();
    }
    if random.below(3) == 0 {
        content["metadata"]["annotations"]["example.com/note"] = random.below(2).to_string().into();
    }
    content
}

fn wish(key: &Key, written: bool, random: &mut Random) -> Wish {
    let name = |random: &mut Random| match random.below(4) {
        0 => Named::Fresh,
        1 if !written => Named::Wrong,
        _ => Named::No,
    };
    let path = key.path().unwrap();
    let mut body = content(&key.kind, random);
    body["apiVersion"] = key.api_version.as_str().into();
    body["kind"] = key.kind.as_str().into();
    body["metadata"]["name"] = key.name.as_str().into();
    if !key.namespace.is_empty() {
        body["metadata"]["namespace"] = key.namespace.as_str().into();
    }
    let manager = ["one", "two"][usize::try_from(random.below(2)).unwrap()];
    let mut query = format!("fieldManager={manager}");
    let dry = random.below(5) == 0;
    if dry {
        query += "&dryRun=All";
    }
    let (mut version, mut uid, mut owners) = (Named::No, Named::No, false);
    let mut kind = "json";
    let (method, path) = match random.below(20) {
        0..9 => {
            kind = "apply-patch+yaml";
            if random.below(2) == 0 {
                query += "&force=true";
            }
            uid = name(random);
            // A version that a controller may have moved on is not relied on.
            version = if written { Named::No } else { name(random) };
            ("PATCH", path)
        }
        9..12 => {
            kind = "merge-patch+json";
            version = if written { Named::No } else { name(random) };
            if random.below(2) == 0 {
                body = json!({ "metadata": { "labels": { "l0": null, "l1": "m" } } });
            }
            ("PATCH", path)
        }
        12..15 if !written => {
            version = if random.below(4) == 0 {
                Named::Wrong
            } else {
                Named::Fresh
            };
            uid = name(random);
            owners = random.below(3) == 0;
            ("PUT", path)
        }
        15..17 => (
            "POST",
            path.rsplit_once('/').map(|it| it.0.to_owned()).unwrap(),
        ),
        17..19 => {
            body = json!({ "kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background" });
            if dry {
                body["dryRun"] = json!(["All"]);
            }
            uid = name(random);
            if !written {
                version = name(random);
            }
            ("DELETE", path)
        }
        _ => {
            body = Value::Null;
            ("GET", path)
        }
    };
    Wish {
        request: Request {
            method: method.to_owned(),
            path,
            query,
            content_type: format!("application/{kind}"),
            body,
        },
        version,
        uid,
        owners,
    }
}

/// An answer as both sides ought to give it.
fn told(status: u16, body: &Value, request: &Request, stored: bool) -> Value {
    if status >= 300 {
        let mut words = body["message"].as_str().unwrap_or_default().to_owned();
        // Which fields they are is told by who owns them.
        if let Some((first, _)) = words.split_once(" conflict") {
            let first = first.split_once(" with ").map_or(first, |it| it.0);
            words = first.to_owned();
        }
        // Where it is kept is the server's own.
        if let Some((first, last)) = words.clone().split_once("AdditionalErrorMsg: ")
            && let Some((first, _)) = first.split_once("StorageError")
        {
            words = format!("{first}{last}");
        }
        for named in [&request.body["preconditions"], &body["details"]] {
            for name in ["uid", "resourceVersion"] {
                if let Some(it) = named[name].as_str() {
                    words = words.replace(&format!("({it})"), "(…)");
                }
            }
        }
        return json!({ "status": status, "message": words });
    }
    // Some kinds answer with what was deleted, others with no more than that it was.
    if request.method == "DELETE" {
        return json!({ "status": status, "stored": stored });
    }
    let mut object = body.clone();
    object.as_object_mut().unwrap().remove("status");
    let metadata = object["metadata"].as_object_mut().unwrap();
    metadata.retain(|key, _| !OWN.contains(&key.as_str()));
    let mut owners: Vec<String> = metadata
        .remove("managedFields")
        .iter()
        .flat_map(|it| it.as_array().cloned().unwrap_or_default())
        .filter(|it| it["subresource"].is_null())
        .map(|it| {
            format!(
                "{} {} {} {}",
                it["manager"], it["operation"], it["apiVersion"], it["fieldsV1"]
            )
        })
        .collect();
    owners.sort();
    json!({ "status": status, "object": object, "owners": owners, "stored": stored })
}

/// Versions and uids in the words of a refusal are each side's own.
fn without(mut told: Value, known: &Known) -> Value {
    let Some(live) = &known.live else { return told };
    if let Some(words) = told["message"].as_str() {
        let mut words = words.to_owned();
        for name in ["uid", "resourceVersion"] {
            if let Some(it) = live["metadata"][name].as_str() {
                words = words.replace(&format!("({it})"), "(…)");
                words = words.replace(&format!(": {it}"), ": …");
            }
        }
        told["message"] = words.into();
    }
    told
}

/// What becomes of one object, there and here; the error says what differs.
fn case(seed: u64, real: &Real, namespace: &str) -> Result<(), String> {
    let mut random = Random {
        seed,
        state: seed * 0x9e37_79b9 + 0x1234_5678_9abc,
    };
    let kind = KINDS[usize::try_from(random.below(1 << 20) % 8).unwrap()];
    let is_global = matches!(kind.1, "MutatingWebhookConfiguration" | "ClusterRole");
    let key = Key {
        api_version: kind.0.to_owned(),
        kind: kind.1.to_owned(),
        namespace: if is_global { "" } else { namespace }.to_owned(),
        name: format!("case-{seed}"),
    };
    let mut model = Server::new();
    let (mut one, mut other) = (Known::default(), Known::default());
    let mut story = Vec::new();
    let get = Request {
        method: "GET".to_owned(),
        path: key.path().unwrap(),
        query: String::new(),
        content_type: "application/json".to_owned(),
        body: Value::Null,
    };
    let live = |(status, body): (u16, Value)| (status == 200).then_some(body);
    let version = |it: Option<&Value>| it.map(|it| it["metadata"]["resourceVersion"].clone());
    // What a controller writes meanwhile is not the request's doing.
    let stored = |before: &Known, after: Option<&Value>| {
        !kind.2 && version(before.live.as_ref()) != version(after)
    };
    let same = |one: &Value, other: &Value, story: &[String]| {
        if one == other {
            return Ok(());
        }
        Err(format!(
            "seed {seed}: the server answers\n  {one}\nand the model\n  {other}\nto the last of\n  {}\nagain: REFIT_SEED={seed} cargo test --workspace --test suite -- the_model_answers",
            story.join("\n  ")
        ))
    };
    for _ in 0..REQUESTS {
        let wish = wish(&key, kind.2, &mut random);
        let request = &wish.request;
        story.push(format!(
            "{} {}?{} {} (version {:?}, uid {:?}, owners {})",
            request.method,
            request.path,
            request.query,
            request.body,
            wish.version,
            wish.uid,
            wish.owners
        ));
        let (to_real, to_model) = (wish.of_side(&one), wish.of_side(&other));
        let (status, body) = real.answer(&to_real);
        let after = live(real.answer(&get));
        let answer = model.answer(&to_model);
        let now = model.answer(&get);
        let now = live((now.status, now.body));
        let found = told(status, &body, &to_real, stored(&one, after.as_ref()));
        let expected = told(
            answer.status,
            &answer.body,
            &to_model,
            stored(&other, now.as_ref()),
        );
        same(&without(found, &one), &without(expected, &other), &story)?;
        (one.live, other.live) = (after, now);
        for known in [&mut one, &mut other] {
            known.first = known.first.take().or_else(|| known.live.clone());
        }
    }
    // At the end it goes after what belongs to it.
    let last = Wish {
        request: Request {
            method: "DELETE".to_owned(),
            body: json!({ "kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground" }),
            ..get
        },
        version: Named::No,
        uid: Named::Fresh,
        owners: false,
    };
    let (status, _) = real.answer(&last.of_side(&one));
    let answer = model.answer(&last.of_side(&other));
    same(
        &json!(status),
        &json!(answer.status),
        &["the deletion at the end".to_owned()],
    )
}

#[test]
fn the_model_answers_as_the_real_server_does() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("model");
    let real = Real::new(cluster);
    let seed = std::env::var("REFIT_SEED")
        .ok()
        .and_then(|it| it.parse().ok());
    let seeds = seed.map_or(0..if is_long() { LONG } else { SEEDS }, |it: u64| {
        it..it + 1
    });
    let differing: Vec<String> = seeds
        .filter_map(|seed| case(seed, &real, &namespace).err())
        .collect();
    assert!(differing.is_empty(), "{}", differing.join("\n\n"));
}
