use expect_test::{Expect, expect};
use serde_json::json;
use sorted::SortedMap;

use super::{Colours, Markdown, Text, html, json, junit, redacted, sarif};
use crate::outcome::{
    Change, ChangeClass, Code, ControlPlane, DefaultChange, Direction, FieldChange, Finding,
    Installer, InstallerKind, Inventory, Kubernetes, Level, Outcome, Ref, Restart, RestartHow,
    RestartReason, Reverted, SCHEMA, Source, Subject, Target, Verdict,
};

pub(super) fn object(kind: &str, name: &str) -> Ref {
    Ref {
        api_version: "v1".to_owned(),
        kind: kind.to_owned(),
        namespace: Some("istio-system".to_owned()),
        name: name.to_owned(),
    }
}

fn field(
    path: &str,
    from: serde_json::Value,
    to: serde_json::Value,
    owner: Option<&str>,
) -> FieldChange {
    FieldChange {
        path: path.to_owned(),
        from: Some(from),
        to: Some(to),
        owner: owner.map(str::to_owned),
    }
}

pub(super) fn change(object: Ref, class: ChangeClass, fields: Vec<FieldChange>) -> Change {
    Change {
        object,
        component: "Pilot".to_owned(),
        class,
        fields,
        predicted: None,
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "one document with a little of everything"
)]
pub(super) fn outcome() -> Outcome {
    let stamp = field(
        "metadata.labels[\"helm.sh/chart\"]",
        json!("istiod-1.29.6"),
        json!("istiod-1.30.3"),
        None,
    );
    Outcome {
        schema: SCHEMA.to_owned(),
        verdict: Verdict::Clear,
        direction: Some(Direction::Upgrade),
        source: Source {
            version: Some("1.29.6".to_owned()),
            evidence: Vec::new(),
        },
        target: Target {
            version: Some("1.30.3".to_owned()),
            profile: "default".to_owned(),
        },
        charts: Vec::new(),
        hops: vec!["1.29.6".to_owned(), "1.30.3".to_owned()],
        path: Vec::new(),
        installers: vec![Installer {
            kind: InstallerKind::Istioctl,
            name: None,
            covers: vec!["Base".to_owned(), "Pilot".to_owned()],
            evidence: Vec::new(),
        }],
        inventory: Inventory {
            kubernetes: Kubernetes {
                server: Some("1.35.2".to_owned()),
                nodes: SortedMap::new(),
            },
            control_planes: vec![ControlPlane {
                namespace: "istio-system".to_owned(),
                revision: "default".to_owned(),
                version: Some("1.29.6".to_owned()),
                replicas: 2,
                tags: vec!["default".to_owned(), "prod".to_owned()],
            }],
            ..Inventory::default()
        },
        findings: vec![
            Finding::new(
                Code::ScaleReset,
                Level::Warn,
                "A scale would be overwritten",
                "Because <someone> set it",
            )
            .about([Subject {
                file: Some("cluster.yaml".to_owned()),
                line: Some(31),
                column: Some(3),
                ..Subject::new(object("HorizontalPodAutoscaler", "istiod"))
                    .field("spec.minReplicas")
                    .value(3)
            }])
            .fix("Put it into the request"),
        ],
        defaults: vec![DefaultChange {
            component: "Pilot".to_owned(),
            path: "values.pilot.env.X".to_owned(),
            from: None,
            to: Some(json!("true")),
            about: None,
            pinned: false,
            edit: None,
            unkept: None,
            keep: Some("compatibilityVersion: \"1.29\"".to_owned()),
        }],
        reverted: vec![Reverted {
            path: "values.pilot.traceSampling".to_owned(),
            live: json!(10),
            request: None,
            default: Some(json!(1)),
            evidence: vec![
                Subject::new(object("ConfigMap", "values")).field("data.original-values"),
            ],
        }],
        changes: vec![
            change(
                object("ConfigMap", "istio"),
                ChangeClass::Change,
                vec![
                    field(
                        "data.mesh",
                        json!("a: 1\nb: 2\n"),
                        json!("a: 1\nb: 3\n"),
                        None,
                    ),
                    stamp.clone(),
                ],
            ),
            change(
                object("HorizontalPodAutoscaler", "istiod"),
                ChangeClass::TakeOver,
                vec![field(
                    "spec.minReplicas",
                    json!(3),
                    json!(1),
                    Some("kubectl-edit"),
                )],
            ),
            change(object("Role", "istiod"), ChangeClass::Change, vec![stamp]),
        ],
        restarts: vec![Restart {
            object: object("Deployment", "shop"),
            pods: 3,
            proxies: SortedMap::from([("1.29.6".to_owned(), 3)]),
            to: Some("1.30.3".to_owned()),
            how: RestartHow::Rollout,
            reason: RestartReason::StaleImage,
        }],
        notes: Vec::new(),
        plan: None,
    }
}

#[track_caller]
fn check(full: bool, expected: &Expect) {
    expected.assert_eq(
        &Text {
            full,
            width: 80,
            next: Some("refit upgrade --to 1.30.3"),
            ..Text::plain(&outcome())
        }
        .to_string(),
    );
}

#[test]
fn text_begins_with_the_verdict_and_folds_what_is_long() {
    check(
        false,
        &expect![[r#"
            Upgrade 1.29.6 → 1.30.3: clear, 1 warning
              istiod 1.29.6 in istio-system, 2 pods, tag prod · Base and Pilot installed by
              istioctl · Kubernetes 1.35.2

            Would be lost (2)
                  values.pilot.traceSampling  10 → 1
              warn A scale would be overwritten [scale-reset]
                  · HorizontalPodAutoscaler istio-system/istiod spec.minReplicas: 3 …
                  → Put it into the request

            Changes: 1 changed, 1 taken over from others, 1 with new version labels only
              ! HorizontalPodAutoscaler istio-system/istiod taken over from others: …
              ~ ConfigMap istio-system/istio: mesh "a: 1\nb: 2\n" → "a: 1\nb: 3\n"

            Changed defaults (1)
              values.pilot.env.X: (absent) → "true", keep with compatibilityVersion: "1.29"

            Data plane: 1 workload, 3 pods
              Deployment istio-system/shop  3 of 1.29.6 → 1.30.3  rollout restart

            2 would be lost, 2 changes, 1 workload, 3 pods to restart
            Next: refit upgrade --to 1.30.3
        "#]],
    );
}

#[test]
fn full_text_holds_every_field_and_line() {
    check(
        true,
        &expect![[r#"
            Upgrade 1.29.6 → 1.30.3: clear, 1 warning
              istiod 1.29.6 in istio-system, 2 pods, tag prod
              Base and Pilot installed by istioctl
              Kubernetes 1.35.2
              profile default

            Would be lost (2)
                  values.pilot.traceSampling  10 → 1  ConfigMap istio-system/values
              warn A scale would be overwritten [scale-reset]
                  Because <someone> set it
                  · HorizontalPodAutoscaler istio-system/istiod spec.minReplicas: 3
                    (cluster.yaml:31:3)
                  → Put it into the request

            Changes: 1 changed, 1 taken over from others, 1 with new version labels only
              Pilot
                ~ ConfigMap istio-system/istio
                    data.mesh: 2 lines differ
                      @@ -1,2 +1,2 @@
                       a: 1
                      -b: 2
                      +b: 3
                    metadata.labels["helm.sh/chart"]: "istiod-1.29.6" → "istiod-1.30.3"
                ! HorizontalPodAutoscaler istio-system/istiod taken over from others
                    spec.minReplicas: 3 → 1 (owned by kubectl-edit)
                ~ Role istio-system/istiod
                    metadata.labels["helm.sh/chart"]: "istiod-1.29.6" → "istiod-1.30.3"

            Changed defaults (1)
              values.pilot.env.X: (absent) → "true", keep with compatibilityVersion: "1.29"

            Data plane: 1 workload, 3 pods
              Deployment istio-system/shop 3 of 1.29.6 → 1.30.3 rollout restart its proxy is
                of another version

            2 would be lost, 2 changes, 1 workload, 3 pods to restart
            Next: refit upgrade --to 1.30.3
        "#]],
    );
}

#[test]
fn nothing_that_is_read_steers_a_terminal_or_markdown() {
    let hostile = "\u{1b}[2J\u{202e}\u{9b}m](javascript:x)`|\n# clear";
    let mut outcome = outcome();
    outcome.findings[0].title = hostile.to_owned();
    outcome.findings[0].detail = hostile.to_owned();
    outcome.findings[0].fix = Some(hostile.to_owned());
    outcome.findings[0].subjects[0].value = Some(json!(hostile));
    outcome.findings[0].subjects[0].file = Some(hostile.to_owned());
    outcome.notes = outcome.findings.clone();
    outcome.target.profile = hostile.to_owned();
    outcome.target.version = Some(hostile.to_owned());
    outcome.inventory.control_planes[0].namespace = hostile.to_owned();
    outcome.defaults[0].path = hostile.to_owned();
    outcome.reverted[0].path = hostile.to_owned();
    outcome.changes[0].object.name = hostile.to_owned();
    outcome.changes[0].fields[0].path = hostile.to_owned();
    outcome.changes[1].fields[0].owner = Some(hostile.to_owned());
    outcome.restarts[0].object.name = hostile.to_owned();
    outcome.restarts[0].to = Some(hostile.to_owned());
    let text = |full| {
        Text {
            full,
            ..Text::plain(&outcome)
        }
        .to_string()
    };
    let markdown = Markdown { outcome: &outcome }.to_string();
    for (name, text) in [
        ("short", text(false)),
        ("full", text(true)),
        ("markdown", markdown),
        ("junit", junit(&outcome)),
    ] {
        let steers = |it: char| it.is_control() && it != '\n' || it == '\u{202e}';
        assert!(!text.contains(steers), "{name}: {text}");
        assert!(!text.contains("\n# clear"), "{name}: {text}");
    }
}

#[test]
fn a_case_of_junit_fails_where_something_blocks() {
    let mut outcome = outcome();
    let junit = |it: &Outcome| junit(it);
    assert!(junit(&outcome).contains("tests=\"1\" failures=\"0\""));
    outcome.findings[0].level = Level::Block;
    let text = junit(&outcome);
    assert!(text.contains("failures=\"1\""), "{text}");
    assert!(text.contains("<failure type=\"block\""), "{text}");
    assert!(text.contains("&lt;someone&gt;"), "{text}");
}

#[test]
fn many_workloads_and_findings_are_folded() {
    let mut outcome = outcome();
    let restart = outcome.restarts[0].clone();
    outcome.restarts = (0..10_000)
        .map(|it| {
            let mut restart = restart.clone();
            restart.object.name = format!("w{it}");
            restart.object.namespace = Some(format!("n{}", it % 300));
            restart
        })
        .collect();
    let finding = outcome.findings[0].clone();
    outcome.findings = vec![finding; 200];
    outcome.notes = outcome.findings.clone();
    let change = outcome.changes[1].clone();
    outcome.changes = vec![change; 500];
    outcome.defaults = vec![outcome.defaults[0].clone(); 90];
    outcome.reverted = vec![outcome.reverted[0].clone(); 90];
    let text = Text {
        width: 80,
        ..Text::plain(&outcome)
    }
    .to_string();
    assert!(text.lines().count() <= 150, "{}", text.lines().count());
    assert!(text.lines().all(|it| it.chars().count() <= 80), "{text}");
    let markdown = Markdown { outcome: &outcome }.to_string();
    assert!(
        markdown.contains("10000 workloads, 30000 pods"),
        "{markdown}"
    );
}

#[test]
fn markdown_says_the_same() {
    expect![[r#"
        # Upgrade 1.29.6 → 1.30.3

        **clear, 1 warning**

        - istiod 1.29.6 in istio-system, 2 pods, tag prod
        - Base and Pilot installed by istioctl
        - Kubernetes 1.35.2
        - profile default

        ## Would be lost

        ### warn: A scale would be overwritten

        [`scale-reset`](https://kubernetes.io/docs/reference/using-api/server-side-apply/). Because &lt;someone&gt; set it

        - `HorizontalPodAutoscaler istio-system/istiod spec.minReplicas: 3 (cluster.yaml:31:3)`

        **Fix:** Put it into the request

        ## Settings that the request would revert

        | Setting | Live | Request | Read from |
        |---|---|---|---|
        | `values.pilot.traceSampling` | `10` | `(absent)` | ConfigMap istio-system/values |

        ## Changes: 1 changed, 1 taken over from others, 1 with new version labels only

        - `HorizontalPodAutoscaler istio-system/istiod` taken over from others
          - `spec.minReplicas`: `3` → `1` (owned by kubectl-edit)
        - `ConfigMap istio-system/istio` changed
          - `data.mesh`: 2 lines differ

        ## Changed defaults

        | Component | Setting | From | To | Keep |
        |---|---|---|---|---|
        | Pilot | `values.pilot.env.X` | `(absent)` | `"true"` | `compatibilityVersion: "1.29"` |

        ## Data plane: 1 workload, 3 pods

        | Workload | Proxies | To | How | Why |
        |---|---|---|---|---|
        | `Deployment istio-system/shop` | 3 of 1.29.6 | 1.30.3 | rollout restart | its proxy is of another version |
    "#]].assert_eq(
        &Markdown {
            outcome: &outcome(),
        }
        .to_string(),
    );
}

#[test]
fn colours_change_no_word() {
    let coloured = Text {
        outcome: &outcome(),
        colours: Colours::ANSI,
        full: true,
        ..Text::plain(&outcome())
    }
    .to_string();
    let plain = Text {
        outcome: &outcome(),
        colours: Colours::PLAIN,
        full: true,
        ..Text::plain(&outcome())
    }
    .to_string();
    let mut stripped = String::new();
    let mut escaped = false;
    for it in coloured.chars() {
        match it {
            '\u{1b}' => escaped = true,
            'm' if escaped => escaped = false,
            _ if escaped => {}
            it => stripped.push(it),
        }
    }
    assert_ne!(coloured, plain);
    assert_eq!(stripped, plain);
}

#[test]
fn json_is_read_back_as_it_was() {
    let outcome = outcome();
    assert_eq!(
        serde_json::from_str::<Outcome>(&json(&outcome)).unwrap(),
        outcome
    );
}

#[test]
fn a_redacted_outcome_holds_no_value_of_the_cluster() {
    let mut outcome = outcome();
    let canary = || json!("canary");
    outcome.findings[0].subjects[0].value = Some(canary());
    outcome.findings[0].fixes = vec![crate::edit::Fix::one(
        "Keep it",
        crate::edit::Edit::Set {
            path: "a".to_owned(),
            value: canary(),
        },
    )];
    outcome.source.evidence = vec![Subject::flag("--from").value("canary")];
    outcome.reverted[0].live = canary();
    outcome.reverted[0].request = Some(canary());
    outcome.reverted[0].evidence[0].value = Some(canary());
    outcome.changes[0].fields[0].from = Some(canary());
    outcome.changes[0].fields[0].to = Some(canary());
    outcome.changes[0].predicted = Some(canary());
    let mut quoting = Finding::new(Code::RequestInvalid, Level::Block, "Refused", "canary");
    quoting.subjects = vec![Subject::place("a.yaml", 1, 1).value("canary")];
    outcome.findings.push(quoting);
    let expected = || crate::plan::Expected {
        exists: true,
        digest: Some("canary".to_owned()),
        ..Default::default()
    };
    let action = crate::plan::Action::Apply {
        object: object("ConfigMap", "istio"),
        manifest: canary(),
        force: true,
        expected: expected(),
    };
    outcome.plan = Some(crate::plan::Plan {
        id: String::new(),
        source: None,
        target: "1.30.3".to_owned(),
        direction: None,
        cluster: None,
        namespace: "istio-system".to_owned(),
        forced: false,
        steps: vec![crate::plan::Step {
            id: "apply-pilot".to_owned(),
            title: "Apply".to_owned(),
            component: None,
            actions: vec![action],
            waits: Vec::new(),
            pause: 0,
        }],
        freeze: Vec::new(),
    });
    assert!(json(&outcome).contains("canary"));
    let text = json(&redacted(&outcome));
    assert!(!text.contains("canary"), "{text}");
    assert!(text.contains("apply-pilot") && text.contains("spec.minReplicas"));
}

#[test]
fn sarif_has_a_rule_for_each_code_and_a_place_for_each_subject() {
    let text = sarif(&outcome());
    let log: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    let run = &log["runs"][0];
    let result = &run["results"][0];
    assert_eq!(log["version"], "2.1.0");
    assert_eq!(run["tool"]["driver"]["rules"][0]["id"], result["ruleId"]);
    assert_eq!(result["level"], "warning");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "cluster.yaml");
    assert_eq!(place["region"]["startLine"], 31);
    assert!(
        result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]
            .as_str()
            .is_some_and(|it| it.contains("istiod"))
    );
}

#[test]
fn html_holds_everything_and_nothing_in_it_runs() {
    let mut outcome = outcome();
    let hostile = "<img src=x onerror=alert(1)>\u{202e}\"'&";
    outcome.findings[0].title = hostile.to_owned();
    outcome.changes[0].object.name = hostile.to_owned();
    let page = html(&outcome, "refit upgrade --to '<b>'");
    assert!(
        page.starts_with("<!DOCTYPE html><html lang=\"en\">"),
        "{page}"
    );
    assert!(page.contains("default-src 'none'"));
    for never in ["<img", "<script", "<b>'", "\u{202e}"] {
        assert!(!page.contains(never), "{never}");
    }
    let count = |what: &str| page.matches(what).count();
    assert_eq!(
        count("<article "),
        outcome.findings.len() + outcome.notes.len()
    );
    let touched = outcome.changes.iter();
    let touched = touched.filter(|it| it.class != ChangeClass::Unchanged);
    let fields: usize = touched.clone().map(|it| it.fields.len()).sum();
    assert_eq!(count("class=\"object\""), touched.count());
    assert_eq!(count("class=\"field\""), fields);
    for finding in outcome.findings.iter().chain(&outcome.notes) {
        assert!(page.contains(&format!("<code>{}</code>", finding.code)));
    }
}
