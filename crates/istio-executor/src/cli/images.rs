//! `refit images`: every image that nodes pull for a plan and its restarts.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use istio_planner::images::{ANONYMOUS_HOURS, ANONYMOUS_PULLS, Image, Images, Registry, images};
use serde::Serialize;

use super::check_images::{Answers, Asking, exit};
use super::format::{self, Format};
use super::request::{Meant, Request};
use super::target::Target;
use super::{Error, Exit};
use crate::{export, output, planning};

/// The arguments of `refit images`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// What the cluster exported: files, folders, .tar.gz; - is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,

    /// The version to go to, for example 1.30.3
    #[arg(long, value_name = "VERSION")]
    to: String,

    #[command(flatten)]
    request: Request,

    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    meant: Meant,

    /// The version that runs, where the export does not tell
    #[arg(long, value_name = "VERSION")]
    from: Option<String>,

    /// Prints the lines that copy each image to this registry
    #[arg(long, value_name = "HUB")]
    mirror: Option<String>,

    /// The tool that copies
    #[arg(long, value_enum, default_value_t = Copier::Crane, requires = "mirror")]
    with: Copier,

    /// Asks the registries whether each image is there
    #[arg(id = "check", long, conflicts_with = "mirror")]
    check: bool,

    #[command(flatten)]
    asking: Asking,

    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

/// What `-o json` prints.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    images: &'a Images,
    /// What the registries say, by image; with `--check`.
    #[serde(skip_serializing_if = "Option::is_none")]
    answers: Option<&'a Answers>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Copier {
    Crane,
    Skopeo,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let places = args.target.places();
    places
        .check(&args.to)
        .map_err(|it| Error::Usage(it.into()))?;
    let request = istio_planner::Request {
        to: args.to.clone(),
        files: args.request.planner_files()?,
        sets: args.request.sets.clone(),
        revision: args.meant.revision.clone(),
        namespace: args.meant.plane.namespace.clone(),
        from: args.from.clone(),
        ..istio_planner::Request::default()
    };
    let snapshot = export::read(&args.files).map_err(|it| Error::Usage(it.into()))?;
    let input = planning::input(request, snapshot, &places, None);
    let images = images(&input);
    if !images.rendered {
        output::warning(
            "the target was not rendered, or no control plane is known: these are not all the images",
        );
    }
    let answers = args.check.then(|| args.asking.ask(&images)).transpose()?;
    let document = Document {
        images: &images,
        answers: answers.as_ref(),
    };
    format::data(&document, args.output, || match &args.mirror {
        Some(mirror) => copies(&images, mirror, args.with),
        None => text(&images, answers.as_ref()),
    })?;
    Ok(match &answers {
        Some(answers) => exit(&images, answers),
        None if images.rendered => Exit::Done,
        None => Exit::Unknown,
    })
}

fn text(images: &Images, answers: Option<&Answers>) -> String {
    let mut lines = Vec::new();
    for registry in &images.registries {
        lines.push(format!(
            "{}  ({} images, at most {} pulls)",
            registry.registry,
            registry.images.len(),
            registry.pulls
        ));
        for image in &registry.images {
            lines.push(line(image));
            let answer = answers.and_then(|it| it.get(&image.image));
            lines.extend(answer.map(|it| format!("    {it}")));
        }
        lines.extend(budget(registry));
    }
    if lines.is_empty() {
        lines.push("Nothing is pulled".to_owned());
    }
    lines.join("\n")
}

fn line(image: &Image) -> String {
    let workloads: Vec<String> = image.workloads.iter().map(crate::cluster::name).collect();
    format!(
        "  {}  {}: {} pods on {} nodes of {}",
        image.image,
        image.by.join(", "),
        image.pods,
        image.nodes,
        workloads.join(", ")
    )
}

/// Says how the pulls stand to what Docker Hub allows without an account.
fn budget(registry: &Registry) -> Option<String> {
    let over = registry.pulls > ANONYMOUS_PULLS;
    registry.limited.then(|| {
        let judged = if over {
            "where all nodes share one address, this is too many at once: log in, mirror, or restart in waves"
        } else {
            "this is within it, even where all nodes share one address"
        };
        format!(
            "  Docker Hub allows {ANONYMOUS_PULLS} pulls in {ANONYMOUS_HOURS} hours to an address without an account; {judged}"
        )
    })
}

/// The lines that copy each image.
fn copies(images: &Images, mirror: &str, with: Copier) -> String {
    let all = images.registries.iter().flat_map(|it| &it.images);
    let lines: Vec<String> = all
        .map(|it| {
            let name = it.image.rsplit('/').next().unwrap_or(&it.image);
            let to = format!("{}/{name}", mirror.trim_end_matches('/'));
            match with {
                Copier::Crane => format!("crane copy {} {to}", it.image),
                Copier::Skopeo => format!("skopeo copy --all docker://{} docker://{to}", it.image),
            }
        })
        .collect();
    lines.join("\n")
}
