//! Compares with Helm's own library, as `tests/oracles/helm` offers it.
//!
//! The environment names the compiled program in `HELM_ORACLE` and the releases' folder in `REFIT_ISTIO_DATA`.

#![expect(
    clippy::format_push_string,
    reason = "templates are put together from pieces"
)]
#![expect(clippy::print_stderr, reason = "says that nothing was compared")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use helm_template::{Capabilities, Chart, Release, render};
use serde_json::{Value, json};
use sorted::SortedMap;

#[path = "oracle/cases.rs"]
mod cases;
#[path = "oracle/istio.rs"]
mod istio;
#[path = "oracle/nests.rs"]
mod nests;

/// Helm's library in a process of its own.
struct Oracle {
    _child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Oracle {
    /// Starts it; none where the environment names no program, which only a continuous integration must not lack.
    fn start() -> Option<Self> {
        let Some(program) = std::env::var_os("HELM_ORACLE") else {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "HELM_ORACLE is not set"
            );
            eprintln!("not compared: HELM_ORACLE is not set (go build in tests/oracles/helm)");
            return None;
        };
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the oracle starts");
        let input = child.stdin.take().expect("piped");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Some(Self {
            _child: child,
            input,
            output,
        })
    }

    /// Asks; none if Helm crashes.
    fn ask(&mut self, question: &Question) -> Option<Result<SortedMap<String, String>, String>> {
        let question = json!({
            "files": question.files, "values": question.values, "name": question.name,
            "namespace": question.namespace, "kubeVersion": "v1.32.0", "apiVersions": API_VERSIONS,
        });
        writeln!(self.input, "{question}").expect("the oracle listens");
        let mut line = String::new();
        self.output
            .read_line(&mut line)
            .expect("the oracle answers");
        if line.is_empty() {
            // Data that holds itself overflows Go's stack, and no error can be caught then.
            *self = Self::start().expect("it started before");
            return None;
        }
        let mut answer: Value = serde_json::from_str(&line).expect("an answer is JSON");
        Some(match answer.get("error") {
            Some(error) => Err(error.as_str().unwrap_or_default().to_owned()),
            None => Ok(serde_json::from_value(answer["files"].take()).unwrap_or_default()),
        })
    }
}

const API_VERSIONS: &[&str] = &["v1", "apps/v1", "policy/v1", "apps/v1/Deployment"];

/// A chart with values.
struct Question {
    files: SortedMap<String, String>,
    values: Value,
    name: String,
    namespace: String,
}

impl Question {
    fn answer(&self) -> Result<SortedMap<String, String>, String> {
        let files = self
            .files
            .iter()
            .map(|(name, text)| (name.clone(), text.clone().into_bytes()))
            .collect();
        let chart = Chart::from_files(files).map_err(|it| it.message)?;
        let release = Release {
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            is_upgrade: false,
            is_install: true,
            revision: 1,
        };
        let capabilities = Capabilities {
            kube_version: "v1.32.0".to_owned(),
            api_versions: API_VERSIONS.iter().map(ToString::to_string).collect(),
        };
        let values = kube_yaml::as_go_json(self.values.clone());
        let rendered = render(&chart, &values, &release, &capabilities).map_err(|it| it.message)?;
        let mut files = rendered.files;
        let notes = format!("{}/templates/NOTES.txt", chart.name());
        files.extend(rendered.notes.map(|it| (notes, it)));
        Ok(files)
    }
}

fn value_sets() -> Vec<Value> {
    vec![
        json!({}),
        json!({"profile": "ambient", "revision": "canary", "revisionTags": ["stable", "prod"], "global": {"istioNamespace": "istio-system", "tag": "x"}}),
        json!({"profile": "demo", "platform": "openshift", "compatibilityVersion": "1.28",
               "pilot": {"autoscaleEnabled": false, "cni": {"enabled": true}, "env": {"A": "on", "B": 5, "C": "x: y"}},
               "meshConfig": {"accessLogFile": "/dev/stdout", "defaultConfig": {"concurrency": 2, "tracing": null}},
               "global": {"proxy": {"resources": null, "logLevel": "debug"}, "imagePullSecrets": ["a"], "multiCluster": {"enabled": true, "clusterName": "c"}}}),
        json!({"name": "gw", "gateways": {"istio-ingressgateway": {"autoscaleMin": 2, "labels": {"app": "x", "istio": "y"}}}, "service": {"type": "NodePort", "ports": [{"port": 80, "name": "http"}]}, "annotations": {"a": "b"}, "base": {"excludedCRDs": ["wasmplugins.extensions.istio.io"]}}),
    ]
}

/// Compares one answer; returns what differs.
fn difference(
    ours: &Result<SortedMap<String, String>, String>,
    theirs: &Result<SortedMap<String, String>, String>,
) -> Option<String> {
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => {
            for (path, text) in theirs {
                let own = &steady(ours.get(path).map_or("(nothing)", String::as_str));
                let text = &steady(text);
                if own != text && !text.contains("signing_key: ") {
                    let line = own.lines().zip(text.lines()).position(|(a, b)| a != b);
                    let at = line.unwrap_or(own.lines().count().min(text.lines().count()));
                    let show = |it: &str| it.lines().nth(at).unwrap_or("(end)").to_owned();
                    return Some(format!(
                        "{path}:{}\n    ours:   {}\n    theirs: {}",
                        at + 1,
                        show(own),
                        show(text)
                    ));
                }
            }
            let more = ours
                .keys()
                .find(|it| !theirs.contains_key(*it) && !it.ends_with("NOTES.txt"));
            more.map(|it| format!("only ours: {it}"))
        }
        // Here there is no clock.
        (Err(ours), Ok(_)) if ours.contains("rendering has no clock") => None,
        (Err(ours), Err(theirs)) if ours == theirs || words(ours) == words(theirs) => None,
        (ours, theirs) => Some(format!(
            "    ours:   {}\n    theirs: {}",
            brief(ours),
            brief(theirs)
        )),
    }
}

/// Replaces addresses, which are others on every run.
fn steady(text: &str) -> String {
    let mut parts = text.split("Capabilities:0x");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("Capabilities:0x");
        out.push_str(part.trim_start_matches(|it: char| it.is_ascii_hexdigit()));
    }
    out
}

/// The words of a complaint about the schema, whose order is random with Helm.
fn words(error: &str) -> Option<Vec<&str>> {
    if !error.starts_with("values don't meet") {
        return None;
    }
    let mut words: Vec<&str> = error.split([' ', ',', '\n']).collect();
    words.sort_unstable();
    Some(words)
}

fn brief(answer: &Result<SortedMap<String, String>, String>) -> String {
    match answer {
        Ok(files) => format!("{:?}", files.values().next()),
        Err(error) => format!("error: {error}"),
    }
}

#[test]
fn charts_of_istio_render_as_with_helm() {
    let Some(mut oracle) = Oracle::start() else {
        return;
    };
    let mut compared = 0;
    let mut differences = Vec::new();
    for version in [
        "1.6.14",
        "1.7.8",
        "1.10.6",
        "1.12.9",
        "1.17.8",
        "1.20.8",
        "1.23.6",
        "1.24.6",
        "1.28.10",
        "1.30.3",
        "1.31.0-rc.0",
    ] {
        for (folder, files) in istio::charts(version) {
            for (at, values) in value_sets().into_iter().enumerate() {
                let question = Question {
                    files: files.clone(),
                    values,
                    name: "istio".to_owned(),
                    namespace: "istio-system".to_owned(),
                };
                compared += 1;
                let (ours, theirs) = (question.answer(), oracle.ask(&question));
                let theirs = theirs.expect("charts do not crash Helm");
                if let Some(it) = difference(&ours, &theirs) {
                    differences.push(format!("{version} {folder} values {at}: {it}"));
                }
            }
        }
    }
    assert!(
        differences.is_empty(),
        "{} of {compared} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

/// Compares templates one by one in a chart of their own.
fn compare(templates: &[String]) {
    let Some(mut oracle) = Oracle::start() else {
        return;
    };
    let mut differences = Vec::new();
    for template in templates {
        let files = [
            (
                "Chart.yaml",
                "name: c\nversion: 1.2.3\nappVersion: 2.0\ndescription: d\n",
            ),
            ("values.yaml", "default: 1\n"),
            (
                "templates/_helpers.tpl",
                "{{ define \"own\" }}own {{ . }}{{ end }}{{ define \"dot\" }}[{{ .x }}]{{ end }}{{ define \"nested\" }}{{ include \"own\" (list . 1) }}{{ end }}",
            ),
            ("templates/t.yaml", template),
        ];
        let question = Question {
            files: files
                .iter()
                .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
                .collect(),
            values: cases::values(),
            name: "r".to_owned(),
            namespace: "ns".to_owned(),
        };
        let ours = question.answer();
        let Some(theirs) = oracle.ask(&question) else {
            continue;
        };
        if let Some(it) = difference(&ours, &theirs) {
            differences.push(format!("{template}\n{it}"));
        }
    }
    assert!(
        differences.is_empty(),
        "{} of {} differ:\n{}",
        differences.len(),
        templates.len(),
        differences.join("\n")
    );
}

#[test]
fn functions_answer_as_with_helm() {
    compare(&cases::calls(&mut cases::Random(1), 15));
}

#[test]
fn actions_run_as_with_helm() {
    compare(&nests::nests(&mut cases::Random(2), 1500));
}

/// Charts with subcharts, files, nulls and globals, each with several values.
/// What the first reader of a text does with its value, the second one does not see.
#[test]
fn texts_read_twice_are_as_with_helm() {
    let texts = [
        r#""a: {b: 1}""#,
        r#""a: [{b: 1}, {b: {c: [2]}}]\nd: x""#,
        r#""a: &x {b: [1, {c: 2}]}\nd: *x""#,
        "(toYaml .Values)",
    ];
    let uses = [
        "",
        "{{ $one.a }}",
        "{{ $_ := set $one \"a\" 2 }}",
        "{{ $_ := unset $one \"a\" }}",
        "{{ if kindIs \"map\" $one.a }}{{ $_ := set $one.a \"b\" 2 }}{{ end }}",
        "{{ range $one.a }}{{ if kindIs \"map\" . }}{{ $_ := set . \"b\" 2 }}{{ end }}{{ end }}",
        "{{ $_ := merge $one (dict \"a\" (dict \"n\" 1) \"z\" 2) }}",
        "{{ $_ := mergeOverwrite $one (dict \"a\" (dict \"n\" 1)) }}",
        "{{ $kept := $one.a }}{{ $one = 1 }}{{ if kindIs \"map\" $kept }}{{ $_ := set $kept \"b\" 3 }}{{ end }}",
    ];
    let ends = ["{{ $one = 1 }}", ""];
    let mut templates = Vec::new();
    for text in texts {
        for used in uses {
            for end in ends {
                templates.push(format!(
                    "{{{{ $text := {text} }}}}{{{{ $one := fromYaml $text }}}}{used}{end}{{{{ $two := fromYaml $text }}}}{{{{ toJson $two }}}}{{{{ $_ := set $two \"k\" 1 }}}}{{{{ fromYaml $text | toYaml }}}} {{{{ $one }}}} {{{{ $two }}}}"
                ));
            }
        }
    }
    compare(&templates);
}

#[test]
fn subcharts_and_values_are_as_with_helm() {
    let Some(mut oracle) = Oracle::start() else {
        return;
    };
    let dependencies = [
        "",
        "dependencies:\n- {name: s, version: 1.x}\n",
        "dependencies:\n- {name: s, version: 1.x, alias: one, condition: one.on}\n- {name: s, version: 1.x, alias: two, tags: [extra, more]}\n- {name: t, version: '*'}\n",
        "dependencies:\n- {name: s, version: '>2'}\n- {name: t, version: 0.1.0, condition: 'x.y,t.on'}\n",
        "dependencies:\n- {name: s, version: '1', import-values: [data, {child: own, parent: from.s}, {child: nope, parent: x}]}\n- {name: t, version: '*', tags: [extra], import-values: [{child: deep, parent: .}]}\n",
    ];
    let own = [
        "",
        "global: {g: 1, m: {a: 1, n: null}}\ns: {v: 5, own: {o: null}}\nt: {on: false}\nn: null\nkeep: {a: null, b: 2}\n",
        "one: {on: true, v: 7}\ntwo: {v: 8}\ntags: {extra: false, more: true}\nglobal: {m: x}\nlist: [1, 2]\n",
        "s: 5\n",
        "t: {on: true, u: {x: 9}, global: {g: t}}\ntags: {extra: true}\n",
    ];
    let given = [
        json!({}),
        json!({"global": {"g": 2, "m": {"b": 3}}, "s": {"v": null, "deep": {"x": null}}, "keep": {"a": 1, "b": null}, "n": 4}),
        json!({"one": {"on": false}, "two": null, "tags": {"more": false}, "list": null, "t": {"u": null}}),
        json!({"global": null, "t": {"deep": {"d": null}, "u": {"x": {"y": 1}}}, "keep": "text"}),
    ];
    let show = "{{ .Chart.Name }} {{ .Chart.IsRoot }} {{ toJson .Values }} {{ .Template }}{{ range $k, $v := .Subcharts }} {{ $k }}={{ toJson $v.Values }}{{ end }} {{ .Files.Get \"f/a.txt\" }}{{ (.Files.Glob \"f/**\").AsConfig | indent 1 }}{{ .Files.Lines \"f/a.txt\" }}{{ .Release }} {{ .Chart.Dependencies | len }} {{ toYaml .Chart }}";
    let mut differences = Vec::new();
    let mut compared = 0;
    for dependencies in dependencies {
        for own in own {
            for given in &given {
                let metadata = format!(
                    "apiVersion: v2\nname: c\nversion: 1.0.0\nkeywords: [a]\nmaintainers: [{{name: m}}]\nannotations: {{k: v}}\n{dependencies}"
                );
                let files = [
                    ("Chart.yaml", metadata.as_str()),
                    ("values.yaml", own),
                    ("f/a.txt", "one\ntwo\n"),
                    ("f/b/c.txt", "x"),
                    ("templates/t.yaml", show),
                    ("templates/lib.yaml", "{{ include \"l\" . }}"),
                    (
                        "charts/s/Chart.yaml",
                        "name: s\nversion: 1.1.0\nappVersion: 3\n",
                    ),
                    (
                        "charts/s/values.yaml",
                        "v: 1\nown: {o: 7, p: null}\ndeep: {x: 1}\nexports: {data: {imported: yes}}\nglobal: {own: s}\n",
                    ),
                    ("charts/s/templates/t.yaml", show),
                    (
                        "charts/t/Chart.yaml",
                        "name: t\nversion: 0.1.0\ndependencies: [{name: u, version: '*', condition: u.on}]\n",
                    ),
                    ("charts/t/values.yaml", "deep: {d: 1, e: null}\nu: {x: 2}\n"),
                    ("charts/t/templates/t.yaml", show),
                    ("charts/t/charts/u/Chart.yaml", "name: u\nversion: 0.0.1\n"),
                    ("charts/t/charts/u/values.yaml", "x: 3\ny: null\n"),
                    ("charts/t/charts/u/templates/t.yaml", show),
                    (
                        "charts/l/Chart.yaml",
                        "name: l\nversion: 0.0.1\ntype: library\n",
                    ),
                    (
                        "charts/l/templates/_l.tpl",
                        "{{ define \"l\" }}lib {{ .Chart.Name }}{{ end }}",
                    ),
                    (
                        "charts/l/templates/no.yaml",
                        "{{ fail \"a library is not rendered\" }}",
                    ),
                ];
                let question = Question {
                    files: files
                        .iter()
                        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
                        .collect(),
                    values: given.clone(),
                    name: "r".to_owned(),
                    namespace: "ns".to_owned(),
                };
                compared += 1;
                let ours = question.answer();
                let Some(theirs) = oracle.ask(&question) else {
                    continue;
                };
                if let Some(it) = difference(&ours, &theirs) {
                    differences.push(format!("{dependencies}{own}{given}\n{it}"));
                }
            }
        }
    }
    assert!(
        differences.is_empty(),
        "{} of {compared} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}
