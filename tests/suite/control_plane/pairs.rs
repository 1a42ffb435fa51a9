//! Every neighbouring pair of releases, up and down: what is stored is what was predicted, field for field, while others
//! edit the same objects; and a full circle ends where it began.

use std::fs::File;
use std::path::Path;

use istio_planner::desired::Desired;
use istio_planner::diff::{Consent, WriteHow, diff};
use istio_planner::snapshot::Snapshot;
use istio_render::{Options, Release};
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::is_long;
use super::upgrades::{applied, is_as_before, is_as_predicted, predicted, succeeds, upgrade};
use crate::suite::data::istio_data;

/// The newest patch of each minor.
const RELEASES: [&str; 8] = [
    "1.24.6",
    "1.25.5",
    "1.26.8",
    "1.27.9",
    "1.28.10",
    "1.29.6",
    "1.30.3",
    "1.31.0-rc.0",
];

/// Settings as somebody has them who uses more than a profile.
const CUSTOMISED: [&str; 6] = [
    "profile=demo",
    "components.cni.enabled=true",
    "meshConfig.accessLogEncoding=JSON",
    "values.pilot.traceSampling=7",
    "values.global.proxy.resources.requests.cpu=25m",
    "values.pilot.env.PILOT_ENABLE_STATUS=true",
];

#[test]
fn default_profile_over_neighbours() {
    pairs(&["profile=default"], 0);
}

#[test]
fn demo_profile_over_neighbours() {
    pairs(&["profile=demo"], 2);
}

#[test]
fn ambient_profile_over_neighbours() {
    pairs(&["profile=ambient"], 4);
}

/// Goes from the oldest release to the newest and back, others editing before each hop; in a short run over one pair.
fn pairs(sets: &[&str], pair: usize) {
    let releases = if is_long() {
        &RELEASES[..]
    } else {
        &RELEASES[pair..pair + 2]
    };
    walk(sets, releases, true);
}

#[test]
fn a_full_circle_ends_where_it_began() {
    let profiles: &[&[&str]] = if is_long() {
        &[
            &["profile=default"],
            &["profile=demo"],
            &["profile=ambient"],
            &CUSTOMISED,
        ]
    } else {
        &[&CUSTOMISED]
    };
    let releases = if is_long() {
        &RELEASES[5..]
    } else {
        &RELEASES[5..7]
    };
    for sets in profiles {
        walk(sets, releases, false);
    }
}

/// Installs the first release as istioctl does, upgrades through the others, and comes back.
fn walk(sets: &[&str], releases: &[&str], edited: bool) {
    let Some(data) = istio_data() else { return };
    let Some(cluster) = Cluster::start(&[]) else {
        return;
    };
    let folder = data.join("istio/releases");
    let back = releases.iter().rev().skip(1);
    let mut hops = releases.iter().skip(1).chain(back).enumerate();
    install(&cluster, &folder, releases[0], sets);
    let first = applied(&cluster);
    let flags: Vec<&str> = sets.iter().flat_map(|it| ["--set", it]).collect();
    let folder = folder.to_str().unwrap();
    for (hop, to) in hops.by_ref() {
        if edited {
            edit(&cluster, hop);
        }
        let predicted = predicted(&cluster, to, folder, &flags);
        let mut arguments = upgrade(to, folder, &flags);
        arguments.push("--verify");
        succeeds(&cluster.run(&arguments), &format!("{sets:?} to {to}"));
        is_as_predicted(&cluster, &predicted);
    }
    if edited {
        return;
    }
    is_as_before(&cluster, &first, &format!("{sets:?}"));
}

/// Applies what a release renders, as `istioctl install` does, and waits until it runs.
fn install(cluster: &Cluster, releases: &Path, version: &str, sets: &[&str]) {
    let archive = File::open(releases.join(format!("istio-{version}.tar.gz"))).unwrap();
    let release = Release::from_tar_gz(archive).unwrap();
    let options = Options {
        sets: sets.iter().map(|it| (*it).to_owned()).collect(),
        ..Options::default()
    };
    let rendering = istio_render::render(&release, &options).unwrap();
    let desired = Desired::new(&release, &rendering);
    let empty = Snapshot::default();
    let outcome = diff(&empty, &desired, Consent::NONE, false);
    let writes = || outcome.writes.iter().chain(&outcome.tag_writes);
    let objects: Vec<&Value> = writes()
        .filter(|it| it.how == WriteHow::Apply)
        .map(|it| &*it.manifest)
        .collect();
    assert!(objects.len() > 10);
    cluster.done(&["create", "namespace", "istio-system"], None);
    let (definitions, others): (Vec<&Value>, Vec<&Value>) = objects
        .into_iter()
        .partition(|it| it["kind"] == "CustomResourceDefinition");
    for part in [definitions, others] {
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": part });
        cluster.apply(&list, "istio-operator");
    }
    // Once the default tag does its work, the injector's own webhooks are put to sleep.
    for it in writes().filter(|it| it.how == WriteHow::Patch) {
        let object = format!("{}/{}", it.object.kind, it.object.name);
        let patch = it.manifest.to_string();
        cluster.done(&["patch", &object, "--type", "merge", "-p", &patch], None);
    }
    for kind in ["deploy", "daemonset"] {
        let rollout = ["rollout", "status", kind, "-n", "istio-system"];
        let found = cluster.done(&["get", kind, "-n", "istio-system", "-o", "name"], None);
        if !found.trim().is_empty() {
            cluster.done(&[&rollout[..], &["--timeout=90s"]].concat(), None);
        }
    }
}

/// What others do to the objects of an installation: each owns a little, by apply or by update, some of it also ours.
fn edit(cluster: &Cluster, hop: usize) {
    let number = hop.to_string();
    let team = format!("example.org/team={number}");
    let system = ["-n", "istio-system"];
    let annotate = ["annotate", "--overwrite", "deploy/istiod", &team];
    cluster.done(&[&annotate[..], &system].concat(), None);
    let env = format!("EXTRA={number}");
    cluster.done(
        &[&["set", "env", "deploy/istiod", &env][..], &system].concat(),
        None,
    );
    let cpu = format!("--requests=cpu=1{number}m");
    let resources = ["set", "resources", "deploy/istiod", "-c", "discovery", &cpu];
    cluster.done(&[&resources[..], &system].concat(), None);
    cluster.apply(
        &json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": "istiod",
                "namespace": "istio-system",
                "labels": { "example.org/hop": number },
            },
            "spec": { "ports": [{ "name": "extra", "port": 9000 + hop, "protocol": "TCP" }] },
        }),
        "gitops",
    );
    cluster.apply(
        &json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": { "name": "istio", "namespace": "istio-system" },
            "data": { "extra": number },
        }),
        "gitops",
    );
    let patch = json!({ "data": { "meshNetworks": format!("networks: {{}} # {number}") } });
    let patch = patch.to_string();
    cluster.done(
        &[&["patch", "configmap", "istio", "-p", &patch][..], &system].concat(),
        None,
    );
}
