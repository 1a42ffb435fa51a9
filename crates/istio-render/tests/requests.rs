//! What is said of requests as people write them: codes, places, and what would settle it.
//!
//! Each case was given to istioctl 1.30.3 too, which renders or refuses as is told here. The release is outside the
//! repository, found as `istio_data` finds it; without it the tests say so and pass, except in CI.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests: what is missing fails the test or is said"
)]

use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};

use istio_render::{Diagnostic, OperatorFile, Options, Release, render};

/// The head of every file here: two lines.
const HEAD: &str = "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\n";

fn release(version: &str) -> Option<Release> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("REFIT_ISTIO_DATA").map_or(beside, PathBuf::from);
    let path = root.join(format!("istio/releases/istio-{version}.tar.gz"));
    if path.is_file() {
        return Some(Release::from_tar_gz(File::open(path).unwrap()).unwrap());
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{} is missing",
        path.display()
    );
    println!("skipped: {} is missing (REFIT_ISTIO_DATA)", path.display());
    None
}

/// Whether it renders, and what is said.
fn said(release: &Release, text: &str) -> (bool, Vec<Diagnostic>) {
    let options = Options {
        files: vec![OperatorFile {
            name: "f".to_owned(),
            text: text.to_owned(),
        }],
        ..Options::default()
    };
    match render(release, &options) {
        Ok(rendering) => (true, rendering.diagnostics),
        Err(diagnostics) => (false, diagnostics),
    }
}

/// Renders a spec that begins in line 4 and compares `code path line` of everything that is said.
#[track_caller]
fn check(spec: &str, renders: bool, expected: &[&str]) -> Vec<Diagnostic> {
    check_file(&format!("{HEAD}spec:\n{spec}"), renders, expected)
}

#[track_caller]
fn check_file(text: &str, renders: bool, expected: &[&str]) -> Vec<Diagnostic> {
    let Some(release) = release("1.30.3") else {
        return Vec::new();
    };
    let (rendered, diagnostics) = said(&release, text);
    let found: Vec<_> = diagnostics
        .iter()
        .map(|it| {
            let line = it.place.as_ref().map_or(0, |(_, it)| it.line);
            format!("{} {} {line}", it.code, it.path.as_deref().unwrap_or("-"))
        })
        .collect();
    assert_eq!(
        (rendered, found),
        (
            renders,
            expected.iter().map(|it| (*it).to_owned()).collect()
        ),
        "{text}\n{diagnostics:#?}"
    );
    diagnostics
}

#[track_caller]
fn hints(diagnostics: &[Diagnostic], wanted: &str) {
    // Without the release there is nothing to look at.
    if let Some(first) = diagnostics.first() {
        let hint = first.hint.as_deref().unwrap_or_default();
        assert!(hint.contains(wanted), "{hint:?} lacks {wanted:?}");
    }
}

#[test]
fn what_the_mesh_config_means_nothing_by_is_told_once_with_the_nearest_name_or_place() {
    let found = check(
        "  profile: empty\n  meshConfig:\n    accesslogfile: /dev/stdout\n",
        true,
        &["unknown-mesh-field spec.meshConfig.accesslogfile 6"],
    );
    hints(&found, "did you mean accessLogFile?");
    let found = check(
        "  meshConfig:\n    defaultConfig:\n      accessLogFile: /dev/stdout\n",
        true,
        &["unknown-mesh-field spec.meshConfig.defaultConfig.accessLogFile 6"],
    );
    hints(&found, "belongs to `spec.meshConfig`");
    let found = check(
        "  meshConfig:\n    holdApplicationUntilProxyStarts: true\n",
        true,
        &["unknown-mesh-field spec.meshConfig.holdApplicationUntilProxyStarts 5"],
    );
    hints(&found, "belongs to `spec.meshConfig.defaultConfig`");
    let found = check(
        "  profile: empty\n  values:\n    meshConfig:\n      acessLogFile: /dev/stdout\n",
        true,
        &["unknown-mesh-field spec.values.meshConfig.acessLogFile 7"],
    );
    hints(&found, "did you mean accessLogFile?");
    let found = check(
        "  profile: empty\n  meshConfig:\n    zoneAwareLbSetting: {}\n",
        true,
        &["unknown-mesh-field spec.meshConfig.zoneAwareLbSetting 6"],
    );
    hints(&found, "known from 1.31 on");
    check(
        "  profile: empty\n  meshConfig:\n    access_log_file: /dev/stdout\n    defaultConfig: {proxyMetadata: {ANY: x}}\n",
        true,
        &[],
    );
}

#[test]
fn warnings_of_the_mesh_config_are_kept() {
    let text = "  profile: empty\n  meshConfig:\n    defaultConfig:\n      proxyMetadata:\n        ISTIO_META_DNS_AUTO_ALLOCATE: \"true\"\n";
    let found = check(
        text,
        true,
        &[
            "deprecated-mesh-field spec.meshConfig.defaultConfig.proxyMetadata.ISTIO_META_DNS_AUTO_ALLOCATE 8",
        ],
    );
    hints(&found, "dns-auto-allocation-v2");
    // The deprecation began with 1.25.
    if let Some(release) = release("1.24.6") {
        let (rendered, found) = said(&release, &format!("{HEAD}spec:\n{text}"));
        assert!(rendered && found.is_empty(), "{found:#?}");
    }
    check(
        "  profile: empty\n  meshConfig:\n    extensionProviders:\n    - name: a\n      zipkn: {}\n",
        true,
        &["unknown-mesh-field spec.meshConfig.extensionProviders.[0].zipkn 8"],
    );
    check(
        "  profile: empty\n  meshConfig:\n    extensionProviders:\n    - name: a\n    - name: a\n      zipkin: {service: z, port: 9411}\n    - skywalking: {service: z, port: 1}\n",
        true,
        &[
            "bad-extension-provider spec.meshConfig.extensionProviders.[0] 7",
            "bad-extension-provider spec.meshConfig.extensionProviders.[1].name 8",
            "bad-extension-provider spec.meshConfig.extensionProviders.[2] 10",
        ],
    );
    check(
        "  profile: empty\n  meshConfig:\n    extensionProviders:\n    - name: a\n      zipkin: {service: z, port: 9411}\n",
        true,
        &[],
    );
}

#[test]
fn a_bad_value_is_told_once_at_the_line_that_somebody_wrote() {
    let found = check(
        "  profile: minimal\n  meshConfig:\n    trustDomain: a_b.example\n",
        false,
        &["bad-mesh-config spec.meshConfig.trustDomain 6"],
    );
    assert!(found.iter().all(|it| it.message.contains("a_b.example")));
    check(
        "  values:\n    meshConfig:\n      trustDomain: a_b.example\n",
        false,
        &["bad-mesh-config spec.values.meshConfig.trustDomain 6"],
    );
    check(
        "  meshConfig:\n    accessLogFile: 5\n",
        false,
        &["wrong-type spec.meshConfig.accessLogFile 5"],
    );
}

#[test]
fn of_several_tracers_the_last_declared_counts() {
    let tracing = "  profile: empty\n  meshConfig:\n    defaultConfig:\n      tracing:\n";
    check(
        &format!("{tracing}        zipkin: {{}}\n        stackdriver: {{}}\n"),
        true,
        &["several-tracers spec.meshConfig.defaultConfig.tracing.zipkin 8"],
    );
    check(
        &format!("{tracing}        zipkin: {{}}\n"),
        false,
        &["bad-mesh-config spec.meshConfig.defaultConfig.tracing.zipkin.address 8"],
    );
    check(
        &format!("{tracing}        zipkin: {{address: \"z:9411\"}}\n"),
        true,
        &[],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn settings_that_went_are_told_with_what_took_their_place() {
    let gateway = "  components:\n    ingressGateways:\n    - name: istio-ingressgateway\n";
    for (spec, path, hint) in [
        (
            "  addonComponents: {kiali: {enabled: true}}\n",
            "spec.addonComponents",
            "gone from Istio 1.24 on",
        ),
        (
            "  addonComponents: {kiali: {enabled: true}}\n",
            "spec.addonComponents",
            "samples/addons",
        ),
        (
            "  components: {citadel: {enabled: false}}\n",
            "spec.components.citadel",
            "gone from Istio 1.7 on. It is a part of istiod",
        ),
        (
            "  components: {galley: {enabled: false}}\n",
            "spec.components.galley",
            "part of istiod",
        ),
        (
            "  components: {policy: {enabled: true}}\n",
            "spec.components.policy",
            "gone from Istio 1.8 on. Mixer is gone",
        ),
        (
            "  components: {telemetry: {enabled: true}}\n",
            "spec.components.telemetry",
            "Telemetry objects",
        ),
        (
            "  components: {kiali: {enabled: true}}\n",
            "spec.components.kiali",
            "samples/addons",
        ),
        (
            "  defaultRevision: true\n",
            "spec.defaultRevision",
            "gone from Istio 1.21 on",
        ),
        (
            "  resourceSuffix: x\n",
            "spec.resourceSuffix",
            "gone from Istio 1.24 on",
        ),
        (
            "  components: {pilot: {k8s: {hpaSpec: {metrics: [{type: Resource, resource: {name: cpu, targetAverageUtilization: 80}}]}}}}\n",
            "spec.components.pilot.k8s.hpaSpec.metrics.[0].resource.targetAverageUtilization",
            "target: {type: Utilization, averageUtilization: …}",
        ),
        (
            "  components: {pilot: {k8s: {hpaSpec: {metrics: [{type: Resource, resource: {name: memory, targetAverageValue: 1Gi}}]}}}}\n",
            "spec.components.pilot.k8s.hpaSpec.metrics.[0].resource.targetAverageValue",
            "target: {type: AverageValue, averageValue: …}",
        ),
        (
            "  components: {pilot: {k8s: {hpaSpec: {metrics: [{type: Pods, pods: {metricName: x}}]}}}}\n",
            "spec.components.pilot.k8s.hpaSpec.metrics.[0].pods.metricName",
            "metric: {name: …}",
        ),
        (
            &format!("{gateway}      k8s: {{service: {{annotations: {{a: b}}}}}}\n"),
            "spec.components.ingressGateways.[0].k8s.service.annotations",
            "k8s.serviceAnnotations",
        ),
        (
            &format!("{gateway}      ports: []\n"),
            "spec.components.ingressGateways.[0].ports",
            "k8s.service.ports",
        ),
        (
            "  values: {mixer: {enabled: true}}\n",
            "spec.values.mixer",
            "Mixer is gone",
        ),
        (
            "  values: {global: {proxy: {accessLogFile: /dev/stdout}}}\n",
            "spec.values.global.proxy.accessLogFile",
            "meshConfig.accessLogFile",
        ),
        (
            "  components: {pilot: {replicaCount: 2}}\n",
            "spec.components.pilot.replicaCount",
            "belongs to `k8s` of the component",
        ),
        (
            "  accessLogFile: /dev/stdout\n",
            "spec.accessLogFile",
            "belongs to `spec.meshConfig`",
        ),
        (
            "  ingressGateways: []\n",
            "spec.ingressGateways",
            "belongs to `spec.components`",
        ),
    ] {
        let Some(release) = release("1.30.3") else {
            return;
        };
        let (rendered, found) = said(&release, &format!("{HEAD}spec:\n{spec}"));
        assert!(!rendered && found.len() == 1, "{spec}{found:#?}");
        assert_eq!(
            (found[0].code.as_str(), found[0].path.as_deref()),
            ("unknown-field", Some(path)),
            "{spec}"
        );
        hints(&found, hint);
        assert_eq!(found[0].nearest, None, "{spec}");
    }
    // A field that was only misspelt is told with the nearest name, as before.
    let found = check(
        "  profil: default\n",
        false,
        &["unknown-field spec.profil 4"],
    );
    assert!(
        found
            .iter()
            .all(|it| it.nearest.as_deref() == Some("profile"))
    );
}

#[test]
fn values_beside_the_spec_and_what_the_cluster_added_are_told_as_such() {
    let found = check_file(
        &format!("{HEAD}spec:\n  profile: minimal\nvalues:\n  global:\n    hub: x\n"),
        false,
        &["unknown-field values 5"],
    );
    hints(&found, "belongs to `spec`");
    let found = check_file(
        &format!("{HEAD}global:\n  hub: x\n"),
        false,
        &["unknown-field global 3"],
    );
    hints(&found, "belongs to `spec.values`");
    let exported = format!(
        "{HEAD}metadata:\n  name: a\n  generation: 3\n  creationTimestamp: null\nspec:\n  profile: minimal\nstatus:\n  status: HEALTHY\n"
    );
    let found = check_file(&exported, false, &["unknown-field status 9"]);
    hints(&found, "remove what the cluster added");
    check_file(
        &exported.replace("status:\n  status: HEALTHY\n", ""),
        true,
        &[],
    );
}

#[test]
fn a_value_that_is_missing_is_blamed_and_not_a_component() {
    let found = check(
        "  profile: minimal\n  values:\n    global:\n    pilot:\n      autoscaleMin: 2\n",
        false,
        &["render-failed spec.values.global 6"],
    );
    hints(&found, "Remove the line");
    check("  profile: minimal\n  values:\n    cni:\n", true, &[]);
}

#[test]
fn other_documents_in_a_file_are_named() {
    let operator = format!("{HEAD}spec:\n  profile: empty\n");
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: istio-system}\n";
    check_file(
        &format!("{namespace}---\n{operator}"),
        false,
        &["other-documents - 1"],
    );
    let found = check_file(
        &format!("{operator}---\n{namespace}"),
        false,
        &["other-documents - 6"],
    );
    assert!(found.iter().all(|it| it.message.contains("Namespace")));
    check_file(
        &format!("{operator}---\n{operator}"),
        false,
        &["multiple-operators - 6"],
    );
    check_file(&operator, true, &[]);
    check_file(&format!("# a licence\n---\n{operator}---\n"), true, &[]);
    check_file(&format!("---\n{operator}"), true, &[]);
}

#[test]
fn a_leading_empty_document_does_not_hide_the_operator() {
    let operator = format!("{HEAD}spec:\n  profile: empty\n");
    check_file(
        &format!("---\n---\n{operator}"),
        true,
        &["leading-document - 1"],
    );
    check_file(
        &format!("---\n# nothing\n---\n{operator}"),
        true,
        &["leading-document - 1"],
    );
}

#[test]
fn a_key_twice_is_told_with_both_lines() {
    let found = check(
        "  profile: empty\n  values:\n    global: {proxy: {logLevel: debug}}\n  values:\n    pilot: {traceSampling: 5}\n",
        true,
        &["repeated-key spec.values 5"],
    );
    assert!(
        found
            .iter()
            .all(|it| it.message.contains("line 5 and again in line 7"))
    );
    check(
        "  profile: empty\n  values:\n    global: &a {hub: x}\n    pilot: {<<: *a, hub: b}\n",
        true,
        &[],
    );
}

#[test]
fn a_template_that_was_not_rendered_is_told() {
    let found = check(
        "  profile: minimal\n  hub: {{ .Values.hub }}\n",
        false,
        &["invalid-yaml - 5"],
    );
    hints(&found, "template that was not rendered");
    let found = check(
        "  profile: empty\n  {{- if .x }}\n  hub: a\n  {{- end }}\n",
        false,
        &["invalid-yaml - 5"],
    );
    hints(&found, "template that was not rendered");
    check(
        "  profile: empty\n  values:\n    global:\n      meshID: ${MESH}\n",
        true,
        &["unrendered-template spec.values.global.meshID 7"],
    );
    // What the proxies or istiod fill in is no placeholder.
    check(
        "  profile: empty\n  meshConfig:\n    accessLogFormat: \"[%START_TIME%] ${x} {{y}}\\n\"\n",
        true,
        &[],
    );
}

#[test]
fn a_file_of_another_istio_is_told_in_one_piece() {
    let mut spec = String::from("  values:\n    global:\n");
    for number in 0..40 {
        writeln!(spec, "      old{number}: true").unwrap();
    }
    for component in ["citadel", "galley", "policy", "telemetry"] {
        if component == "citadel" {
            spec.push_str("  components:\n");
        }
        writeln!(spec, "    {component}: {{}}").unwrap();
    }
    let found = check(&spec, false, &["older-file - 47"]);
    assert!(
        found
            .iter()
            .all(|it| it.also.len() == 44 && it.message.contains("44 of its settings"))
    );
    let few = "  values:\n    global:\n      old1: true\n      old2: true\n";
    check(
        few,
        false,
        &[
            "unknown-field spec.values.global.old1 6",
            "unknown-field spec.values.global.old2 7",
        ],
    );
}

#[test]
fn twenty_thousand_unknown_keys_take_no_time() {
    let Some(release) = release("1.30.3") else {
        return;
    };
    let mut text = format!("{HEAD}spec:\n");
    for number in 0..20_000 {
        writeln!(text, "  key{number}: 1").unwrap();
    }
    let begin = std::time::Instant::now();
    let (rendered, found) = said(&release, &text);
    assert!(!rendered && found.len() == 1, "{}", found.len());
    assert!(begin.elapsed().as_secs() < 20, "{:?}", begin.elapsed());
}
