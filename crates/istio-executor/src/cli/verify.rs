//! `refit verify`: whether the cluster is what the last upgrade left.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, ValueEnum};
use istio_planner::outcome::Ref;
use istio_planner::plan::Plan;
use istio_planner::report::{Case, End, shown, suite};
use k8s_openapi::jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::connection::{Connection, ControlPlane, block_on};
use super::format::written;
use super::gates::Source;
use super::{Error, Exit, format};
use crate::cluster::{self, Cluster};
use crate::gate::{Baseline, Gates, OnFailure, subjects};
use crate::journal::copy::{self, Found};
use crate::journal::{self, Reading, Record, Verdict, progress, summary};
use crate::output;
use crate::release::Places;
use crate::run::resume::{plan_of, sealed};
use crate::run::verify::{Check, Stand, Subject, objects, proxies};
use crate::{planning, snapshot};

/// The arguments of `refit verify`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    plane: ControlPlane,

    /// Looks at the control plane alone: workloads are restarted later
    #[arg(long)]
    skip_proxies: bool,

    #[command(flatten)]
    source: Source,

    /// Folder of journals, where the plan stands if the cluster had no room for it
    #[arg(long, value_name = "DIR")]
    journal: Option<PathBuf>,

    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Yaml,
    #[value(help = "JUnit XML: a case for each object and workload")]
    Junit,
}

/// What `refit verify -o json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Verification")]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    /// Always `refit.verification/v1`.
    schema: &'static str,
    /// The id of the plan that was performed.
    plan: String,
    /// The version that it went to.
    target: String,
    /// The cluster, as a person knows it.
    cluster: Option<String>,
    /// How the whole stands: it differs where anything does, else is unknown where anything is.
    stand: Stand,
    /// What was looked at, in the order of the plan, then workloads.
    checks: Vec<Check>,
    /// What gates say, where a Prometheus is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    gates: Option<Vec<Reading>>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let document = block_on(async {
        let cluster = args.connection.connect().await?;
        let namespace = &args.plane.namespace;
        let Some(found) = copy::load(&cluster, namespace).await? else {
            return Err(Error::usage(format!(
                "refit has upgraded nothing in {namespace}\nhint: refit plan says what a cluster is without a journal"
            )));
        };
        verify(args, &cluster, &found).await
    })?;
    let words = match args.output {
        Format::Text => text(&document),
        Format::Junit => junit(&document),
        Format::Json => {
            output::json_text(&serde_json::to_string_pretty(&document)?)?;
            return Ok(exit(document.stand));
        }
        Format::Yaml => written(&document, format::Format::Yaml)?.unwrap_or_default(),
    };
    output::data(&words)?;
    Ok(exit(document.stand))
}

fn exit(stand: Stand) -> Exit {
    match stand {
        Stand::AsPlanned => Exit::Done,
        Stand::Differs => Exit::Refused,
        Stand::Unknown => Exit::Unknown,
    }
}

async fn verify(args: &Args, cluster: &Cluster, found: &Found) -> Result<Document, Error> {
    let namespace = &args.plane.namespace;
    sealed(found, namespace)?;
    let progress = progress(&found.records);
    if !progress.finished || progress.rolled_back || progress.rolling_back {
        return Err(Error::refused(format!(
            "upgrade {} is not done ({}), so there is nothing to verify",
            found.short(),
            super::status::state(&progress)
        )));
    }
    let plan = plan_of(found, &journal::folder(args.journal.as_deref()))?;
    let mut checks = objects(cluster, &plan, &found.records).await?;
    if !args.skip_proxies {
        checks.extend(data_plane(cluster, &plan).await?);
    }
    let gates = match args.source.gates(Duration::ZERO, OnFailure::Hold)? {
        Some(gates) => Some(gated(&gates, cluster, &plan, &found.records).await?),
        None => None,
    };
    let stands = checks.iter().map(|it| it.stand);
    let stands = stands.chain(gates.iter().flatten().map(stand));
    let stands: Vec<Stand> = stands.collect();
    let has = |stand: Stand| stands.contains(&stand);
    Ok(Document {
        schema: "refit.verification/v1",
        plan: plan.id.clone(),
        target: plan.target.clone(),
        cluster: cluster.name().map(str::to_owned),
        stand: if has(Stand::Differs) {
            Stand::Differs
        } else if has(Stand::Unknown) {
            Stand::Unknown
        } else {
            Stand::AsPlanned
        },
        checks,
        gates,
    })
}

/// What gates say now, held against what was measured before the first wave; where nobody measured then, against what
/// Prometheus still knows of that time.
async fn gated(
    gates: &Gates,
    cluster: &Cluster,
    plan: &Plan,
    records: &[Record],
) -> Result<Vec<Reading>, Error> {
    let mut all: Vec<Ref> = Vec::new();
    for object in plan.steps.iter().flat_map(subjects) {
        if !all.contains(&object) {
            all.push(object);
        }
    }
    let state = progress(records);
    let began = state.baseline.map(|it| it.0).or(state.began.map(|it| it.1));
    let at = began.and_then(|it| it.parse::<Timestamp>().ok());
    let at = at.map(Timestamp::as_second).unwrap_or_default();
    let later;
    let measures = match state.baseline {
        Some((_, measures)) => measures,
        None => match gates.measure(cluster, &all, Some(at)).await {
            Ok(measures) => {
                later = measures;
                &later
            }
            Err(bad) => return Ok(bad),
        },
    };
    let baseline = Baseline { at, measures };
    // As long as each gate looks back.
    Ok(gates.look(cluster, &all, Duration::MAX, &baseline).await)
}

/// How a gate stands. What is not judged is nothing that differs.
fn stand(reading: &Reading) -> Stand {
    match reading.verdict {
        Verdict::Holds | Verdict::NotJudged => Stand::AsPlanned,
        Verdict::Unknown => Stand::Unknown,
        Verdict::Fails => Stand::Differs,
    }
}

/// The proxies, as planning the same target again sees them. No release is needed for that.
async fn data_plane(cluster: &Cluster, plan: &Plan) -> Result<Vec<Check>, Error> {
    let request = istio_planner::Request {
        to: plan.target.clone(),
        namespace: Some(plan.namespace.clone()),
        ..istio_planner::Request::default()
    };
    let snapshot = snapshot::take(cluster, &istio_planner::required(&request)).await?;
    let places = Places {
        offline: true,
        ..Places::default()
    };
    let input = planning::quietly(request, snapshot, &places);
    Ok(proxies(&istio_planner::plan(&input), &input.snapshot))
}

/// What differs first; what is as planned is counted.
fn text(document: &Document) -> String {
    let cluster = document.cluster.as_deref().unwrap_or("this cluster");
    let differ = document
        .checks
        .iter()
        .filter(|it| it.stand != Stand::AsPlanned);
    let number = differ.clone().count();
    let gates = document.gates.iter().flatten();
    let number = number + gates.filter(|it| !it.verdict.is_good()).count();
    let verdict = match document.stand {
        Stand::AsPlanned => "as planned".to_owned(),
        Stand::Differs | Stand::Unknown => format!("{number} not as planned"),
    };
    // Writing to a string cannot fail.
    let mut text = format!("{cluster}, {}: {verdict}\n", document.target);
    for it in differ {
        let mark = if it.stand == Stand::Unknown { '?' } else { '!' };
        let _ = writeln!(text, "{mark} {}", named(it));
        for reason in &it.reasons {
            let _ = writeln!(text, "    {reason}");
        }
    }
    let good = |subject: Subject| {
        let all = document.checks.iter();
        all.filter(|it| it.subject == subject && it.stand == Stand::AsPlanned)
            .count()
    };
    let _ = writeln!(
        text,
        "As planned: {} objects, {} workloads of the mesh, {} workloads with proxies",
        good(Subject::Object),
        good(Subject::Component),
        good(Subject::Proxies)
    );
    for it in document.gates.iter().flatten() {
        let mark = match it.verdict {
            Verdict::Fails => '!',
            Verdict::Unknown => '?',
            Verdict::Holds | Verdict::NotJudged => continue,
        };
        let _ = writeln!(text, "{mark} {}", it.words());
    }
    if let Some(readings) = &document.gates {
        let _ = writeln!(text, "Gates: {}", summary(readings));
    }
    shown(&text).into_owned()
}

fn named(it: &Check) -> String {
    let name = cluster::name(&it.object);
    match it.subject {
        Subject::Object => name,
        Subject::Component => format!("{name}, its pods"),
        Subject::Proxies => format!("{name}, its proxies"),
    }
}

fn junit(document: &Document) -> String {
    let case = |it: &Check| Case {
        class: "refit.verify".to_owned(),
        name: named(it),
        end: match it.stand {
            Stand::AsPlanned => End::Passed(None),
            Stand::Differs | Stand::Unknown => End::Failed {
                kind: it.stand.as_str().to_owned(),
                message: it.reasons.first().cloned().unwrap_or_default(),
                body: it.reasons.join("\n"),
            },
        },
    };
    let gate = |it: &Reading| Case {
        class: "refit.verify.gates".to_owned(),
        name: match &it.object {
            Some(object) => format!("{} of {}", it.gate, cluster::name(object)),
            None => it.gate.clone(),
        },
        end: match stand(it) {
            Stand::AsPlanned => End::Passed(None),
            other => End::Failed {
                kind: other.as_str().to_owned(),
                message: it.words(),
                body: it.query.clone().unwrap_or_default(),
            },
        },
    };
    let gates = document.gates.iter().flatten().map(gate);
    let cases: Vec<Case> = document.checks.iter().map(case).chain(gates).collect();
    suite(&format!("verify {}", document.target), &cases)
}
