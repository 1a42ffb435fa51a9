//! `export-incomplete`: kinds that the export lacks.

use super::Code;
use super::Explanation;
use super::export::{ALWAYS, command};
use super::{Situation, enumerate};
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Kinds that rules read were not exported, or the cluster has none of them.",
    why: "Each rule that needs them says nothing for certain.",
    settle: "Export them with the command that the finding shows.",
    source: "kubernetes.io, Kubernetes API Concepts (list); kubectl get",
    link: None,
};

pub(crate) fn check(it: &Situation) -> Vec<Finding> {
    let missing: Vec<_> = ALWAYS
        .into_iter()
        .filter(|kind| !it.exported(kind))
        .collect();
    // Without a control plane the webhooks and definitions of Istio are not there either.
    if missing.is_empty()
        || (it.inventory.control_planes.is_empty()
            && it.exported("Pod")
            && it.exported("Deployment"))
    {
        return Vec::new();
    }
    let finding = Finding::new(
        Code::ExportIncomplete,
        Level::Unknown,
        format!("The export holds no {}", enumerate(&missing)),
        "Every cluster with Istio has some, so they were not exported; rules that read them cannot say that all is well",
    );
    vec![finding.fix(command(it))]
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::rules::fixture::Cluster;

    #[test]
    fn a_full_export_is_accepted() {
        assert!(Cluster::new().check(check).is_empty());
    }

    #[test]
    fn a_kind_that_every_cluster_has_was_not_exported() {
        let mut cluster = Cluster::new();
        cluster
            .snapshot
            .kinds
            .remove("apiextensions.k8s.io/v1/CustomResourceDefinition");
        let findings = cluster.check(check);
        assert_eq!(findings[0].code, "export-incomplete");
        assert_eq!(
            findings[0].title,
            "The export holds no CustomResourceDefinition"
        );
        assert!(
            findings[0]
                .fix
                .as_deref()
                .unwrap()
                .contains("kubectl get customresourcedefinitions")
        );
    }
}
