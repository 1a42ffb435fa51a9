//! What templates rendered to, document by document, in the order Helm applies and prints it.
//!
//! Follows `helm v3.21:pkg/releaseutil` and `cmd/helm/template.go`.

use std::fmt::Write as _;

use kube_yaml::Node;

use crate::{Error, Rendered};

#[cfg(test)]
mod tests;

/// One document of a template's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The template's path (`istiod/templates/deployment.yaml`).
    pub path: String,
    /// `kind`; empty if the document has none.
    pub kind: String,
    /// `metadata.name`; empty if the document has none.
    pub name: String,
    /// Its text, without white space around it.
    pub content: String,
    /// When it runs, if it is a hook (`pre-install`, …, `test`).
    pub events: Vec<String>,
}

/// All documents in Helm's order: by kind, equal kinds by path and place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sorted {
    /// What is installed.
    pub manifests: Vec<Manifest>,
    /// What runs around the installation. Documents with an unknown event are in neither list, as with Helm.
    pub hooks: Vec<Manifest>,
}

/// What `helm template` prints beside manifests.
#[derive(Debug, Clone, Copy, Default)]
pub struct PrintOptions {
    /// Prints the files of `crds/` first.
    pub include_crds: bool,
    /// Leaves hooks out.
    pub no_hooks: bool,
    /// Leaves tests out.
    pub skip_tests: bool,
}

/// Kinds in the order in which they are installed (`releaseutil.InstallOrder`); others follow by name.
pub const INSTALL_ORDER: &[&str] = &[
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
];

const EVENTS: &[&str] = &[
    "pre-install",
    "post-install",
    "pre-delete",
    "post-delete",
    "pre-upgrade",
    "post-upgrade",
    "pre-rollback",
    "post-rollback",
    "test",
];

/// Returns the documents of a rendered chart in Helm's order; the error is that of a text which is not YAML.
pub fn sorted(rendered: &Rendered) -> Result<Sorted, Error> {
    let mut sorted = Sorted::default();
    for (path, text) in &rendered.files {
        for content in split(text) {
            let head = kube_yaml::first(content).map_err(|error| {
                Error::new(format!(
                    "YAML parse error on {path}: error converting YAML to JSON: yaml: line {}: {}",
                    error.position.line, error.message
                ))
            })?;
            let text_at = |path: &[&str]| {
                head.as_ref()
                    .and_then(|it| it.at(path.iter().copied()))
                    .and_then(Node::as_str)
            };
            let mut manifest = Manifest {
                path: path.clone(),
                kind: text_at(&["kind"]).unwrap_or_default().to_owned(),
                name: text_at(&["metadata", "name"])
                    .unwrap_or_default()
                    .to_owned(),
                content: content.to_owned(),
                events: Vec::new(),
            };
            match text_at(&["metadata", "annotations", "helm.sh/hook"]) {
                None => sorted.manifests.push(manifest),
                Some(hook) => {
                    if let Some(events) = events(hook) {
                        manifest.events = events;
                        sorted.hooks.push(manifest);
                    }
                }
            }
        }
    }
    sorted::sort_by(&mut sorted.manifests, |a, b| {
        install_rank(&a.kind).cmp(&install_rank(&b.kind))
    });
    sorted::sort_by(&mut sorted.hooks, |a, b| {
        install_rank(&a.kind).cmp(&install_rank(&b.kind))
    });
    Ok(sorted)
}

/// Prints a rendered chart as `helm template` does.
pub fn print(rendered: &Rendered, options: PrintOptions) -> Result<String, Error> {
    let sorted = sorted(rendered)?;
    let mut body = String::new();
    let put = |out: &mut String, path: &str, content: &str| {
        // Writing into a String cannot fail.
        let _ = write!(out, "---\n# Source: {path}\n{content}\n");
    };
    if options.include_crds {
        for (path, content) in &rendered.crds {
            put(&mut body, path, content);
        }
    }
    for manifest in &sorted.manifests {
        put(&mut body, &manifest.path, &manifest.content);
    }
    let mut out = body.trim().to_owned() + "\n";
    for hook in &sorted.hooks {
        let is_test = hook.events.iter().any(|it| it == "test");
        let left_out = options.no_hooks || (options.skip_tests && is_test);
        if !left_out {
            put(&mut out, &hook.path, &hook.content);
        }
    }
    Ok(out)
}

/// The place of a kind in the order of installation; unknown kinds come last, by name.
fn install_rank(kind: &str) -> (usize, &str) {
    match INSTALL_ORDER.iter().position(|it| *it == kind) {
        Some(at) => (at, ""),
        None => (INSTALL_ORDER.len(), kind),
    }
}

/// Reads the events of a hook; none if one of them is unknown.
fn events(hook: &str) -> Option<Vec<String>> {
    hook.split(',')
        .map(|it| {
            let event = it.trim().to_lowercase();
            let event = match event.as_str() {
                "test-success" => "test",
                it => it,
            };
            EVENTS.contains(&event).then(|| event.to_owned())
        })
        .collect()
}

/// Splits a text as Helm does, at `(?:^|\s*\n)---\s*`.
fn split(text: &str) -> Vec<&str> {
    let text = text.trim();
    let mut documents = Vec::new();
    let mut rest = text.strip_prefix("---").map_or(text, str::trim_start);
    loop {
        let (document, after) = match rest.find("\n---") {
            Some(at) => (
                rest.get(..at).unwrap_or_default(),
                rest.get(at + 4..).map(str::trim_start),
            ),
            None => (rest, None),
        };
        let document = document.trim();
        if !document.is_empty() {
            documents.push(document);
        }
        match after {
            Some(after) => rest = after,
            None => return documents,
        }
    }
}
