//! The request that reproduces an installation: `refit recover`.
//!
//! Settings that istioctl left on record come first. Then the source renders them, and what the cluster holds otherwise
//! is explained by settings of components where there are such, until nothing new is found.

use istio_catalog::Version;
use istio_render::{OperatorFile, Options, Release};
use serde_json::{Map, Value, json};

use super::residue::{self, Residue};
use super::{Installation, Setting, installation};
use crate::defaults::tree;
use crate::desired::Desired;
use crate::diff::{Consent, diff};
use crate::input::{Asked, Input};
use crate::outcome::{ControlPlane, FieldChange, Inventory, Ref, Subject};
use crate::precheck::{self, DEFAULT_REVISION, objects, text};
use crate::report::origin;
use crate::snapshot::Snapshot;
use crate::{inventory, planning, rendering};

/// How often what is left over is explained anew; a setting may bring another to light.
const ROUNDS: usize = 3;

/// The request that reproduces an installation, as far as the export tells.
#[derive(Debug, Clone)]
pub struct Recovery {
    /// A whole `IstioOperator`.
    pub operator: Value,
    /// Paths that it sets beyond the profile, each with where the value was read.
    pub evidence: Vec<(String, Subject)>,
    /// Objects that it does not reproduce.
    pub unexplained: Vec<Unexplained>,
    /// The source was rendered, so that `unexplained` holds all there is.
    pub compared: bool,
}

/// Fields of an object that a request does not explain: somebody else's, or none that an `IstioOperator` can say.
#[derive(Debug, Clone, PartialEq)]
pub struct Unexplained {
    /// The object.
    pub object: Ref,
    /// Its fields: `from` is live, `to` what the recovered request gives.
    pub fields: Vec<FieldChange>,
}

/// Recovers the request that reproduces the installation which `input.request` means.
///
/// With the source's release in `input.releases` the result is compared with the cluster. `None` where no control plane,
/// or not its version, is known.
pub fn recover(input: &Input) -> Option<Recovery> {
    let Input {
        request,
        snapshot,
        releases,
        ..
    } = input;
    let inventory = inventory::inventory(snapshot);
    let plane = precheck::meant(&inventory, &Asked::of(request)).one()?;
    let source = Version::parse_tag(&planning::source_version(request, snapshot)?)?;
    let mut found =
        installation(snapshot, &inventory, plane, &source, releases).unwrap_or_else(|| {
            Installation {
                profile: "default".to_owned(),
                settings: Vec::new(),
                evidence: Subject::default(),
            }
        });
    let release = rendering::find(releases, &source);
    let mut left = None;
    for _ in 0..ROUNDS {
        let operator = operator(&found, snapshot, plane);
        let Some(residue) = release.and_then(|it| compare(input, it, &operator, &inventory)) else {
            break;
        };
        let before = found.settings.len();
        for setting in residue::settings(snapshot, &inventory, &source, &residue) {
            found
                .settings
                .retain(|it| !it.path.starts_with(&setting.path));
            found.settings.push(setting);
        }
        left = Some(residue);
        if found.settings.len() == before {
            break;
        }
    }
    found.settings.sort_by(|a, b| a.path.cmp(&b.path));
    Some(Recovery {
        operator: operator(&found, snapshot, plane),
        evidence: found
            .settings
            .iter()
            .map(|it| (it.name(), it.evidence.clone()))
            .collect(),
        compared: left.is_some(),
        unexplained: left.map(Residue::unexplained).unwrap_or_default(),
    })
}

/// What the cluster holds otherwise than the source would store for a request.
fn compare(
    input: &Input,
    release: &Release,
    operator: &Value,
    inventory: &Inventory,
) -> Option<Residue> {
    let options = Options {
        files: vec![OperatorFile {
            name: "recovered".to_owned(),
            text: kube_yaml::to_string(operator),
        }],
        force: true,
        kubernetes: inventory
            .kubernetes
            .server
            .as_ref()
            .map(|it| format!("v{it}")),
        ..Options::default()
    };
    let rendering = istio_render::render(release, &options).ok()?;
    let desired = Desired::of(release, &rendering);
    let outcome = diff(&input.snapshot, &desired, Consent::NONE, false);
    Some(Residue {
        changes: outcome.changes,
        rendering,
    })
}

/// Writes the settings as an `IstioOperator`.
fn operator(found: &Installation, snapshot: &Snapshot, plane: &ControlPlane) -> Value {
    let mut spec = Value::Object(Map::new());
    for Setting { path, value, .. } in &found.settings {
        let keys: Vec<_> = path.iter().map(String::as_str).collect();
        tree::set(&mut spec, &keys, value.clone());
    }
    tree::set(&mut spec, &["profile"], json!(found.profile));
    if plane.revision != DEFAULT_REVISION {
        tree::set(&mut spec, &["revision"], json!(plane.revision));
    }
    if plane.namespace != "istio-system" {
        tree::set(
            &mut spec,
            &["values", "global", "istioNamespace"],
            json!(plane.namespace),
        );
    }
    let mut metadata = json!({"namespace": plane.namespace});
    if let Some(name) = name(snapshot, plane) {
        tree::set(&mut metadata, &["name"], json!(name));
    }
    json!({
        "apiVersion": "install.istio.io/v1alpha1",
        "kind": "IstioOperator",
        "metadata": metadata,
        "spec": listed(spec),
    })
}

/// The name that the request had: istioctl writes it on everything it applies (domain.md §2.5).
fn name<'a>(snapshot: &'a Snapshot, plane: &ControlPlane) -> Option<&'a str> {
    let (_, kept) = objects(snapshot, "apps", "Deployment").find(|(object, kept)| {
        object.namespace.as_deref() == Some(plane.namespace.as_str())
            && text(&kept.value, "/metadata/labels/operator.istio.io~1component") == Some("Pilot")
    })?;
    // Without a name there is `unknown`; 1.21 to 1.23 write `installed-state`.
    text(
        &kept.value,
        "/metadata/labels/install.operator.istio.io~1owning-resource",
    )
    .filter(|it| *it != "unknown" && !it.starts_with("installed-state"))
}

/// Takes back [`tree::named`]: maps by `[name:…]` become lists.
pub(super) fn listed(tree: Value) -> Value {
    match tree {
        Value::Object(map) if !map.is_empty() && map.keys().all(|it| it.starts_with("[name:")) => {
            map.into_iter()
                .map(|(key, element)| named_element(&key, listed(element)))
                .collect()
        }
        Value::Object(map) => map.into_iter().map(|(key, it)| (key, listed(it))).collect(),
        other => other,
    }
}

/// An element of a list, its name included.
fn named_element(key: &str, mut element: Value) -> Value {
    let name = key.trim_start_matches("[name:").trim_end_matches(']');
    tree::set(&mut element, &["name"], json!(name));
    element
}

impl Recovery {
    /// Returns the request as YAML; comments say where settings were read, and what is not reproduced.
    pub fn yaml(&self) -> String {
        let mut lines =
            vec!["# Reproduces the installation as far as the export tells.".to_owned()];
        if !self.compared {
            lines.push("# The source's release was not at hand, so the rest was not compared with what it renders.".to_owned());
        }
        let read = |(path, subject): &(String, Subject)| format!("# {path}: {}", origin(subject));
        lines.extend(self.evidence.iter().map(read));
        lines.push(kube_yaml::to_string(&self.operator).trim_end().to_owned());
        let missing: Vec<_> = self
            .unexplained
            .iter()
            .filter_map(|it| it.line(|it| it.owner.is_none()))
            .collect();
        let foreign: Vec<_> = self
            .unexplained
            .iter()
            .filter_map(|it| it.line(|it| it.owner.is_some()))
            .collect();
        for (title, unexplained) in [
            ("# Not reproduced:", missing),
            ("# Set by others than istioctl:", foreign),
        ] {
            if !unexplained.is_empty() {
                lines.push(title.to_owned());
                lines.extend(unexplained);
            }
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

impl Unexplained {
    /// A line that names the fields of one kind; `None` where there are none. An object without fields is meant whole.
    fn line(&self, of: impl Fn(&FieldChange) -> bool) -> Option<String> {
        let whole = FieldChange {
            path: "the whole object".to_owned(),
            from: None,
            to: None,
            owner: None,
        };
        let fields = if self.fields.is_empty() {
            std::slice::from_ref(&whole)
        } else {
            &self.fields
        };
        let paths: Vec<_> = fields
            .iter()
            .filter(|it| of(it))
            .map(|it| match &it.owner {
                Some(owner) => format!("{} ({owner})", it.path),
                None => it.path.clone(),
            })
            .collect();
        let object = origin(&Subject::of(self.object.clone()));
        (!paths.is_empty()).then(|| format!("#   {object}: {}", paths.join(", ")))
    }
}
