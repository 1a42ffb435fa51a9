//! Components of 1.6 to 1.23 (1.23.6:operator/pkg/translate/translate.go:118-176, 1.7.8: the same file, 110-205).

use istio_catalog::ComponentName;
use serde_json::{Map, Value};

use crate::Diagnostic;
use crate::operator::merge::{get, get_str};

/// How a component is turned on, and what it is rendered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// One of `spec.components`.
    Core,
    /// A list of gateways in `spec.components`.
    Gateways,
    /// One of `spec.addonComponents`.
    Addon,
    /// Has no chart any more, but charts still see its values.
    Gone,
}

/// What istioctl knows of a component.
#[derive(Debug)]
pub(super) struct Kind {
    /// As in the label `operator.istio.io/component`.
    pub(super) name: &'static str,
    /// Below `spec.components` or `spec.addonComponents`.
    pub(super) key: &'static str,
    /// Below `charts/`.
    pub(super) chart: &'static str,
    /// Where its values are.
    pub(super) root: &'static [&'static str],
    /// Kind, name and container of its workload.
    pub(super) workload: (&'static str, &'static str, &'static str),
    role: Role,
    /// The minors that have it.
    since: u64,
    until: u64,
}

impl Kind {
    pub(super) fn is_gateway(&self) -> bool {
        self.role == Role::Gateways
    }

    /// Whether it is one of `spec.addonComponents`.
    pub(super) fn is_addon(&self) -> bool {
        self.role == Role::Addon
    }

    fn is_in(&self, minor: u64) -> bool {
        (self.since..=self.until).contains(&minor)
    }

    const fn core(
        name: ComponentName,
        key: &'static str,
        chart: &'static str,
        root: &'static [&'static str],
    ) -> Self {
        Self {
            name: name.as_str(),
            key,
            chart,
            root,
            workload: ("", "", ""),
            role: Role::Core,
            since: 0,
            until: u64::MAX,
        }
    }

    const fn addon(
        key: &'static str,
        chart: &'static str,
        root: &'static [&'static str],
        (name, container): (&'static str, &'static str),
        until: u64,
    ) -> Self {
        Self {
            role: Role::Addon,
            until,
            ..Self::core(ComponentName::AddonComponents, key, chart, root).running(
                "Deployment",
                name,
                container,
            )
        }
    }

    const fn gone(key: &'static str, root: &'static [&'static str]) -> Self {
        Self {
            role: Role::Gone,
            until: 6,
            name: "",
            ..Self::core(ComponentName::AddonComponents, key, "", root)
        }
    }

    const fn gateways(self) -> Self {
        Self {
            role: Role::Gateways,
            ..self
        }
    }

    const fn running(
        self,
        kind: &'static str,
        name: &'static str,
        container: &'static str,
    ) -> Self {
        Self {
            workload: (kind, name, container),
            ..self
        }
    }

    const fn minors(self, since: u64, until: u64) -> Self {
        Self {
            since,
            until,
            ..self
        }
    }
}

/// In the order in which istioctl renders them.
///
/// Addons, Mixer's two and those that are gone: 1.7.8:operator/pkg/translate/translate.go and
/// 1.6.14:operator/pkg/vfs/assets.gen.go, `translateConfig-1.6.yaml`.
static KINDS: [Kind; 19] = [
    Kind::core(ComponentName::Base, "base", "base", &["global"]),
    Kind::core(
        ComponentName::Pilot,
        "pilot",
        "istio-control/istio-discovery",
        &["pilot"],
    )
    .running("Deployment", "istiod", "discovery"),
    Kind::core(
        ComponentName::Policy,
        "policy",
        "istio-policy",
        &["mixer", "policy"],
    )
    .running("Deployment", "istio-policy", "mixer")
    .minors(0, 7),
    Kind::core(
        ComponentName::Telemetry,
        "telemetry",
        "istio-telemetry/mixer-telemetry",
        &["mixer", "telemetry"],
    )
    .running("Deployment", "istio-telemetry", "mixer")
    .minors(0, 7),
    Kind::core(ComponentName::Cni, "cni", "istio-cni", &["cni"]).running(
        "DaemonSet",
        "istio-cni-node",
        "install-cni",
    ),
    Kind::core(
        ComponentName::IstiodRemote,
        "istiodRemote",
        "istiod-remote",
        &["global"],
    ),
    Kind::core(ComponentName::Ztunnel, "ztunnel", "ztunnel", &["ztunnel"])
        .running("DaemonSet", "ztunnel", "istio-proxy")
        .minors(18, u64::MAX),
    Kind::core(
        ComponentName::IngressGateways,
        "ingressGateways",
        "gateways/istio-ingress",
        &["gateways", "istio-ingressgateway"],
    )
    .running("Deployment", "istio-ingressgateway", "istio-proxy")
    .gateways(),
    Kind::core(
        ComponentName::EgressGateways,
        "egressGateways",
        "gateways/istio-egress",
        &["gateways", "istio-egressgateway"],
    )
    .running("Deployment", "istio-egressgateway", "istio-proxy")
    .gateways(),
    Kind::addon(
        "grafana",
        "istio-telemetry/grafana",
        &["grafana"],
        ("grafana", "grafana"),
        7,
    ),
    Kind::addon(
        "istiocoredns",
        "istiocoredns",
        &["istiocoredns"],
        ("istiocoredns", "coredns"),
        8,
    ),
    Kind::addon(
        "kiali",
        "istio-telemetry/kiali",
        &["kiali"],
        ("kiali", "kiali"),
        7,
    ),
    Kind::addon(
        "prometheus",
        "istio-telemetry/prometheus",
        &["prometheus"],
        ("prometheus", "prometheus"),
        7,
    ),
    Kind::addon(
        "prometheusOperator",
        "istio-telemetry/prometheusOperator",
        &["prometheus"],
        ("prometheus", "prometheus"),
        7,
    ),
    Kind::addon(
        "tracing",
        "istio-telemetry/tracing",
        &["tracing", "jaeger"],
        ("istio-tracing", "jaeger"),
        7,
    ),
    Kind::gone("galley", &["galley"]),
    Kind::gone("sidecarInjector", &["sidecarInjectorWebhook"]),
    Kind::gone("citadel", &["security"]),
    Kind::gone("nodeAgent", &["nodeagent"]),
];

/// The last minor that renders `spec.addonComponents`
/// (1.8.6:`operator/pkg/controlplane/control_plane.go`; from 1.9 on the field is read and nothing comes of it).
pub(super) const LAST_WITH_ADDONS: u64 = 8;

/// One component to render, or one gateway of it.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) kind: &'static Kind,
    /// A gateway's name; empty for other components.
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) spec: Map<String, Value>,
    /// Where its part of the `IstioOperator` stands.
    pub(super) path: String,
}

/// Components whose values charts of a minor see, but gateways.
pub(super) fn valued(minor: u64) -> impl DoubleEndedIterator<Item = &'static Kind> {
    KINDS
        .iter()
        .filter(move |it| !it.is_gateway() && it.is_in(minor))
}

/// Components of a minor whose settings of Kubernetes may stand in values as well.
pub(super) fn set_by_values(minor: u64) -> impl Iterator<Item = &'static Kind> {
    let skipped = ["base", "istiodRemote", "cni", "ztunnel"];
    valued(minor).filter(move |it| match it.role {
        Role::Core => !skipped.contains(&it.key),
        Role::Addon => it.key != "prometheusOperator",
        Role::Gateways | Role::Gone => false,
    })
}

/// Addons that a release carries charts of, by the keyword in them
/// (1.8.6:operator/pkg/helm/helm.go, `GetAddonNamesFromCharts`).
pub(super) fn bundled_addons(minor: u64) -> impl Iterator<Item = &'static str> {
    valued(minor).filter(|it| it.is_addon()).map(|it| it.key)
}

/// Returns what a spec turns on: `enabled` must be there and true.
///
/// An addon that the release has no chart for is refused, whether it is on or off: istioctl loads all charts first.
pub(super) fn instances(spec: &Value, minor: u64) -> Result<Vec<Instance>, Box<Diagnostic>> {
    let mut instances = Vec::new();
    for kind in KINDS.iter().filter(|it| it.is_in(minor)) {
        let path = format!("spec.components.{}", kind.key);
        match (kind.role, get(spec, &["components", kind.key])) {
            (Role::Gateways, Some(Value::Array(elements))) => {
                let elements = elements
                    .iter()
                    .enumerate()
                    .filter_map(|(index, it)| Some((index, it.as_object()?)));
                instances.extend(elements.map(|(index, it)| {
                    Instance {
                        kind,
                        name: it
                            .get("name")
                            .and_then(Value::as_str)
                            .unwrap_or_default()
                            .to_owned(),
                        namespace: namespace_of(it, spec),
                        spec: it.clone(),
                        path: format!("{path}.[{index}]"),
                    }
                }));
            }
            (Role::Core, Some(Value::Object(it))) => {
                instances.push(Instance {
                    kind,
                    name: String::new(),
                    namespace: namespace_of(it, spec),
                    spec: it.clone(),
                    path,
                });
            }
            _ => {}
        }
    }
    instances.extend(addons(spec, minor)?);
    instances.retain(|it| it.spec.get("enabled").and_then(Value::as_bool) == Some(true));
    Ok(instances)
}

/// Addons in the order of their names (1.8.6:`operator/pkg/controlplane/control_plane.go`, `orderedKeys`).
fn addons(spec: &Value, minor: u64) -> Result<Vec<Instance>, Box<Diagnostic>> {
    let given = spec.get("addonComponents").and_then(Value::as_object);
    let Some(given) = given.filter(|_| minor <= LAST_WITH_ADDONS) else {
        return Ok(Vec::new());
    };
    let mut sorted: Vec<(&String, &Value)> = given.iter().collect();
    sorted::sort_by_key(&mut sorted, |(name, _)| *name);
    let none = Map::new();
    let mut found = Vec::new();
    for (name, settings) in sorted {
        // `ComponentMap` looks for the name with a capital first letter.
        let is_called = |it: &&Kind| {
            let (own, given) = (it.key.split_at(1), name.split_at_checked(1));
            given.is_some_and(|(first, rest)| own.0.eq_ignore_ascii_case(first) && own.1 == rest)
        };
        let path = format!("spec.addonComponents.{name}");
        let Some(kind) = valued(minor).filter(|it| it.is_addon()).find(is_called) else {
            let message = format!("helm render: load chart: component {name} does not exist");
            let known = bundled_addons(minor).collect::<Vec<_>>().join(", ");
            let hint = format!("Istio 1.{minor} has charts for these addons: {known}");
            return Err(Box::new(
                Diagnostic::error("render-failed", message)
                    .at(path)
                    .hinted(hint),
            ));
        };
        let own = settings.as_object().unwrap_or(&none);
        found.push(Instance {
            kind,
            name: String::new(),
            namespace: namespace_of(own, spec),
            spec: own.clone(),
            path,
        });
    }
    Ok(found)
}

/// A component's own namespace, else the control plane's (1.23.6:operator/pkg/apis/istio/v1alpha1/common.go:27-46).
pub(super) fn namespace_of(component: &Map<String, Value>, spec: &Value) -> String {
    let own = component
        .get("namespace")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let namespaces = [
        own,
        get_str(spec, &["namespace"]),
        get_str(spec, &["values", "global", "istioNamespace"]),
    ];
    namespaces
        .into_iter()
        .find(|it| !it.is_empty())
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys(spec: &Value, minor: u64) -> Option<Vec<&'static str>> {
        let found = instances(spec, minor).ok()?;
        Some(found.iter().map(|it| it.kind.key).collect())
    }

    #[test]
    fn addons_and_mixer_are_rendered_where_the_release_has_them() {
        let on = json!({"enabled": true});
        let spec = json!({
            "components": {"telemetry": on, "policy": on, "pilot": on},
            "addonComponents": {"tracing": on, "grafana": on, "kiali": {"enabled": false}},
        });
        let expected = ["pilot", "policy", "telemetry", "grafana", "tracing"];
        assert_eq!(keys(&spec, 7).as_deref(), Some(&expected[..]));
        // Nothing comes of the field any more.
        assert_eq!(keys(&spec, 9).as_deref(), Some(&["pilot"][..]));
    }

    #[test]
    fn an_addon_without_a_chart_is_refused() {
        let spec = json!({"addonComponents": {"kiali": {"enabled": false}}});
        assert_eq!(keys(&spec, 8), None);
        let spec = json!({"addonComponents": {"istiocoredns": {"enabled": true}}});
        assert_eq!(keys(&spec, 8).as_deref(), Some(&["istiocoredns"][..]));
    }
}
