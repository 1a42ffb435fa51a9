//! How a plan's work grows with what an export holds many of: ten times as much costs at most twelve times the
//! instructions, for each kind.
//!
//! The WASI file plans, and wasmtime counts what it executes (`fuel`): a busy machine changes nothing, and nothing has to be
//! translated for each run. What the planner's face for people does is counted by valgrind's cachegrind. Where one is not
//! there nothing is shown; under `CI=true` its absence fails.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::suite::product::refit;

/// What ten times as many may cost.
const MOST: f64 = 12.0;

/// A kind, how many of it count as one, and how they are made.
type Kind = (&'static str, usize, fn(usize) -> Vec<Value>);

/// Everything that a large cluster has many of.
const KINDS: [Kind; 20] = [
    ("pods of few workloads", 750, pods),
    ("workloads of one namespace", 150, |n| {
        let mut all = vec![namespace("t0", &json!({"istio-injection": "enabled"}))];
        all.extend((0..n).flat_map(|it| workload("t0", &format!("w{it}"), 1)));
        all
    }),
    ("namespaces with a workload", 150, |n| {
        let each = |it: usize| {
            let name = format!("t{it}");
            let mut all = vec![namespace(&name, &json!({"istio-injection": "enabled"}))];
            all.extend(workload(&name, "w", 1));
            all
        };
        (0..n).flat_map(each).collect()
    }),
    ("gateways of the Gateway API", 100, gateways),
    ("workloads with a budget that allows nothing", 150, |n| {
        let each = |it: usize| {
            let (place, name) = (shop(it), format!("w{it}"));
            let mut all = workload(&place, &name, 1);
            all.push(json!({
                "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta(&place, &name),
                "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": name}}},
                "status": {"disruptionsAllowed": 0, "expectedPods": 1, "currentHealthy": 1, "desiredHealthy": 1}}));
            all
        };
        shops().chain((0..n).flat_map(each)).collect()
    }),
    ("autoscalers", 250, |n| {
        let each = |it: usize| {
            let (place, name) = (shop(it), format!("w{it}"));
            json!({
                "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": meta(&place, &name),
                "spec": {"minReplicas": 1, "maxReplicas": 5, "metrics": [],
                         "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}}})
        };
        (0..n).map(each).collect()
    }),
    ("Services with their end points", 250, |n| {
        (0..n)
            .flat_map(|it| service(&shop(it), &format!("s{it}")))
            .collect()
    }),
    ("routes and what they go to", 150, traffic),
    ("policies", 250, |n| {
        let each = |it: usize| {
            let (place, name) = (shop(it), format!("p{it}"));
            let selector = json!({"matchLabels": {"app": name}});
            [
                mesh(
                    "security.istio.io/v1",
                    "AuthorizationPolicy",
                    &place,
                    &name,
                    &json!({
                    "selector": selector, "rules": [{"from": [{"source": {"principals": ["cluster.local/ns/a/sa/b"]}}]}]}),
                ),
                mesh(
                    "security.istio.io/v1",
                    "PeerAuthentication",
                    &place,
                    &name,
                    &json!({
                    "selector": selector, "mtls": {"mode": "STRICT"}}),
                ),
                mesh(
                    "security.istio.io/v1",
                    "RequestAuthentication",
                    &place,
                    &name,
                    &json!({
                    "selector": selector, "jwtRules": [{"issuer": "a", "jwksUri": "https://a.example.com/keys"}]}),
                ),
                mesh(
                    "telemetry.istio.io/v1",
                    "Telemetry",
                    &place,
                    &name,
                    &json!({
                    "selector": selector, "accessLogging": [{"filter": {"expression": "response.code >= 400"}}]}),
                ),
            ]
        };
        (0..n).flat_map(each).collect()
    }),
    ("Sidecars", 250, |n| {
        let each = |it: usize| {
            mesh(
                "networking.istio.io/v1",
                "Sidecar",
                &shop(it),
                &format!("s{it}"),
                &json!({
                "workloadSelector": {"labels": {"app": format!("w{it}")}},
                "egress": [{"hosts": ["./*", "istio-system/*"]}]}),
            )
        };
        (0..n).map(each).collect()
    }),
    ("EnvoyFilters", 150, |n| {
        let patch = json!({
            "applyTo": "HTTP_FILTER",
            "match": {"context": "SIDECAR_INBOUND", "proxy": {"proxyVersion": "^1\\.29.*"},
                      "listener": {"filterChain": {"filter": {"name": "envoy.filters.network.http_connection_manager"}}}},
            "patch": {"operation": "INSERT_BEFORE", "value": {"name": "envoy.lua", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua", "inlineCode": "return"}}}});
        let each = |it: usize| {
            mesh(
                "networking.istio.io/v1alpha3",
                "EnvoyFilter",
                &shop(it),
                &format!("f{it}"),
                &json!({
                "configPatches": [patch, patch, patch]}),
            )
        };
        (0..n).map(each).collect()
    }),
    ("CRDs of others", 75, |n| {
        let each = |it: usize| {
            let group = format!("g{it}.example.com");
            let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
                "a": {"type": "string", "description": "words ".repeat(40)}}}}});
            json!({
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": meta("", &format!("things.{group}")),
                "spec": {"group": group, "scope": "Namespaced",
                         "names": {"kind": "Thing", "plural": "things", "listKind": "ThingList", "singular": "thing"},
                         "versions": [{"name": "v1", "served": true, "storage": true,
                                       "schema": {"openAPIV3Schema": schema}}]},
                "status": {"storedVersions": ["v1"]}})
        };
        (0..n).map(each).collect()
    }),
    ("revision tags with a namespace each", 75, tags),
    ("webhooks of others", 150, |n| {
        let each = |it: usize| {
            json!({
                "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
                "metadata": meta("", &format!("other{it}")),
                "webhooks": [{
                    "name": format!("other{it}.example.com"), "failurePolicy": "Fail", "sideEffects": "None",
                    "admissionReviewVersions": ["v1"],
                    "clientConfig": {"service": {"namespace": shop(it), "name": format!("s{it}"), "port": 443}},
                    "rules": [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"],
                               "resources": ["deployments"]}]}]})
        };
        let services = (0..n).flat_map(|it| service(&shop(it), &format!("s{it}")));
        (0..n).map(each).chain(services).collect()
    }),
    ("nodes with a pod each", 150, |n| {
        let each = |it: usize| {
            let node = json!({
                "apiVersion": "v1", "kind": "Node", "metadata": meta("", &format!("n{it}")), "spec": {},
                "status": {"allocatable": {"cpu": "8", "memory": "32Gi", "pods": "110"},
                           "nodeInfo": {"kubeletVersion": "v1.33.1"}}});
            let mut pod = pod("shop0", &format!("p{it}"), &json!({"app": "p"}), None);
            pod["spec"]["nodeName"] = format!("n{it}").into();
            pod["spec"]["containers"][0]["resources"] =
                json!({"requests": {"cpu": "100m", "memory": "100Mi"}});
            [node, pod]
        };
        shops().chain((0..n).flat_map(each)).collect()
    }),
    ("Jobs and CronJobs", 150, |n| {
        let each = |it: usize| {
            let (place, name) = (shop(it), format!("j{it}"));
            let template = json!({"metadata": {"labels": {"app": name}}, "spec": {"restartPolicy": "Never",
                "containers": [{"name": "app", "image": "r.example.com/app:1"}]}});
            [
                json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta(&place, &name),
                       "spec": {"template": template}, "status": {"active": 1}}),
                json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta(&place, &name),
                       "spec": {"schedule": "0 0 * * *", "jobTemplate": {"spec": {"template": template}}}}),
            ]
        };
        shops().chain((0..n).flat_map(each)).collect()
    }),
    ("ConfigMaps and Secrets", 375, |n| {
        let each = |it: usize| {
            let (place, name) = (shop(it), format!("c{it}"));
            [
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(&place, &name),
                       "data": {"a": "words ".repeat(20)}}),
                json!({"apiVersion": "v1", "kind": "Secret", "metadata": meta(&place, &name), "type": "Opaque"}),
            ]
        };
        (0..n).flat_map(each).collect()
    }),
    ("roles and accounts", 250, |n| {
        let each = |it: usize| {
            let (place, name) = (shop(it), format!("r{it}"));
            let api = "rbac.authorization.k8s.io";
            [
                json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta(&place, &name)}),
                json!({"apiVersion": format!("{api}/v1"), "kind": "Role", "metadata": meta(&place, &name),
                       "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}),
                json!({"apiVersion": format!("{api}/v1"), "kind": "RoleBinding", "metadata": meta(&place, &name),
                       "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": place}],
                       "roleRef": {"apiGroup": api, "kind": "Role", "name": name}}),
            ]
        };
        (0..n).flat_map(each).collect()
    }),
    ("quotas, ranges and network policies", 250, |n| {
        let each = |it: usize| {
            let (place, name) = (format!("t{it}"), "x");
            [
                namespace(&place, &json!({})),
                json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta(&place, name),
                       "spec": {"hard": {"pods": "10"}}, "status": {"hard": {"pods": "10"}, "used": {"pods": "1"}}}),
                json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": meta(&place, name),
                       "spec": {"limits": [{"type": "Container", "default": {"cpu": "1"}}]}}),
                json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta(&place, name),
                       "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}),
            ]
        };
        (0..n).flat_map(each).collect()
    }),
    ("rules of Prometheus", 150, |n| {
        let each = |it: usize| {
            mesh(
                "monitoring.coreos.com/v1",
                "PrometheusRule",
                &shop(it),
                &format!("r{it}"),
                &json!({
                "groups": [{"name": "a", "rules": [
                    {"alert": "A", "expr": "sum(rate(istio_requests_total{response_code=~\"5..\"}[5m])) > 1"},
                    {"record": "b", "expr": "pilot_xds_pushes"}]}]}),
            )
        };
        (0..n).map(each).collect()
    }),
];

/// One of the namespaces that objects are spread over.
fn shop(at: usize) -> String {
    format!("shop{}", at % 20)
}

fn shops() -> impl Iterator<Item = Value> {
    (0..20).map(|it| namespace(&shop(it), &json!({"istio-injection": "enabled"})))
}

fn meta(place: &str, name: &str) -> Value {
    let mut meta = json!({
        "name": name, "resourceVersion": "1000", "uid": "5b0f6c3e-1f1c-4c58-9a3e-0a7b6a1f0002",
        "creationTimestamp": "2026-05-04T03:02:01Z",
        "managedFields": [{"manager": "kubectl", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
                           "time": "2026-05-04T03:02:01Z", "fieldsV1": {"f:metadata": {"f:labels": {}}}}]});
    if !place.is_empty() {
        meta["namespace"] = place.into();
    }
    meta
}

fn namespace(name: &str, labels: &Value) -> Value {
    let mut meta = meta("", name);
    meta["labels"] = labels.clone();
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
}

/// An object of the mesh's configuration.
fn mesh(api: &str, kind: &str, place: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": api, "kind": kind, "metadata": meta(place, name), "spec": spec})
}

fn pod(place: &str, name: &str, labels: &Value, owner: Option<&str>) -> Value {
    let mut meta = meta(place, name);
    meta["labels"] = labels.clone();
    meta["annotations"] = json!({"sidecar.istio.io/status": "{\"revision\":\"default\"}"});
    if let Some(owner) = owner {
        meta["ownerReferences"] = controller("ReplicaSet", owner);
    }
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": meta,
        "spec": {"containers": [
            {"name": "app", "image": "r.example.com/app:1"},
            {"name": "istio-proxy", "image": "docker.io/istio/proxyv2:1.29.6", "args": ["proxy", "sidecar"]}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}})
}

fn controller(kind: &str, name: &str) -> Value {
    json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "x", "controller": true}])
}

/// A Deployment, its `ReplicaSet` and pods.
fn workload(place: &str, name: &str, replicas: usize) -> Vec<Value> {
    let labels = json!({"app": name});
    let set = format!("{name}-7d9f8b6c5");
    let spec = json!({
        "replicas": replicas, "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels},
                     "spec": {"containers": [{"name": "app", "image": "r.example.com/app:1"}]}}});
    let mut made = meta(place, &set);
    made["ownerReferences"] = controller("Deployment", name);
    let mut all = vec![
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(place, name), "spec": spec}),
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": made, "spec": spec}),
    ];
    all.extend((0..replicas).map(|it| pod(place, &format!("{set}-{it}"), &labels, Some(&set))));
    all
}

fn pods(count: usize) -> Vec<Value> {
    let workloads = (0..count / 10).flat_map(|it| workload(&shop(it), &format!("w{it}"), 10));
    shops().chain(workloads).collect()
}

/// Gateways that istiod makes, each in a namespace of its own.
fn gateways(count: usize) -> Vec<Value> {
    let each = |it: usize| {
        let place = format!("t{it}");
        let labels = json!({"gateway.networking.k8s.io/gateway-name": "gw",
                            "gateway.istio.io/managed": "istio.io-gateway-controller"});
        let mut all = workload(&place, "gw-istio", 1);
        for object in &mut all {
            object["metadata"]["labels"] = labels.clone();
            if object["kind"] == "Pod" {
                object["spec"]["containers"] = json!([{"name": "istio-proxy", "args": ["proxy", "router"],
                                                       "image": "docker.io/istio/proxyv2:1.29.6"}]);
            } else {
                object["spec"]["selector"]["matchLabels"] = labels.clone();
                object["spec"]["template"]["metadata"]["labels"] = labels.clone();
            }
        }
        all.push(namespace(&place, &json!({})));
        all.push(mesh("gateway.networking.k8s.io/v1", "Gateway", &place, "gw", &json!({
            "gatewayClassName": "istio", "listeners": [{"name": "a", "port": 80, "protocol": "HTTP"}]})));
        all.push(mesh("gateway.networking.k8s.io/v1", "HTTPRoute", &place, "route", &json!({
            "parentRefs": [{"name": "gw"}], "rules": [{"backendRefs": [{"name": "s", "port": 80}]}]})));
        all
    };
    (0..count).flat_map(each).collect()
}

/// A Service and its `EndpointSlice`.
fn service(place: &str, name: &str) -> [Value; 2] {
    let mut slice = meta(place, &format!("{name}-abcde"));
    slice["labels"] = json!({"kubernetes.io/service-name": name});
    [
        json!({"apiVersion": "v1", "kind": "Service", "metadata": meta(place, name),
               "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 80}], "clusterIP": "10.0.0.1"}}),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": slice, "addressType": "IPv4",
               "endpoints": [{"addresses": ["10.1.0.1"], "conditions": {"ready": true}}], "ports": [{"port": 8080}]}),
    ]
}

fn traffic(count: usize) -> Vec<Value> {
    const API: &str = "networking.istio.io/v1";
    let each = |it: usize| {
        let (place, name) = (shop(it), format!("s{it}"));
        let host = format!("{name}.{place}.svc.cluster.local");
        let mut all = service(&place, &name).to_vec();
        all.extend([
            mesh(API, "VirtualService", &place, &name, &json!({"hosts": [host], "http": [{
                "match": [{"uri": {"prefix": "/a"}}], "route": [{"destination": {"host": host, "subset": "v1"}}]}]})),
            mesh(API, "DestinationRule", &place, &name, &json!({
                "host": host, "subsets": [{"name": "v1", "labels": {"v": "1"}}],
                "trafficPolicy": {"tls": {"mode": "SIMPLE"}}})),
            mesh(API, "ServiceEntry", &place, &name, &json!({
                "hosts": [format!("*.h{it}.example.com"), format!("a{it}.example.com")], "resolution": "DNS",
                "location": "MESH_EXTERNAL", "ports": [{"number": 443, "name": "tls", "protocol": "TLS"}]})),
            mesh(API, "Gateway", &place, &name, &json!({
                "selector": {"istio": "ingressgateway"}, "servers": [{
                    "port": {"number": 443, "name": "https", "protocol": "HTTPS"},
                    "hosts": [format!("a{it}.example.com")],
                    "tls": {"mode": "SIMPLE", "credentialName": format!("c{it}")}}]})),
            mesh(API, "WorkloadEntry", &place, &name, &json!({"address": "10.2.0.1", "labels": {"app": name}})),
        ]);
        all
    };
    shops().chain((0..count).flat_map(each)).collect()
}

fn tags(count: usize) -> Vec<Value> {
    let each = |it: usize| {
        let (tag, place) = (format!("x{it}"), format!("t{it}"));
        let mut meta = meta("", &format!("istio-revision-tag-{tag}"));
        meta["labels"] =
            json!({"app": "sidecar-injector", "istio.io/rev": "default", "istio.io/tag": tag});
        let webhook = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration", "metadata": meta,
            "webhooks": [{
                "name": "rev.object.sidecar-injector.istio.io", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                "clientConfig": {"service": {"name": "istiod", "namespace": "istio-system", "path": "/inject", "port": 443}},
                "namespaceSelector": {"matchExpressions": [{"key": "istio.io/rev", "operator": "In", "values": [tag]}]},
                "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]}]});
        let mut all = vec![webhook, namespace(&place, &json!({"istio.io/rev": tag}))];
        all.extend(workload(&place, "w", 1));
        all
    };
    (0..count).flat_map(each).collect()
}

/// Counts the instructions of refit beside more objects.
fn instructions(folder: &Path, name: &str, arguments: &[&str], more: &[Value]) -> f64 {
    let beside = folder.join(format!("{name}.json"));
    let list = json!({"apiVersion": "v1", "kind": "List", "items": more});
    fs::write(&beside, list.to_string()).unwrap();
    let output = Command::new("valgrind")
        .args([
            "--tool=cachegrind",
            "--cache-sim=no",
            // Most of the time goes into translating, and less into what this would make faster.
            "--vex-iropt-level=1",
            "--cachegrind-out-file=/dev/null",
        ])
        .arg(refit())
        .args(arguments)
        .arg(&beside)
        .env("XDG_CACHE_HOME", folder)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        matches!(output.status.code(), Some(0 | 3 | 4)),
        "{name}: {text}"
    );
    let count = text
        .lines()
        .find_map(|it| it.split_once("refs:"))
        .unwrap_or_else(|| panic!("{name}: {text}"));
    count.1.trim().replace(',', "").parse().unwrap()
}

/// Whether instructions can be counted.
fn counts() -> bool {
    let there = Command::new("valgrind").arg("--version").output().is_ok();
    assert!(
        there || env::var_os("CI").is_none_or(|it| it != "true"),
        "valgrind is not installed"
    );
    if !there {
        eprintln!("skipped: valgrind is not installed");
    }
    there
}

/// A plan as the WASI file takes it: a request, a cluster whose manifests are rendered already (what charts cost is no
/// matter of the export), and more objects.
fn archive(path: &Path, more: &[Value]) {
    let mut archive = tar::Builder::new(fs::File::create(path).unwrap());
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/rendered");
    archive
        .append_dir_all("export", case.join("export"))
        .unwrap();
    archive
        .append_path_with_name(
            case.join("rendered/manifests.yaml"),
            "releases/manifests.yaml",
        )
        .unwrap();
    let request = json!({"to": "1.30.3", "asOf": "2026-06-01"});
    let list = json!({"apiVersion": "v1", "kind": "List", "items": more});
    for (name, document) in [("request.json", request), ("export/more.json", list)] {
        let text = document.to_string();
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(&mut header, name, text.as_bytes())
            .unwrap();
    }
    archive.into_inner().unwrap();
}

/// Counts what the WASI file executes for each archive.
fn fuel(file: &OsStr, python: &OsStr, archives: &[PathBuf]) -> Vec<f64> {
    let output = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("suite/fuel.py"))
        .arg(file)
        .args(archives)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let counts = String::from_utf8(output.stdout).unwrap();
    counts.lines().map(|it| it.parse().unwrap()).collect()
}

#[test]
fn ten_times_as_much_costs_at_most_twelve_times_as_much() {
    let given = env::var_os("REFIT_WASI").zip(env::var_os("WASMTIME_PYTHON"));
    let Some((file, python)) = given else {
        let ci = env::var_os("CI").is_some_and(|it| it == "true");
        assert!(!ci, "nothing counts: REFIT_WASI, WASMTIME_PYTHON");
        eprintln!("skipped: cargo xtask test wasi growth makes what counts");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let made = |name: String, more: &[Value]| {
        let path = folder.path().join(name + ".tar");
        archive(&path, more);
        path
    };
    let mut archives = vec![made("bare".to_owned(), &[])];
    for (at, (_, count, make)) in KINDS.iter().enumerate() {
        for count in [*count, 10 * count] {
            archives.push(made(format!("{at}-{count}"), &make(count)));
        }
    }
    let counts = fuel(&file, &python, &archives);
    let (bare, counts) = counts.split_first().unwrap();
    assert_eq!(counts.len(), 2 * KINDS.len());
    let mut slow = Vec::new();
    for ((name, count, _), cost) in KINDS.iter().zip(counts.chunks(2)) {
        let (one, ten) = (cost[0] - bare, cost[1] - bare);
        let ratio = ten / one;
        println!("{name}: {:.0} Mi for {count}, ratio {ratio:.1}", one / 1e6);
        if ratio > MOST {
            slow.push(format!("{name}: {ratio:.1}"));
        }
    }
    assert!(slow.is_empty(), "more than {MOST} times: {slow:?}");
}

#[test]
fn recovering_beside_many_other_objects_costs_little_more() {
    if !counts() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let releases = folder.path().join("releases");
    fs::create_dir(&releases).unwrap();
    let charts = releases.join("istio-1.29.6");
    std::os::unix::fs::symlink(tests.join("releases/1.29.6"), charts).unwrap();
    let export = tests.join("golden/charts-reverted/export");
    let (export, releases) = (export.to_str().unwrap(), releases.to_str().unwrap());
    let flags = ["--offline", "--releases", releases];
    let others: Vec<Value> = (0..1000)
        .flat_map(|it| {
            let (place, name) = (shop(it), format!("o{it}"));
            let data = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(&place, &name),
                              "data": {"a": "words ".repeat(20)}});
            let [service, _] = service(&place, &name);
            [data, service, pod(&place, &name, &json!({"app": name}), None)]
        })
        .collect();
    // Without a control plane nothing is recovered: that is what reading the others costs.
    let recover = |name: &str, export: &[&str], others: &[Value]| {
        let arguments = [&["recover"], export, &flags[..]].concat();
        instructions(folder.path(), name, &arguments, others)
    };
    let alone = recover("alone", &[export], &[]);
    let read = recover("read", &[], &others);
    let beside = recover("beside", &[export], &others);
    let ratio = (beside - read) / alone;
    println!("{:.0} Mi alone, ratio {ratio:.2}", alone / 1e6);
    assert!(
        ratio <= 1.3,
        "{ratio:.2} times as much beside other objects"
    );
}
