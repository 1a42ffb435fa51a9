//! `cni-conflict`: settings of Cilium that do not go with CNI or ztunnel (domain §1.7, V3 to V6).

use istio_catalog::{ComponentName, Minor};

use super::Code;
use super::Explanation;
use super::{Situation, text};
use crate::outcome::{Finding, Level, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "A setting of Cilium or Calico does not go with what the target renders.",
    why: "Traffic would pass the mesh by, or pods would not start.",
    settle: "Change the setting that the finding names.",
    source: "1.31:operator/pkg/apis/validation/validation.go:93-145",
    link: Some("https://istio.io/latest/docs/ambient/install/platform-prerequisites/"),
};

/// The first release that asks about `kube-proxy-replacement`.
const ASKS_FOR_REPLACEMENT: Minor = Minor::new(1, 26);

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let Some(to) = situation.to else {
        return Vec::new();
    };
    let cilium = situation.objects("", "ConfigMap").find(|(object, _)| {
        object.name == "cilium-config" && object.namespace.as_deref() == Some("kube-system")
    });
    let Some((object, kept)) = cilium else {
        return Vec::new();
    };
    let setting = |key: &str| text(&kept.value, &format!("/data/{key}"));
    let is_true = |key: &str| setting(key) == Some("true");
    let (cni, ztunnel) = (
        has(situation, ComponentName::Cni),
        has(situation, ComponentName::Ztunnel),
    );
    let mut findings = Vec::new();
    let mut tell = |key: &str, title: &str, fix: &str| {
        let value = setting(key).unwrap_or_default();
        let subject = Subject::kept(object, kept)
            .field(format!("data.{key}"))
            .value(value);
        let finding = Finding::new(
            Code::CniConflict,
            Level::Warn,
            title,
            format!("Cilium runs with {key}: {value}"),
        );
        findings.push(finding.about([subject]).fix(fix));
    };
    if cni && is_true("cni-exclusive") {
        tell(
            "cni-exclusive",
            "Cilium removes the configuration of Istio's CNI plug-in",
            "Set Cilium's `cni-exclusive` to false",
        );
    }
    if ztunnel && is_true("enable-bpf-masquerade") {
        tell(
            "enable-bpf-masquerade",
            "Cilium's BPF masquerading breaks health probes of ambient pods",
            "Set Cilium's `enable-bpf-masquerade` to false",
        );
    }
    if !is_true("bpf-lb-sock-hostns-only") {
        let fix = "Set Cilium's `bpf-lb-sock-hostns-only` to true";
        let title = "Cilium's socket load balancing passes the mesh by";
        if is_true("bpf-lb-sock") {
            tell("bpf-lb-sock", title, fix);
        } else if to.minor_release() >= ASKS_FOR_REPLACEMENT
            && setting("kube-proxy-replacement") == Some("strict")
        {
            tell("kube-proxy-replacement", title, fix);
        }
    }
    findings
}

/// Whether a component is rendered or, where nothing was rendered, runs.
fn has(situation: &Situation, component: ComponentName) -> bool {
    match situation.desired {
        Some(desired) => desired
            .rendering
            .components
            .iter()
            .any(|it| it.name == component),
        None => situation
            .inventory
            .components
            .iter()
            .any(|it| it.component == component),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::check;
    use crate::rules::fixture::{Cluster, component};

    fn cluster(data: &Value) -> Cluster {
        let mut cluster = Cluster::new();
        cluster
            .inventory
            .components
            .push(component("Cni", "istio-cni-node", "1.29.6"));
        cluster.object(json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "cilium-config", "namespace": "kube-system"}, "data": data,
        }));
        cluster
    }

    #[test]
    fn an_exclusive_cilium_does_not_go_with_cni() {
        assert_eq!(
            cluster(&json!({"cni-exclusive": "true", "bpf-lb-sock": "false"})).codes(check),
            ["cni-conflict Warn"]
        );
    }

    #[test]
    fn masquerading_matters_to_ztunnel_only() {
        assert!(
            cluster(&json!({"enable-bpf-masquerade": "true"}))
                .check(check)
                .is_empty()
        );
    }

    #[test]
    fn socket_load_balancing_outside_the_host_namespace_passes_the_mesh_by() {
        assert_eq!(
            cluster(&json!({"bpf-lb-sock": "true"})).codes(check),
            ["cni-conflict Warn"]
        );
        assert_eq!(
            cluster(&json!({"kube-proxy-replacement": "strict"})).codes(check),
            ["cni-conflict Warn"]
        );
        assert!(
            cluster(&json!({"bpf-lb-sock": "true", "bpf-lb-sock-hostns-only": "true"}))
                .check(check)
                .is_empty()
        );
    }
}
