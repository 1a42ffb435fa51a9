//! Puts objects into the snapshot, each once.

use istio_catalog::{ComponentName, Version};
use kube_yaml::NodeValue;
use sorted::{SortedMap, SortedSet};

use super::keep::{self, Shape};
use super::looks;
use super::model::{Conflict, EXPORT, Object, Origin, PassedOver, Refused, Snapshot};
use super::piece::{Fault, ListHead, Place, SMALL};
use super::source::{Source, TypeMeta};
use super::wire::{
    AnyObject, AuthorityObject, Items, ListObject, MissingObject, NodeObject, PodObject,
    SecretObject, VersionObject, WorkloadObject, without_v,
};
use crate::outcome::Ref;

/// The snapshot that grows, and what is known of it while reading.
#[derive(Debug, Default)]
pub(super) struct Collector {
    pub(super) snapshot: Snapshot,
    /// By group, kind, namespace and name.
    pub(super) seen: SortedMap<Ref, Seen>,
    /// Namespaces in which an istiod was seen.
    pub(super) control: SortedSet<String>,
    /// How many objects were read, and versions of the server.
    pub(super) taken: usize,
}

/// So many files that hold no objects are named.
const MOST_PASSED_OVER: usize = 1000;

/// An object that was read before.
#[derive(Debug)]
pub(super) struct Seen {
    api_version: String,
    resource_version: String,
    managed_fields: bool,
    pub(super) origin: Origin,
}

/// Where an object stood, and whether anything but objects may stand there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) file: &'a str,
    pub(super) list: Option<&'a ListHead>,
    /// Nobody named this file: what of it is no object is passed over.
    pub(super) lenient: bool,
}

impl Context<'_> {
    fn origin(&self, place: Place) -> Origin {
        Origin {
            file: self.file.to_owned(),
            line: place.line,
            column: place.column,
        }
    }
}

impl Collector {
    /// Takes one object, or a list that was not cut into its items.
    pub(super) fn take(&mut self, source: Source<'_>, context: Context<'_>) -> Result<(), Fault> {
        if let (Source::Yaml(node, place), None) = (source, context.list)
            && matches!(node.value, NodeValue::Sequence(_))
        {
            // A document that is a list itself.
            let list = ListHead::default();
            let context = Context {
                list: Some(&list),
                ..context
            };
            return node
                .items()
                .iter()
                .try_for_each(|it| self.take(Source::Yaml(it, place), context));
        }
        let mut meta = source.type_meta()?;
        if let Some(list) = context.list
            && meta.kind.is_empty()
        {
            list.kind
                .strip_suffix("List")
                .unwrap_or_default()
                .clone_into(&mut meta.kind);
            if meta.api_version.is_empty() {
                meta.api_version.clone_from(&list.api_version);
            }
        }
        if meta.kind.is_empty() {
            return self.without_kind(source, context);
        }
        if let (Source::Yaml(node, place), true) = (source, meta.kind.ends_with("List"))
            && let Some(items) = node.get("items")
        {
            if !matches!(items.value, NodeValue::Sequence(_) | NodeValue::Null) {
                let at = items.position;
                return Err(not_items(place.inside(at.line, at.column), &meta));
            }
            let list = ListHead {
                api_version: meta.api_version,
                kind: meta.kind,
            };
            let context = Context {
                list: Some(&list),
                ..context
            };
            return items
                .items()
                .iter()
                .try_for_each(|it| self.take(Source::Yaml(it, place), context));
        }
        if let (Source::Json(..), true) = (source, meta.kind.ends_with("List")) {
            let list: ListObject = source.read()?;
            if list.metadata.name.is_empty() {
                // An array would have been cut into its items.
                return match list.items {
                    Items::Null => Ok(()),
                    Items::Absent | Items::Other => Err(not_items(source.place(), &meta)),
                };
            }
        }
        if meta.api_version.is_empty() {
            return Err(Fault::new(
                source.place(),
                format!("expected `apiVersion` of this {}", meta.kind),
            ));
        }
        self.object(source, &meta, context)
    }

    /// Takes the text of `kubectl version`.
    pub(super) fn version(&mut self, text: &str, file: &str) {
        let Some(line) = text
            .lines()
            .find_map(|it| it.strip_prefix("Server Version:"))
        else {
            return;
        };
        // kubectl up to 1.27: `version.Info{…, GitVersion:"v1.24.1", …}`.
        let version = line.split_once("GitVersion:\"").map_or(line, |it| it.1);
        let version = version.split('"').next().unwrap_or_default().trim();
        if !version.is_empty() {
            let origin = Origin {
                file: file.to_owned(),
                line: 1,
                column: 1,
            };
            self.taken += 1;
            self.serves(version, origin);
        }
    }

    /// Notes a version of the server. Of several the oldest counts, whichever was read first: an export of two servers
    /// is said to be one, and the older one refuses more.
    pub(super) fn serves(&mut self, version: &str, origin: Origin) {
        if version.is_empty() {
            return;
        }
        let version = without_v(version);
        let versions = &mut self.snapshot.server_versions;
        versions.entry(version).or_insert(origin);
        let oldest = versions.keys().min_by_key(|it| {
            let numbers = Version::parse_tag(it).map(|it| it.numbers());
            (numbers.is_none(), numbers)
        });
        self.snapshot.server_version = oldest.cloned();
    }

    /// Notes a file that holds no objects.
    pub(super) fn pass_over(&mut self, file: &str, what: &str) {
        let passed_over = &mut self.snapshot.passed_over;
        if passed_over.len() < MOST_PASSED_OVER {
            passed_over.push(PassedOver {
                file: file.to_owned(),
                what: what.to_owned(),
            });
        }
    }

    fn without_kind(&mut self, source: Source<'_>, context: Context<'_>) -> Result<(), Fault> {
        if let Source::Yaml(node, _) = source
            && node.is_null()
        {
            return Ok(());
        }
        let version = match source.read::<VersionObject>() {
            Err(fault) if fault.incomplete => return Err(fault),
            read => read.unwrap_or_default(),
        };
        if let Some(server) = version.server_version {
            self.taken += 1;
            self.serves(&server.git_version, context.origin(source.place()));
            return Ok(());
        }
        if version.client_version.0 || context.lenient {
            return Ok(());
        }
        let keys = source.keys();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let found = match looks::without_kind(&keys) {
            Some(what) => format!(", found {what}"),
            None => String::new(),
        };
        Err(Fault::new(
            source.place(),
            format!("expected a Kubernetes object with `apiVersion` and `kind`{found}"),
        ))
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each shape")]
    fn object(
        &mut self,
        source: Source<'_>,
        meta: &TypeMeta,
        context: Context<'_>,
    ) -> Result<(), Fault> {
        if meta.kind.len() > SMALL || meta.api_version.len() > SMALL {
            return Err(too_long(source.place()));
        }
        if let Some(what) = looks::of_kind(&meta.api_version, &meta.kind) {
            if context.lenient {
                return Ok(());
            }
            let message = format!("expected an object of a cluster, found {what}");
            return Err(Fault::new(source.place(), message));
        }
        self.taken += 1;
        if meta.api_version == EXPORT {
            return self.refused(source, meta, context);
        }
        let group = meta
            .api_version
            .split_once('/')
            .map_or("", |it| it.0)
            .to_owned();
        let shape = keep::shape(&group, &meta.kind);
        let origin = context.origin(source.place());
        let count = format!("{}/{}", meta.api_version, meta.kind);
        match shape {
            // Its end has to be there, or it would be counted again.
            Shape::Counted => {
                source.length()?;
            }
            Shape::Pod => {
                let pod: PodObject = source.read()?;
                let head = head(meta, &pod.metadata.namespace, &pod.metadata.name, source)?;
                if !self.first(
                    &head,
                    &pod.metadata.resource_version,
                    pod.metadata.managed_fields.0,
                    &origin,
                ) {
                    return Ok(());
                }
                let pod = pod.into_pod(origin);
                if pod
                    .containers
                    .iter()
                    .any(|it| it.name == ComponentName::Pilot.container())
                {
                    self.control.insert(pod.namespace.clone());
                }
                self.snapshot
                    .pods
                    .insert((pod.namespace.clone(), pod.name.clone()), pod);
            }
            Shape::Node => {
                let node: NodeObject = source.read()?;
                let head = head(meta, "", &node.metadata.name, source)?;
                if !self.first(
                    &head,
                    &node.metadata.resource_version,
                    node.metadata.managed_fields.0,
                    &origin,
                ) {
                    return Ok(());
                }
                let node = node.into_node(origin);
                self.snapshot.nodes.insert(node.name.clone(), node);
            }
            Shape::Secret => {
                let secret: SecretObject = source.read()?;
                let head = head(
                    meta,
                    &secret.metadata.namespace,
                    &secret.metadata.name,
                    source,
                )?;
                if !self.first(
                    &head,
                    &secret.metadata.resource_version,
                    secret.metadata.managed_fields.0,
                    &origin,
                ) {
                    return Ok(());
                }
                let value = secret.into_value(meta);
                self.snapshot.objects.insert(head, Object { value, origin });
            }
            Shape::Workload => {
                if !self.workload(source, meta, origin)? {
                    return Ok(());
                }
            }
            Shape::Definition | Shape::Object => {
                let any: AnyObject = source.read()?;
                let metadata = any.metadata;
                let head = head(meta, &metadata.namespace, &metadata.name, source)?;
                if meta.kind == "Namespace"
                    && head.name == "kube-system"
                    && !metadata.uid.is_empty()
                {
                    let clusters = &mut self.snapshot.clusters;
                    clusters
                        .entry(metadata.uid.clone())
                        .or_insert_with(|| origin.clone());
                }
                let beside = self.is_control(&metadata.namespace);
                if !self.first(
                    &head,
                    &metadata.resource_version,
                    metadata.managed_fields.0,
                    &origin,
                ) {
                    return Ok(());
                }
                if (group.as_str(), meta.kind.as_str()) == ("", "ConfigMap")
                    && source.read::<AuthorityObject>().is_ok_and(|it| it.is_one())
                {
                    let place = (metadata.namespace.clone(), metadata.name.clone());
                    self.snapshot.authorities.insert(place);
                }
                if shape == Shape::Definition
                    || keep::is_whole(&group, &meta.kind, &metadata, beside)
                    || keep::may_hold_a_script(&group, &meta.kind, &metadata)
                        && keep::holds_a_script(&source.value()?)
                {
                    self.whole(&group, head, source, origin, meta)?;
                }
            }
        }
        *self.snapshot.kinds.entry(count).or_default() += 1;
        Ok(())
    }

    /// Takes what the export says of itself.
    fn refused(
        &mut self,
        source: Source<'_>,
        meta: &TypeMeta,
        context: Context<'_>,
    ) -> Result<(), Fault> {
        if meta.kind != "Missing" {
            let message = format!(
                "expected `Missing` in {EXPORT}, found {}: a newer refit wrote it",
                meta.kind
            );
            return Err(Fault::new(source.place(), message));
        }
        let missing: MissingObject = source.read()?;
        let refused = Refused {
            code: missing.code,
            reason: missing.reason,
            origin: context.origin(source.place()),
        };
        self.snapshot.refused.insert(missing.metadata.name, refused);
        Ok(())
    }

    /// Takes a workload; `false` when it was read before.
    fn workload(
        &mut self,
        source: Source<'_>,
        meta: &TypeMeta,
        origin: Origin,
    ) -> Result<bool, Fault> {
        let read: WorkloadObject = source.read()?;
        let head = head(meta, &read.metadata.namespace, &read.metadata.name, source)?;
        if !self.first(
            &head,
            &read.metadata.resource_version,
            read.metadata.managed_fields.0,
            &origin,
        ) {
            return Ok(false);
        }
        if meta.kind == "ReplicaSet" && read.is_spent() {
            return Ok(true);
        }
        let rendered = matches!(meta.kind.as_str(), "Deployment" | "DaemonSet");
        let group = meta
            .api_version
            .split_once('/')
            .map_or("", |it| it.0)
            .to_owned();
        let beside = self.is_control(&read.metadata.namespace);
        let whole = rendered && keep::is_whole(&group, &meta.kind, &read.metadata, beside);
        let workload = read.into_workload(meta.clone(), origin.clone());
        if keep::is_istiod(&workload) {
            self.control.insert(workload.namespace.clone());
        }
        if rendered && (whole || keep::is_mesh_workload(&workload)) {
            self.whole(&group, head, source, origin, meta)?;
        }
        let key = (
            workload.kind.clone(),
            workload.namespace.clone(),
            workload.name.clone(),
        );
        self.snapshot.workloads.insert(key, workload);
        Ok(true)
    }

    fn whole(
        &mut self,
        group: &str,
        head: Ref,
        source: Source<'_>,
        origin: Origin,
        meta: &TypeMeta,
    ) -> Result<(), Fault> {
        let mut value = source.value()?;
        keep::reduce(group, &meta.kind, &mut value);
        if let Some(object) = value.as_object_mut() {
            // Items of a list of one kind leave these out.
            object.insert("apiVersion".to_owned(), meta.api_version.clone().into());
            object.insert("kind".to_owned(), meta.kind.clone().into());
        }
        self.snapshot.objects.insert(head, Object { value, origin });
        Ok(())
    }

    fn is_control(&self, namespace: &str) -> bool {
        namespace.contains("istio") || self.control.contains(namespace)
    }

    /// Notes that an object was read; `false` when what was read before stays.
    fn first(
        &mut self,
        head: &Ref,
        resource_version: &str,
        managed_fields: bool,
        origin: &Origin,
    ) -> bool {
        self.snapshot.managed_fields |= managed_fields;
        let group = head.api_version.rsplit_once('/').map_or("", |it| it.0);
        let key = Ref {
            api_version: group.to_owned(),
            ..head.clone()
        };
        let now = Seen {
            api_version: head.api_version.clone(),
            resource_version: resource_version.to_owned(),
            managed_fields,
            origin: origin.clone(),
        };
        let Err((before, now)) = self.seen.try_insert(key, now) else {
            return true;
        };
        let old = Ref {
            api_version: before.api_version.clone(),
            ..head.clone()
        };
        let replaces = if before.resource_version == now.resource_version {
            now.managed_fields && !before.managed_fields
        } else {
            let conflicts = &mut self.snapshot.conflicts;
            match conflicts.iter_mut().find(|it| it.object == old) {
                Some(conflict) => conflict.origins.push(origin.clone()),
                None => conflicts.push(Conflict {
                    object: old.clone(),
                    origins: vec![before.origin.clone(), origin.clone()],
                }),
            }
            is_newer(&now.resource_version, &before.resource_version)
        };
        if replaces {
            *before = now;
            self.forget(&old);
        }
        replaces
    }

    /// Takes an older reading of an object out again.
    fn forget(&mut self, old: &Ref) {
        let namespace = old.namespace.clone().unwrap_or_default();
        let counted = format!("{}/{}", old.api_version, old.kind);
        if let Some(count) = self.snapshot.kinds.get_mut(&counted) {
            *count = count.saturating_sub(1);
        }
        self.snapshot.objects.remove(old);
        match old.kind.as_str() {
            "Pod" => {
                self.snapshot.pods.remove(&(namespace, old.name.clone()));
            }
            "Node" => {
                self.snapshot.nodes.remove(&old.name);
            }
            _ => {
                self.snapshot
                    .workloads
                    .remove(&(old.kind.clone(), namespace, old.name.clone()));
            }
        }
    }
}

/// The `items` of a list are missing, or are none.
fn not_items(place: Place, meta: &TypeMeta) -> Fault {
    Fault::new(
        place,
        format!("expected a sequence of `items` in this {}", meta.kind),
    )
}

/// A name is none.
fn too_long(place: Place) -> Fault {
    Fault::new(
        place,
        "the name of this object is longer than 1 MB, which none is",
    )
}

/// Returns the reference of an object, or says that it has no name.
fn head(meta: &TypeMeta, namespace: &str, name: &str, source: Source<'_>) -> Result<Ref, Fault> {
    if name.is_empty() {
        return Err(Fault::new(
            source.place(),
            format!("expected `metadata.name` of this {}", meta.kind),
        ));
    }
    if name.len() > SMALL || namespace.len() > SMALL {
        return Err(too_long(source.place()));
    }
    Ok(Ref {
        api_version: meta.api_version.clone(),
        kind: meta.kind.clone(),
        namespace: (!namespace.is_empty()).then(|| namespace.to_owned()),
        name: name.to_owned(),
    })
}

/// Compares resourceVersions, which are growing numbers (Kubernetes 1.35 and newer promise it, etcd always kept it).
fn is_newer(now: &str, before: &str) -> bool {
    match (now.parse::<u64>(), before.parse::<u64>()) {
        (Ok(now), Ok(before)) => now > before,
        _ => now.len() > before.len(),
    }
}
