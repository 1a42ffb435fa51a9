//! Pods that the apply's rollouts and the restarts make.

use serde_json::{Value, json};
use sorted::SortedMap;

use crate::outcome::{Ref, RestartHow};
use crate::rules::Situation;
use crate::rules::writes::Written;

/// A pod that a workload makes.
pub(super) struct Made {
    /// The workload.
    pub(super) of: Ref,
    /// Whether istiod adds to it, so that it is only known in part.
    pub(super) injected: bool,
    pod: Ref,
    after: Value,
}

impl Made {
    /// The pod's creation, as admission sees it.
    pub(super) fn write(&self) -> Written<'_> {
        Written {
            object: &self.pod,
            after: &self.after,
            before: None,
        }
    }

    fn new(of: &Ref, metadata: &Value, spec: &Value, injected: bool) -> Self {
        let mut metadata = metadata.clone();
        metadata["namespace"] = json!(of.namespace);
        metadata["generateName"] = json!(format!("{}-", of.name));
        Self {
            of: of.clone(),
            injected,
            pod: Ref {
                api_version: "v1".to_owned(),
                kind: "Pod".to_owned(),
                namespace: of.namespace.clone(),
                name: String::new(),
            },
            after: json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}),
        }
    }
}

/// One pod of each workload that is rolled or restarted.
pub(super) fn pods(situation: &Situation, writes: &[Written]) -> Vec<Made> {
    let mut made = SortedMap::new();
    for restart in situation
        .restarts
        .iter()
        .filter(|it| it.how != RestartHow::None)
    {
        let of = &restart.object;
        let namespace = of.namespace.clone().unwrap_or_default();
        let key = (of.kind.clone(), namespace, of.name.clone());
        if let Some(workload) = situation.snapshot.workloads.get(&key) {
            let metadata = json!({"labels": workload.template_labels});
            made.insert(of.clone(), Made::new(of, &metadata, &json!({}), true));
        }
    }
    for write in writes {
        let template = write.after.pointer("/spec/template");
        let before = write.before.and_then(|it| it.pointer("/spec/template"));
        if let Some(template) = template
            && matches!(write.object.kind.as_str(), "Deployment" | "DaemonSet")
            && before != Some(template)
        {
            let (metadata, spec) = (&template["metadata"], &template["spec"]);
            let of = write.object;
            let pod = Made::new(of, metadata, spec, is_injected(template));
            made.insert(of.clone(), pod);
        }
    }
    made.into_values().collect()
}

/// Whether istiod puts the image in (gateways), or adds a sidecar.
fn is_injected(template: &Value) -> bool {
    let named = template.pointer("/metadata/annotations/inject.istio.io~1templates");
    let labelled = template.pointer("/metadata/labels/sidecar.istio.io~1inject");
    named.is_some() || labelled.is_some_and(|it| it == "true")
}
