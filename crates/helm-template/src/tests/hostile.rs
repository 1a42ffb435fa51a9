//! Charts that were written to never end or to fill the memory: each ends with an error that names its place.

use std::time::Instant;

use super::*;

/// `tests/hostile-charts.json`, which the module for browsers is tried on too (`tests/node/hostile.test.mjs`): what the
/// template is, what stands before it, and what its error says.
const CHARTS: &str = include_str!("../../../../tests/hostile-charts.json");

/// The most memory that this process had at once, in bytes, where the system tells it.
fn most_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}

#[test]
fn hostile_charts_end_with_an_error_at_its_place() {
    let charts: Vec<Value> = serde_json::from_str(CHARTS).unwrap();
    assert!(charts.len() >= 50);
    for chart in &charts {
        let field = |key: &str| chart[key].as_str().unwrap();
        let (before, template, expected) = (field("before"), field("template"), field("says"));
        let began = Instant::now();
        let message = shown(&format!("{before}{template}"));
        let start = message.get(..400).unwrap_or(&message);
        assert!(message.contains(expected), "{template}: {start}");
        let place = message.split_once("c/templates/t.yaml:");
        let place = place.and_then(|(_, it)| it.split_once(": "));
        let numbers = place.map(|(it, _)| it.split(':').map(str::parse::<u32>));
        let named =
            numbers.is_some_and(|mut it| it.clone().count() == 2 && it.all(|it| it.is_ok()));
        assert!(named, "{template}: no line and column in {start}");
        assert!(
            message.len() < 4 << 20,
            "{template}: {} bytes",
            message.len()
        );
        let took = began.elapsed();
        assert!(took.as_secs() < 180, "{template}: {took:?}");
    }
    if let Some(most) = most_memory() {
        assert!(most < 1 << 30, "{most} bytes");
    }
}

#[test]
fn large_but_honest_charts_render() {
    let values: Vec<Value> = (0..2000)
        .map(|it| json!({"name": format!("n{it}"), "text": "line\n".repeat(100)}))
        .collect();
    let template = "{{ range .Values.all }}- {{ .name | quote }}: {{ tpl \"{{ .text }}\" . | toYaml | nindent 4 }}\n{{ include \"x\" . }}{{ end }}{{ define \"x\" }}{{ toYaml . | sha256sum }}{{ end }}";
    let rendered = rendered(&[("templates/t.yaml", template)], &json!({"all": values}));
    assert!(rendered.is_ok(), "{rendered:?}");
}
