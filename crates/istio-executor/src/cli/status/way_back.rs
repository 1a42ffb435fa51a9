//! `refit status --rollback`: whether the cluster can still go back, until when, and what would be lost.
//!
//! Two ways lead back: `refit rollback` undoes the last upgrade from its journal, and a downgrade applies the older
//! release again. The downgrade is planned with the settings that the installation has, and nothing is performed.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use istio_planner::customisation::recover;
use istio_planner::outcome::{Finding, Verdict};
use istio_planner::readiness::{Readiness, readiness};
use istio_planner::snapshot::Snapshot;
use istio_planner::{Request, RequestFile};
use serde::Serialize;

use crate::cli::format::{self, Format};
use crate::cli::suggest::{anything, versions};
use crate::cli::target::Target;
use crate::cli::{Error, Exit, rollback};
use crate::cluster::{self, Cluster};
use crate::journal::copy::{self, Found};
use crate::journal::{self, progress, to_the_second};
use crate::run::back::preview::{Fate, Preview, by};
use crate::run::resume::plan_of;
use crate::{export, fields, planning, snapshot};

/// Objects that are named; the rest is counted.
const NAMED: usize = 10;

/// `--rollback`, and what belongs to it.
#[derive(Debug, ClapArgs)]
pub(super) struct WayBack {
    /// Says whether the cluster can still go back, until when and what would be lost; the exit code is that of a plan
    #[arg(long, help_heading = "Way back")]
    rollback: bool,

    /// An export to look at instead of the cluster
    #[arg(requires = "rollback", requires = "to")]
    files: Vec<PathBuf>,

    /// The version to go back to; without it, the one that the last upgrade came from
    #[arg(long, value_name = "VERSION", requires = "rollback", help_heading = "Way back", value_parser = anything(versions), hide_possible_values = true)]
    to: Option<String>,

    #[command(flatten, next_help_heading = "Way back")]
    target: Target,
}

/// The way back, for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(flatten)]
    readiness: &'a Readiness,
    #[serde(skip_serializing_if = "Option::is_none")]
    upgrade: Option<Upgrade>,
}

/// The upgrade that `refit rollback` would undo.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Upgrade {
    id: String,
    began: String,
    /// Why its journal cannot be gone back along.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    /// Objects that go back.
    objects: usize,
    /// What others wrote since over what the upgrade wrote.
    lost: Vec<String>,
    /// What others wrote since, and stays.
    kept: Vec<String>,
}

impl WayBack {
    pub(super) fn is_asked(&self) -> bool {
        self.rollback
    }
}

/// Looks at an export, where one is named.
pub(super) fn of_files(args: &WayBack, form: Format) -> Result<Option<Exit>, Error> {
    let (false, Some(to)) = (args.files.is_empty(), &args.to) else {
        return Ok(None);
    };
    let snapshot = export::read(&args.files).map_err(|it| Error::Usage(it.into()))?;
    let readiness = planned(args, to, None, snapshot, None)?;
    shown(&readiness, None, form).map(Some)
}

/// Looks at the cluster and at the journal of its last upgrade.
pub(super) async fn of_cluster(
    args: &WayBack,
    cluster: &Cluster,
    namespace: &str,
    form: Format,
) -> Result<Exit, Error> {
    let last = copy::load(cluster, namespace).await?;
    let open = last.filter(|it| {
        let progress = progress(&it.records);
        !progress.begun.is_empty() && !progress.rolled_back
    });
    let source = || plan_of(open.as_ref()?, &journal::folder(None)).ok()?.source;
    let Some(to) = args.to.clone().or_else(source) else {
        return Err(Error::refused(format!(
            "refit has upgraded nothing in {namespace} that could be undone\nhint: --to VERSION asks about the way to a release"
        )));
    };
    let required = istio_planner::required(&Request::default());
    let snapshot = snapshot::take(cluster, &required).await?;
    let since = open.as_ref().map(|it| it.began().to_owned());
    let readiness = planned(args, &to, Some(namespace), snapshot, since.as_deref())?;
    let upgrade = match &open {
        Some(found) => Some(upgrade(cluster, found, namespace).await),
        None => None,
    };
    shown(&readiness, upgrade, form)
}

/// Plans the downgrade with the settings that the installation has.
fn planned(
    args: &WayBack,
    to: &str,
    namespace: Option<&str>,
    snapshot: Snapshot,
    since: Option<&str>,
) -> Result<Readiness, Error> {
    let places = args.target.places();
    places.check(to).map_err(|it| Error::Usage(it.into()))?;
    let namespace = namespace.filter(|it| *it != "istio-system");
    let asked = Request {
        namespace: namespace.map(str::to_owned),
        ..Request::default()
    };
    let recovered = recover(&planning::input(
        asked.clone(),
        snapshot.clone(),
        &places,
        None,
    ));
    let request = Request {
        to: to.to_owned(),
        files: recovered
            .map(|it| RequestFile {
                name: "the installation's settings".to_owned(),
                text: it.yaml(),
            })
            .into_iter()
            .collect(),
        ..asked
    };
    let input = planning::input(request, snapshot, &places, None);
    let downgrade = istio_planner::plan(&input);
    Ok(readiness(&input, &downgrade, since))
}

/// What the journal of an upgrade would put back.
async fn upgrade(cluster: &Cluster, found: &Found, namespace: &str) -> Upgrade {
    let mut upgrade = Upgrade {
        id: found.short().to_owned(),
        began: found.began().to_owned(),
        ..Upgrade::default()
    };
    let previews = rollback::previews(cluster, found, namespace, &journal::folder(None)).await;
    match previews {
        Ok(previews) => previews.iter().for_each(|it| upgrade.add(it)),
        Err(error) => upgrade.refused = Some(error.words()),
    }
    upgrade
}

impl Upgrade {
    fn add(&mut self, preview: &Preview) {
        let name = cluster::name(&preview.object);
        match &preview.fate {
            Fate::Kept => {}
            Fate::Stays => self
                .kept
                .push(format!("{name}: there are objects of its kind")),
            Fate::Unknown => self
                .lost
                .push(format!("{name}: this journal does not hold it")),
            Fate::Deleted | Fate::Made => self.objects += 1,
            Fate::Changed { kept, lost, .. } => {
                self.objects += 1;
                for (list, theirs) in [(&mut self.kept, kept), (&mut self.lost, lost)] {
                    list.extend(theirs.iter().map(|it| {
                        let path = fields::path(&it.difference.path);
                        format!("{name}: {path}{}", by(it.author.as_ref()))
                    }));
                }
            }
        }
    }
}

fn shown(readiness: &Readiness, upgrade: Option<Upgrade>, form: Format) -> Result<Exit, Error> {
    let document = Document { readiness, upgrade };
    format::data(&document, form, || {
        text(readiness, document.upgrade.as_ref()).join("\n")
    })?;
    let refused = document.upgrade.is_some_and(|it| it.refused.is_some());
    Ok(match readiness.verdict {
        Verdict::Blocked => Exit::Refused,
        Verdict::Unknown => Exit::Unknown,
        Verdict::Clear if refused => Exit::Refused,
        Verdict::Clear => Exit::Done,
    })
}

fn text(it: &Readiness, upgrade: Option<&Upgrade>) -> Vec<String> {
    let word = match it.verdict {
        Verdict::Clear => "open",
        Verdict::Blocked => "blocked",
        Verdict::Unknown => "unknown",
    };
    let unknown = "an unknown version";
    let mut lines = vec![format!(
        "Way back {} → {}: {word}",
        it.from.as_deref().unwrap_or(unknown),
        it.to.as_deref().unwrap_or(unknown)
    )];
    let to = it.to.as_deref().unwrap_or(unknown);
    lines.push(match &it.supported_until {
        Some(day) if it.ended => format!("  {to} is supported no more since {day}"),
        Some(day) => format!(
            "  until {day}: then the support of {to} ends; and until the next upgrade begins"
        ),
        None => {
            format!("  until when {to} is supported is not known; until the next upgrade begins")
        }
    });
    if it.pods > 0 {
        lines.push(format!(
            "  {} pods would have to be restarted after it",
            it.pods
        ));
    }
    section(
        &mut lines,
        "Stands against it, or is not known",
        it.open.iter().map(finding),
    );
    section(&mut lines, "Would be lost", it.lost.iter().map(finding));
    let made = it.made_since.iter().map(ToString::to_string);
    section(&mut lines, "Made since the upgrade", made);
    let Some(upgrade) = upgrade else {
        lines.push(format!("\nNext: refit upgrade --to {to}, which goes down"));
        return lines;
    };
    let began = to_the_second(&upgrade.began);
    lines.push(format!("\nThe upgrade {}, begun at {began}:", upgrade.id));
    if let Some(why) = &upgrade.refused {
        lines.push(format!("  cannot be undone from its journal: {why}"));
    } else {
        lines.push(format!("  {} objects go back", upgrade.objects));
    }
    section(
        &mut lines,
        "Others wrote over it since, and would lose",
        upgrade.lost.iter().cloned(),
    );
    section(
        &mut lines,
        "Others wrote since, and keep",
        upgrade.kept.iter().cloned(),
    );
    if upgrade.refused.is_none() {
        lines.push("\nNext: refit rollback --dry-run".to_owned());
    }
    lines
}

fn finding(it: &Finding) -> String {
    format!("{} [{}]", it.title, it.code)
}

fn section(lines: &mut Vec<String>, title: &str, all: impl Iterator<Item = String>) {
    let all: Vec<String> = all.collect();
    if all.is_empty() {
        return;
    }
    lines.push(format!("\n{title} ({})", all.len()));
    lines.extend(all.iter().take(NAMED).map(|it| format!("  {it}")));
    if all.len() > NAMED {
        lines.push(format!("  … and {} more (-o json)", all.len() - NAMED));
    }
}
