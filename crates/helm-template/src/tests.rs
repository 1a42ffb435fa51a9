use expect_test::{Expect, expect};
use serde_json::{Value, json};
use sorted::SortedMap;

use super::*;

mod chapters;
mod damage;
mod hostile;

fn chart(files: &[(&str, &str)]) -> Result<Chart, Error> {
    let mut all: SortedMap<String, Vec<u8>> = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
        .collect();
    all.entry("Chart.yaml".to_owned())
        .or_insert_with(|| b"name: c\nversion: 1.2.3\n".to_vec());
    Chart::from_files(all)
}

fn rendered(files: &[(&str, &str)], values: &Value) -> Result<Rendered, Error> {
    let release = Release {
        name: "r".to_owned(),
        namespace: "ns".to_owned(),
        ..Release::default()
    };
    let capabilities = Capabilities {
        kube_version: "v1.32.0".to_owned(),
        api_versions: vec!["v1".to_owned()],
    };
    render(&chart(files)?, values, &release, &capabilities)
}

/// Renders one template, or tells the error.
fn shown(template: &str) -> String {
    let values =
        json!({"a": {"b": "deep"}, "list": [1.0, "two"], "none": null, "n": 5.0, "s": "text"});
    match rendered(&[("templates/t.yaml", template)], &values) {
        Ok(rendered) => rendered.files["c/templates/t.yaml"].clone(),
        Err(error) => error.message,
    }
}

#[track_caller]
fn check(template: &str, expected: &Expect) {
    expected.assert_eq(&shown(template));
}

#[test]
fn missing_and_nil_differ_as_in_go() {
    check(
        "[{{ .Values.missing }}][{{ .Values.none }}]",
        &expect!["[][]"],
    );
    check(
        "{{ .Values.missing.deep }}",
        &expect![[
            r#"template: c/templates/t.yaml:1:10: executing "c/templates/t.yaml" at <.Values.missing.deep>: nil pointer evaluating interface {}.deep"#
        ]],
    );
    check("[{{ (.Values.missing).deep }}]", &expect!["[]"]);
    check(
        "{{ .Values.s.deep }}",
        &expect![[
            r#"template: c/templates/t.yaml:1:10: executing "c/templates/t.yaml" at <.Values.s.deep>: can't evaluate field deep in type interface {}"#
        ]],
    );
    check(
        "{{ define \"x\" }}[{{ .deep.deeper }}]{{ end }}{{ template \"x\" }}",
        &expect!["[]"],
    );
    check(
        "{{ upper .Values.none }}",
        &expect![[
            r#"template: c/templates/t.yaml:1:16: executing "c/templates/t.yaml" at <.Values.none>: wrong type for value; expected string; got interface {}"#
        ]],
    );
}

#[test]
fn numbers_of_values_are_floats() {
    check(
        "{{ 12345678 }} {{ .Values.n }} {{ printf \"%d\" .Values.n }} {{ int .Values.n | printf \"%d\" }}",
        &expect!["12345678 5 %!d(float64=5) 5"],
    );
    check(
        "{{ eq .Values.n 5 }}",
        &expect![[
            r#"template: c/templates/t.yaml:1:3: executing "c/templates/t.yaml" at <eq .Values.n 5>: error calling eq: incompatible types for comparison: float64 and int"#
        ]],
    );
}

#[test]
fn variables_live_in_their_block() {
    check(
        "{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $x := 3 }}{{ end }}{{ $x }}",
        &expect!["2"],
    );
    check(
        "{{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}",
        &expect![[r#"parse error at (c/templates/t.yaml:1): undefined variable "$x""#]],
    );
}

#[test]
fn ranges_break_continue_and_fall_back() {
    check(
        "{{ range $i, $x := .Values.list }}{{ $i }}={{ $x }};{{ end }}",
        &expect!["0=1;1=two;"],
    );
    check(
        "{{ range until 5 }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ if eq . 3 }}{{ break }}{{ end }}{{ . }}{{ end }}",
        &expect!["02"],
    );
    check(
        "{{ range .Values.missing }}x{{ else }}none{{ end }}",
        &expect!["none"],
    );
    check("{{ range 3 }}{{ . }}{{ end }}", &expect!["012"]);
    check(
        "{{ range .Values.s }}{{ end }}",
        &expect![[
            r#"template: c/templates/t.yaml:1:16: executing "c/templates/t.yaml" at <.Values.s>: range can't iterate over text"#
        ]],
    );
}

#[test]
fn comments_and_delimiters_trim() {
    check(
        "a\n  {{- /* c */}}\nb {{- 1 -}} \n c {{/* d */ -}}  e",
        &expect!["a\nb1c e"],
    );
}

#[test]
fn mistakes_are_told_as_by_go() {
    for (template, expected) in [
        (
            "{{ nope 1 }}",
            expect![[r#"parse error at (c/templates/t.yaml:1): function "nope" not defined"#]],
        ),
        (
            "{{ if }}",
            expect!["parse error at (c/templates/t.yaml:1): missing value for if"],
        ),
        (
            "\n{{ \"a }}",
            expect!["parse error at (c/templates/t.yaml:2): unterminated quoted string"],
        ),
        (
            "{{ .a | 5 }}",
            expect![
                "parse error at (c/templates/t.yaml:1): non executable command in pipeline stage 2"
            ],
        ),
        (
            "{{ end }}",
            expect!["parse error at (c/templates/t.yaml:1): unexpected {{end}}"],
        ),
        (
            "{{ range . }}",
            expect!["parse error at (c/templates/t.yaml:1): unexpected EOF"],
        ),
        (
            "{{ break }}",
            expect!["parse error at (c/templates/t.yaml:1): {{break}} outside {{range}}"],
        ),
        (
            "{{ (1 }}",
            expect!["parse error at (c/templates/t.yaml:1): unclosed left paren"],
        ),
        (
            "{{ 1x }}",
            expect![[r#"parse error at (c/templates/t.yaml:1): "1x""#]],
        ),
        (
            "{{\n\n.a",
            expect![
                "parse error at (c/templates/t.yaml:3): unclosed action started at c/templates/t.yaml:1"
            ],
        ),
        (
            "{{ trunc \"a\" \"b\" }}",
            expect![[
                r#"template: c/templates/t.yaml:1:9: executing "c/templates/t.yaml" at <"a">: expected integer; found "a""#
            ]],
        ),
        (
            "{{ upper }}",
            expect![[
                r#"template: c/templates/t.yaml:1:3: executing "c/templates/t.yaml" at <upper>: wrong number of args for upper: want 1 got 0"#
            ]],
        ),
        (
            "{{ 5 | upper }}",
            expect![[
                r#"template: c/templates/t.yaml:1:7: executing "c/templates/t.yaml" at <upper>: wrong type for value; expected string; got int"#
            ]],
        ),
        (
            "{{ fail \"no: way\" }}",
            expect!["execution error at (c/templates/t.yaml:1:3): no: way"],
        ),
        (
            "{{ required \"need it\" .Values.none }}",
            expect!["execution error at (c/templates/t.yaml:1:3): need it"],
        ),
        (
            "{{ define \"x\" }}{{ index .Values.list 9 }}{{ end }}\n{{ include \"x\" . }}",
            expect![[
                r#"template: c/templates/t.yaml:2:3: executing "c/templates/t.yaml" at <include "x" .>: error calling include: template: c/templates/t.yaml:1:19: executing "x" at <index .Values.list 9>: error calling index: index out of range: 9"#
            ]],
        ),
    ] {
        check(template, &expected);
    }
}

#[test]
fn templates_share_one_top_and_run_from_the_last() {
    let rendered = rendered(
        &[
            (
                "templates/a.yaml",
                "{{ .Values.set }}{{ include \"twice\" . }}{{ .Template.Name }}",
            ),
            ("templates/b.yaml", "{{ define \"twice\" }}b{{ end }}"),
            (
                "templates/zzz.yaml",
                "{{ define \"twice\" }}z{{ end }}{{ $_ := set .Values \"set\" \"yes \" }}",
            ),
            ("templates/_helpers.tpl", "not run {{ fail \"never\" }}"),
            ("templates/NOTES.txt", "done"),
        ],
        &json!({}),
    )
    .expect("renders");
    assert_eq!(
        rendered.files["c/templates/a.yaml"],
        "yes bc/templates/a.yaml"
    );
    assert_eq!(rendered.notes.as_deref(), Some("done"));
    assert!(!rendered.files.contains_key("c/templates/_helpers.tpl"));
}

#[test]
fn a_null_of_the_user_removes_a_default() {
    let files = [
        ("values.yaml", "a: {b: 1, c: 2}\nd: 3\ne: 0755\n"),
        ("templates/t.yaml", "{{ toJson .Values }}"),
    ];
    let rendered =
        rendered(&files, &json!({"a": {"b": null, "x": null}, "d": null})).expect("renders");
    expect![[r#"{"a":{"c":2,"x":null},"e":493}"#]].assert_eq(&rendered.files["c/templates/t.yaml"]);
}

#[test]
fn subcharts_are_chosen_renamed_and_given_globals() {
    let files = [
        (
            "Chart.yaml",
            "name: c\nversion: 1.0.0\ndependencies:\n- {name: s, version: 1.x, alias: one, condition: one.on}\n- {name: s, version: 1.x, alias: two, tags: [extra]}\n- {name: s, version: '*', import-values: [data, {child: own, parent: from.s}]}\n",
        ),
        (
            "values.yaml",
            "global: {g: 1}\none: {on: true, v: 5}\ntags: {extra: false}\n",
        ),
        ("charts/s/Chart.yaml", "name: s\nversion: 1.1.0\n"),
        (
            "charts/s/values.yaml",
            "v: 1\nown: {o: 7}\nexports: {data: {imported: yes}}\n",
        ),
        ("charts/s/crds/x.yaml", "kind: CustomResourceDefinition\n"),
        (
            "charts/s/templates/t.yaml",
            "{{ .Chart.Name }} {{ .Values.v }} {{ .Values.global.g }} {{ .Template.BasePath }} {{ .Chart.IsRoot }}",
        ),
        (
            "templates/t.yaml",
            "{{ .Values.imported }} {{ toJson .Values.from }} {{ .Subcharts.one.Values.v }}",
        ),
    ];
    let rendered = rendered(&files, &json!({"global": {"g": 2.0}})).expect("renders");
    let all: Vec<String> = rendered
        .files
        .iter()
        .map(|(path, text)| format!("{path}: {text}"))
        .collect();
    expect![[r#"
        c/charts/one/templates/t.yaml: one 5 2 c/charts/one/templates false
        c/charts/s/templates/t.yaml: s 1 2 c/charts/s/templates false
        c/templates/t.yaml: true {"s":{"o":7}} 5"#]]
    .assert_eq(&all.join("\n"));
    assert!(rendered.crds.contains_key("c/charts/one/crds/x.yaml"));
}

#[test]
fn files_and_capabilities_have_methods() {
    let files = [
        ("files/a.txt", "one\ntwo\n"),
        ("files/b.bin", "b"),
        (
            "templates/t.yaml",
            "{{ .Files.Get \"files/a.txt\" | quote }} {{ .Files.Lines \"files/a.txt\" }}\n{{ (.Files.Glob \"files/*\").AsConfig }}\n{{ (.Files.Glob \"**.bin\").AsSecrets }}\n{{ range $name, $_ := .Files.Glob \"files/{a,b}.*\" }}{{ $name }} {{ end }}\n{{ .Capabilities.KubeVersion.Minor }} {{ .Capabilities.KubeVersion }} {{ .Capabilities.APIVersions.Has \"v1\" }} {{ .Capabilities.APIVersions.Has \"v2\" }}",
        ),
    ];
    let rendered = rendered(&files, &json!({})).expect("renders");
    expect![[r#"
        "one\ntwo\n" [one two]
        a.txt: |
          one
          two
        b.bin: b
        b.bin: Yg==
        files/a.txt files/b.bin 
        32 v1.32.0 true false"#]]
    .assert_eq(&rendered.files["c/templates/t.yaml"]);
}

#[test]
fn what_has_no_end_is_stopped() {
    for (template, expected) in [
        (
            "{{ define \"x\" }}{{ include \"x\" . }}{{ end }}{{ include \"x\" . }}",
            "exceeded maximum template depth",
        ),
        (
            "{{ define \"x\" }}{{ template \"x\" . }}{{ end }}{{ template \"x\" . }}",
            "exceeded maximum template depth",
        ),
        (
            "{{ $t := \"{{ tpl .t . }}\" }}{{ tpl $t (dict \"t\" $t) }}",
            "exceeded maximum template depth",
        ),
        (
            "{{ range 100000000000 }}{{ end }}",
            "the templates call more than",
        ),
        (
            "{{ repeat 1000000000 \"xxxxxxxx\" }}",
            "the text would be longer than",
        ),
        ("{{ until 100000000 }}", "the list would be longer than"),
        (
            "{{ indent 100000000 \"a\\nb\" }}",
            "the text would be longer than",
        ),
    ] {
        let message = shown(template);
        assert!(
            message.contains(expected),
            "{template}: {}",
            message.get(..200).unwrap_or(&message)
        );
    }
    // Data that holds itself is printed up to some depth.
    let text = shown("{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ $d }}");
    assert!(text.starts_with("map[d:map[d:"), "{text}");
    assert_eq!(
        shown("{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ toYaml $d }}"),
        ""
    );
    let deep = "{{ $d := dict }}{{ range until 200000 }}{{ $d = dict \"d\" $d }}{{ end }}{{ $l := list }}{{ range until 200000 }}{{ $l = list $l }}{{ end }}done";
    assert_eq!(shown(deep), "done");
    let nested = format!(
        "{}1{}",
        "{{ if true }}".repeat(5000),
        "{{ end }}".repeat(5000)
    );
    assert!(shown(&nested).contains("nested too deeply"));
    let parens = format!("{{{{ {}1{} }}}}", "(".repeat(5000), ")".repeat(5000));
    assert!(shown(&parens).contains("max expression depth exceeded"));
}

#[test]
fn a_chart_must_say_what_it_is() {
    for (metadata, expected) in [
        (
            "version: 1.0.0\n",
            "validation: chart.metadata.name is required",
        ),
        (
            "name: c\n",
            "validation: chart.metadata.version is required",
        ),
        (
            "name: c\nversion: x\n",
            "validation: chart.metadata.version \"x\" is invalid",
        ),
        (
            "name: a/b\nversion: 1.0.0\n",
            "validation: chart.metadata.name \"a/b\" is invalid",
        ),
        (
            "name: c\nversion: 1.0.0\ntype: x\n",
            "validation: chart.metadata.type must be application or library",
        ),
    ] {
        let error = chart(&[("Chart.yaml", metadata)]).expect_err("refused");
        assert_eq!(error.message, expected);
    }
    let error = Chart::from_files(SortedMap::new()).expect_err("refused");
    assert_eq!(error.message, "Chart.yaml file is missing");
}
