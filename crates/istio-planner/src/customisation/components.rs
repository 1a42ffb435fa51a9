//! Which components an installation has, and where, against what a request gives: switches, namespaces, lists of gateways.

use istio_catalog::{ComponentName, Minor, Version};
use serde_json::{Value, json};
use sorted::SortedSet;

use super::identity::Identity;
use super::residue::Residue;
use super::setting::Setting;
use crate::kubernetes::text;
use crate::outcome::{ControlPlane, Ref, Subject};
use crate::snapshot::{Object, Snapshot};

/// Components that there is one of, and where they stand in `spec.components`.
pub(super) const SINGLE: [(ComponentName, &str); 4] = [
    (ComponentName::Base, "base"),
    (ComponentName::Pilot, "pilot"),
    (ComponentName::Cni, "cni"),
    (ComponentName::Ztunnel, "ztunnel"),
];

/// Lists of gateways.
pub(super) const LISTS: [(ComponentName, &str); 2] = [
    (ComponentName::IngressGateways, "ingressGateways"),
    (ComponentName::EgressGateways, "egressGateways"),
];

/// An installation, and the objects that are its own.
#[derive(Clone, Copy)]
pub(super) struct Installed<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) plane: &'a ControlPlane,
    pub(super) identity: &'a Identity,
    pub(super) source: &'a Version,
}

impl<'a> Installed<'a> {
    /// Objects of a component, as their labels say.
    pub(super) fn objects(
        self,
        component: ComponentName,
    ) -> impl Iterator<Item = (&'a Ref, &'a Object)> + use<'a> {
        self.snapshot.objects.iter().filter(move |(_, kept)| {
            let labels = kept.value.pointer("/metadata/labels");
            let label = |key: &str| labels.and_then(|it| it.get(key)?.as_str());
            let is = |key: &str, wanted: &str| label(key).is_none_or(|it| it == wanted);
            let version = label("operator.istio.io/version").and_then(Version::parse_tag);
            component_of(&kept.value).is_some_and(|it| it == component)
                && is("istio.io/rev", &self.plane.revision)
                && is(
                    "install.operator.istio.io/owning-resource-namespace",
                    &self.identity.namespace,
                )
                && version.is_none_or(|it| it == *self.source)
        })
    }

    /// Whether istioctl applied it, rather than something that applies what istioctl renders.
    pub(super) fn is_by_istioctl(self) -> bool {
        super::identity::istiod(self.snapshot, self.plane).is_none_or(|(_, kept)| {
            text(&kept.value, "/metadata/labels/operator.istio.io~1managed").is_some()
        })
    }

    /// Gateways of a list: their Deployments.
    pub(super) fn gateways(
        self,
        component: ComponentName,
    ) -> impl Iterator<Item = (&'a Ref, &'a Object)> + use<'a> {
        self.objects(component)
            .filter(|(object, _)| object.kind == "Deployment")
    }

    /// Whether some object of a kind and name is there, in the namespace or, without one, in any.
    fn has(self, object: &Ref) -> bool {
        self.snapshot.objects.keys().any(|it| {
            it.kind == object.kind && it.name == object.name && it.namespace == object.namespace
        })
    }

    /// The path of a gateway in its list. Names are told apart by the namespace where several are the same.
    pub(super) fn element(
        self,
        list: &str,
        component: ComponentName,
        gateway: &Ref,
    ) -> Vec<String> {
        let mut same = self
            .gateways(component)
            .filter(|(it, _)| it.name == gateway.name);
        let others = same.any(|(it, _)| it.namespace != gateway.namespace);
        let mut key = format!("[name:{}]", gateway.name);
        if let Some(namespace) = gateway.namespace.as_ref().filter(|_| others) {
            key.push_str(namespace);
        }
        vec!["components".to_owned(), list.to_owned(), key]
    }

    /// Says of every gateway of a list that it is on: a list in a request replaces the profile's.
    pub(super) fn listed(self, component: ComponentName, list: &str) -> Vec<Setting> {
        let mut settings = Vec::new();
        for (object, kept) in self.gateways(component) {
            let path = self.element(list, component, object);
            let evidence = Subject::kept(object, kept);
            let mut add = |field: &str, value: Value| {
                let mut path = path.clone();
                path.push(field.to_owned());
                settings.push(Setting::new(path, value, evidence.clone()));
            };
            add("enabled", json!(true));
            if let Some(namespace) = object
                .namespace
                .as_ref()
                .filter(|it| **it != self.identity.namespace)
            {
                add("namespace", json!(namespace));
            }
        }
        settings
    }
}

/// The component that an object says it is a part of; ztunnel's chart leaves that to istioctl.
pub(super) fn component_of(object: &Value) -> Option<&str> {
    let labels = object.pointer("/metadata/labels")?;
    let label = |key: &str| labels.get(key).and_then(Value::as_str);
    let is_ztunnel = label("app.kubernetes.io/name") == Some("ztunnel")
        && label("app.kubernetes.io/part-of") == Some("istio");
    label("operator.istio.io/component").or(is_ztunnel.then_some(ComponentName::Ztunnel.as_str()))
}

/// Returns settings that turn on what is installed, turn off what is not, and put it where it is.
pub(super) fn settings(installed: Installed<'_>, residue: &Residue) -> Vec<Setting> {
    let mut settings = Vec::new();
    for (component, key) in SINGLE {
        settings.extend(single(installed, residue, component, key));
    }
    for (component, list) in LISTS {
        settings.extend(gateways(installed, residue, component, list));
    }
    settings
}

fn single(
    installed: Installed<'_>,
    residue: &Residue,
    component: ComponentName,
    key: &str,
) -> Vec<Setting> {
    let rendered: Vec<Ref> = residue.rendered(component).filter_map(Ref::of).collect();
    let live: Vec<_> = installed
        .objects(component)
        .filter(|it| it.0.kind != "CustomResourceDefinition")
        .collect();
    let setting = |field: &str, value: Value, evidence: Subject| {
        let path = ["components", key, field].map(str::to_owned).to_vec();
        Setting::new(path, value, evidence)
    };
    let workload = live
        .iter()
        .find(|it| matches!(it.0.kind.as_str(), "Deployment" | "DaemonSet"));
    let first = workload.or(live.first());
    let evidence = first
        .map(|(object, kept)| Subject::kept(object, kept))
        .unwrap_or_default();
    let mut settings = Vec::new();
    let needs_workload = component != ComponentName::Base;
    if rendered.is_empty() && !live.is_empty() && (workload.is_some() || !needs_workload) {
        settings.push(setting("enabled", json!(true), evidence.clone()));
        let namespaces = first.and_then(|it| it.0.namespace.as_ref());
        if let Some(namespace) = namespaces.filter(|it| **it != installed.identity.namespace) {
            settings.push(setting("namespace", json!(namespace), evidence));
        }
        return settings;
    }
    if live.is_empty() && !rendered.is_empty() && !rendered.iter().any(|it| installed.has(it)) {
        let absent = rendered.iter().find(|it| it.kind == "DaemonSet");
        let evidence = absent
            .map(|it| Subject::new(it.clone()))
            .unwrap_or_default();
        return vec![setting("enabled", json!(false), evidence)];
    }
    // What is rendered in one namespace and lives in another.
    let elsewhere: SortedSet<&String> = rendered
        .iter()
        .filter(|it| it.namespace.is_some() && !installed.has(it))
        .filter_map(|missing| {
            let same =
                |it: &&(&Ref, &Object)| it.0.kind == missing.kind && it.0.name == missing.name;
            live.iter().find(same)?.0.namespace.as_ref()
        })
        .collect();
    let of_workload = workload.and_then(|it| it.0.namespace.as_ref());
    let namespace = of_workload
        .filter(|it| elsewhere.contains(it))
        .or(elsewhere.first().copied());
    settings.extend(namespace.map(|it| setting("namespace", json!(it), evidence)));
    settings
}

fn gateways(
    installed: Installed<'_>,
    residue: &Residue,
    component: ComponentName,
    list: &str,
) -> Vec<Setting> {
    let rendered: SortedSet<_> = residue
        .rendered(component)
        .filter(|it| text(it, "/kind") == Some("Deployment"))
        .filter_map(Ref::of)
        .map(|it| (it.namespace, it.name))
        .collect();
    let running: SortedSet<_> = installed
        .gateways(component)
        .map(|(it, _)| (it.namespace.clone(), it.name.clone()))
        .collect();
    if rendered == running {
        return Vec::new();
    }
    let mut settings = installed.listed(component, list);
    // Lists were merged by name before 1.24.
    let merged = Minor::from(installed.source) < Minor::new(1, 24);
    for (_, name) in rendered.difference(&running) {
        if (merged || running.is_empty()) && !running.iter().any(|it| it.1 == *name) {
            let path = ["components", list, &format!("[name:{name}]"), "enabled"];
            let path = path.map(str::to_owned).to_vec();
            settings.push(Setting::new(path, json!(false), Subject::default()));
        }
    }
    settings
}
