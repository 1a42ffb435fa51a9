//! What is read from real clusters' exports, against the truth about each (shared/exports).

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test's own support code"
)]

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::OnceLock;

use istio_catalog::Version;
use istio_planner::dataplane::{self, Context, Trouble};
use istio_planner::images::{Images, images, of_plan};
use istio_planner::inventory;
use istio_planner::outcome::ProxyCount;
use istio_planner::snapshot::{Snapshot, SnapshotReader};
use istio_planner::{Input, Request, RequestFile};
use istio_render::Release;
use serde_json::{Value, json};
use sorted::SortedMap;

/// A cluster's export and the truth about it.
struct Scenario {
    name: String,
    snapshot: Snapshot,
    expected: Value,
}

/// Every scenario, read once.
fn scenarios() -> &'static [Scenario] {
    static SCENARIOS: OnceLock<Vec<Scenario>> = OnceLock::new();
    SCENARIOS.get_or_init(read)
}

/// Reads every scenario; none where the data is not found.
fn read() -> Vec<Scenario> {
    let Some(data) = data() else {
        return Vec::new();
    };
    let mut folders: Vec<_> = std::fs::read_dir(data)
        .unwrap()
        .map(|it| it.unwrap().path())
        .filter(|it| it.join("expected.json").exists())
        .collect();
    folders.sort();
    folders
        .into_iter()
        .map(|folder| {
            let mut reader = SnapshotReader::new();
            let archive = folder.join("export.tar.gz");
            reader
                .read("export.tar.gz", File::open(archive).unwrap())
                .unwrap();
            let expected = std::fs::read_to_string(folder.join("expected.json")).unwrap();
            Scenario {
                name: folder.file_name().unwrap().to_string_lossy().into_owned(),
                snapshot: reader.finish().unwrap(),
                expected: serde_json::from_str(&expected).unwrap(),
            }
        })
        .collect()
}

/// Where the exports are, `None` where they are not found.
fn data() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let data = std::env::var_os("REFIT_ISTIO_DATA")
        .map_or(beside, PathBuf::from)
        .join("exports");
    if !data.is_dir() {
        println!("skipped: no exports in {}", data.display());
        return None;
    }
    Some(data)
}

/// Collects what differs and fails with all of it.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn equal(&mut self, scenario: &str, what: &str, got: &Value, want: &Value) {
        if got != want {
            self.0
                .push(format!("{scenario}: {what}\n  got  {got}\n  want {want}"));
        }
    }
}

impl Drop for Differences {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(
                self.0.is_empty(),
                "{} differences\n{}",
                self.0.len(),
                self.0.join("\n")
            );
        }
    }
}

fn by_version(counts: &[ProxyCount], native: bool) -> Value {
    let mut found: SortedMap<String, u32> = SortedMap::new();
    for it in counts {
        let native = if native {
            format!(" native {}", it.native.unwrap_or(false))
        } else {
            String::new()
        };
        *found
            .entry(format!(
                "{}{native}",
                it.version.as_deref().unwrap_or("none")
            ))
            .or_default() += it.pods;
    }
    json!(found)
}

#[test]
fn inventories_are_those_of_the_clusters() {
    let mut differences = Differences::default();
    for Scenario {
        name,
        snapshot,
        expected,
    } in scenarios()
    {
        let inventory = inventory::inventory(snapshot);
        let want = &expected["inventory"];
        let planes: Vec<_> = inventory
            .control_planes
            .iter()
            .map(|it| json!({"namespace": it.namespace, "revision": it.revision, "version": it.version, "replicas": it.replicas}))
            .collect();
        differences.equal(
            name,
            "control planes",
            &json!(planes),
            &want["controlPlanes"],
        );
        for (what, got) in [
            ("proxies", &inventory.proxies),
            ("gatewayProxies", &inventory.gateway_proxies),
        ] {
            if want["skipProxies"] == json!(true) {
                continue;
            }
            let sidecars = what == "proxies";
            let want: Vec<ProxyCount> = serde_json::from_value(want[what].clone()).unwrap();
            differences.equal(
                name,
                what,
                &by_version(got, sidecars),
                &by_version(&want, sidecars),
            );
        }
        if let Some(nodes) = want.get("nodes") {
            differences.equal(name, "nodes", &json!(inventory.kubernetes.nodes), nodes);
        }
        if let Some(source) = expected.get("source").filter(|it| !it.is_null()) {
            let got = inventory::source(snapshot, &inventory, None);
            differences.equal(name, "source", &json!(got.version), source);
            assert!(!got.evidence.is_empty());
        }
    }
}

#[test]
fn installers_are_those_of_the_clusters() {
    let mut differences = Differences::default();
    for Scenario {
        name,
        snapshot,
        expected,
    } in scenarios()
    {
        let Some(want) = expected.get("installers").and_then(Value::as_array) else {
            continue;
        };
        let mut want: Vec<_> = want.iter().filter_map(Value::as_str).collect();
        want.sort_unstable();
        let installers = inventory::installers(snapshot);
        let mut got: Vec<_> = installers
            .iter()
            .map(|it| serde_json::to_value(it.kind).unwrap())
            .collect();
        got.sort_by_key(Value::to_string);
        differences.equal(name, "installers", &json!(got), &json!(want));
        assert!(
            installers
                .iter()
                .all(|it| !it.evidence.is_empty() && !it.covers.is_empty())
        );
    }
}

#[test]
fn secrets_of_exports_are_not_kept() {
    for Scenario {
        name,
        snapshot,
        expected,
    } in scenarios()
    {
        let kept = format!("{snapshot:?}");
        for canary in expected["canaries"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            assert!(!kept.contains(canary), "{name} keeps a Secret's data");
        }
    }
}

/// What a plan would restart, without a rendering of the target.
#[test]
fn restarts_are_those_that_the_clusters_need() {
    let mut differences = Differences::default();
    for Scenario {
        name,
        snapshot,
        expected,
    } in scenarios()
    {
        let inventory = inventory::inventory(snapshot);
        let [plane] = &inventory.control_planes[..] else {
            continue;
        };
        let args: Vec<_> = expected["args"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let to = args.iter().position(|it| *it == "--to").unwrap() + 1;
        let to: Version = args[to].parse().unwrap();
        let context = Context {
            plane,
            to: &to,
            changes: &[],
        };
        let renewals = dataplane::restarts(snapshot, context);
        let got: SortedMap<_, _> = renewals
            .restarts
            .iter()
            .map(|it| (short(&json!(it.object)), it))
            .collect();
        let refs = |key: &str| expected[key].as_array().cloned().unwrap_or_default();
        let clear = expected["verdict"] == json!("clear");
        for want in refs("restarts") {
            let Some(found) = got.get(&short(&want)) else {
                differences
                    .0
                    .push(format!("{name}: {} is missing", short(&want)));
                continue;
            };
            differences.equal(name, &short(&want), &json!(found.pods), &want["pods"]);
            let how = json!(found.how);
            let accepted = match &want["how"] {
                Value::Null => true,
                Value::Array(several) => several.contains(&how),
                one => *one == how,
            };
            if !accepted {
                differences.equal(name, &short(&want), &how, &want["how"]);
            }
        }
        let known: Vec<_> = [refs("restarts"), refs("restartsOptional")]
            .concat()
            .iter()
            .map(short)
            .collect();
        for extra in got
            .keys()
            .filter(|it| !known.contains(it) && (clear || !refs("restarts").is_empty()))
        {
            differences
                .0
                .push(format!("{name}: {extra} must not be listed"));
        }
        let codes: Vec<_> = renewals.troubles.iter().map(|it| code(it.0)).collect();
        for (key, there) in [("must", true), ("mustNot", false)] {
            for code in expected["findings"][key]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
            {
                let mine = [
                    "manual-restart",
                    "would-lose-proxy",
                    "webhook-overlap",
                    "webhook-gap",
                ]
                .contains(&code);
                if mine && codes.contains(&code) != there && (clear || there) {
                    differences
                        .0
                        .push(format!("{name}: finding {code} there: {}", !there));
                }
            }
        }
    }
}

fn short(object: &Value) -> String {
    let text = |key: &str| object[key].as_str().unwrap_or_default();
    format!("{} {}/{}", text("kind"), text("namespace"), text("name"))
}

/// Items of lists as kubectl writes them are read in part; with their dashes indented they are read whole.
#[test]
fn what_is_left_out_of_items_before_parsing_changes_nothing() {
    let Some(data) = data() else { return };
    let archive = File::open(data.join("default-1.29-to-1.30/export.tar.gz")).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    let mut files = archive.entries().unwrap().map(Result::unwrap);
    let mut cluster = files
        .find(|it| it.path().unwrap().ends_with("cluster.yaml"))
        .unwrap();
    let mut text = String::new();
    cluster.read_to_string(&mut text).unwrap();
    let mut indented = String::new();
    let mut inside = false;
    for line in text.split_inclusive('\n') {
        inside &= line != "kind: List\n";
        indented.push_str(if inside { "  " } else { "" });
        indented.push_str(line);
        inside |= line == "items:\n";
    }
    let read = |text: &str| {
        let mut reader = SnapshotReader::new();
        reader.read("cluster.yaml", text.as_bytes()).unwrap();
        let mut snapshot = reader.finish().unwrap();
        // The indentation moves every column.
        snapshot
            .pods
            .values_mut()
            .for_each(|it| it.origin.column = 0);
        snapshot
            .workloads
            .values_mut()
            .for_each(|it| it.origin.column = 0);
        snapshot
            .nodes
            .values_mut()
            .for_each(|it| it.origin.column = 0);
        snapshot
            .objects
            .values_mut()
            .for_each(|it| it.origin.column = 0);
        snapshot.clusters.values_mut().for_each(|it| it.column = 0);
        snapshot
    };
    let (condensed, whole) = (read(&text), read(&indented));
    assert!(condensed.pods.len() > 30);
    assert_eq!(format!("{condensed:?}"), format!("{whole:?}"));
}

/// The code of the finding that speaks of a trouble.
fn code(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::NewOverlap | Trouble::Overlap => "webhook-overlap",
        Trouble::Gap => "webhook-gap",
        Trouble::LosesProxy => "would-lose-proxy",
        _ => "manual-restart",
    }
}

#[test]
fn a_plan_that_was_made_before_pulls_what_its_request_pulls() {
    let mut differences = Differences::default();
    // An upgrade, one with gateways and CNI, one without sidecars, and one to an older release.
    let names = [
        "default-1.29-to-1.30",
        "customised-demo-partial-request",
        "ambient-1.29-to-1.30",
        "downgrade-1.30-to-1.29",
    ];
    for scenario in scenarios()
        .iter()
        .filter(|it| names.contains(&it.name.as_str()))
    {
        let folder = data().unwrap().join(&scenario.name);
        let input = input(scenario, &folder);
        let plan = istio_planner::plan(&input).plan.unwrap();
        let names = |it: &Images| -> Vec<String> {
            let all = it.registries.iter().flat_map(|it| &it.images);
            all.map(|it| it.image.clone()).collect()
        };
        let (got, want) = (of_plan(&plan, &input.snapshot), images(&input));
        assert!(got.rendered && want.rendered, "{}", scenario.name);
        differences.equal(
            &scenario.name,
            "images",
            &json!(names(&got)),
            &json!(names(&want)),
        );
    }
}

/// What a scenario's arguments ask for.
fn input(scenario: &Scenario, folder: &std::path::Path) -> Input {
    let mut request = Request {
        force: true,
        ..Request::default()
    };
    let words = scenario.expected["args"].as_array().unwrap();
    for pair in words.chunks(2) {
        let (flag, value) = (pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
        match flag {
            "--to" => value.clone_into(&mut request.to),
            "-f" => request.files.push(RequestFile {
                name: value.to_owned(),
                text: std::fs::read_to_string(folder.join(value)).unwrap(),
            }),
            other => panic!("{other}"),
        }
    }
    let releases = folder.join("../../istio/releases");
    let releases = istio_planner::needs::releases(&request, &scenario.snapshot)
        .iter()
        .filter_map(|it| File::open(releases.join(format!("istio-{it}.tar.gz"))).ok())
        .map(|it| Release::from_tar_gz(it).unwrap())
        .collect();
    Input {
        request,
        snapshot: scenario.snapshot.clone(),
        releases,
        as_of: None,
        facts: None,
    }
}
