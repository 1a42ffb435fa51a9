//! Objects of the export by kind, and as subjects of findings.

use super::{Object, Origin, Pod, Snapshot};
use crate::kubernetes::group_of;
use crate::outcome::{Ref, Subject};

/// Returns the kept objects of a kind, of every version of the API group.
pub(crate) fn objects<'a>(
    snapshot: &'a Snapshot,
    group: &str,
    kind: &str,
) -> impl Iterator<Item = (&'a Ref, &'a Object)> {
    api_versions(snapshot)
        .filter(move |it| group_of(it) == group)
        .flat_map(move |it| of_version(snapshot, it, kind))
}

/// Returns the kept objects of a kind, of whatever group.
pub(crate) fn of_kind<'a>(
    snapshot: &'a Snapshot,
    kind: &str,
) -> impl Iterator<Item = (&'a Ref, &'a Object)> {
    api_versions(snapshot).flat_map(move |it| of_version(snapshot, it, kind))
}

/// Returns the kept objects of a kind in one namespace, of whatever group; `None`: those of the whole cluster.
pub(crate) fn in_namespace<'a>(
    snapshot: &'a Snapshot,
    kind: &str,
    namespace: Option<&str>,
) -> impl Iterator<Item = (&'a Ref, &'a Object)> {
    api_versions(snapshot).flat_map(move |version| {
        let first = reference(version, kind, namespace, "");
        let all = snapshot.objects.range(first..);
        all.take_while(move |(it, _)| {
            it.api_version == version && it.kind == kind && it.namespace.as_deref() == namespace
        })
    })
}

/// Returns a kept object of a kind by its name; of several, that of the first API version.
pub(crate) fn named<'a>(
    snapshot: &'a Snapshot,
    group: &str,
    kind: &str,
    namespace: Option<&str>,
    name: &str,
) -> Option<(&'a Ref, &'a Object)> {
    let mut versions = api_versions(snapshot).filter(|it| group_of(it) == group);
    versions.find_map(|version| {
        let object = reference(version, kind, namespace, name);
        snapshot.objects.get_key_value(&object)
    })
}

/// Returns the pods of a namespace.
pub(crate) fn pods_in<'a>(
    snapshot: &'a Snapshot,
    namespace: &str,
) -> impl Iterator<Item = &'a Pod> {
    let pods = snapshot.pods.range((namespace.to_owned(), String::new())..);
    pods.map(|it| it.1)
        .take_while(move |it| it.namespace == namespace)
}

/// The API versions of the kept objects. Objects are sorted by them, so that each costs one look-up.
fn api_versions(snapshot: &Snapshot) -> impl Iterator<Item = &str> {
    let mut next = snapshot.objects.keys().next();
    std::iter::from_fn(move || {
        let version = next?.api_version.as_str();
        // The least text that is greater.
        let after = reference(&format!("{version}\0"), "", None, "");
        next = snapshot.objects.range(after..).next().map(|it| it.0);
        Some(version)
    })
}

fn of_version<'a>(
    snapshot: &'a Snapshot,
    version: &'a str,
    kind: &str,
) -> impl Iterator<Item = (&'a Ref, &'a Object)> {
    let all = snapshot.objects.range(reference(version, kind, None, "")..);
    all.take_while(move |(it, _)| it.api_version == version && it.kind == kind)
}

fn reference(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> Ref {
    Ref {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    }
}

impl Subject {
    /// Names an object that the export holds, and where.
    pub(crate) fn exported(object: Ref, origin: &Origin) -> Self {
        let file = (!origin.file.is_empty()).then(|| origin.file.clone());
        Self {
            object: Some(object),
            file,
            ..Self::default()
        }
        .at_line(origin.line, origin.column)
    }

    /// Names an object kept whole, and where it stood.
    pub(crate) fn kept(object: &Ref, kept: &Object) -> Self {
        Self::exported(object.clone(), &kept.origin)
    }
}
