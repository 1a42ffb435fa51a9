//! What the target's apply does to each object of the cluster.
//!
//! Objects are applied in memory in istioctl's order, each onto what the ones before left, by [`kube_apply::ownership`] and
//! [`kube_apply::defaulting`]. A [`Change`] tells what istioctl's own apply stores; what a plan sends differs from it only
//! where [`Write::manifest`] says so.

mod fields;
mod immutable;
mod leftover;
mod webhook;

use istio_catalog::{ComponentName, DEFAULT_REVISION, stated_revision};
use std::borrow::Cow;

use sorted::{SortedMap, SortedSet};

use serde_json::Value;

use crate::desired::Desired;
use crate::digest::{digest, relevant};
use crate::kubernetes::shown;
use crate::outcome::{Change, ChangeClass, FieldChange, Ref};
use crate::plan::{Expected, FIELD_MANAGER};
use crate::snapshot::Snapshot;
use kube_apply::defaulting::{self, Cluster};
use kube_apply::ownership::{self, Apply, Managers};
use kube_apply::schema::{Schemas, group_of};

pub(crate) use fields::UNKNOWN;
pub use leftover::Consent;

/// What the apply does, and what is to be sent for it.
#[derive(Debug, Clone, Default)]
pub struct DiffOutcome<'a> {
    /// What happens to each object, sorted by kind, namespace and name.
    pub changes: Vec<Change>,
    /// Objects that the API server would refuse, and why.
    pub refused: Vec<(Ref, String)>,
    /// Objects that cannot become what is rendered in place, and the fields that stand against it.
    pub immutable: Vec<(Ref, Vec<String>)>,
    /// Validators that istioctl's apply would open, and that a plan keeps closed.
    pub kept_closed: Vec<Ref>,
    /// Names that were given for deletion, and are not left over.
    pub unmatched: Vec<String>,
    /// What is sent, in istioctl's order.
    pub writes: Vec<Write<'a>>,
    /// The webhooks of the default tag, after all components; the last one deactivates the injector beside them.
    pub tag_writes: Vec<Write<'a>>,
    /// What the target does not render any more, and the user wants to be deleted.
    pub deletes: Vec<Leftover>,
    /// What it does not render any more, and stays.
    pub orphans: Vec<Leftover>,
}

/// One object that is to be written.
#[derive(Debug, Clone)]
pub struct Write<'a> {
    /// The object.
    pub object: Ref,
    /// The component that renders it.
    pub component: String,
    /// Tells components of the same name apart: the name of a gateway. Empty for the others.
    pub instance: String,
    /// What happens to it.
    pub class: ChangeClass,
    /// What is sent.
    pub manifest: Cow<'a, Value>,
    /// How it is sent.
    pub how: WriteHow,
    /// Fields that others own are taken over: the apply would be refused otherwise, or it is not known who owns what.
    pub force: bool,
    /// The live object that it relies on.
    pub expected: Expected,
}

/// How an object is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteHow {
    /// Server-side apply.
    Apply,
    /// A merge patch.
    Patch,
}

/// An object that no component renders any more.
#[derive(Debug, Clone)]
pub struct Leftover {
    /// The object.
    pub object: Ref,
    /// The component that rendered it.
    pub component: String,
    /// The live object that a deletion relies on.
    pub expected: Expected,
    /// It carries the very labels of this run, so istioctl would delete it unasked.
    pub by_istioctl: bool,
}

/// An object by what it is, whatever version it is written in: group, kind, namespace, name.
type Key = (String, String, String, String);

fn key(object: &Ref) -> Key {
    (
        group_of(&object.api_version).to_owned(),
        object.kind.clone(),
        object.namespace.clone().unwrap_or_default(),
        object.name.clone(),
    )
}

/// The kind of definitions.
pub(crate) const DEFINITION: &str = "CustomResourceDefinition";

/// Group and kind of an object.
fn kind(object: &Value) -> Option<(&str, &str)> {
    let version = object.get("apiVersion")?.as_str()?;
    Some((group_of(version), object.get("kind")?.as_str()?))
}

/// Group and kind of what a definition defines; nothing of other objects.
fn defined(object: &Value) -> Option<(&str, &str)> {
    if object.get("kind")? != DEFINITION {
        return None;
    }
    let spec = object.get("spec")?;
    let kind = spec.get("names")?.get("kind")?;
    Some((spec.get("group")?.as_str()?, kind.as_str()?))
}

/// Computes what applying `desired` does to the cluster.
///
/// `consent` tells what may be deleted.
/// `predicted` fills in [`Change::predicted`].
pub fn diff<'a>(
    snapshot: &'a Snapshot,
    desired: &'a Desired<'_>,
    consent: Consent<'_>,
    predicted: bool,
) -> DiffOutcome<'a> {
    let mut applying = Applying::new(snapshot, desired);
    for component in &desired.components {
        for object in &component.objects {
            applying.apply(&component.name, &component.instance, object);
        }
    }
    applying.tag(desired);
    applying.finish(desired, consent, predicted)
}

/// An object on its way through all that is applied to it.
struct Tracked<'a> {
    object: Ref,
    component: String,
    /// As exported.
    live: Option<Cow<'a, Value>>,
    /// As it is now, with `managedFields`.
    now: Value,
    /// The live object cannot become this one in place, for these fields.
    immutable: Vec<String>,
}

struct Applying<'a> {
    snapshot: &'a Snapshot,
    schemas: Schemas,
    cluster: Cluster,
    live: SortedMap<Key, (&'a Ref, &'a Value)>,
    tracked: SortedMap<Key, Tracked<'a>>,
    writes: Vec<Write<'a>>,
    tag_writes: Vec<Write<'a>>,
    refused: Vec<(Ref, String)>,
}

impl<'a> Applying<'a> {
    fn new(snapshot: &'a Snapshot, desired: &Desired<'_>) -> Self {
        let mut schemas = Schemas::builtin();
        let objects = || {
            snapshot
                .objects
                .iter()
                .map(|(object, it)| (object, &it.value))
        };
        let exported = objects()
            .filter(|it| it.0.kind == DEFINITION)
            .map(|it| it.1);
        let rendered = || desired.components.iter().flat_map(|it| &it.objects);
        // The schema of what is not applied is not asked for.
        let applied: SortedSet<_> = rendered().filter_map(kind).collect();
        let definitions = exported
            .chain(rendered())
            .filter(|it| defined(it).is_some_and(|it| applied.contains(&it)));
        for definition in definitions {
            schemas.add_crd(definition);
        }
        let services: Vec<&Value> = objects()
            .filter(|it| it.0.kind == "Service")
            .map(|it| it.1)
            .collect();
        Self {
            snapshot,
            schemas,
            cluster: Cluster::new(&services),
            live: objects()
                .map(|(object, value)| (key(object), (object, value)))
                .collect(),
            tracked: SortedMap::new(),
            writes: Vec::new(),
            tag_writes: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// Applies one object and notes what is to be sent for it.
    fn apply(&mut self, component: &str, instance: &str, manifest: &'a Value) {
        let write = self.write(component, instance, Cow::Borrowed(manifest));
        self.writes.extend(write);
    }

    fn write(
        &mut self,
        component: &str,
        instance: &str,
        manifest: Cow<'a, Value>,
    ) -> Option<Write<'a>> {
        let object = Ref::of(&manifest)?;
        let key = key(&object);
        let live = self
            .live
            .get(&key)
            .map(|it| in_version(it.1, &object.api_version));
        let before = self.tracked.get(&key);
        let now = before.map(|it| &it.now).or(live.as_deref());
        let mut immutable = before.map(|it| it.immutable.clone()).unwrap_or_default();
        let (after, takes) = match self.store(now, &manifest) {
            Ok(stored) => stored,
            Err(reason) => {
                self.refused.push((object, reason));
                return None;
            }
        };
        let after = match now {
            Some(now) if immutable.is_empty() => {
                immutable = immutable::changed(now, &after);
                // A new object knows nothing of the old one.
                let anew = || self.store(None, &manifest);
                if immutable.is_empty() {
                    after
                } else {
                    anew().map_or(after, |it| it.0)
                }
            }
            _ => after,
        };
        let write = Write {
            class: match (&live, immutable.is_empty()) {
                (None, _) => ChangeClass::Create,
                (Some(_), true) => ChangeClass::Change,
                (Some(_), false) => ChangeClass::Replace,
            },
            how: WriteHow::Apply,
            // Where nobody is known to own anything, it may be anybody's.
            force: now.is_some_and(|it| takes || !is_tracked(it)),
            expected: match (&live, before.is_some()) {
                (_, true) => written_before(),
                (Some(live), false) => expected(live, Some(&manifest)),
                (None, false) => Expected::default(),
            },
            manifest,
            object: object.clone(),
            component: component.to_owned(),
            instance: instance.to_owned(),
        };
        let component = component.to_owned();
        self.tracked.insert(
            key,
            Tracked {
                object,
                component,
                live,
                now: after,
                immutable,
            },
        );
        Some(write)
    }

    /// Returns the object as the server would store it, with its `managedFields`, and whether fields are taken over from
    /// other managers.
    fn store(&self, now: Option<&Value>, manifest: &Value) -> Result<(Value, bool), String> {
        let tracked = now.is_none_or(is_tracked) && self.snapshot.managed_fields;
        let apply = Apply {
            schemas: &self.schemas,
            live: now,
            config: manifest,
            manager: FIELD_MANAGER,
            force: true,
        };
        let applied = apply.predict().map_err(|it| it.to_string())?;
        let mut after = defaulting::complete(&self.schemas, &self.cluster, now, applied.object);
        if tracked {
            after["metadata"]["managedFields"] = applied.managers.to_managed_fields();
        }
        Ok((after, !applied.taken.is_empty()))
    }

    /// Makes the webhooks of the default tag, as istioctl does after everything else (domain §4.6).
    fn tag(&mut self, desired: &Desired<'_>) {
        if desired.tag.is_none() || !self.tag_is_needed(desired) {
            return;
        }
        let canonical = self.injector(&desired.revision);
        let Some(canonical) = canonical.map(|it| it.0) else {
            return;
        };
        let validator = self.current("ValidatingWebhookConfiguration", webhook::DEFAULT_VALIDATOR);
        let objects = desired.tag_webhooks(&canonical, validator.as_ref());
        if objects.is_empty() {
            return;
        }
        for mut object in objects {
            let live = Ref::of(&object).and_then(|it| self.live.get(&key(&it)));
            webhook::stays_unstamped(live.map(|it| it.1), &mut object);
            let write = self.write(ComponentName::Pilot.as_str(), "", Cow::Owned(object));
            self.tag_writes.extend(write);
        }
        self.deactivate();
    }

    fn tag_is_needed(&self, desired: &Desired<'_>) -> bool {
        let exists = self.webhooks().any(|it| {
            webhook::label(it, "app") == Some("sidecar-injector")
                && webhook::label(it, "istio.io/tag") == Some(DEFAULT_REVISION)
        });
        !exists || desired.revision.is_empty()
    }

    /// Makes the injector of the revision match nothing, since the tag's webhook does its work.
    fn deactivate(&mut self) {
        let Some((injector, key)) = self.injector("") else {
            return;
        };
        let quiet = webhook::deactivated(&injector);
        let Some(tracked) = self.tracked.get_mut(&key) else {
            return;
        };
        let mut now = quiet.clone();
        if is_tracked(&injector) {
            let managers = ownership::update(&self.schemas, &injector, &quiet, webhook::ISTIOCTL);
            now["metadata"]["managedFields"] = managers.to_managed_fields();
        }
        tracked.now = now;
        let write = self
            .writes
            .iter_mut()
            .find(|it| it.object == tracked.object);
        if let (Some(live), Some(write)) = (&tracked.live, write) {
            // Where it is quiet already it must not even wake up for a moment.
            if webhook::stays_quiet(live, write.manifest.to_mut()) {
                return;
            }
        }
        self.tag_writes.push(Write {
            object: tracked.object.clone(),
            component: tracked.component.clone(),
            instance: String::new(),
            class: ChangeClass::Change,
            manifest: Cow::Owned(webhook::quieting_patch(&quiet)),
            how: WriteHow::Patch,
            force: false,
            expected: written_before(),
        });
    }

    /// The one injector of a revision, if there is exactly one.
    fn injector(&self, revision: &str) -> Option<(Value, Key)> {
        let revision = stated_revision(revision);
        let mut found = self.webhooks().filter(|it| {
            webhook::label(it, "istio.io/rev") == Some(revision)
                && webhook::label(it, "istio.io/tag").is_none()
        });
        let only = found.next().filter(|_| found.next().is_none())?;
        Some((only.clone(), key(&Ref::of(only)?)))
    }

    /// All injectors as they are now.
    fn webhooks(&self) -> impl Iterator<Item = &Value> {
        let kind = "MutatingWebhookConfiguration";
        let tracked = self
            .tracked
            .values()
            .map(|it| &it.now)
            .filter(move |it| it["kind"] == kind);
        let others = self.live.iter().filter(move |it| it.0.1 == kind);
        tracked.chain(
            others
                .filter(|it| !self.tracked.contains_key(it.0))
                .map(|it| it.1.1),
        )
    }

    fn current(&self, kind: &str, name: &str) -> Option<Value> {
        let key = |it: &&Key| it.1 == kind && it.3 == name;
        let tracked = self
            .tracked
            .iter()
            .find(|it| key(&it.0))
            .map(|it| it.1.now.clone());
        let live = || {
            self.live
                .iter()
                .find(|it| key(&it.0))
                .map(|it| it.1.1.clone())
        };
        tracked.or_else(live)
    }

    fn finish(
        mut self,
        desired: &Desired<'_>,
        consent: Consent<'_>,
        predicted: bool,
    ) -> DiffOutcome<'a> {
        let rendered: SortedSet<Key> = self.tracked.keys().cloned().collect();
        let leftovers = leftover::find(self.snapshot, desired, consent, |it| {
            rendered.contains(&key(it))
        });
        let unmatched = consent.unmatched(&leftovers).into_iter();
        let unmatched = unmatched.map(str::to_owned).collect();
        let mut kept_closed = Vec::new();
        let immutable = self.tracked.values().filter(|it| !it.immutable.is_empty());
        let immutable = immutable
            .map(|it| (it.object.clone(), it.immutable.clone()))
            .collect();
        let tracked = std::mem::take(&mut self.tracked).into_values();
        let mut changes: Vec<Change> = tracked.map(|it| self.change(it, predicted)).collect();
        changes.extend(
            leftovers
                .deletes
                .iter()
                .map(|it| it.change(ChangeClass::Delete)),
        );
        changes.extend(
            leftovers
                .orphans
                .iter()
                .map(|it| it.change(ChangeClass::Orphan)),
        );
        sorted::sort_by(&mut changes, |a, b| order(&a.object).cmp(&order(&b.object)));
        let classes: SortedMap<Key, &Change> =
            changes.iter().map(|it| (key(&it.object), it)).collect();
        for write in self.writes.iter_mut().chain(&mut self.tag_writes) {
            let change = classes.get(&key(&write.object));
            write.class = change.map_or(write.class, |it| it.class);
            for field in change.iter().flat_map(|it| &it.fields) {
                let live = field.from.clone().filter(|_| write.how == WriteHow::Apply);
                write
                    .expected
                    .fields
                    .extend(live.map(|it| (field.path.clone(), it)));
            }
            let live = self.live.get(&key(&write.object)).map(|it| it.1);
            if webhook::keeps_closed(live, &mut write.manifest) {
                kept_closed.push(write.object.clone());
            }
        }
        DiffOutcome {
            changes,
            refused: self.refused,
            immutable,
            kept_closed,
            unmatched,
            writes: self.writes,
            tag_writes: self.tag_writes,
            deletes: leftovers.deletes,
            orphans: leftovers.orphans,
        }
    }

    fn change(&self, tracked: Tracked<'_>, predicted: bool) -> Change {
        let now = shown(tracked.now);
        let fields = tracked.live.as_deref().map_or_else(Vec::new, |live| {
            self.field_changes(&tracked.object, live, &now)
        });
        let class = match &tracked.live {
            None => ChangeClass::Create,
            Some(_) if !tracked.immutable.is_empty() => ChangeClass::Replace,
            Some(_) if fields.is_empty() => ChangeClass::Unchanged,
            Some(_)
                if fields
                    .iter()
                    .any(|it| it.owner.as_deref().is_some_and(|it| it != fields::UNKNOWN)) =>
            {
                ChangeClass::TakeOver
            }
            Some(_) => ChangeClass::Change,
        };
        Change {
            object: tracked.object,
            component: tracked.component,
            class,
            fields,
            predicted: predicted.then_some(now),
        }
    }

    fn field_changes(&self, object: &Ref, live: &Value, now: &Value) -> Vec<FieldChange> {
        let root = self.schemas.root(&object.api_version, &object.kind);
        // What a newer server would store of the same object is no change.
        let stored = defaulting::complete(&self.schemas, &self.cluster, Some(live), live.clone());
        let owners = is_tracked(live).then(|| Managers::new(live));
        fields::changes(&self.schemas, root, (&shown(stored), now), owners.as_ref())
    }
}

impl Leftover {
    fn change(&self, class: ChangeClass) -> Change {
        Change {
            object: self.object.clone(),
            component: self.component.clone(),
            class,
            fields: Vec::new(),
            predicted: None,
        }
    }
}

/// Whether an object shows who owns its fields. The API server tracks every object, so one without was exported without.
pub(crate) fn is_tracked(object: &Value) -> bool {
    let managers = object.pointer("/metadata/managedFields");
    managers
        .and_then(Value::as_array)
        .is_some_and(|it| !it.is_empty())
}

/// The order of output: kind, namespace, name.
fn order(object: &Ref) -> impl Ord + use<'_> {
    (
        &object.kind,
        &object.namespace,
        &object.name,
        &object.api_version,
    )
}

/// What a plan relies on of a live object.
fn expected(live: &Value, content: Option<&Value>) -> Expected {
    let version = live
        .pointer("/metadata/resourceVersion")
        .and_then(Value::as_str);
    Expected {
        exists: true,
        resource_version: version.map(str::to_owned),
        digest: Some(digest(live)),
        relevant: Some(relevant(live, content)),
        fields: SortedMap::new(),
    }
}

/// What the plan itself has written a moment ago has to be there, and that is all that can be told.
fn written_before() -> Expected {
    Expected {
        exists: true,
        ..Expected::default()
    }
}

fn in_version<'a>(object: &'a Value, api_version: &str) -> Cow<'a, Value> {
    if object["apiVersion"] == api_version {
        return Cow::Borrowed(object);
    }
    let mut object = object.clone();
    object["apiVersion"] = api_version.into();
    Cow::Owned(object)
}

#[cfg(test)]
mod tests;
