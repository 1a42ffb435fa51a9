//! Files of gates, and what holds.

use super::*;
use crate::gate::rule::Limits;

fn refused(text: &str) -> String {
    File::default().take(text).unwrap_err()
}

#[test]
fn a_bad_file_is_told_with_line_and_column() {
    for (text, message) in [
        ("gates: {}", "1:8: gates are a list"),
        ("- name: a", "1:1: a file of gates is a mapping"),
        ("gates:\n  - query: up", "2:5: a gate needs a name"),
        (
            "gates:\n  - name: own\n    max: 1",
            "2:11: own has no query, and is none of the built-in gates (errors, p95, p99, traffic, call-errors, destinations, mesh-errors, mesh-traffic, rejections, push-errors, slow-pushes, proxies, certificates, certificate-failures)",
        ),
        (
            "gates:\n  - name: own\n    query: up",
            "2:5: own has no limit: max, min, maxRatio or minRatio",
        ),
        (
            "gates:\n  - name: p95\n    query: up",
            "3:12: p95 is a built-in gate, which has its own query: give the gate another name",
        ),
        (
            "gates:\n  - name: own\n    query: up\n    most: 1",
            "4:5: \"most\" is unknown here; a gate has name, query, max, min, maxRatio, minRatio, slack, window, for and enabled",
        ),
        (
            "gates:\n  - name: own\n    query: up\n    max: many",
            "4:10: expected a number",
        ),
        (
            "gates:\n  - name: own\n    query: 'up{a=\"{{pod}}\"}'\n    max: 1",
            "3:12: {{pod}} is unknown; there are {{namespace}}, {{workload}} and {{window}}",
        ),
        (
            "gates:\n  - name: own\n    query: up{{\n    max: 1",
            "3:12: {{ without }}",
        ),
        (
            "gates:\n  - {name: a, query: up, max: 1}\n  - {name: a, query: up, max: 2}",
            "3:12: there are two gates a",
        ),
        (
            "gates:\n  - {name: a b, query: up, max: 1}",
            "2:12: \"a b\" is no name: letters, digits, - _ and . make one",
        ),
        (
            "gates:\n  - {name: errors, window: 5x}",
            "2:28: \"5x\" is no duration (for example 90s, 5m, 1h30m)",
        ),
        (
            "gates:\n  - {name: errors, window: 0s}",
            "2:28: a window has a second at least",
        ),
        (
            "labels: {a-b: c}",
            "1:10: \"a-b\" is no label of Prometheus",
        ),
        ("fresh: [1]", "1:8: expected a text; put it in quotes"),
        (
            "gate: []",
            "1:1: \"gate\" is unknown here; there are labels, fresh and gates",
        ),
        ("gates: [", "1:8: unclosed"),
    ] {
        let told = refused(text);
        assert!(told.starts_with(message), "{text}\n{told}\n{message}");
    }
}

#[test]
fn a_file_names_gates_and_changes_limits() {
    let mut file = File::default();
    file.take(
        "labels: {cluster: 'a \"b\"'}\nfresh: 90s\ngates:\n- {name: errors, slack: 0.05, for: 1m}\n- {name: p95, enabled: false}\n- {name: own, query: 'x{w=\"{{ workload }}\"}', minRatio: 0.5, window: 10}",
    )
    .unwrap();
    assert_eq!(file.selector(), "cluster=\"a \\\"b\\\"\"");
    assert_eq!(file.fresh, Some(Duration::from_secs(90)));
    assert_eq!(file.rules.len(), BuiltIn::ALL.len());
    let rule = |name: &str| file.rules.iter().find(|it| it.name == name).unwrap();
    let errors = rule("errors");
    assert_eq!(errors.limits.max_ratio, Some(1.5));
    assert!((errors.limits.slack - 0.05).abs() < 1e-9);
    assert_eq!(errors.lasting, Duration::from_mins(1));
    let own = rule("own");
    assert!(own.is_each() && own.limits.max_ratio.is_none());
    assert_eq!(own.window, Duration::from_secs(10));
    let query = filled(
        "x{w=\"{{ workload }}\",n=\"{{namespace}}\"}[{{window}}]",
        Some(&workload("a")),
        own.window,
    );
    assert_eq!(query, "x{w=\"a\",n=\"shop\"}[10s]");
}

#[test]
fn both_limits_hold_and_what_is_no_number_is_unknown() {
    let limits = Limits {
        max: Some(1.0),
        max_ratio: Some(2.0),
        min_ratio: Some(0.5),
        slack: 0.1,
        min: None,
    };
    assert_eq!(limits.bounds(None), None);
    let bounds = limits.bounds(Some(0.4)).unwrap();
    for (value, verdict) in [
        (0.9, Verdict::Holds),
        (0.91, Verdict::Fails),
        (0.09, Verdict::Fails),
        (f64::INFINITY, Verdict::Fails),
        (f64::NAN, Verdict::Unknown),
    ] {
        assert_eq!(bounds.judge(value), verdict, "{value}");
    }
    // The lower of two.
    assert_eq!(limits.bounds(Some(5.0)).unwrap().most, Some(1.0));
}
