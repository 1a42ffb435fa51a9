//! `refit check-inject`: which injectors the API server calls for a pod, and what comes of it.

use std::mem::ManuallyDrop;
use std::path::PathBuf;

use clap::Args as ClapArgs;
use istio_planner::dataplane::{InjectRequest, check_inject};
use sorted::SortedMap;

use super::format::{self, Format};
use super::{Error, Exit};
use crate::export;

/// The arguments of `refit check-inject`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// What the cluster exported: files, folders, .tar.gz; - is standard input. A last name that is no file is a pod
    #[arg(required = true, value_name = "FILES… [POD]")]
    files: Vec<PathBuf>,

    /// The pod's namespace
    #[arg(short, long)]
    namespace: Option<String>,

    /// A pod of the export, as NAME or NAMESPACE/NAME
    #[arg(long, conflicts_with = "labels")]
    pod: Option<String>,

    /// Labels of the namespace, instead of those in the export
    #[arg(long, value_name = "KEY=VALUE,…", value_parser = labels)]
    namespace_labels: Option<Labels>,

    /// Labels of the pod
    #[arg(short, long, value_name = "KEY=VALUE,…", value_parser = labels)]
    labels: Option<Labels>,

    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

/// Labels as a flag gives them. Its own type, so that clap takes them for one value.
#[derive(Debug, Clone, Default)]
struct Labels(SortedMap<String, String>);

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let (files, named) = files_and_pod(args);
    // The program ends with what it prints.
    let snapshot = ManuallyDrop::new(export::read(files).map_err(|it| Error::Usage(it.into()))?);
    let request = InjectRequest {
        namespace: args.namespace.clone(),
        namespace_labels: args.namespace_labels.clone().map(|it| it.0),
        labels: args.labels.clone().unwrap_or_default().0,
        pod: args.pod.clone().or(named),
    };
    let report = check_inject(&snapshot, &request).map_err(|it| Error::Usage(it.into()))?;
    format::data(&report, args.output, || report.to_string())?;
    Ok(Exit::Done)
}

/// Takes the last name for a pod, as istioctl does, where it is no file and no other flag names one.
fn files_and_pod(args: &Args) -> (&[PathBuf], Option<String>) {
    let unnamed = args.pod.is_none() && args.labels.is_none();
    match args.files.split_last() {
        Some((last, files))
            if unnamed && !files.is_empty() && last.as_os_str() != "-" && !last.exists() =>
        {
            (files, Some(last.display().to_string()))
        }
        _ => (&args.files, None),
    }
}

/// `a=b,c=d`; a bare key has an empty value.
fn labels(text: &str) -> Result<Labels, String> {
    let pairs = text.split(',').filter(|it| !it.is_empty());
    pairs
        .map(|it| {
            let (key, value) = it.split_once('=').unwrap_or((it, ""));
            if key.is_empty() {
                Err(format!("{it:?} is no label"))
            } else {
                Ok((key.to_owned(), value.to_owned()))
            }
        })
        .collect::<Result<_, _>>()
        .map(Labels)
}
