//! What istioctl applied, where it left no record of what it was asked for (1.21 to 1.25): the mesh configuration, the
//! injector's values and istiod's environment, against what the source renders by default.

use istio_catalog::{Catalog, ComponentName, Version};
use istio_render::{OperatorFile, Options, Release, Rendering};
use serde_json::{Map, Value, json};

use super::identity::{Identity, config_map, istiod};
use super::profile::by_components;
use super::setting::{Installation, Setting, beyond};
use super::values::Stamps;
use crate::inventory::{istiod_container, istiod_environment};
use crate::kubernetes::text;
use crate::outcome::{ControlPlane, Inventory, Subject};
use crate::snapshot::Snapshot;

/// Variables of istiod that a setting of its own gives.
const ENVIRONMENT: [(&str, &str); 1] = [("PILOT_TRACE_SAMPLING", "traceSampling")];

/// Reads the applied objects of a control plane. `variant` is what is known before, and what the source makes of it: a
/// profile, a platform and the like.
pub(super) fn read(
    snapshot: &Snapshot,
    inventory: &Inventory,
    plane: &ControlPlane,
    release: &Release,
    variant: Option<(&Installation, &Rendering)>,
    stamps: Stamps<'_>,
) -> Option<Installation> {
    let (object, kept) = config_map(snapshot, plane, "istio")?;
    let (variant, rendering) = if let Some((variant, rendering)) = variant {
        (variant.clone(), rendering.clone())
    } else {
        let variant = guess(inventory, release)?;
        let identity = Identity::new(snapshot, plane);
        let rendering = render(release, &variant.profile, &identity, inventory)?;
        (variant, rendering)
    };
    let rendered = Rendered {
        rendering: &rendering,
    };
    let mut settings = variant.settings.clone();
    let mut add = |root: &[&str], path: &[&str], value: &Value, evidence: &Subject| {
        settings.push(Setting::new(
            root.iter().chain(path).map(|it| (*it).to_owned()).collect(),
            value.clone(),
            evidence.clone(),
        ));
    };
    let evidence = Subject::kept(object, kept).field("data.mesh");
    if let Some(mesh) = yaml(text(&kept.value, "/data/mesh")) {
        let base = yaml(rendered.data("istio", "mesh"));
        beyond(&mesh, base.as_ref(), &mut Vec::new(), &mut |path, value| {
            add(&["meshConfig"], path, value, &evidence);
        });
    }
    if let Some((object, kept)) = config_map(snapshot, plane, "istio-sidecar-injector")
        && let Some(values) = yaml(text(&kept.value, "/data/values"))
    {
        let base = yaml(rendered.data("istio-sidecar-injector", "values"));
        let evidence = Subject::kept(object, kept).field("data.values");
        beyond(
            &values,
            base.as_ref(),
            &mut Vec::new(),
            &mut |path, value| {
                if path != ["revision"] && !stamps.has(path, value) {
                    add(&["values"], path, value, &evidence);
                }
            },
        );
    }
    if let Some((object, kept)) = istiod(snapshot, plane) {
        let base = rendered.environment();
        let evidence =
            Subject::kept(object, kept).field("spec.template.spec.containers[name=discovery].env");
        for (name, value) in environment(&kept.value).unwrap_or_default() {
            if base.get(&name) != Some(&value) {
                let setting = ENVIRONMENT.iter().find(|(it, _)| *it == name);
                match setting {
                    Some((_, setting)) => {
                        add(&["values", "pilot"], &[setting], &number(&value), &evidence);
                    }
                    None => add(
                        &["values", "pilot", "env"],
                        &[name.as_str()],
                        &value,
                        &evidence,
                    ),
                }
            }
        }
    }
    sorted::sort_by(&mut settings, |a, b| a.path.cmp(&b.path));
    settings.dedup_by(|a, b| a.path == b.path);
    Some(Installation {
        profile: variant.profile,
        settings,
        evidence,
    })
}

/// The profile whose components run, and nothing else.
pub(super) fn guess(inventory: &Inventory, release: &Release) -> Option<Installation> {
    let version = Version::parse_tag(&release.version().to_string())?;
    let known = Catalog::embedded().release(&version)?;
    Some(Installation {
        profile: by_components(known, inventory),
        settings: Vec::new(),
        evidence: Subject::default(),
    })
}

/// What the source makes of its profile alone.
fn render(
    release: &Release,
    profile: &str,
    identity: &Identity,
    inventory: &Inventory,
) -> Option<Rendering> {
    let namespace = &identity.namespace;
    let mut spec = json!({"profile": profile, "values": {"global": {"istioNamespace": namespace}}});
    if let Some(revision) = &identity.revision {
        spec["revision"] = json!(revision);
    }
    let operator =
        json!({"apiVersion": "install.istio.io/v1alpha1", "kind": "IstioOperator", "spec": spec});
    let options = Options {
        files: vec![OperatorFile {
            name: "profile".to_owned(),
            text: kube_yaml::to_string(&operator),
        }],
        kubernetes: inventory
            .kubernetes
            .server
            .as_ref()
            .map(|it| format!("v{it}")),
        ..Options::default()
    };
    istio_render::render(release, &options).ok()
}

/// A rendering, asked for single objects.
struct Rendered<'a> {
    rendering: &'a Rendering,
}

impl<'a> Rendered<'a> {
    fn objects(&self, kind: &'static str) -> impl Iterator<Item = &'a Value> {
        let components = self
            .rendering
            .components
            .iter()
            .filter(|it| it.name == ComponentName::Pilot);
        components
            .flat_map(|it| &it.objects)
            .filter(move |it| text(it, "/kind") == Some(kind))
    }

    /// A text of a ConfigMap, whatever the revision in its name.
    fn data(&self, name: &str, key: &str) -> Option<&'a str> {
        self.objects("ConfigMap")
            .filter(|it| text(it, "/metadata/name").is_some_and(|it| it.starts_with(name)))
            .find_map(|it| text(it, &format!("/data/{key}")))
    }

    fn environment(&self) -> Map<String, Value> {
        self.objects("Deployment")
            .find_map(environment)
            .unwrap_or_default()
    }
}

fn yaml(written: Option<&str>) -> Option<Value> {
    kube_yaml::from_str(written?).ok()
}

/// Variables of istiod with a value of their own.
fn environment(deployment: &Value) -> Option<Map<String, Value>> {
    istiod_container(deployment)?.get("env")?.as_array()?;
    let variables = istiod_environment(deployment);
    Some(
        variables
            .filter_map(|(name, it)| Some((name.to_owned(), it.get("value")?.clone())))
            .collect(),
    )
}

/// A number that is written as a text.
fn number(value: &Value) -> Value {
    value
        .as_str()
        .and_then(|it| serde_json::from_str(it).ok())
        .unwrap_or_else(|| value.clone())
}
