//! Istio's own golden cases and istioctl's answers to random inputs, rendered and compared as data.
//!
//! The data are outside the repository: `REFIT_ISTIO_DATA`, else `../shared` beside it; both then have `istio/`.
//! Without them the tests say so and pass, except in CI.
//! Without optimisation every eighth case is run.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests: what is missing fails the test or is said"
)]

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use istio_render::{
    OperatorFile, Options, Owner, Release, TagWebhooks, generate, in_manifest_order, manifest_text,
    owner_labels, render, tag_webhooks,
};
use regex_lite::Regex;
use serde_json::Value;
use sorted::SortedMap;

#[test]
fn golden_cases_render_as_istio_says() {
    let Some(root) = data("golden") else { return };
    let mut failures = Vec::new();
    for version in folders(&root) {
        let folder = root.join(&version);
        let cases: Vec<Value> = serde_json::from_str(&text(&folder.join("cases.json"))).unwrap();
        let charts =
            ["snapshot", "repository"].map(|it| release(&folder.join(format!("{it}.tar.gz"))));
        for case in sampled(cases) {
            let release = &charts[usize::from(case["charts"] == "repository")];
            let mut options = options(case["args"].as_array().unwrap());
            if let Some(input) = case["input"].as_str() {
                options.files.push(OperatorFile {
                    name: input.to_owned(),
                    text: text(&folder.join(input)),
                });
            }
            let expected = documents(&text(&folder.join(case["expected"].as_str().unwrap())));
            let why = match render(release, &options) {
                Ok(rendering) => {
                    let found = in_manifest_order(&rendering);
                    let differing = differing(
                        &chosen(found, &case),
                        &chosen(expected.iter().collect(), &case),
                    );
                    let printed = generate(release, &options).unwrap().0;
                    let otherwise = printed != manifest_text(&rendering);
                    differing.or_else(|| otherwise.then(|| "is printed otherwise".to_owned()))
                }
                Err(diagnostics) => Some(diagnostics.iter().map(ToString::to_string).collect()),
            };
            failures.extend(why.map(|it| format!("{version} {}: {it}", case["name"])));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn random_cases_render_as_istioctl_does() {
    let Some(root) = data("corpus") else { return };
    let Some(releases) = data("releases") else {
        return;
    };
    let mut failures = Vec::new();
    for version in folders(&root) {
        let release = release(&releases.join(format!("istio-{version}.tar.gz")));
        let objects: SortedMap<String, Value> = rows(&root.join(&version).join("objects.jsonl.gz"))
            .into_iter()
            .map(|mut it| (it["sha"].as_str().unwrap().to_owned(), it["object"].take()))
            .collect();
        for case in sampled(rows(&root.join(&version).join("cases.jsonl.gz"))) {
            // Corrected on purpose (domain §11, F-31).
            if case["features"]
                .as_array()
                .unwrap()
                .iter()
                .any(|it| it == "unnamed-object")
            {
                continue;
            }
            let mut options = options(case["args"].as_array().unwrap());
            let files = case["files"].as_array().unwrap().iter().enumerate();
            options.files = files
                .map(|(at, it)| OperatorFile {
                    name: at.to_string(),
                    text: it.as_str().unwrap().to_owned(),
                })
                .collect();
            let why = match (render(&release, &options), case["objects"].as_array()) {
                (Err(_), None) => None,
                (Ok(_), None) => Some(format!(
                    "rendered, istioctl refused: {}",
                    case["error"]["stderr"]
                )),
                (Err(diagnostics), Some(_)) => {
                    Some(diagnostics.iter().map(ToString::to_string).collect())
                }
                (Ok(rendering), Some(expected)) => {
                    let expected = expected.iter().map(|it| &objects[it.as_str().unwrap()]);
                    differing(
                        &grouped(in_manifest_order(&rendering)),
                        &grouped(expected.collect()),
                    )
                }
            };
            failures.extend(why.map(|it| format!("{}: {it}", case["name"])));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn data(folder: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("REFIT_ISTIO_DATA").map_or(beside, PathBuf::from);
    let folder = root.join("istio").join(folder);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{} is missing",
        folder.display()
    );
    println!(
        "skipped: {} is missing (REFIT_ISTIO_DATA)",
        folder.display()
    );
    None
}

fn sampled(cases: Vec<Value>) -> impl Iterator<Item = Value> {
    cases
        .into_iter()
        .step_by(if cfg!(debug_assertions) { 8 } else { 1 })
}

fn folders(root: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(root).unwrap().map(|it| it.unwrap());
    let mut names: Vec<String> = entries
        .filter(|it| it.path().is_dir())
        .map(|it| it.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn release(path: &Path) -> Release {
    Release::from_tar_gz(File::open(path).unwrap()).unwrap()
}

fn rows(path: &Path) -> Vec<Value> {
    let lines = BufReader::new(GzDecoder::new(File::open(path).unwrap())).lines();
    lines
        .map(|it| serde_json::from_str(&it.unwrap()).unwrap())
        .collect()
}

/// The flags that the cases use; the release is given apart.
fn options(args: &[Value]) -> Options {
    let mut options = Options::default();
    let mut args = args.iter().map(|it| it.as_str().unwrap());
    while let Some(arg) = args.next() {
        match arg {
            "--set" | "-s" => options.sets.push(args.next().unwrap().to_owned()),
            "--revision" | "-r" => options
                .sets
                .push(format!("revision={}", args.next().unwrap())),
            "--force" => options.force = true,
            "--manifests" | "-d" | "--charts" => drop(args.next()),
            other => match other.split_once('=') {
                Some(("--set" | "-s", set)) => options.sets.push(set.to_owned()),
                Some(("--revision" | "-r", revision)) => {
                    options.sets.push(format!("revision={revision}"));
                }
                _ => panic!("unknown flag {other}"),
            },
        }
    }
    // A release's own path changes nothing here, and `default` is no revision.
    options.sets.retain(|it| {
        !it.starts_with("installPackagePath=") && it != "revision=default" && it != "revision="
    });
    options
}

fn documents(text: &str) -> Vec<Value> {
    let mut documents = Vec::new();
    kube_yaml::load(text, |node| documents.push(node.to_json())).unwrap();
    documents.retain(|it| it.get("kind").is_some());
    documents
}

type Objects<'a> = SortedMap<String, Vec<&'a Value>>;

fn key(object: &Value) -> String {
    let text = |it: &Value| it.as_str().map(str::to_owned).unwrap_or_default();
    let metadata = &object["metadata"];
    format!(
        "{}:{}:{}",
        text(&object["kind"]),
        text(&metadata["namespace"]),
        text(&metadata["name"])
    )
}

fn grouped(objects: Vec<&Value>) -> Objects<'_> {
    let mut grouped = Objects::new();
    for object in objects {
        grouped.entry(key(object)).or_default().push(object);
    }
    grouped
}

fn chosen<'a>(objects: Vec<&'a Value>, case: &Value) -> Objects<'a> {
    let patterns = |name: &str| -> Vec<Regex> {
        let parts = case[name]
            .as_str()
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|it| !it.is_empty());
        let whole = |it: &str| {
            it.split(':')
                .take(3)
                .map(|it| if matches!(it, "" | "*") { ".*" } else { it })
                .collect::<Vec<_>>()
                .join(":")
        };
        parts.map(|it| Regex::new(&whole(it)).unwrap()).collect()
    };
    let (select, ignore) = (patterns("select"), patterns("ignore"));
    let matches = |patterns: &[Regex], key: &str| patterns.iter().any(|it| it.is_match(key));
    let mut chosen = grouped(objects);
    chosen.retain(|key, _| (select.is_empty() || matches(&select, key)) && !matches(&ignore, key));
    // Of equal keys the last one counts.
    for objects in chosen.values_mut() {
        objects.drain(..objects.len() - 1);
    }
    chosen
}

fn differing(found: &Objects<'_>, expected: &Objects<'_>) -> Option<String> {
    for (key, expected) in expected {
        let found = found.get(key).map_or(&[][..], Vec::as_slice);
        if found.len() != expected.len() {
            return Some(format!(
                "{} objects {key}, expected {}",
                found.len(),
                expected.len()
            ));
        }
        let differences = found
            .iter()
            .zip(expected)
            .find_map(|(found, expected)| difference(found, expected, key));
        if differences.is_some() {
            return differences;
        }
    }
    found
        .keys()
        .find(|it| !expected.contains_key(*it))
        .map(|it| format!("unexpected {it}"))
}

fn difference(found: &Value, expected: &Value, path: &str) -> Option<String> {
    match (found, expected) {
        (Value::Object(l), Value::Object(r)) => {
            let keys = l.keys().chain(r.keys().filter(|it| !l.contains_key(*it)));
            keys.into_iter()
                .find_map(|key| match (l.get(key), r.get(key)) {
                    (Some(l), Some(r)) => difference(l, r, &format!("{path}.{key}")),
                    (Some(_), None) => Some(format!("{path}.{key}: unexpected")),
                    _ => Some(format!("{path}.{key}: missing")),
                })
        }
        (Value::Array(l), Value::Array(r)) if l.len() == r.len() => l
            .iter()
            .zip(r)
            .enumerate()
            .find_map(|(at, (l, r))| difference(l, r, &format!("{path}[{at}]"))),
        (Value::Number(l), Value::Number(r)) if l.as_f64() == r.as_f64() => None,
        _ => (found != expected).then(|| format!("{path}: {found} expected {expected}")),
    }
}

/// The reader of archives that the planner uses keeps nothing but charts and profiles.
#[test]
fn a_release_is_read_as_a_stream() {
    let Some(releases) = data("releases") else {
        return;
    };
    let mut archive = Vec::new();
    File::open(releases.join("istio-1.30.3.tar.gz"))
        .unwrap()
        .read_to_end(&mut archive)
        .unwrap();
    let release = Release::from_tar_gz(archive.as_slice()).unwrap();
    assert_eq!(release.version().to_string(), "1.30.3");
    assert!(release.is_stamped());
    assert!(release.profiles().contains(&"ambient"));
    assert!(Release::from_tar_gz(&archive[..archive.len() / 2]).is_err());
}

/// What `istioctl install` left in a cluster holds everything that is made here for the default tag.
#[test]
fn the_default_tag_is_made_as_by_an_install() {
    let (Some(releases), Some(exports)) = (data("releases"), data("../exports")) else {
        return;
    };
    let release = release(&releases.join("istio-1.30.3.tar.gz"));
    let mut archive = tar::Archive::new(GzDecoder::new(
        File::open(exports.join("default-1.29-to-1.30/after.tar.gz")).unwrap(),
    ));
    let mut cluster = String::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.path().unwrap().ends_with("cluster.yaml") {
            entry.read_to_string(&mut cluster).unwrap();
        }
    }
    let mut live = Vec::new();
    kube_yaml::load(&cluster, |node| {
        let document = node.to_json();
        let items = document["items"].as_array().cloned();
        live.extend(items.unwrap_or_else(|| vec![document]));
    })
    .unwrap();
    let named = |kind: &str, name: &str| {
        live.iter()
            .find(|it| it["kind"] == kind && it["metadata"]["name"] == name)
    };
    let rendering = render(&release, &Options::default()).unwrap();
    let owner = Owner {
        merged: &rendering.merged,
        user: &rendering.user,
        revision: "",
        version: release.version(),
    };
    let labels = owner_labels(&owner, None);
    let mut made = tag_webhooks(
        &release,
        &TagWebhooks {
            canonical: named("MutatingWebhookConfiguration", "istio-sidecar-injector").unwrap(),
            validator: named("ValidatingWebhookConfiguration", "istiod-default-validator"),
            namespace: "istio-system",
            auto_inject: false,
            owner_labels: &labels,
        },
    );
    let found: Vec<&str> = made
        .iter()
        .map(|it| it["metadata"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        found,
        [
            "istio-revision-tag-default",
            "istiod-default-validator",
            "istiod-revision-tag-default"
        ]
    );
    // The istioctl of the export was built on charts without a version.
    let service = made.last_mut().unwrap()["metadata"]["labels"]
        .as_object_mut()
        .unwrap();
    service.retain(|key, _| !matches!(key.as_str(), "app.kubernetes.io/version" | "helm.sh/chart"));
    default_target_ports(made.last_mut().unwrap());
    for object in &made {
        let live = named(
            object["kind"].as_str().unwrap(),
            object["metadata"]["name"].as_str().unwrap(),
        )
        .unwrap();
        assert_eq!(missing(object, live, &key(object)), None);
    }
}

/// What the API server makes of a target port of zero: the port itself
/// (kubernetes v1.36.3:pkg/apis/core/v1/defaults.go, `SetDefaults_Service`).
fn default_target_ports(service: &mut Value) {
    for port in service["spec"]["ports"].as_array_mut().unwrap() {
        if port["targetPort"] == 0 {
            port["targetPort"] = port["port"].clone();
        }
    }
}

/// The first leaf of `wanted` that `live` has not.
fn missing(wanted: &Value, live: &Value, path: &str) -> Option<String> {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => wanted.iter().find_map(|(key, it)| {
            let path = format!("{path}.{key}");
            live.get(key)
                .map_or_else(|| Some(path.clone()), |live| missing(it, live, &path))
        }),
        (Value::Array(wanted), Value::Array(live)) if wanted.len() == live.len() => wanted
            .iter()
            .zip(live)
            .enumerate()
            .find_map(|(at, (wanted, live))| missing(wanted, live, &format!("{path}[{at}]"))),
        _ => (wanted != live).then(|| format!("{path}: {wanted}, live {live}")),
    }
}

#[test]
fn what_is_printed_at_once_is_what_is_rendered_and_printed() {
    let Some(releases) = data("releases") else {
        return;
    };
    let overlay = "spec: {components: {base: {k8s: {overlays: [{kind: CustomResourceDefinition, \
                   name: gateways.networking.istio.io, patches: [{path: spec.scope, value: Cluster}]}]}}}}";
    let mut archives: Vec<_> = std::fs::read_dir(releases)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    archives.sort();
    // Without optimisation the newest are enough.
    let some = if cfg!(debug_assertions) {
        2
    } else {
        usize::MAX
    };
    for path in archives.iter().rev().take(some) {
        let release = release(path);
        for (sets, file) in [
            (&[][..], ""),
            (&["profile=demo"], ""),
            (&["values.base.enableCRDTemplates=false"], ""),
            (
                &["values.base.excludedCRDs={gateways.networking.istio.io}"],
                "",
            ),
            (&[], overlay),
        ] {
            let options = Options {
                sets: sets.iter().map(|it| (*it).to_owned()).collect(),
                files: vec![OperatorFile {
                    name: "request".to_owned(),
                    text: format!(
                        "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\n{file}\n"
                    ),
                }],
                ..Options::default()
            };
            let rendered = render(&release, &options).map(|it| {
                let text = manifest_text(&it);
                (text, it.diagnostics)
            });
            match (generate(&release, &options), rendered) {
                (Ok(at_once), Ok(rendered)) => {
                    assert!(at_once.0 == rendered.0, "{} {sets:?}", path.display());
                    assert_eq!(at_once.1, rendered.1);
                }
                (at_once, rendered) => {
                    assert_eq!(at_once.map(|it| it.1), rendered.map(|it| it.1));
                }
            }
        }
    }
}
