//! Rendered targets against what real upgrades stored (`exports/README.md`, Comparing what a plan predicts).

use std::fmt::Write as _;
use std::path::Path;

use istio_render::{OperatorFile, Options, Release};
use serde_json::Value;
use sorted::SortedSet;

use super::stored::{differences, exports, normal, read};
use crate::desired::Desired;
use crate::diff::{Consent, DiffOutcome, diff};
use crate::outcome::{ChangeClass, Ref};
use crate::snapshot::Snapshot;

/// Kinds that controllers make, which nobody predicts.
const NOISE: [&str; 8] = [
    "Pod",
    "ReplicaSet",
    "EndpointSlice",
    "Node",
    "Job",
    "Lease",
    "ControllerRevision",
    "Event",
];

struct Scenario<'a> {
    before: &'a Snapshot,
    after: Option<Snapshot>,
    expected: Value,
    target: String,
}

fn short(object: &Ref) -> String {
    format!(
        "{}/{}/{}",
        object.kind,
        object.namespace.as_deref().unwrap_or_default(),
        object.name
    )
}

fn options(folder: &Path, expected: &Value) -> (String, Options) {
    let mut options = Options::default();
    let mut target = String::new();
    let mut arguments = expected["args"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap());
    while let Some(flag) = arguments.next() {
        match flag {
            "--to" => target = arguments.next().unwrap().to_owned(),
            "-f" => {
                let name = arguments.next().unwrap();
                let text = std::fs::read_to_string(folder.join(name)).unwrap();
                options.files.push(OperatorFile {
                    name: name.to_owned(),
                    text,
                });
            }
            "--set" => options.sets.push(arguments.next().unwrap().to_owned()),
            other => panic!("unknown argument {other}"),
        }
    }
    (target, options)
}

fn check(folder: &Path, report: &mut String) -> (usize, usize) {
    let expected = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let (target, mut options) = options(folder, &expected);
    let archive = folder.join(format!("../../istio/releases/istio-{target}.tar.gz"));
    let release = Release::from_tar_gz(flate(&archive)).unwrap();
    let before = read(&folder.join("export.tar.gz"));
    options.kubernetes = before.server_version.as_ref().map(|it| format!("v{it}"));
    let rendering = match istio_render::render(&release, &options) {
        Ok(rendering) => rendering,
        Err(diagnostics) => {
            writeln!(
                report,
                "  not rendered: {:?}",
                diagnostics.first().map(|it| &it.message)
            )
            .unwrap();
            return (0, 1);
        }
    };
    let desired = Desired::new(&release, &rendering);
    let outcome = diff(&before, &desired, Consent::NONE, true);
    let after = folder.join("after.tar.gz");
    let after = after.exists().then(|| read(&after));
    compare(
        &Scenario {
            before: &before,
            after,
            expected,
            target,
        },
        &outcome,
        report,
    )
}

fn flate(archive: &Path) -> std::fs::File {
    std::fs::File::open(archive).unwrap()
}

/// Counts what holds, and writes down what does not.
struct Tally<'a> {
    good: usize,
    total: usize,
    report: &'a mut String,
}

impl Tally<'_> {
    fn note(&mut self, fine: bool, text: impl FnOnce() -> String) {
        self.total += 1;
        self.good += usize::from(fine);
        if !fine {
            writeln!(self.report, "  {}", text()).unwrap();
        }
    }
}

fn compare(it: &Scenario<'_>, outcome: &DiffOutcome<'_>, report: &mut String) -> (usize, usize) {
    let mut tally = Tally {
        good: 0,
        total: 0,
        report,
    };
    classes(it, outcome, &mut tally);
    overwritten(it, outcome, &mut tally);
    findings(it, outcome, &mut tally);
    predictions(it, outcome, &mut tally);
    (tally.good, tally.total)
}

/// Objects that `expected.json` names in a field.
fn named(scenario: &Scenario<'_>, field: &str) -> Option<SortedSet<String>> {
    let text = |it: &Value, field: &str| {
        it.get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let name = |it: &Value| {
        format!(
            "{}/{}/{}",
            text(it, "kind"),
            text(it, "namespace"),
            text(it, "name")
        )
    };
    Some(
        scenario
            .expected
            .get(field)?
            .as_array()?
            .iter()
            .map(name)
            .collect(),
    )
}

fn classes(scenario: &Scenario<'_>, outcome: &DiffOutcome<'_>, tally: &mut Tally) {
    for (field, class) in [
        ("orphans", ChangeClass::Orphan),
        ("created", ChangeClass::Create),
        ("deleted", ChangeClass::Delete),
    ] {
        if let Some(want) =
            named(scenario, field).filter(|_| field == "orphans" || scenario.after.is_some())
        {
            let of = outcome.changes.iter().filter(|it| it.class == class);
            let got: SortedSet<String> = of.map(|it| short(&it.object)).collect();
            tally.note(got == want, || {
                format!("{field}: got {got:?}, want {want:?}")
            });
        }
    }
    for want in named(scenario, "lost").unwrap_or_default() {
        let change = outcome.changes.iter().find(|it| short(&it.object) == want);
        let lost = change.is_some_and(|it| it.class != ChangeClass::Unchanged);
        tally.note(lost, || format!("lost {want}"));
    }
}

fn overwritten(scenario: &Scenario<'_>, outcome: &DiffOutcome<'_>, tally: &mut Tally) {
    let list = scenario
        .expected
        .get("overwritten")
        .and_then(Value::as_array);
    for want in list.into_iter().flatten() {
        let text = |field: &str| want[field].as_str().unwrap();
        let change = outcome
            .changes
            .iter()
            .find(|it| it.object.kind == text("kind") && it.object.name == text("name"));
        let is_it = |it: &crate::outcome::FieldChange| {
            it.path.starts_with(text("field")) && it.owner.is_some()
        };
        let found = change.is_some_and(|it| it.fields.iter().any(is_it));
        tally.note(found, || format!("overwritten {want}"));
    }
}

fn findings(scenario: &Scenario<'_>, outcome: &DiffOutcome<'_>, tally: &mut Tally) {
    const OURS: [&str; 4] = [
        "load-balancer-change",
        "scale-reset",
        "immutable-field",
        "orphans-left",
    ];
    let codes = |field: &str| -> Vec<String> {
        let list = scenario.expected["findings"][field].as_array().unwrap();
        list.iter()
            .map(|it| it.as_str().unwrap().to_owned())
            .collect()
    };
    let all = super::findings(scenario.before, outcome);
    let there = |code: &String| all.iter().any(|it| it.code.as_str() == code);
    for code in codes("mustNot") {
        tally.note(!there(&code), || {
            format!("finding {code} must not be there")
        });
    }
    for code in codes("must")
        .into_iter()
        .filter(|it| OURS.contains(&it.as_str()))
    {
        tally.note(there(&code), || format!("finding {code} is missing"));
    }
}

fn predictions(scenario: &Scenario<'_>, outcome: &DiffOutcome<'_>, tally: &mut Tally) {
    for (object, stored) in scenario.after.iter().flat_map(|it| &it.objects) {
        let label = |key: &str| {
            stored.value["metadata"]["labels"][key]
                .as_str()
                .unwrap_or_default()
        };
        if NOISE.contains(&object.kind.as_str())
            || label("operator.istio.io/managed") != "Reconcile"
            || label("operator.istio.io/version") != scenario.target
        {
            continue;
        }
        let change = outcome.changes.iter().find(|it| it.object == *object);
        let Some(predicted) = change.and_then(|it| it.predicted.as_ref()) else {
            tally.note(false, || format!("predicted {}: nothing", short(object)));
            continue;
        };
        let created = !scenario.before.objects.contains_key(object);
        let mut problems = String::new();
        differences(
            &normal(predicted, created),
            &normal(&stored.value, created),
            "",
            &mut problems,
        );
        tally.note(problems.is_empty(), || {
            format!("predicted {}\n{problems}", short(object))
        });
    }
}

#[test]
fn real_upgrades_are_predicted() {
    let Some(exports) = exports() else { return };
    let mut folders: Vec<_> = std::fs::read_dir(&exports)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    folders.sort();
    let (mut good, mut total, mut report) = (0, 0, String::new());
    for folder in folders
        .iter()
        .filter(|it| it.join("expected.json").exists())
    {
        let has_after = folder.join("after.tar.gz").exists();
        let has_orphans = std::fs::read_to_string(folder.join("expected.json"))
            .unwrap()
            .contains("\"orphans\"");
        if !has_after && !has_orphans {
            continue;
        }
        writeln!(report, "{}", folder.file_name().unwrap().display()).unwrap();
        let (fine, all) = check(folder, &mut report);
        writeln!(report, "  {fine} of {all}").unwrap();
        good += fine;
        total += all;
    }
    assert_eq!(good, total, "\n{report}");
    assert!(total > 400, "only {total} comparisons\n{report}");
}
