//! The search for the request: a candidate is rendered by the source and compared with the cluster, and what a change of
//! it explains is kept.

use istio_catalog::ComponentName;
use sorted::{SortedMap, SortedSet};

use istio_render::{OperatorFile, Options, Release, Renderer};
use serde_json::{Map, Value, json};

use super::components::{self, Installed, LISTS};
use super::guesses::{self, Guess};
use super::overlays::{Reach, overlays};
use super::residue::{self, Residue, is_different, is_owner_label};
use super::setting::{Installation, Setting};
use super::steps::steps;
use crate::defaults::tree;
use crate::desired::Desired;
use crate::diff::{Consent, DEFINITION, diff};
use crate::outcome::{Change, ChangeClass, FieldChange, Ref, Subject};

/// How often what is left over is explained again; a setting may bring another to light.
const ROUNDS: usize = 6;

/// How often settings that the release refuses are looked for; it does not name all of them at once.
const REFUSALS: usize = 12;

/// What candidates are compared with.
///
/// With `release` and `installed.snapshot` both without definitions it is ten times as fast; those come last.
pub(super) struct Search<'a> {
    pub(super) installed: Installed<'a>,
    pub(super) release: &'a Release,
    pub(super) renderer: Renderer<'a>,
    /// `GitVersion` of the server.
    pub(super) kubernetes: Option<String>,
    /// Definitions are compared too.
    pub(super) definitions: bool,
}

/// A request, and what the cluster holds otherwise.
pub(super) struct Candidate {
    pub(super) found: Installation,
    pub(super) residue: Residue,
}

impl Candidate {
    /// Objects that the request does not reproduce.
    fn different(&self) -> SortedSet<&Ref> {
        let changes = self.residue.changes.iter();
        changes
            .filter(|it| is_different(it))
            .map(|it| &it.object)
            .collect()
    }
}

impl Search<'_> {
    /// Returns the request that explains most, starting from what is on record.
    pub(super) fn run(&self, found: &Installation, recorded: bool) -> Option<Candidate> {
        let mut best = self.first(found)?;
        for round in 0..ROUNDS {
            let before = best.residue.score();
            if before.0 == 0 {
                break;
            }
            best = self.improved(best, |it| components::settings(self.installed, it));
            best = self.without_twins(best);
            best = self.improved(best, |it| residue::settings(self.installed, it));
            let mut guesses = guesses::guesses(self.installed, &best);
            if !recorded && round == 0 {
                guesses.extend(guesses::variants(self.installed, &best));
            }
            for guess in guesses {
                best = self.guessed(best, &guess);
            }
            if best.residue.score() >= before {
                break;
            }
        }
        best = self.valid(best);
        Some(self.overlaid(best))
    }

    /// Compares a request once more, with definitions.
    pub(super) fn complete(&self, found: Installation) -> Option<Candidate> {
        let best = self.candidate(found)?;
        let absent = best.residue.changes.iter();
        let absent: Vec<_> = absent
            .filter(|it| it.class == ChangeClass::Create && it.object.kind == DEFINITION)
            .map(|it| it.object.name.as_str())
            .collect();
        let excluded = (!absent.is_empty()).then(|| {
            let path = ["values", "base", "excludedCRDs"].map(str::to_owned);
            Setting::new(path.to_vec(), json!(absent), Subject::default())
        });
        let best = match excluded {
            Some(it) => self.better(best, vec![it]),
            None => best,
        };
        let changed = |it: &Change| it.class != ChangeClass::Create && it.object.kind == DEFINITION;
        if best
            .residue
            .changes
            .iter()
            .any(|it| is_different(it) && changed(it))
        {
            return Some(self.overlaid(best));
        }
        Some(best)
    }

    /// The profile, platform and compatibility version that explain most by themselves.
    pub(super) fn variant(&self, found: Installation) -> Option<Candidate> {
        let mut best = self.candidate(found)?;
        best = self.improved(best, |it| components::settings(self.installed, it));
        for guess in guesses::variants(self.installed, &best) {
            best = self.guessed(best, &guess);
        }
        Some(best)
    }

    /// The first candidate; what keeps the release from rendering it is left out.
    fn first(&self, found: &Installation) -> Option<Candidate> {
        if let Some(candidate) = self.candidate(found.clone()) {
            return Some(self.without_twins(candidate));
        }
        let mut kept = Installation {
            settings: Vec::new(),
            ..found.clone()
        };
        let mut best = self.candidate(kept.clone())?;
        for setting in &found.settings {
            kept.settings.push(setting.clone());
            match self.candidate(kept.clone()) {
                Some(it) => best = it,
                None => drop(kept.settings.pop()),
            }
        }
        Some(best)
    }

    /// Takes back variables of istiod that another setting gives already: the server would refuse both.
    fn without_twins(&self, candidate: Candidate) -> Candidate {
        let twins: SortedSet<String> = candidate
            .residue
            .rendered(ComponentName::Pilot)
            .filter_map(|it| {
                it.pointer("/spec/template/spec/containers/0/env")?
                    .as_array()
            })
            .flat_map(|list| {
                let names: Vec<_> = list.iter().filter_map(|it| it["name"].as_str()).collect();
                let twice = names
                    .iter()
                    .enumerate()
                    .filter(|(at, it)| names[..*at].contains(it));
                twice.map(|it| (*it.1).to_owned()).collect::<Vec<_>>()
            })
            .collect();
        let mut found = candidate.found.clone();
        found.settings.retain(|it| {
            !matches!(it.path.as_slice(), [values, pilot, env, name]
                if values == "values" && pilot == "pilot" && env == "env" && twins.contains(name))
        });
        if found.settings.len() == candidate.found.settings.len() {
            return candidate;
        }
        self.candidate(found).unwrap_or(candidate)
    }

    /// Renders a request and compares it; `None` where the release cannot.
    fn candidate(&self, found: Installation) -> Option<Candidate> {
        let rendering = self.renderer.render(&self.options(&found, true)).ok()?;
        let mut desired = Desired::new(self.release, &rendering);
        if !self.definitions {
            for component in &mut desired.components {
                component.objects.retain(|it| it["kind"] != DEFINITION);
            }
        }
        if !self.installed.is_by_istioctl() {
            // Only istioctl makes the webhooks of the default tag.
            desired.tag = None;
        }
        let outcome = diff(self.installed.snapshot, &desired, Consent::NONE, false);
        let mut changes: Vec<Change> = outcome.changes.into_iter().map(meaningful).collect();
        let exports_definitions = self.installed.snapshot.kinds.keys();
        let exports_definitions = exports_definitions
            .clone()
            .any(|it| it.ends_with("/CustomResourceDefinition"));
        changes.retain(|it| exports_definitions || it.object.kind != DEFINITION);
        changes.extend(self.extra(&changes));
        let residue = Residue { changes, rendering };
        Some(Candidate { found, residue })
    }

    /// Objects of the installation that are not rendered, by their components' labels alone.
    fn extra(&self, changes: &[Change]) -> Vec<Change> {
        let known: SortedSet<_> = changes
            .iter()
            .map(|it| (&it.object.kind, &it.object.namespace, &it.object.name))
            .collect();
        let components = components::SINGLE.iter().chain(&LISTS);
        let objects = components.flat_map(|it| {
            let objects = self.installed.objects(it.0);
            objects.map(|(object, _)| (it.0, object))
        });
        objects
            .filter(|(_, it)| !known.contains(&(&it.kind, &it.namespace, &it.name)))
            .filter(|(_, it)| is_applied(&it.kind))
            .map(|(component, object)| Change {
                object: object.clone(),
                component: component.into(),
                class: ChangeClass::Orphan,
                fields: Vec::new(),
                predicted: None,
            })
            .collect()
    }

    fn options(&self, found: &Installation, force: bool) -> Options {
        Options {
            files: vec![OperatorFile {
                name: "recovered".to_owned(),
                text: kube_yaml::to_string(&self.operator(found)),
            }],
            force,
            kubernetes: self.kubernetes.clone(),
            ..Options::default()
        }
    }

    /// Adds settings: all of them, or, where some of those do harm, those about single objects that do good.
    fn improved(&self, best: Candidate, settings: impl Fn(&Residue) -> Vec<Setting>) -> Candidate {
        let settings = settings(&best.residue);
        if settings.is_empty() {
            return best;
        }
        let all = self.candidate(self.with(&best.found, settings.clone()));
        if let Some(all) = all {
            let harmless = all.different().is_subset(&best.different());
            if harmless && all.residue.score() < best.residue.score() {
                return all;
            }
        }
        let mut groups: SortedMap<Option<Ref>, Vec<Setting>> = SortedMap::new();
        for setting in settings {
            let group = groups.entry(setting.evidence.object.clone()).or_default();
            group.push(setting);
        }
        let mut best = best;
        for group in groups.into_values() {
            best = self.better(best, group);
        }
        best
    }

    /// Adds settings if they explain more than without them.
    fn better(&self, best: Candidate, settings: Vec<Setting>) -> Candidate {
        match self.candidate(self.with(&best.found, settings)) {
            Some(it) if it.residue.score() < best.residue.score() => it,
            _ => best,
        }
    }

    fn guessed(&self, best: Candidate, guess: &Guess) -> Candidate {
        match guess {
            Guess::Settings(settings) => self.better(best, settings.clone()),
            Guess::Profile(profile) => {
                let found = Installation {
                    profile: profile.clone(),
                    ..best.found.clone()
                };
                match self.candidate(found) {
                    Some(it) if it.residue.score() < best.residue.score() => it,
                    _ => best,
                }
            }
        }
    }

    /// Moves what the release's validation refuses to where it is not validated.
    fn valid(&self, best: Candidate) -> Candidate {
        let mut found = best.found.clone();
        for _ in 0..REFUSALS {
            let Err(diagnostics) = self.renderer.render(&self.options(&found, false)) else {
                break;
            };
            let refused: Vec<_> = diagnostics
                .iter()
                .filter(|it| it.severity == istio_render::Severity::Error)
                .filter_map(|it| it.path.as_deref()?.strip_prefix("spec."))
                .collect();
            let is_refused = |it: &Setting| {
                let name = it.name();
                refused
                    .iter()
                    .any(|path| below(&name, path) || below(path, &name))
            };
            let before = found.settings.clone();
            found.settings = before
                .iter()
                .filter_map(|it| {
                    if is_refused(it) {
                        unvalidated(it)
                    } else {
                        Some(it.clone())
                    }
                })
                .collect();
            if found.settings == before {
                break;
            }
        }
        if found.settings == best.found.settings {
            return best;
        }
        match self.candidate(found) {
            Some(it) => it,
            None => best,
        }
    }

    /// Says what is left by overlays, each object's as narrow as it works.
    fn overlaid(&self, best: Candidate) -> Candidate {
        let mut reach: SortedMap<Ref, Reach> = SortedMap::new();
        let mut result: Option<Candidate> = None;
        for _ in 0..ROUNDS {
            let settings = overlays(self.installed, &best.residue, &reach);
            if settings.is_empty() {
                break;
            }
            let Some(overlaid) = self.candidate(self.with(&best.found, settings)) else {
                break;
            };
            let mut wider = false;
            for object in overlaid.different() {
                let now = reach.get(object).copied().unwrap_or_default();
                if let Some(larger) = now.larger() {
                    reach.insert(object.clone(), larger);
                    wider = true;
                }
            }
            let known = result.as_ref().unwrap_or(&best).residue.score();
            if overlaid.residue.score() < known {
                result = Some(overlaid);
            }
            if !wider {
                break;
            }
        }
        result.unwrap_or(best)
    }

    /// Adds settings, each in the place of what stands there.
    fn with(&self, found: &Installation, settings: Vec<Setting>) -> Installation {
        let mut found = found.clone();
        for setting in settings {
            add(&mut found.settings, setting);
        }
        for (component, list) in LISTS {
            let is_element = |it: &Setting| matches!(it.path.as_slice(), [components, of, ..] if components == "components" && of == list);
            if !found.settings.iter().any(is_element) {
                continue;
            }
            for setting in self.installed.listed(component, list) {
                if !found.settings.iter().any(|it| it.path == setting.path) {
                    found.settings.push(setting);
                }
            }
        }
        sorted::sort_by(&mut found.settings, |a, b| a.path.cmp(&b.path));
        found
    }

    /// Writes the settings as an `IstioOperator`.
    pub(super) fn operator(&self, found: &Installation) -> Value {
        operator(self.installed, found)
    }
}

/// Writes settings as an `IstioOperator`.
pub(super) fn operator(installed: Installed<'_>, found: &Installation) -> Value {
    let identity = installed.identity;
    let mut spec = Value::Object(Map::new());
    for setting in &found.settings {
        tree::set(&mut spec, &setting.keys(), setting.value.clone());
    }
    tree::set(&mut spec, &["profile"], json!(found.profile));
    if let Some(revision) = &identity.revision {
        tree::set(&mut spec, &["revision"], json!(revision));
    }
    if identity.namespace != "istio-system" {
        let keys = ["values", "global", "istioNamespace"];
        tree::set(&mut spec, &keys, json!(identity.namespace));
    }
    let mut metadata = json!({"namespace": identity.namespace});
    if let Some(name) = &identity.name {
        tree::set(&mut metadata, &["name"], json!(name));
    }
    json!({
        "apiVersion": "install.istio.io/v1alpha1",
        "kind": "IstioOperator",
        "metadata": metadata,
        "spec": listed(spec),
    })
}

/// Adds a setting in the place of what stands there; overlays come after those that are known.
fn add(settings: &mut Vec<Setting>, mut setting: Setting) {
    if setting.path.last().is_some_and(|it| it == "overlays") {
        let known = settings.iter().find(|it| it.path == setting.path);
        let known = known.and_then(|it| it.value.as_array().cloned());
        if let (Some(mut known), Some(new)) = (known, setting.value.as_array_mut()) {
            known.append(new);
            setting.value = known.into();
        }
    }
    settings.retain(|it| !it.path.starts_with(&setting.path));
    settings.push(setting);
}

/// The setting where it is not validated; `None` for what has no such place.
fn unvalidated(setting: &Setting) -> Option<Setting> {
    let (first, rest) = setting.path.split_first()?;
    let mut path = vec!["unvalidatedValues".to_owned()];
    match first.as_str() {
        "values" => path.extend_from_slice(rest),
        "meshConfig" => path.extend_from_slice(&setting.path),
        _ => return None,
    }
    Some(Setting {
        path,
        ..setting.clone()
    })
}

fn below(long: &str, short: &str) -> bool {
    long.strip_prefix(short)
        .is_some_and(|it| it.is_empty() || it.starts_with(['.', '[']))
}

/// Leaves out what no request can have to do with: labels that istioctl would add where something else applied the
/// objects, and a configuration that is written otherwise but says the same.
fn meaningful(mut change: Change) -> Change {
    let before = change.fields.len();
    change
        .fields
        .retain(|it| (it.from.is_some() || !is_owner_label(&steps(&it.path))) && !is_same_text(it));
    let applied = matches!(change.class, ChangeClass::Change | ChangeClass::TakeOver);
    if before > 0 && change.fields.is_empty() && applied {
        change.class = ChangeClass::Unchanged;
    }
    change
}

/// Whether both sides are texts of the same map.
fn is_same_text(field: &FieldChange) -> bool {
    let read = |it: &Option<Value>| -> Option<Value> {
        let text = it.as_ref()?.as_str().filter(|it| it.contains('\n'))?;
        kube_yaml::from_str(text).ok().filter(Value::is_object)
    };
    read(&field.from).is_some_and(|from| Some(from) == read(&field.to))
}

/// Kinds that charts render; others carry a component's labels because a controller copied them.
fn is_applied(kind: &str) -> bool {
    !matches!(
        kind,
        "Pod"
            | "ReplicaSet"
            | "Endpoints"
            | "EndpointSlice"
            | "ControllerRevision"
            | "IstioOperator"
            | "Secret"
    )
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
    let inside = key.strip_prefix("[name:").unwrap_or(key);
    let name = inside.rsplit_once(']').map_or(inside, |it| it.0);
    tree::set(&mut element, &["name"], json!(name));
    element
}
