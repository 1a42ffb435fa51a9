//! `operator-managed`: an in-cluster operator of 1.23 and older would set everything back (domain §7.1).

use super::Code;
use super::Explanation;
use super::Situation;
use crate::inventory::RunningOperator;
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The in-cluster operator of Istio 1.23 and older runs and has an IstioOperator resource to reconcile.",
    why: "It would set back whatever an apply changes.",
    settle: "Either upgrade the operator (up to 1.23), or scale its Deployment to zero and annotate its IstioOperator \
             resource with `install.istio.io/ignoreReconcile: \"true\"`, then plan again with that resource's spec.",
    source: "1.23.6:operator/pkg/controller/istiocontrolplane; removed in 1.24.0",
    link: Some("https://istio.io/latest/blog/2024/in-cluster-operator-deprecation-announcement/"),
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let operator = RunningOperator::new(situation.snapshot);
    if !operator.reconciles() {
        return Vec::new();
    }
    let finding = Finding::new(
        Code::OperatorManaged,
        Level::Block,
        "An in-cluster operator manages the installation",
        "Its controller runs and has an IstioOperator resource to reconcile: it applies that resource, whether or not the \
         objects carry its labels yet, and sets back what an apply changes. The controller was removed in 1.24",
    );
    vec![finding.about(operator.evidence).fix(
        "Scale the Deployment istio-operator to zero, annotate the IstioOperator resource with \
         install.istio.io/ignoreReconcile=true, and plan again with its spec as the request's file",
    )]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::check;
    use crate::rules::fixture::Cluster;
    use crate::snapshot::Container;

    fn resource(namespace: &str, annotations: &Value) -> Value {
        json!({"apiVersion": "install.istio.io/v1alpha1", "kind": "IstioOperator", "metadata": {
            "namespace": namespace, "name": "mesh", "uid": "1", "annotations": annotations}})
    }

    fn cluster(replicas: i64) -> Cluster {
        let mut cluster = Cluster::new();
        cluster.deployment("istio-operator", "istio-operator", replicas, &[]);
        let key = (
            "Deployment".to_owned(),
            "istio-operator".to_owned(),
            "istio-operator".to_owned(),
        );
        let operator = cluster.snapshot.workloads.get_mut(&key).unwrap();
        operator.template_containers = vec![Container {
            name: "istio-operator".to_owned(),
            ..Container::default()
        }];
        cluster
    }

    fn watching(namespaces: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"namespace": "istio-operator", "name": "istio-operator"},
            "spec": {"template": {"spec": {"containers": [{"name": "istio-operator", "env": [
                {"name": "WATCH_NAMESPACE", "value": namespaces}]}]}}}})
    }

    #[test]
    fn a_reconciling_operator_blocks_whatever_the_labels_say() {
        let mut cluster = cluster(1);
        cluster.object(resource("istio-system", &json!({})));
        assert_eq!(cluster.codes(check), ["operator-managed Block"]);
        cluster.object(watching("istio-system,other"));
        assert_eq!(cluster.codes(check), ["operator-managed Block"]);
        cluster.object(watching(""));
        assert_eq!(cluster.codes(check), ["operator-managed Block"]);
    }

    #[test]
    fn an_operator_with_nothing_to_do_does_not() {
        let mut idle = cluster(1);
        assert!(idle.check(check).is_empty());
        idle.object(resource(
            "istio-system",
            &json!({"install.istio.io/ignoreReconcile": "true"}),
        ));
        assert!(idle.check(check).is_empty());
        let mut scaled = cluster(0);
        scaled.object(resource("istio-system", &json!({})));
        assert!(scaled.check(check).is_empty());
        let mut elsewhere = cluster(1);
        elsewhere.object(resource("istio-system", &json!({})));
        elsewhere.object(watching("other"));
        assert!(elsewhere.check(check).is_empty());
    }

    #[test]
    fn a_resource_without_an_operator_does_not() {
        let mut cluster = Cluster::new();
        cluster.object(resource("istio-system", &json!({})));
        assert!(cluster.check(check).is_empty());
    }
}
