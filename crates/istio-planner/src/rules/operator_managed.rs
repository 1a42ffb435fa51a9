//! `operator-managed`: an in-cluster operator of 1.23 and older would set everything back (domain §7.1).

use super::Code;
use super::Explanation;
use super::Situation;
use crate::outcome::{Finding, InstallerKind, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The in-cluster operator of Istio 1.23 and older runs and has an IstioOperator resource to reconcile.",
    why: "It would set back whatever an apply changes.",
    settle: "Either upgrade the operator (up to 1.23), or scale its Deployment to zero and annotate its IstioOperator \
             resource with `install.istio.io/ignoreReconcile: \"true\"`, then plan anew with that resource's spec.",
    source: "1.23.6:operator/pkg/controller/istiocontrolplane; removed in 1.24.0",
    link: Some("https://istio.io/latest/blog/2024/in-cluster-operator-deprecation-announcement/"),
};

pub(crate) fn check(it: &Situation) -> Vec<Finding> {
    it.installers
        .iter()
        .filter(|it| it.kind == InstallerKind::Operator)
        .map(|installer| {
            Finding::new(
                Code::OperatorManaged,
                Level::Block,
                "An in-cluster operator manages the installation",
                "Its controller runs and has an IstioOperator resource to reconcile: it would set back what an apply changes. \
                 The controller was removed in 1.24",
            )
            .about(installer.evidence.iter().cloned())
            .fix(
                "Scale the Deployment istio-operator to zero, annotate the IstioOperator resource with \
                 install.istio.io/ignoreReconcile=true, and plan anew with its spec as the request's file",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::outcome::InstallerKind;
    use crate::rules::fixture::{Cluster, installer};

    #[test]
    fn a_reconciling_operator_blocks() {
        let mut cluster = Cluster::new();
        cluster.installers = vec![installer(InstallerKind::Operator, &["Base", "Pilot"])];
        assert_eq!(cluster.codes(check), ["operator-managed Block"]);
    }

    #[test]
    fn istioctl_is_no_operator() {
        assert!(Cluster::new().check(check).is_empty());
    }
}
