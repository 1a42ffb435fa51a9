//! What istiod does with a pod that the API server sends it (istio 1.31:pkg/kube/inject/inject.go:201-291).

use serde_json::Value;
use sorted::{SortedMap, SortedSet};

use super::selector::matches;

type Labels = SortedMap<String, String>;

/// Namespaces whose pods are never injected.
const SYSTEM: [&str; 4] = [
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "local-path-storage",
];

const INJECT: &str = "sidecar.istio.io/inject";

/// The part of a pod, or of a pod template, that istiod looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) labels: &'a Labels,
    pub(crate) annotations: &'a Labels,
    pub(crate) host_network: bool,
}

/// The injector's own configuration: `config` of the ConfigMap `istio-sidecar-injector`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Policy {
    config: Value,
}

impl Policy {
    /// Reads the ConfigMap; what cannot be read is taken for Istio's default, which injects.
    pub(crate) fn read(config_map: Option<&Value>) -> Self {
        let text = config_map.and_then(|it| it.pointer("/data/config")?.as_str());
        let config = text
            .and_then(|it| kube_yaml::from_str(it).ok())
            .unwrap_or_default();
        Self { config }
    }

    /// Returns the images that the templates of a pod name in so many words and without a condition.
    pub(crate) fn literal_images(&self, annotations: &Labels) -> SortedSet<String> {
        let asked = annotations.get("inject.istio.io/templates");
        let names: Vec<&str> = match (asked, self.config.get("defaultTemplates")) {
            (Some(asked), _) => asked.split(',').map(str::trim).collect(),
            (None, Some(Value::Array(list))) => list.iter().filter_map(Value::as_str).collect(),
            (None, _) => vec!["sidecar"],
        };
        let templates = self.config.get("templates");
        let texts = names
            .into_iter()
            .filter_map(|it| templates?.get(it)?.as_str());
        texts.flat_map(literal_images).collect()
    }

    /// Returns why istiod leaves a pod alone, `None` when it injects.
    pub(crate) fn refuses(&self, pod: Candidate<'_>) -> Option<String> {
        if pod.host_network {
            return Some("it uses the host's network".to_owned());
        }
        if SYSTEM.contains(&pod.namespace) {
            return Some(format!("istiod never injects in {}", pod.namespace));
        }
        let (place, wish) = match (pod.labels.get(INJECT), pod.annotations.get(INJECT)) {
            (Some(label), _) => ("label", label.as_str()),
            (None, Some(annotation)) => ("annotation", annotation.as_str()),
            (None, None) => ("", ""),
        };
        match wish {
            "true" => return None,
            "false" => return Some(format!("its {place} `{INJECT}` is `false`")),
            _ => {}
        }
        if self.lists("neverInjectSelector", pod.labels) {
            return Some("neverInjectSelector of the injector names it".to_owned());
        }
        if self.lists("alwaysInjectSelector", pod.labels) {
            return None;
        }
        let policy = self
            .config
            .get("policy")
            .and_then(Value::as_str)
            .unwrap_or("enabled");
        (policy != "enabled").then(|| format!("the injector's policy is `{policy}`"))
    }

    /// Empty selectors are passed over: they would name every pod.
    fn lists(&self, key: &str, labels: &Labels) -> bool {
        let selectors = self.config.get(key).and_then(Value::as_array);
        let filled = |it: &&Value| {
            let has = |key: &str| match it.get(key) {
                Some(Value::Object(it)) => !it.is_empty(),
                Some(Value::Array(it)) => !it.is_empty(),
                _ => false,
            };
            has("matchLabels") || has("matchExpressions")
        };
        selectors
            .into_iter()
            .flatten()
            .filter(filled)
            .any(|it| matches(Some(it), labels))
    }
}
/// Images that a template names outside of any block.
fn literal_images(template: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let mut images = Vec::new();
    for line in template.lines() {
        let named = line.trim().trim_start_matches("- ").strip_prefix("image:");
        let image = named.map(|it| it.trim().trim_matches(['"', '\'']));
        let literal =
            image.filter(|it| !it.is_empty() && *it != "auto" && !it.contains("{{") && depth == 0);
        images.extend(literal.map(str::to_owned));
        for action in line.split("{{").skip(1) {
            match action
                .trim_start_matches(['-', ' '])
                .split([' ', '-', '}'])
                .next()
            {
                Some("if" | "range" | "with" | "define" | "block") => depth += 1,
                Some("end") => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
    }
    images
}

#[cfg(test)]
mod tests {
    use super::literal_images;

    #[test]
    fn images_behind_a_condition_are_not_counted() {
        let template = "spec:\n  initContainers:\n  {{- if eq (x) \"true\" }}\n  - image: busybox:1.28\n  {{- end }}\n  \
                        containers:\n  - name: istio-proxy\n    image: {{ .ProxyImage }}\n  - image: \"h/agent:1\"\n";
        assert_eq!(literal_images(template), ["h/agent:1"]);
    }
}
