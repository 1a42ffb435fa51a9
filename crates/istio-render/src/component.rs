//! Components: which there are, which a request turns on, and what their charts see (domain §2.1, §2.2).

use istio_catalog::ComponentName;
use serde_json::{Map, Value};

use crate::operator::merge::{get, get_bool, get_str, set};
use crate::operator::set::infer;
use crate::{Diagnostic, go, quantity};

/// What istioctl knows of a component (1.31:operator/pkg/component/component.go:142-206).
#[derive(Debug)]
pub(crate) struct Kind {
    /// As in the label `operator.istio.io/component`.
    pub(crate) name: ComponentName,
    /// Below `spec.components`.
    pub(crate) key: &'static str,
    on_by_default: bool,
    /// A list of gateways.
    pub(crate) is_gateway: bool,
    /// Below `charts/`.
    pub(crate) chart: &'static str,
    /// Where its values are below `spec.values`.
    pub(crate) root: &'static [&'static str],
    /// Kind, name and container of its workload.
    pub(crate) workload: Option<(&'static str, &'static str, &'static str)>,
    /// Its chart wants its values at the top.
    flat: bool,
}

/// Components of 1.24 and newer in the order in which they are rendered.
pub(crate) const KINDS: [Kind; 6] = [
    Kind {
        name: ComponentName::Base,
        key: "base",
        on_by_default: true,
        is_gateway: false,
        chart: "base",
        root: &["global"],
        workload: None,
        flat: false,
    },
    Kind {
        name: ComponentName::Pilot,
        key: "pilot",
        on_by_default: true,
        is_gateway: false,
        chart: "istio-control/istio-discovery",
        root: &["pilot"],
        workload: Some(("Deployment", "istiod", "discovery")),
        flat: false,
    },
    Kind {
        name: ComponentName::IngressGateways,
        key: "ingressGateways",
        on_by_default: true,
        is_gateway: true,
        chart: "gateways/istio-ingress",
        root: &["gateways", "istio-ingressgateway"],
        workload: Some(("Deployment", "istio-ingressgateway", "istio-proxy")),
        flat: false,
    },
    Kind {
        name: ComponentName::EgressGateways,
        key: "egressGateways",
        on_by_default: false,
        is_gateway: true,
        chart: "gateways/istio-egress",
        root: &["gateways", "istio-egressgateway"],
        workload: Some(("Deployment", "istio-egressgateway", "istio-proxy")),
        flat: false,
    },
    Kind {
        name: ComponentName::Cni,
        key: "cni",
        on_by_default: false,
        is_gateway: false,
        chart: "istio-cni",
        root: &["cni"],
        workload: Some(("DaemonSet", "istio-cni-node", "install-cni")),
        flat: false,
    },
    Kind {
        name: ComponentName::Ztunnel,
        key: "ztunnel",
        on_by_default: false,
        is_gateway: false,
        chart: "ztunnel",
        root: &["ztunnel"],
        workload: Some(("DaemonSet", "ztunnel", "istio-proxy")),
        flat: true,
    },
];

/// Refuses what the releases before 1.26 still list as a component although its chart went with 1.24
/// (1.25.5:operator/pkg/component/component.go:189-195).
pub(crate) fn check_removed(operator: &Value, minor: u64) -> Result<(), Box<Diagnostic>> {
    let remote = get(operator, &["spec", "components", "istiodRemote"]).and_then(Value::as_object);
    let is_on = |it: &Map<String, Value>| it.get("enabled").and_then(Value::as_bool) != Some(false);
    if minor > 25 || !remote.is_some_and(is_on) {
        return Ok(());
    }
    let message = "helm render: load chart: component does not exist";
    let refused = Diagnostic::error("render-failed", message).at("spec.components.istiodRemote");
    Err(Box::new(refused.hinted(
        "a remote control plane is the component pilot with values.profile: remote",
    )))
}

/// One component to render, or one gateway of it.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    /// Empty but for gateways.
    pub(crate) name: String,
    pub(crate) namespace: String,
    /// The part of the `IstioOperator` that describes it; empty where it is on by default.
    pub(crate) spec: Map<String, Value>,
    /// Where that part stands.
    pub(crate) path: String,
}

impl Kind {
    /// Returns the instances that a merged request turns on (1.31:operator/pkg/component/component.go:50-120).
    pub(crate) fn instances(
        &self,
        operator: &Value,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<Instance> {
        let namespace = get_str(operator, &["metadata", "namespace"]);
        let path = format!("spec.components.{}", self.key);
        let mut forced = false;
        if self.is_gateway {
            let mut switch = vec!["spec", "values"];
            switch.extend(self.root);
            switch.push("enabled");
            forced = get_bool(operator, &switch);
        }
        let by_default = || {
            let namespace = if namespace.is_empty() {
                "istio-system"
            } else {
                namespace
            }
            .to_owned();
            Instance {
                name: String::new(),
                namespace,
                spec: Map::new(),
                path: path.clone(),
            }
        };
        let mut instances = Vec::new();
        match get(operator, &["spec", "components", self.key]) {
            Some(Value::Array(elements)) if self.is_gateway => {
                for (index, element) in elements.iter().enumerate() {
                    let spec = element.as_object().cloned().unwrap_or_default();
                    instances.push(instance(spec, namespace, format!("{path}.[{index}]")));
                }
            }
            Some(Value::Null) if self.is_gateway => {
                let message =
                    "istioctl panics on a list that is null; it is taken for an empty one";
                diagnostics.push(Diagnostic::corrected("f-33", message).at(&path));
            }
            Some(Value::Object(spec)) if !self.is_gateway => {
                instances.push(instance(spec.clone(), namespace, path.clone()));
            }
            _ if self.on_by_default || forced => instances.push(by_default()),
            _ => {}
        }
        instances
            .retain(|it| forced || it.spec.get("enabled").and_then(Value::as_bool) != Some(false));
        if let Some((_, name, _)) = self.workload.filter(|_| self.is_gateway) {
            for unnamed in instances.iter_mut().filter(|it| it.name.is_empty()) {
                let message = format!(
                    "istioctl renders objects without a name for a gateway without one; it is called {name}"
                );
                diagnostics.push(Diagnostic::corrected("f-31", message).at(&unnamed.path));
                name.clone_into(&mut unnamed.name);
            }
        }
        instances
    }

    /// Returns the values that the chart of an instance sees, of those that all components share.
    ///
    /// 1.31:operator/pkg/render/manifest.go:183-270.
    pub(crate) fn values(
        &self,
        instance: &Instance,
        shared: &Map<String, Value>,
        rules: Rules,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Map<String, Value> {
        let mut values = shared.clone();
        let mut below_root = |key: &[&str], value: Value| {
            let path: Vec<&str> = self.root.iter().chain(key).copied().collect();
            set(&mut values, &path, value);
        };
        let k8s = instance.spec.get("k8s").unwrap_or(&Value::Null);
        if self.is_gateway {
            below_root(&["name"], instance.name.clone().into());
            let label = instance
                .spec
                .get("label")
                .filter(|it| it.is_object())
                .cloned();
            below_root(
                &["labels"],
                label.unwrap_or_else(|| Value::Object(Map::new())),
            );
            let ports = get(k8s, &["service", "ports"]).and_then(Value::as_array);
            if let Some(ports) = ports.filter(|it| !it.is_empty()) {
                below_root(&["ports"], ports.iter().map(service_port).collect());
            }
        }
        if rules.replicas_reach_charts
            && self.workload.is_some_and(|(kind, ..)| kind == "Deployment")
        {
            let number = |path: &[&str]| get(k8s, path).and_then(Value::as_f64);
            #[expect(
                clippy::cast_possible_truncation,
                reason = "validated to be of 32 bits; else it saturates"
            )]
            let whole = |it: f64| Value::from(it as i64);
            if let Some(it) = number(&["hpaSpec", "minReplicas"]) {
                below_root(&["autoscaleMin"], whole(it));
            }
            if let Some(it) = number(&["hpaSpec", "maxReplicas"]).filter(|it| *it > 0.0) {
                below_root(&["autoscaleMax"], whole(it));
            }
            if let Some(it) = number(&["replicaCount"]).filter(|it| *it > 0.0) {
                below_root(&["replicaCount"], whole(it));
            }
        }
        if rules.cpu_reaches_charts {
            for kind in ["limits", "requests"] {
                let cpu = get(k8s, &["resources", kind, "cpu"])
                    .filter(|it| !it.is_null())
                    .and_then(|it| quantity::canonical(&go::print(it)));
                if let Some(cpu) = cpu.filter(|it| it != "0") {
                    below_root(&["resources", kind, "cpu"], cpu.into());
                }
            }
        }
        if let Some(hub) = instance
            .spec
            .get("hub")
            .and_then(Value::as_str)
            .filter(|it| !it.is_empty())
        {
            below_root(&["hub"], infer(hub.trim()));
        }
        if let Some(tag) = instance.spec.get("tag").filter(|it| !it.is_null()) {
            let text = go::print(tag).trim().to_owned();
            let inferred = infer(&text);
            if go::print(&inferred) != text && tag.is_string() {
                let message = format!(
                    "istioctl takes this tag for the number {}; the text is kept",
                    go::print(&inferred)
                );
                diagnostics.push(
                    Diagnostic::corrected("f-12", message).at(format!("{}.tag", instance.path)),
                );
            }
            below_root(&["tag"], text.into());
        }
        let has_image = ["hub", "tag"]
            .iter()
            .any(|key| instance.spec.get(*key).is_some_and(|it| !it.is_null()));
        if rules.images_need_labels
            && self.is_gateway
            && has_image
            && !instance.spec.contains_key("label")
        {
            let message =
                "istioctl of 1.24 and 1.25 fails on a gateway with hub or tag but no label";
            diagnostics.push(Diagnostic::corrected("f-32", message).at(&instance.path));
        }
        if self.flat {
            flattened(&values, self.root)
        } else {
            values
        }
    }
}

/// What of a component's `k8s` settings charts get to see, by release.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// `hpaSpec` and `replicaCount`: 1.28.8 and newer of 1.28, and 1.31 (domain §1.5).
    replicas_reach_charts: bool,
    /// `resources.*.cpu`: 1.31.
    cpu_reaches_charts: bool,
    /// A gateway with `hub` or `tag` needs a `label`: 1.24 and 1.25 (domain §11, F-32).
    images_need_labels: bool,
}

impl Rules {
    pub(crate) fn new(version: &semver::Version) -> Self {
        let (minor, patch) = (version.minor, version.patch);
        Self {
            replicas_reach_charts: minor == 28 && patch >= 8 || minor >= 31,
            cpu_reaches_charts: minor >= 31,
            images_need_labels: minor <= 25,
        }
    }
}

fn instance(spec: Map<String, Value>, namespace: &str, path: String) -> Instance {
    let text = |key: &str| spec.get(key).and_then(Value::as_str).unwrap_or_default();
    let namespaces = [text("namespace"), namespace, "istio-system"];
    let namespace = namespaces
        .into_iter()
        .find(|it| !it.is_empty())
        .unwrap_or_default()
        .to_owned();
    Instance {
        name: text("name").to_owned(),
        namespace,
        path,
        spec,
    }
}

/// A port as `corev1.ServicePort` prints it: `targetPort` always, the rest where it is not zero.
fn service_port(port: &Value) -> Value {
    let mut printed = Map::new();
    for key in ["name", "protocol", "appProtocol"] {
        if let Some(text) = port.get(key).filter(|it| {
            it.as_str()
                .is_some_and(|it| !it.is_empty() || key == "appProtocol")
        }) {
            printed.insert(key.to_owned(), text.clone());
        }
    }
    let zero = || Value::from(0.0);
    let given = |key: &str| port.get(key).filter(|it| !it.is_null()).cloned();
    printed.insert("port".to_owned(), given("port").unwrap_or_else(zero));
    printed.insert(
        "targetPort".to_owned(),
        given("targetPort").unwrap_or_else(zero),
    );
    if let Some(node_port) = given("nodePort").filter(|it| it.as_f64() != Some(0.0)) {
        printed.insert("nodePort".to_owned(), node_port);
    }
    Value::Object(printed)
}

/// Values of one component put at the top, beside `global` and all that is no map.
fn flattened(values: &Map<String, Value>, root: &[&str]) -> Map<String, Value> {
    let tree = Value::Object(values.clone());
    let Some(Value::Object(own)) = get(&tree, root) else {
        return values.clone();
    };
    let mut flat: Map<String, Value> = values
        .iter()
        .filter(|(_, it)| !it.is_object())
        .map(|(key, it)| (key.clone(), it.clone()))
        .collect();
    flat.insert(
        "global".to_owned(),
        values.get("global").cloned().unwrap_or_default(),
    );
    flat.extend(own.iter().map(|(key, it)| (key.clone(), it.clone())));
    flat
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_remote_control_plane_is_no_component_any_more() {
        let on = json!({"spec": {"components": {"istiodRemote": {}}}});
        let off = json!({"spec": {"components": {"istiodRemote": {"enabled": false}}}});
        assert!(check_removed(&on, 25).is_err() && check_removed(&on, 26).is_ok());
        assert!(check_removed(&off, 24).is_ok());
    }

    #[test]
    fn charts_see_cpu_as_a_quantity_prints() {
        let spec =
            json!({"k8s": {"resources": {"limits": {"cpu": "1000m"}, "requests": {"cpu": 0.5}}}});
        let instance = instance(
            spec.as_object().cloned().unwrap_or_default(),
            "",
            String::new(),
        );
        let rules = Rules::new(&semver::Version::new(1, 31, 0));
        let values = KINDS[5].values(&instance, &Map::new(), rules, &mut Vec::new());
        assert_eq!(
            values["resources"],
            json!({"limits": {"cpu": "1"}, "requests": {"cpu": "500m"}})
        );
    }
}
