//! `mesh-peers`: this cluster is one of several of a mesh, and the others are not in the export.

use serde_json::Value;
use sorted::SortedSet;

use super::{Explanation, Situation, enumerate, text};
use crate::inventory::peers;
use crate::outcome::{Finding, Level, Subject};
use crate::rules::Code;

/// What `refit explain mesh-peers` says.
pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Something in the export or the request says that other clusters are of the same mesh: remote secrets, \
              networks, a name of this cluster, gateways between networks.",
    why: "istiod here reads Services and pods of the other clusters, and serves proxies there where they have no control \
          plane of their own. What they run is not in the export, so that neither their proxies nor their istiod are in \
          this plan.",
    settle: "Plan every cluster by an export of its own. Upgrade one after the other, a primary cluster before the remote \
             clusters that it serves, and keep all of them within one minor. Keep mesh id, network, cluster name, trust \
             domain and root certificate as they are; apply the new reader role in remote clusters, too.",
    source: "istio.io, Install Multicluster; 1.30.3:pkg/kube/multicluster/secretcontroller.go (label istio/multiCluster)",
    link: Some("https://istio.io/latest/docs/setup/install/multicluster/"),
};

/// The name of a cluster that was given none (1.30.3:manifests/charts/istio-control/istio-discovery).
const NAMELESS: &str = "Kubernetes";

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let mut subjects = Vec::new();
    let mut words = Vec::new();
    let own = own_name(situation, &mut subjects);
    let secrets = remote_secrets(situation, &mut subjects);
    let networks = networks(situation, &mut subjects);
    let gateways = gateways_between_networks(situation, &mut subjects);
    let elsewhere = remote_control_plane(situation, &mut subjects);
    if subjects.is_empty() {
        return Vec::new();
    }
    if let Some(name) = own {
        words.push(format!("this cluster is called {name}"));
    }
    words.extend(
        ["network", "meshID"]
            .iter()
            .filter_map(|key| Some(format!("its {key} is {}", identity(situation, key)?))),
    );
    if !secrets.is_empty() {
        words.push(format!(
            "istiod reads {} by remote secrets",
            enumerate(&secrets)
        ));
    }
    if !networks.is_empty() {
        words.push(format!("meshNetworks names {}", enumerate(&networks)));
    }
    if gateways > 0 {
        words.push("a gateway leads to other networks".to_owned());
    }
    if elsewhere {
        words.push("its control plane runs in another cluster".to_owned());
    }
    let to = situation.to.map_or_else(
        || situation.request.to.clone(),
        |it| it.minor_release().to_string(),
    );
    let finding = Finding::new(
        Code::MeshPeers,
        Level::Info,
        "This cluster is one of a mesh of several",
        format!(
            "By the export and the request {}. What the other clusters run is not in this export: their control planes must \
             be within one minor of {to}, and proxies that this istiod serves there must be neither newer than it nor more \
             than one minor older",
            enumerate(&words)
        ),
    );
    vec![finding.about(subjects).fix(
        "Plan each cluster by its own export, and upgrade one after the other: a primary before the remote clusters that it \
         serves. Finish one minor everywhere before the next, and change nothing of mesh id, networks, cluster names, trust \
         domain and root certificates on the way",
    )]
}

/// The name that this cluster has or gets, unless it has none.
fn own_name(situation: &Situation, subjects: &mut Vec<Subject>) -> Option<String> {
    let named = |it: &str| !it.is_empty() && it != NAMELESS;
    let set = |it: &Situation| {
        text(merged(it)?, "/values/global/multiCluster/clusterName").map(str::to_owned)
    };
    if let Some(name) = set(situation).filter(|it| named(it)) {
        subjects.push(place(
            situation,
            "values.global.multiCluster.clusterName",
            &name,
        ));
        return Some(name);
    }
    let istiod = situation.istiod_deployment(situation.control_plane()?)?;
    let (object, kept) = situation
        .objects("apps", "Deployment")
        .find(|(object, _)| {
            object.name == istiod.name
                && object.namespace.as_deref() == Some(istiod.namespace.as_str())
        })?;
    let name = variable(&kept.value, "CLUSTER_ID").filter(|it| named(it))?;
    subjects.push(
        Subject::kept(object, kept)
            .field("spec.template.spec.containers[name=discovery].env[name=CLUSTER_ID]")
            .value(name),
    );
    Some(name.to_owned())
}

/// The merged request, where one was rendered.
fn merged<'a>(situation: &Situation<'a>) -> Option<&'a Value> {
    let merged = &situation.desired?.rendering.merged;
    Some(merged.get("spec").unwrap_or(merged))
}

/// `global.network` or `global.meshID`, of the request or as istiod has it.
fn identity(situation: &Situation, key: &str) -> Option<String> {
    let asked = merged(situation).and_then(|it| text(it, &format!("/values/global/{key}")));
    if let Some(asked) = asked.filter(|it| !it.is_empty()) {
        return Some(asked.to_owned());
    }
    let namespace = situation.control_plane()?.namespace.as_str();
    if key == "network" {
        let (_, kept) = situation
            .objects("", "Namespace")
            .find(|(object, _)| object.name == namespace)?;
        return kept
            .value
            .pointer("/metadata/labels/topology.istio.io~1network")?
            .as_str()
            .map(str::to_owned);
    }
    let mesh: Value = mesh_data(situation, "mesh")?.1;
    text(&mesh, "/defaultConfig/meshId").map(str::to_owned)
}

/// The place of a setting in a file of the request, else the flag.
fn place(situation: &Situation, path: &str, value: &str) -> Subject {
    let keys: Vec<&str> = path.split('.').collect();
    situation
        .documents
        .place_in_files(&keys)
        .unwrap_or_else(|| Subject::flag("--set").field(path))
        .value(value)
}

fn variable<'a>(deployment: &'a Value, name: &str) -> Option<&'a str> {
    let containers = deployment
        .pointer("/spec/template/spec/containers")?
        .as_array()?;
    containers
        .iter()
        .filter_map(|it| it.get("env")?.as_array())
        .flatten()
        .find(|it| text(it, "/name") == Some(name))
        .and_then(|it| text(it, "/value"))
}

/// Clusters that istiod reads by Secrets.
fn remote_secrets(situation: &Situation, subjects: &mut Vec<Subject>) -> Vec<String> {
    let mut names = SortedSet::new();
    for peer in peers::peers(situation.snapshot) {
        names.insert(peer.cluster.to_owned());
        subjects.push(Subject::kept(peer.object, peer.kept).field(peers::LABEL));
    }
    names.into_iter().collect()
}

/// A key of the mesh's ConfigMap.
fn mesh_data(situation: &Situation, key: &str) -> Option<(Subject, Value)> {
    let namespace = situation.control_plane()?.namespace.as_str();
    let (object, kept) = situation.objects("", "ConfigMap").find(|(object, kept)| {
        object.namespace.as_deref() == Some(namespace)
            && object.name == "istio"
            && kept.value.get("data").is_some()
    })?;
    let data = kube_yaml::from_str(text(&kept.value, &format!("/data/{key}"))?).ok()?;
    Some((
        Subject::kept(object, kept).field(format!("data.{key}")),
        data,
    ))
}

/// The networks that meshNetworks names, live or asked for.
fn networks(situation: &Situation, subjects: &mut Vec<Subject>) -> Vec<String> {
    let of = |value: &Value| -> Vec<String> {
        let map = value.as_object();
        map.into_iter().flat_map(|it| it.keys().cloned()).collect()
    };
    let asked = merged(situation)
        .and_then(|it| it.pointer("/values/global/meshNetworks"))
        .map(of)
        .unwrap_or_default();
    if !asked.is_empty() {
        subjects.push(place(
            situation,
            "values.global.meshNetworks",
            &asked.join(", "),
        ));
        return asked;
    }
    let Some((subject, value)) = mesh_data(situation, "meshNetworks") else {
        return Vec::new();
    };
    let live = value.get("networks").map(of).unwrap_or_default();
    if !live.is_empty() {
        subjects.push(subject);
    }
    live
}

/// East-west gateways, and Gateways that stand for one of another network.
fn gateways_between_networks(situation: &Situation, subjects: &mut Vec<Subject>) -> usize {
    let before = subjects.len();
    for (object, kept) in situation.objects("gateway.networking.k8s.io", "Gateway") {
        let class = text(&kept.value, "/spec/gatewayClassName");
        if matches!(class, Some("istio-east-west" | "istio-remote")) {
            subjects.push(Subject::kept(object, kept).field("spec.gatewayClassName"));
        }
    }
    for (object, kept) in situation.objects("", "Service") {
        if kept.value.pointer("/metadata/labels/istio") == Some(&Value::from("eastwestgateway")) {
            subjects.push(Subject::kept(object, kept).field("metadata.labels.istio"));
        }
    }
    subjects.len() - before
}

/// Whether the request leads to a control plane elsewhere.
fn remote_control_plane(situation: &Situation, subjects: &mut Vec<Subject>) -> bool {
    const PATH: &str = "values.global.remotePilotAddress";
    let address = merged(situation)
        .and_then(|it| text(it, "/values/global/remotePilotAddress"))
        .filter(|it| !it.is_empty());
    if let Some(address) = address {
        subjects.push(place(situation, PATH, address));
    }
    address.is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;
    use crate::rules::fixture::Cluster;

    fn config_map(networks: &str) -> serde_json::Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "istio-system", "name": "istio"},
            "data": {"mesh": "defaultConfig:\n  meshId: m\n", "meshNetworks": networks}})
    }

    fn istiod(cluster_id: &str) -> serde_json::Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "istio-system", "name": "istiod"},
            "spec": {"template": {"spec": {"containers": [{"name": "discovery", "env": [
                {"name": "CLUSTER_ID", "value": cluster_id}]}]}}}})
    }

    #[test]
    fn remote_secrets_are_named_by_their_clusters() {
        let mut cluster = Cluster::new();
        cluster.object(
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "istio-system",
            "name": "istio-remote-secret-west", "labels": {"istio/multiCluster": "true"},
            "annotations": {"networking.istio.io/cluster": "west"}}}),
        );
        cluster.object(
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "istio-system",
            "name": "istio-remote-secret-north", "labels": {"istio/multiCluster": "true"}}}),
        );
        let findings = cluster.check(check);
        assert_eq!(cluster.codes(check), ["mesh-peers Info"]);
        assert!(
            findings[0]
                .detail
                .contains("reads north and west by remote secrets")
        );
    }

    #[test]
    fn networks_names_and_gateways_tell_it_too() {
        for object in [
            config_map("networks:\n  n2:\n    endpoints: []\n"),
            istiod("east"),
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "istio-system",
                "name": "istio-eastwestgateway", "labels": {"istio": "eastwestgateway"}}}),
            json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"namespace": "istio-system",
                "name": "remote"}, "spec": {"gatewayClassName": "istio-remote"}}),
        ] {
            let mut cluster = Cluster::new();
            cluster.object(object);
            assert_eq!(cluster.codes(check), ["mesh-peers Info"]);
        }
    }

    #[test]
    fn a_request_that_names_the_cluster_tells_it() {
        let mut cluster = Cluster::new();
        cluster.file(
            "spec:\n  values:\n    global:\n      multiCluster:\n        clusterName: east\n",
        );
        cluster.render("Pilot", json!({}));
        cluster.rendering.as_mut().unwrap().merged = json!({"spec": {"values": {"global": {"multiCluster": {"clusterName": "east"}, "network": "n1"}}}});
        let findings = cluster.check(check);
        assert!(
            findings[0]
                .detail
                .contains("called east and its network is n1")
        );
        assert_eq!(findings[0].subjects[0].line, Some(5));
    }

    #[test]
    fn a_cluster_alone_is_silent() {
        let mut cluster = Cluster::new();
        cluster.object(config_map("networks: {}"));
        cluster.object(istiod("Kubernetes"));
        cluster.object(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "istio-system", "name": "cacerts"}}));
        cluster.object(
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-system",
            "labels": {"topology.istio.io/network": "n1"}}}),
        );
        assert!(cluster.check(check).is_empty());
    }
}
