//! Objects of the export by kind, and as subjects of findings.

use super::{Object, Origin, Snapshot};
use crate::kubernetes::group_of;
use crate::outcome::{Ref, Subject};

/// Returns the kept objects of a kind, of every version of the API group.
pub(crate) fn objects<'a>(
    snapshot: &'a Snapshot,
    group: &str,
    kind: &str,
) -> impl Iterator<Item = (&'a Ref, &'a Object)> {
    snapshot
        .objects
        .iter()
        .filter(move |(object, _)| object.kind == kind && group_of(&object.api_version) == group)
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
