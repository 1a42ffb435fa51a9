//! `refit template`: what `helm template` prints.

use std::fs;
use std::mem::ManuallyDrop;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args as ClapArgs;
use helm_template::manifest::{self, PrintOptions};
use helm_template::{Capabilities, Chart};
use serde_json::{Map, Value};

use super::{Error, Exit};
use crate::{output, release};

/// The arguments of `refit template`.
#[derive(Debug, ClapArgs)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of the command line are independent of one another"
)]
pub(super) struct Args {
    /// The release's name
    name: String,

    /// The chart's folder
    chart: PathBuf,

    /// The release's namespace
    #[arg(short, long, default_value = "default")]
    namespace: String,

    /// File of values; later ones win
    #[arg(
        short = 'f',
        long = "values",
        value_name = "FILE",
        value_delimiter = ','
    )]
    values: Vec<PathBuf>,

    /// Sets one value, in Helm's syntax
    #[arg(long = "set", value_name = "PATH=VALUE")]
    sets: Vec<String>,

    /// Sets .Release.IsUpgrade instead of .Release.IsInstall
    #[arg(long)]
    is_upgrade: bool,

    /// The version that .Capabilities.KubeVersion has
    #[arg(long, value_name = "VERSION", default_value = "v1.36.0")]
    kube_version: String,

    /// Kinds that .Capabilities.APIVersions has besides
    #[arg(
        short,
        long = "api-versions",
        value_name = "GROUP/VERSION[/KIND]",
        value_delimiter = ','
    )]
    api_versions: Vec<String>,

    /// Prints the chart's CRDs too
    #[arg(long)]
    include_crds: bool,

    /// Leaves hooks out
    #[arg(long)]
    no_hooks: bool,

    /// Leaves tests out
    #[arg(long)]
    skip_tests: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let files = release::read_folder(&args.chart)
        .with_context(|| format!("cannot read the chart {}", args.chart.display()))
        .map_err(Error::Usage)?;
    // The process ends with what it prints: nothing is taken apart before.
    let chart = Chart::from_files(files).map_err(|it| Error::Usage(it.into()))?;
    let chart = ManuallyDrop::new(chart);
    let release = helm_template::Release {
        name: args.name.clone(),
        namespace: args.namespace.clone(),
        is_upgrade: args.is_upgrade,
        is_install: !args.is_upgrade,
        revision: 1,
    };
    let capabilities = Capabilities {
        kube_version: format!("v{}", args.kube_version.trim_start_matches('v')),
        api_versions: args.api_versions.clone(),
    };
    let rendered = helm_template::render(&chart, &values(args)?, &release, &capabilities)
        .map_err(|it| Error::Usage(it.into()))?;
    let rendered = ManuallyDrop::new(rendered);
    let printed = PrintOptions {
        include_crds: args.include_crds,
        no_hooks: args.no_hooks,
        skip_tests: args.skip_tests,
    };
    let text = manifest::print(&rendered, printed).map_err(|it| Error::Usage(it.into()))?;
    output::data(&text)?;
    Ok(Exit::Done)
}

/// The values of `-f` and `--set`, later ones over earlier ones.
fn values(args: &Args) -> Result<Value, Error> {
    let mut merged = Value::Object(Map::new());
    for file in &args.values {
        let name = file.display();
        let text = fs::read_to_string(file)
            .with_context(|| format!("cannot read {name}"))
            .map_err(Error::Usage)?;
        let value =
            kube_yaml::from_str(&text).map_err(|it| Error::usage(format!("{name}:{it}")))?;
        merge(&mut merged, kube_yaml::as_go_json(value));
    }
    for set in &args.sets {
        helm_set::apply(&mut merged, set)
            .map_err(|it| Error::usage(format!("--set {set}: {it}")))?;
    }
    Ok(merged)
}

/// Maps merge, everything else is replaced (helm: `pkg/cli/values/options.go`, `mergeMaps`).
fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                match into.get_mut(&key) {
                    Some(old) if old.is_object() && value.is_object() => merge(old, value),
                    _ => {
                        into.insert(key, value);
                    }
                }
            }
        }
        (_, Value::Null) => {}
        (into, from) => *into = from,
    }
}

mod helm_set;
