//! Objects that make pods, as they stand in an export.

use serde::Deserialize;
use serde_json::Value;

use super::super::model::{Origin, Workload};
use super::super::source::TypeMeta;
use super::{All, Metadata, Status, TemplateSpec, Texts, or_default};

/// An object that makes pods.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::snapshot) struct WorkloadObject {
    #[serde(deserialize_with = "or_default")]
    pub(in crate::snapshot) metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    spec: WorkloadSpec,
    #[serde(deserialize_with = "or_default")]
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WorkloadSpec {
    replicas: Option<i64>,
    #[serde(deserialize_with = "or_default")]
    paused: bool,
    #[serde(deserialize_with = "or_default")]
    suspend: bool,
    #[serde(deserialize_with = "or_default")]
    selector: Selector,
    #[serde(deserialize_with = "or_default")]
    template: Template,
    job_template: Option<Box<JobTemplate>>,
    #[serde(deserialize_with = "or_default")]
    strategy: Strategy,
    update_strategy: Option<Strategy>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Selector {
    match_labels: Texts<All>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Template {
    #[serde(deserialize_with = "or_default")]
    metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    spec: TemplateSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct JobTemplate {
    #[serde(deserialize_with = "or_default")]
    spec: JobSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct JobSpec {
    #[serde(deserialize_with = "or_default")]
    template: Template,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Strategy {
    #[serde(rename = "type")]
    kind: Option<String>,
    rolling_update: Option<RollingUpdate>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RollingUpdate {
    #[serde(deserialize_with = "or_default")]
    partition: i64,
    max_surge: Option<Value>,
    max_unavailable: Option<Value>,
}

impl WorkloadObject {
    /// A ReplicaSet of an older template, which has no pods left.
    pub(in crate::snapshot) fn is_spent(&self) -> bool {
        self.spec.replicas == Some(0) && self.status.replicas.unwrap_or(0) == 0
    }

    /// Returns the record that is kept.
    pub(in crate::snapshot) fn into_workload(self, meta: TypeMeta, origin: Origin) -> Workload {
        let owner = self.metadata.controller();
        let meta_kind = meta.kind.clone();
        let finished = self.status.is("Complete") || self.status.is("Failed");
        let spec = self.spec;
        let template = spec
            .job_template
            .map_or(spec.template, |it| it.spec.template);
        let strategy = spec.update_strategy.unwrap_or(spec.strategy);
        // A ReplicaSet's template is that of its owner.
        let mut template = if meta.kind == "ReplicaSet" && owner.is_some() {
            Template::default()
        } else {
            template
        };
        let rolling = strategy.rolling_update.unwrap_or_default();
        Workload {
            api_version: meta.api_version,
            kind: meta.kind,
            namespace: self.metadata.namespace,
            name: self.metadata.name,
            labels: self.metadata.labels.0,
            annotations: self.metadata.annotations.0,
            owner,
            replicas: spec.replicas.unwrap_or(1),
            selector: spec.selector.match_labels.0,
            template_labels: template.metadata.labels.0,
            template_annotations: template.metadata.annotations.0,
            template_host_network: template.spec.host_network,
            runs_istioctl: template.spec.runs_istioctl(),
            placement: template.spec.placement(),
            max_surge: rolling.max_surge,
            max_unavailable: rolling.max_unavailable,
            template_containers: template.spec.containers(),
            paused: spec.paused,
            strategy: strategy.kind,
            partition: rolling.partition,
            finished,
            suspended: spec.suspend && meta_kind == "CronJob",
            origin,
        }
    }
}

/// Reads a workload that is to be; `None` for what is no workload.
pub(crate) fn workload(value: &Value) -> Option<Workload> {
    let text = |key: &str| value.get(key)?.as_str().map(str::to_owned);
    let meta = TypeMeta {
        api_version: text("apiVersion")?,
        kind: text("kind")?,
    };
    // As text, so that it is read by the code that reads those of an export.
    let read: WorkloadObject = serde_json::from_slice(&serde_json::to_vec(value).ok()?).ok()?;
    Some(read.into_workload(meta, Origin::default()))
}
