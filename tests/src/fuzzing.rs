//! What the fuzz targets of `tests/fuzz` feed, and the ordinary run with a seeded part of it: bytes of any kind to a room
//! that may refuse them, but must neither panic nor run without end.

use sorted::SortedMap;

use helm_template::{Capabilities, Chart, Release as HelmRelease};
use istio_render::{OperatorFile, Options, Release};
use serde_json::Value;

/// A target: its name, and what it does with its input.
pub type Target = (&'static str, fn(&[u8]));

/// All targets, named as the files of `tests/fuzz/fuzz_targets`.
pub const TARGETS: [Target; 6] = [
    ("yaml", yaml),
    ("parser", parser),
    ("executor", executor),
    ("values", values),
    ("sets", sets),
    ("overlays", overlays),
];

/// Separates the documents of one input.
pub const SEPARATOR: &str = "\n====\n";

const CHART: &str = "apiVersion: v2\nname: fuzzed\nversion: 1.0.0\n";

/// The quick reader of Kubernetes' YAML, and the full one: the same nodes at the same places, the same error.
///
/// # Panics
///
/// If they do not agree.
pub fn yaml(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    let (mut fully, mut quickly) = (Vec::new(), Vec::new());
    let error = kube_yaml::load_fully(text, |it| fully.push(it)).err();
    let other = kube_yaml::load(text, |it| quickly.push(it)).err();
    assert_eq!((&quickly, &other), (&fully, &error));
    match kube_yaml::first(text) {
        Ok(Some(node)) if !node.is_null() => assert_eq!(Some(&node), fully.first()),
        Ok(_) => {}
        Err(it) => assert_eq!((fully.len(), Some(&it)), (0, error.as_ref())),
    }
}

/// A template as it is: lexer and parser of Go's `text/template`, and whatever parses is run.
pub fn parser(input: &[u8]) {
    let _ = rendered(SortedMap::from([
        ("Chart.yaml".to_owned(), CHART.as_bytes().to_vec()),
        ("templates/a.yaml".to_owned(), input.to_vec()),
    ]));
}

/// Pipelines over values: each line of the input is the inside of one action, so that most inputs parse and reach the
/// executor and its functions.
pub fn executor(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let actions: Vec<_> = text.lines().map(|it| format!("{{{{ {it} }}}}")).collect();
    let values = "text: a-b_C.d\nnumber: 12\nfloat: 1.5\nlist: [c, a, b, 1]\nnone: null\nmap: {x: 1, y: {z: [true]}}\n";
    let _ = rendered(SortedMap::from([
        ("Chart.yaml".to_owned(), CHART.as_bytes().to_vec()),
        ("values.yaml".to_owned(), values.as_bytes().to_vec()),
        (
            "templates/a.yaml".to_owned(),
            actions.join("\n").into_bytes(),
        ),
        (
            "templates/_named.tpl".to_owned(),
            b"{{ define \"named\" }}{{ . | toYaml }}{{ end }}".to_vec(),
        ),
    ]));
}

/// Values of chart, subchart and user, and their schema: coalescing, conditions, imports.
pub fn values(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut documents = text.split(SEPARATOR);
    let mut next = || documents.next().unwrap_or_default();
    let (user, own, below, dependency, schema) = (next(), next(), next(), next(), next());
    let chart = format!("{CHART}dependencies:\n- name: below\n  version: 1.0.0\n{dependency}\n");
    let shown = b"{{ toYaml .Values }}\n{{ toJson .Values }}".to_vec();
    let mut files = SortedMap::from([
        ("Chart.yaml".to_owned(), chart.into_bytes()),
        ("values.yaml".to_owned(), own.as_bytes().to_vec()),
        ("templates/a.yaml".to_owned(), shown.clone()),
        (
            "charts/below/Chart.yaml".to_owned(),
            b"apiVersion: v2\nname: below\nversion: 1.0.0\n".to_vec(),
        ),
        (
            "charts/below/values.yaml".to_owned(),
            below.as_bytes().to_vec(),
        ),
        ("charts/below/templates/a.yaml".to_owned(), shown),
    ]);
    if !schema.is_empty() {
        files.insert("values.schema.json".to_owned(), schema.as_bytes().to_vec());
    }
    let user = kube_yaml::from_str(user).unwrap_or(Value::Null);
    if let Ok(chart) = Chart::from_files(files) {
        let _ = helm_template::render(
            &chart,
            &user,
            &HelmRelease::default(),
            &Capabilities::default(),
        );
    }
}

/// `--set` lines over a file's settings, merged and rendered.
pub fn sets(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (file, sets) = text.split_once(SEPARATOR).unwrap_or(("", &text));
    let options = Options {
        files: vec![OperatorFile {
            name: "fuzzed.yaml".to_owned(),
            text: file.to_owned(),
        }],
        sets: sets.lines().map(str::to_owned).collect(),
        force: true,
        ..Options::default()
    };
    let _ = istio_render::read_user(&options);
    for release in releases() {
        let _ = istio_render::render(&release, &options);
    }
}

/// Overlay patches: each line is `path=value` of one patch, the value YAML.
pub fn overlays(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let patches: Vec<Value> = text
        .lines()
        .map(|line| {
            let (path, value) = line.split_once('=').unwrap_or((line, ""));
            serde_json::json!({"path": path, "value": kube_yaml::from_str(value).unwrap_or(Value::Null)})
        })
        .collect();
    let operator = serde_json::json!({
        "apiVersion": "install.istio.io/v1alpha1",
        "kind": "IstioOperator",
        "spec": {"components": {"pilot": {"k8s": {"overlays": [
            {"apiVersion": "apps/v1", "kind": "Deployment", "name": "istiod", "patches": patches},
        ]}}}},
    });
    let options = Options {
        files: vec![OperatorFile {
            name: "fuzzed.yaml".to_owned(),
            text: operator.to_string(),
        }],
        force: true,
        ..Options::default()
    };
    for release in releases() {
        let _ = istio_render::render(&release, &options);
    }
}

fn rendered(files: SortedMap<String, Vec<u8>>) -> Result<(), helm_template::Error> {
    let chart = Chart::from_files(files)?;
    let release = HelmRelease {
        name: "fuzzed".to_owned(),
        namespace: "fuzzing".to_owned(),
        is_install: true,
        ..HelmRelease::default()
    };
    let capabilities = Capabilities {
        kube_version: "v1.33.0".to_owned(),
        api_versions: Capabilities::default_api_versions(),
    };
    helm_template::render(&chart, &Value::Null, &release, &capabilities).map(drop)
}

/// Releases of both generations of rules, small enough to be rendered thousands of times in a second.
fn releases() -> [Release; 2] {
    ["1.30.3", "1.23.6"].map(|version| {
        let profile = format!(
            "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n  hub: example.com\n  tag: {version}\n  components:\n    base: {{enabled: false}}\n    pilot: {{enabled: true}}\n    ingressGateways: []\n"
        );
        let files = [
            ("profiles/default.yaml", profile.as_str()),
            (
                "charts/istio-control/istio-discovery/Chart.yaml",
                "apiVersion: v1\nname: istiod\nversion: 1.0.0\n",
            ),
            (
                "charts/istio-control/istio-discovery/values.yaml",
                "pilot: {}\nglobal: {}\nmeshConfig: {}\n",
            ),
            (
                "charts/istio-control/istio-discovery/templates/all.yaml",
                WORKLOADS,
            ),
        ];
        Release::from_files(
            files
                .into_iter()
                .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()))
                .collect(),
        )
    })
}

const WORKLOADS: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: istiod
  namespace: istio-system
  labels: {app: istiod}
spec:
  template:
    spec:
      containers:
      - name: discovery
        image: "{{ .Values.global.hub }}/pilot"
        args: [discovery, --domain, "10.0.0.0"]
        env:
        - {name: A, value: "1"}
        - {name: B, valueFrom: {fieldRef: {fieldPath: a.b}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: |-
{{ toYaml .Values.meshConfig | indent 4 }}
  values: {{ toJson .Values | quote }}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is fed to `sets` and `overlays` reaches the charts.
    #[test]
    fn the_small_releases_render() {
        let options = Options {
            sets: vec!["meshConfig.accessLogFile=/dev/stdout".to_owned()],
            ..Options::default()
        };
        for release in releases() {
            let rendering = istio_render::render(&release, &options).expect("it renders");
            let mut kinds: Vec<_> = rendering
                .components
                .iter()
                .flat_map(|it| &it.objects)
                .map(|it| it["kind"].as_str().unwrap_or_default())
                .collect();
            kinds.sort_unstable();
            assert_eq!(kinds, ["ConfigMap", "Deployment"], "{}", release.version());
        }
    }
}
