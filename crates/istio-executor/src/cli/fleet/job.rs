//! `refit fleet job`: what performs a fleet's plans from a management cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::{Args as ClapArgs, CommandFactory, ValueEnum};
use istio_planner::fleet::{self, Cluster, Fleet};
use istio_planner::outcome::{Level, Verdict};

use super::super::apply::read;
use super::super::duration::duration;
use super::super::{Cli, Error, Exit};
use super::CLUSTER;
use crate::fleet::jobs::{self, MOST, Member, Way};
use crate::fleet::names::{id, slug};
use crate::fleet::state::clusters;
use crate::fleet::waves::{self, Share, Sizes};
use crate::fleet::{argo, ocm};
use crate::job::Runner;
use crate::{cluster, output, rbac};

/// The arguments of `refit fleet job`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The folder that refit fleet plan --out wrote
    fleet: PathBuf,

    /// The image that holds refit
    #[arg(long)]
    image: String,

    /// The Secret with the kubeconfig of a cluster, for example 'kubeconfig-{cluster}'; it is named and never read
    #[arg(long, value_name = "NAME")]
    kubeconfig_secret: Option<String>,

    /// File that names the Secret of clusters that the pattern does not fit: lines such as 'eu-1: other-secret'
    #[arg(long, value_name = "FILE")]
    kubeconfig_secrets: Option<PathBuf>,

    /// The key of these Secrets that holds the kubeconfig
    #[arg(long, value_name = "KEY", default_value = "kubeconfig")]
    kubeconfig_key: String,

    /// The namespace in the management cluster
    #[arg(short, long, default_value = "refit")]
    namespace: String,

    /// The service account of the pods, which is made too; NAME-release may release waves
    #[arg(long, default_value = "refit-fleet", value_name = "NAME")]
    service_account: String,

    /// How many clusters go in each wave: numbers, percentages of the fleet, and the rest
    #[arg(long, value_name = "WAVES", default_value = "1,10%,rest")]
    waves: Sizes,

    /// How long a wave is watched after its end before the next is released
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    soak: Duration,

    /// How many clusters of the fleet may fail; after one more no wave is released, and the one at work is stopped
    #[arg(long, value_name = "N|P%", default_value = "0")]
    max_failures: Share,

    /// How many clusters of a wave are at work at the same time
    #[arg(long, value_name = "N", default_value_t = 10)]
    parallel: usize,

    /// How often a cluster is tried again whose pod fails for a reason that may pass
    #[arg(long, value_name = "N", default_value_t = 2)]
    retries: u32,

    /// Takes plans although evidence is missing (verdict unknown)
    #[arg(long)]
    force: bool,

    /// Leaves blocked clusters out, and those that have to wait for them
    #[arg(long)]
    skip_blocked: bool,

    /// What is printed
    #[arg(short, long, value_enum, default_value_t = Format::Jobs)]
    output: Format,

    /// Arguments of refit apply, after --
    #[arg(last = true, value_name = "ARGUMENTS")]
    arguments: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    #[value(help = "Jobs of Kubernetes, and one that releases wave after wave")]
    Jobs,
    #[value(help = "a Workflow of Argo, which ends at the first wave in which a cluster fails")]
    Argo,
    #[value(
        help = "ManifestWorks of Open Cluster Management: each cluster performs its plan by a Job of its own; waves are labels"
    )]
    Ocm,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    check("apply", &args.arguments)?;
    fits(args)?;
    for (flag, name) in [
        ("--namespace", &args.namespace),
        ("--service-account", &args.service_account),
    ] {
        if !cluster::is_label(name) {
            return Err(Error::usage(format!("{flag} {name:?} is no name")));
        }
    }
    let folder = Folder::read(&args.fleet)?;
    let secrets = args.secrets()?;
    let fleet = &folder.fleet;
    let chosen = chosen(fleet, args.force, args.skip_blocked)?;
    let members = chosen
        .iter()
        .map(|it| args.member(&it.name, &secrets))
        .collect::<Result<Vec<Member>, Error>>()?;
    let waves = args.waves(fleet, &chosen)?;
    let id = id(fleet);
    let way = Way {
        runner: Runner {
            image: &args.image,
            namespace: &args.namespace,
            service_account: &args.service_account,
        },
        id: &id,
        target: &fleet.target,
        key: &args.kubeconfig_key,
        parallel: args.parallel,
        retries: args.retries,
        may_fail: args.max_failures.at_most(chosen.len()),
        soak: args.soak.as_secs(),
        arguments: &args.arguments,
    };
    let plan = |at: usize| {
        let file = chosen[at].file.as_deref().unwrap_or_default();
        read(&folder.path.join(file), args.force)
    };
    let mut objects = Vec::new();
    let mut of_waves = Vec::new();
    for (number, wave) in (1..).zip(&waves) {
        let names: Vec<&str> = wave.iter().map(|it| chosen[*it].name.as_str()).collect();
        output::note(&format!("wave {number}: {}", names.join(", ")));
        let of_wave: Vec<Member> = wave.iter().map(|it| members[*it].clone()).collect();
        for (at, member) in wave.iter().zip(&of_wave) {
            objects.push(match args.output {
                Format::Jobs | Format::Argo => jobs::plan(&way, member, &plan(*at)?)?,
                Format::Ocm => ocm::work(&way, number, member, &plan(*at)?)?,
            });
        }
        if args.output == Format::Jobs {
            objects.push(jobs::wave(&way, number, &of_wave));
        }
        of_waves.push(of_wave);
    }
    let next = match args.output {
        Format::Jobs => {
            objects.extend(jobs::release(&way, waves.len()));
            format!("refit fleet resume --fleet {id} -n {}", args.namespace)
        }
        Format::Argo => {
            objects.extend(argo::workflow(&way, &of_waves));
            format!("argo resume refit-fleet-{id} -n {}", args.namespace)
        }
        Format::Ocm => "kubectl apply -l refit/wave=1 -f FILE, then the next".to_owned(),
    };
    output::data(&rbac::documents(&objects))?;
    output::note(&format!(
        "the fleet {id} waits until it is released: {next}"
    ));
    Ok(Exit::Done)
}

/// Refuses what another engine has no counterpart of.
fn fits(args: &Args) -> Result<(), Error> {
    let none = args.max_failures.at_most(100) == 0;
    match args.output {
        Format::Argo if !none => Err(Error::usage(
            "a Workflow ends at the first wave in which a cluster fails: --max-failures is for Jobs",
        )),
        Format::Ocm if !none || !args.soak.is_zero() => Err(Error::usage(
            "ManifestWorks are applied at once, so who applies them releases the waves: --max-failures and --soak are for Jobs",
        )),
        Format::Jobs | Format::Argo | Format::Ocm => Ok(()),
    }
}

/// What `refit fleet plan --out` wrote.
pub(super) struct Folder {
    path: PathBuf,
    pub(super) fleet: Fleet,
}

impl Folder {
    /// Reads the fleet's document; the outcomes are read when they are needed.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let file = if path.is_dir() {
            path.join("fleet.json")
        } else {
            path.to_owned()
        };
        let name = file.display();
        let text = fs::read(&file)
            .with_context(|| format!("cannot read {name}"))
            .map_err(Error::Usage)?;
        let fleet: Fleet = serde_json::from_slice(&text)
            .with_context(|| format!("{name} is no fleet"))
            .map_err(Error::Usage)?;
        if fleet.schema != fleet::SCHEMA {
            return Err(Error::usage(format!(
                "{name} is of schema {}, and this refit reads {}",
                fleet.schema,
                fleet::SCHEMA
            )));
        }
        let folder = file.parent().unwrap_or(Path::new("."));
        Ok(Self {
            path: folder.to_owned(),
            fleet,
        })
    }
}

/// Refuses arguments that a verb would refuse in every pod.
pub(super) fn check(verb: &str, arguments: &[String]) -> Result<(), Error> {
    let words = ["refit", verb, "PLAN"].into_iter().map(str::to_owned);
    let words = words.chain(arguments.iter().cloned());
    match Cli::command().try_get_matches_from(words) {
        Ok(_) => Ok(()),
        Err(error) => {
            let told = error.render().to_string();
            let told = told.lines().next().unwrap_or_default();
            let told = told.trim_start_matches("error: ");
            Err(Error::usage(format!(
                "refit {verb} does not take what stands after --: {told}"
            )))
        }
    }
}

/// The clusters whose plans are performed, in the fleet's order.
fn chosen(fleet: &Fleet, force: bool, skip_blocked: bool) -> Result<Vec<&Cluster>, Error> {
    let has = |it: &Cluster, level: Level| {
        let mut of_level = fleet.findings.iter().filter(|it| it.level == level);
        of_level.any(|finding| finding.subjects.iter().any(|of| of.cluster == it.name))
    };
    let is_blocked = |it: &Cluster| it.verdict() == Some(Verdict::Blocked) || has(it, Level::Block);
    let is_unknown = |it: &Cluster| {
        it.verdict().is_none() || it.verdict() == Some(Verdict::Unknown) || has(it, Level::Unknown)
    };
    let names = |of: &dyn Fn(&Cluster) -> bool| -> Vec<&str> {
        let all = fleet.clusters.iter().filter(|it| of(it));
        all.map(|it| it.name.as_str()).collect()
    };
    let blocked = names(&is_blocked);
    if !blocked.is_empty() && !skip_blocked {
        return Err(Error::refused(format!(
            "{} blocked: {}\nhint: settle their findings (refit fleet plan), or leave them out with --skip-blocked",
            clusters(blocked.len()),
            blocked.join(", ")
        )));
    }
    let unread = names(&|it| it.verdict().is_none() && !is_blocked(it));
    let unknown = names(&|it| is_unknown(it) && !is_blocked(it));
    if !unknown.is_empty() && !force {
        return Err(Error::refused(format!(
            "{} without all evidence (verdict unknown): {}\nhint: see their findings, or perform their plans all the same with --force",
            clusters(unknown.len()),
            unknown.join(", ")
        )));
    }
    if !unread.is_empty() {
        return Err(Error::refused(format!(
            "{} could not be read, so there is no plan: {}",
            clusters(unread.len()),
            unread.join(", ")
        )));
    }
    let mut out: BTreeSet<&str> = blocked.iter().copied().collect();
    // Who has to wait for one that stays would be newer than what it waits for.
    let waits: Vec<&str> = waves::before(fleet)
        .into_iter()
        .filter(|(it, before)| !out.contains(it) && !before.is_disjoint(&out))
        .map(|it| it.0)
        .collect();
    out.extend(&waits);
    for (names, why) in [
        (&blocked, "blocked"),
        (&waits, "has to wait for one that is left out"),
    ] {
        for it in names {
            output::note(&format!("left out: {it} ({why})"));
        }
    }
    let chosen: Vec<&Cluster> = fleet
        .clusters
        .iter()
        .filter(|it| !out.contains(it.name.as_str()))
        .collect();
    if let Some(it) = chosen.iter().find(|it| it.file.is_none()) {
        return Err(Error::usage(format!(
            "the fleet names no file for {}\nhint: refit fleet plan … --out DIR writes them",
            it.name
        )));
    }
    if chosen.is_empty() {
        return Err(Error::refused("no cluster is left to perform a plan in"));
    }
    Ok(chosen)
}

impl Args {
    /// Secrets by cluster, where a file names them.
    fn secrets(&self) -> Result<BTreeMap<String, String>, Error> {
        let Some(path) = &self.kubeconfig_secrets else {
            return Ok(BTreeMap::new());
        };
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))
            .map_err(Error::Usage)?;
        serde_yaml::from_str(&text)
            .with_context(|| format!("{} names no Secret for each cluster", path.display()))
            .map_err(Error::Usage)
    }

    fn member(&self, name: &str, secrets: &BTreeMap<String, String>) -> Result<Member, Error> {
        let slug = slug(name);
        let pattern = self.kubeconfig_secret.as_ref();
        let secret = secrets
            .get(name)
            .cloned()
            .or_else(|| Some(pattern?.replace(CLUSTER, &slug)));
        // Who performs in its own cluster needs none.
        let secret = secret.or_else(|| (self.output == Format::Ocm).then(|| slug.clone()));
        let Some(secret) = secret else {
            return Err(Error::usage(format!(
                "no Secret is named for the kubeconfig of {name}\nhint: --kubeconfig-secret 'kubeconfig-{{cluster}}', or --kubeconfig-secrets FILE"
            )));
        };
        if !secret.split('.').all(cluster::is_label) {
            return Err(Error::usage(format!(
                "{secret:?}, of cluster {name}, is no name of a Secret"
            )));
        }
        Ok(Member {
            cluster: name.to_owned(),
            slug,
            secret,
        })
    }

    fn waves(&self, fleet: &Fleet, chosen: &[&Cluster]) -> Result<Vec<Vec<usize>>, Error> {
        let before = waves::before(fleet);
        let place = |name: &&str| chosen.iter().position(|it| it.name == **name);
        let before: Vec<BTreeSet<usize>> = chosen
            .iter()
            .map(|it| before.get(it.name.as_str()))
            .map(|it| it.into_iter().flatten().filter_map(place).collect())
            .collect();
        let made = waves::waves(&self.waves, &before);
        if made.left > 0 {
            return Err(Error::usage(format!(
                "the waves leave {} out\nhint: end with rest, as in --waves 1,10%,rest",
                clusters(made.left)
            )));
        }
        if made.more > 0 {
            output::note(&format!(
                "{} more than asked for: clusters of a mesh wait for those that serve them",
                match made.more {
                    1 => "1 wave".to_owned(),
                    more => format!("{more} waves"),
                }
            ));
        }
        if let Some(wave) = made.waves.iter().find(|it| it.len() > MOST) {
            return Err(Error::usage(format!(
                "{} in one wave, and a Job has no room for more than {MOST}\nhint: --waves 1,{MOST},…",
                clusters(wave.len())
            )));
        }
        Ok(made.waves)
    }
}
