//! The tools: what each takes, and the command line that it stands for.

use std::sync::Arc;

use rmcp::model::{Tool, ToolAnnotations};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What a tool takes.
trait Asked: JsonSchema + DeserializeOwned {
    /// The words behind `refit`.
    fn words(&self) -> Vec<String>;
}

/// `plan`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Plan {
    /// What the cluster exported: files, folders, archives. None: the cluster of the kubeconfig is read.
    #[serde(default)]
    files: Vec<String>,
    /// The version to go to, for example 1.30.3.
    to: String,
    /// The version that runs, where the export does not tell.
    from: Option<String>,
    /// `IstioOperator` files, in order.
    #[serde(default)]
    request: Vec<String>,
    /// Values of the `IstioOperator`, `PATH=VALUE`, in order.
    #[serde(default)]
    sets: Vec<String>,
    /// The namespace of the control plane, where there are several.
    istio_namespace: Option<String>,
    /// The revision that is asked for.
    revision: Option<String>,
    /// Charts of the releases: a folder with istio-VERSION or istio-VERSION.tar.gz.
    releases: Option<String>,
    /// No release is downloaded.
    #[serde(default)]
    offline: bool,
    /// The kubeconfig's context.
    context: Option<String>,
    /// The kubeconfig file.
    kubeconfig: Option<String>,
    /// Today, as YYYY-MM-DD.
    as_of: Option<String>,
}

/// `explain`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Explain {
    /// A code, for example version-skew, or words to look for. None: all codes are listed.
    code: Option<String>,
}

/// `defaults`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Defaults {
    /// The older or newer version that is compared, for example 1.29.6.
    from: String,
    /// The version that it is compared with.
    to: String,
    /// The profile; default where none is named.
    profile: Option<String>,
}

/// `images`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Images {
    /// What the cluster exported: files, folders, archives.
    files: Vec<String>,
    /// The version to go to, for example 1.30.3.
    to: String,
    /// `IstioOperator` files, in order.
    #[serde(default)]
    request: Vec<String>,
    /// Values of the `IstioOperator`, `PATH=VALUE`, in order.
    #[serde(default)]
    sets: Vec<String>,
    /// Charts of the releases: a folder with istio-VERSION or istio-VERSION.tar.gz.
    releases: Option<String>,
    /// No release is downloaded.
    #[serde(default)]
    offline: bool,
}

/// `recover`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Recover {
    /// What the cluster exported: files, folders, archives.
    files: Vec<String>,
    /// The version that runs, where the export does not tell.
    from: Option<String>,
    /// The namespace of the control plane, where there are several.
    istio_namespace: Option<String>,
    /// Charts of the releases: a folder with istio-VERSION or istio-VERSION.tar.gz.
    releases: Option<String>,
    /// No release is downloaded.
    #[serde(default)]
    offline: bool,
}

/// `check_inject`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CheckInject {
    /// What the cluster exported: files, folders, archives.
    files: Vec<String>,
    /// The pod's namespace.
    namespace: Option<String>,
    /// A pod of the export, as NAME or NAMESPACE/NAME.
    pod: Option<String>,
    /// Labels of the pod, KEY=VALUE with commas, where no pod is named.
    labels: Option<String>,
    /// Labels of the namespace, KEY=VALUE with commas, instead of those in the export.
    namespace_labels: Option<String>,
}

/// Words of a command line. A value stands in one word with its flag, so that it can be no flag itself.
#[derive(Debug, Default)]
struct Words {
    flags: Vec<String>,
    files: Vec<String>,
}

impl Words {
    fn new(verb: &[&str]) -> Self {
        Self {
            flags: verb.iter().map(ToString::to_string).collect(),
            files: Vec::new(),
        }
    }

    fn flag(mut self, name: &str, value: Option<&String>) -> Self {
        self.flags.extend(value.map(|it| format!("--{name}={it}")));
        self
    }

    fn each(mut self, name: &str, values: &[String]) -> Self {
        self.flags
            .extend(values.iter().map(|it| format!("--{name}={it}")));
        self
    }

    fn switch(mut self, name: &str, on: bool) -> Self {
        self.flags.extend(on.then(|| format!("--{name}")));
        self
    }

    fn files(mut self, files: &[String]) -> Self {
        self.files.extend_from_slice(files);
        self
    }

    fn all(mut self) -> Vec<String> {
        if !self.files.is_empty() {
            self.flags.push("--".to_owned());
            self.flags.append(&mut self.files);
        }
        self.flags
    }
}

impl Asked for Plan {
    fn words(&self) -> Vec<String> {
        Words::new(&["plan", "--output=json"])
            .flag("to", Some(&self.to))
            .flag("from", self.from.as_ref())
            .each("filename", &self.request)
            .each("set", &self.sets)
            .flag("istio-namespace", self.istio_namespace.as_ref())
            .flag("revision", self.revision.as_ref())
            .flag("releases", self.releases.as_ref())
            .switch("offline", self.offline)
            .flag("context", self.context.as_ref())
            .flag("kubeconfig", self.kubeconfig.as_ref())
            .flag("as-of", self.as_of.as_ref())
            .files(&self.files)
            .all()
    }
}

impl Asked for Explain {
    fn words(&self) -> Vec<String> {
        Words::new(&["explain", "--output=json"])
            .files(self.code.as_slice())
            .all()
    }
}

impl Asked for Defaults {
    fn words(&self) -> Vec<String> {
        let profile = self.profile.as_deref().unwrap_or("default");
        let named = [&self.from, &self.to].map(|it| format!("{profile}@{it}"));
        Words::new(&["profile", "diff", "--effective"])
            .files(&named)
            .all()
    }
}

impl Asked for Images {
    fn words(&self) -> Vec<String> {
        Words::new(&["images", "--output=json"])
            .flag("to", Some(&self.to))
            .each("filename", &self.request)
            .each("set", &self.sets)
            .flag("releases", self.releases.as_ref())
            .switch("offline", self.offline)
            .files(&self.files)
            .all()
    }
}

impl Asked for Recover {
    fn words(&self) -> Vec<String> {
        Words::new(&["recover"])
            .flag("from", self.from.as_ref())
            .flag("istio-namespace", self.istio_namespace.as_ref())
            .flag("releases", self.releases.as_ref())
            .switch("offline", self.offline)
            .files(&self.files)
            .all()
    }
}

impl Asked for CheckInject {
    fn words(&self) -> Vec<String> {
        Words::new(&["check-inject", "--output=json"])
            .flag("namespace", self.namespace.as_ref())
            .flag("pod", self.pod.as_ref())
            .flag("labels", self.labels.as_ref())
            .flag("namespace-labels", self.namespace_labels.as_ref())
            .files(&self.files)
            .all()
    }
}

/// All tools.
pub(super) fn all() -> Vec<Tool> {
    vec![
        tool::<Plan>(
            "plan",
            "Says whether Istio can be upgraded or downgraded in place, with evidence, changes, restarts and steps",
        ),
        tool::<Explain>(
            "explain",
            "Says what a finding's code means, why it matters and how to settle it",
        ),
        tool::<Defaults>(
            "defaults",
            "Compares the effective defaults of two releases for a profile, as a difference of YAML",
        ),
        tool::<Images>(
            "images",
            "Lists every image that an upgrade and its restarts pull, by registry",
        ),
        tool::<Recover>(
            "recover",
            "Recovers the IstioOperator file that reproduces the installation of a cluster",
        ),
        tool::<CheckInject>(
            "check_inject",
            "Says which webhook injects a pod, or why none does",
        ),
    ]
}

fn tool<T: Asked + 'static>(name: &'static str, description: &'static str) -> Tool {
    let schema = schemars::schema_for!(T).to_value();
    let schema = schema.as_object().cloned().unwrap_or_default();
    let hints = ToolAnnotations::new()
        .read_only(true)
        .destructive(false)
        .idempotent(true);
    Tool::new(name, description, Arc::new(schema)).with_annotations(hints)
}

/// The words behind `refit` that a call stands for.
///
/// # Errors
///
/// In words, where there is no such tool, or it does not take what was given.
pub(super) fn arguments(tool: &str, asked: Value) -> Result<Vec<String>, String> {
    match tool {
        "plan" => words::<Plan>(asked),
        "explain" => words::<Explain>(asked),
        "defaults" => words::<Defaults>(asked),
        "images" => words::<Images>(asked),
        "recover" => words::<Recover>(asked),
        "check_inject" => words::<CheckInject>(asked),
        other => Err(format!("there is no tool {other}")),
    }
}

fn words<T: Asked>(asked: Value) -> Result<Vec<String>, String> {
    let asked: T = serde_json::from_value(asked).map_err(|it| it.to_string())?;
    Ok(asked.words())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::arguments;

    #[test]
    fn no_value_becomes_a_flag() {
        let asked =
            json!({"to": "--force", "files": ["--out=x", "-"], "sets": ["--prune-orphans"]});
        let words = arguments("plan", asked).unwrap();
        let end = words.iter().position(|it| it == "--").unwrap();
        assert_eq!(
            &words[..end],
            [
                "plan",
                "--output=json",
                "--to=--force",
                "--set=--prune-orphans"
            ]
        );
        assert_eq!(&words[end + 1..], ["--out=x", "-"]);
    }

    #[test]
    fn only_what_reads_is_a_tool() {
        for (tool, word) in [("upgrade", "no tool"), ("plan", "to")] {
            let error = arguments(tool, json!({})).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
        let error = arguments("plan", json!({"to": "1.30.3", "out": "x"})).unwrap_err();
        assert!(error.contains("out"), "{error}");
    }
}
