//! The root certificates that the namespaces trust.
//!
//! istiod writes its root into a ConfigMap of every namespace and into the `caBundle` of its webhooks
//! (1.31:pilot/pkg/serviceregistry/kube/controller/namespacecontroller.go; pkg/webhooks/webhookpatch.go). The export's
//! certificates are kept as fingerprints alone.

use sorted::{SortedMap, SortedSet};

use super::Situation;
use crate::fingerprint::ROOT_KEY;
use crate::outcome::{ControlPlane, Ref};
use crate::snapshot::Object;

/// The ConfigMap with the root certificates of a namespace.
pub(super) const ROOT: &str = "istio-ca-root-cert";

/// Fingerprints by namespace.
pub(super) struct Roots<'a>(
    pub(super) SortedMap<&'a str, (SortedSet<&'a str>, &'a Ref, &'a Object)>,
);

impl<'a> Roots<'a> {
    /// Reads them.
    pub(super) fn new(situation: &Situation<'a>) -> Self {
        let roots = situation
            .objects("", "ConfigMap")
            .filter(|(object, _)| object.name == ROOT)
            .filter_map(|(object, kept)| {
                let all = kept.value.pointer("/data")?.get(ROOT_KEY)?.as_str()?;
                let all: SortedSet<_> = all.split_whitespace().collect();
                let namespace = object.namespace.as_deref()?;
                (!all.is_empty()).then_some((namespace, (all, object, kept)))
            });
        Self(roots.collect())
    }

    /// The root of the control plane itself.
    pub(super) fn own(&self, plane: &ControlPlane) -> Option<SortedSet<&'a str>> {
        self.0.get(plane.namespace.as_str()).map(|it| it.0.clone())
    }
}
