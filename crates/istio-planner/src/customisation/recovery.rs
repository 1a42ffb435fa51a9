//! The request that reproduces an installation: `refit recover`.
//!
//! Settings that istioctl left on record come first. Then the source renders them, and what the cluster holds otherwise
//! is explained by settings of components where there are such, until nothing new is found; overlays say the rest.

use istio_catalog::Version;
use istio_render::Renderer;
use serde_json::Value;

use super::components::{Installed, component_of};
use super::identity::{self, Identity};
use super::part::{part, without_definitions};
use super::residue::Residue;
use super::search::{self, Search};
use super::tracked::tracked;
use super::{Installation, applied, installed_state, values};
use crate::diff::DEFINITION;
use crate::input::{Asked, Input, Request};
use crate::outcome::{ComponentVersion, ControlPlane, FieldChange, Inventory, Ref, Subject};
use crate::snapshot::Snapshot;
use crate::words::origin;
use crate::{input, inventory, rendering};

/// The request that reproduces an installation, as far as the export tells.
#[derive(Debug, Clone)]
pub struct Recovery {
    /// A whole `IstioOperator`.
    pub operator: Value,
    /// Paths that it sets beyond the profile, each with where the value was read.
    pub evidence: Vec<(String, Subject)>,
    /// Of those the paths that somebody other than istioctl set, each with who that was: an apply without them would
    /// revert the edit.
    pub edits: Vec<(String, String)>,
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
        request, releases, ..
    } = input;
    let snapshot = &input.snapshot;
    let mut inventory = inventory::inventory(snapshot);
    with_workloads(&mut inventory, snapshot);
    let inventory = inventory;
    let plane = input::meant(&inventory, &Asked::new(request)).one()?;
    let source = source(input, snapshot, plane)?;
    let part = part(snapshot, &inventory, plane);
    let snapshot = &tracked(snapshot, part);
    let identity = Identity::new(snapshot, plane);
    let installed = Installed {
        snapshot,
        plane,
        identity: &identity,
        source: &source,
    };
    let known = istio_catalog::Catalog::embedded().release(&source);
    let stamps = values::Stamps {
        version: &source,
        known: input.known(),
    };
    let record = known.and_then(|known| {
        installed_state::read(snapshot, plane, &source, known)
            .or_else(|| values::read(snapshot, &inventory, plane, known, stamps))
    });
    // What is rendered already answers no question of a search.
    let release = rendering::find(releases, &source).filter(|it| !it.is_rendered());
    let server = inventory.kubernetes.server.as_ref();
    let kubernetes = server.map(|it| format!("v{it}"));
    let best = release.and_then(|release| {
        let small = (release.without_definitions(), without_definitions(snapshot));
        let search = Search {
            installed: Installed {
                snapshot: &small.1,
                ..installed
            },
            release: &small.0,
            renderer: Renderer::new(&small.0),
            kubernetes,
            definitions: false,
        };
        let recorded = record.is_some();
        let found = record.clone().or_else(|| {
            let best = search.variant(applied::guess(&inventory, release)?)?;
            let variant = Some((&best.found, &best.residue.rendering));
            applied::read(snapshot, &inventory, plane, &small.0, variant, stamps)
                .or(Some(best.found))
        });
        let best = search.run(&found.unwrap_or_else(default), recorded)?;
        let exported = snapshot.objects.keys().any(|it| it.kind == DEFINITION);
        if !exported {
            return Some(best);
        }
        let search = Search {
            installed,
            release,
            renderer: Renderer::new(release),
            definitions: true,
            ..search
        };
        search.complete(best.found)
    });
    let (mut found, left) = match best {
        Some(best) => (best.found, Some(best.residue)),
        None => (record.unwrap_or_else(default), None),
    };
    sorted::sort_by(&mut found.settings, |a, b| a.path.cmp(&b.path));
    let settings = || found.settings.iter();
    Some(Recovery {
        operator: search::operator(installed, &found),
        evidence: settings()
            .map(|it| (it.name(), it.evidence.clone()))
            .collect(),
        edits: settings()
            .filter_map(|it| Some((it.name(), it.owner.clone()?)))
            .collect(),
        compared: left.is_some(),
        unexplained: left.map(Residue::unexplained).unwrap_or_default(),
    })
}

/// Where nothing is known of an installation.
fn default() -> Installation {
    Installation {
        profile: "default".to_owned(),
        settings: Vec::new(),
        evidence: Subject::default(),
    }
}

/// The version to render with: that of the charts, else the one that runs, the first of them that was found.
fn source(input: &Input, snapshot: &Snapshot, plane: &ControlPlane) -> Option<Version> {
    let runs = input::source_version(&input.request, snapshot);
    let versions = [
        identity::charts(snapshot, plane),
        runs.as_deref().and_then(Version::parse_tag),
        input.request.from.as_deref().and_then(Version::parse_tag),
    ];
    let known = || versions.iter().flatten();
    let is_found = |it: &&Version| rendering::find(&input.releases, it).is_some();
    known().find(is_found).or_else(|| known().next()).cloned()
}

/// Returns the version of the charts that the control plane was rendered from, which a request without a target means.
pub(crate) fn charts(request: &Request, snapshot: &Snapshot) -> Option<Version> {
    let inventory = inventory::inventory(snapshot);
    let plane = input::meant(&inventory, &Asked::new(request)).one()?;
    identity::charts(snapshot, plane)
}

/// Components whose pods were not exported run all the same: their workloads are there.
fn with_workloads(inventory: &mut Inventory, snapshot: &Snapshot) {
    for (object, kept) in &snapshot.objects {
        let component = component_of(&kept.value);
        let Some(component) =
            component.filter(|_| matches!(object.kind.as_str(), "Deployment" | "DaemonSet"))
        else {
            continue;
        };
        let namespace = object.namespace.clone().unwrap_or_default();
        let is_known = |it: &ComponentVersion| it.name == object.name && it.namespace == namespace;
        if !inventory.components.iter().any(is_known) {
            inventory.components.push(ComponentVersion {
                component: component.to_owned(),
                namespace,
                name: object.name.clone(),
                ..ComponentVersion::default()
            });
        }
    }
}

impl Recovery {
    /// Returns the request as YAML; comments say where settings were read, and what is not reproduced.
    pub fn yaml(&self) -> String {
        let mut lines =
            vec!["# Reproduces the installation as far as the export tells.".to_owned()];
        if !self.compared {
            lines.push("# The source's release was not found, so the rest was not compared with what it renders.".to_owned());
        }
        let edit = |path: &String| {
            let edit = self.edits.iter().find(|it| it.0 == *path);
            edit.map_or_else(String::new, |(_, owner)| {
                format!(", set by {owner}: without it an apply reverts that")
            })
        };
        let read = |(path, subject): &(String, Subject)| {
            format!("# {path}: {}{}", origin(subject), edit(path))
        };
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
        let object = origin(&Subject::new(self.object.clone()));
        (!paths.is_empty()).then(|| format!("#   {object}: {}", paths.join(", ")))
    }
}
