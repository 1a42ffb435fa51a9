//! `refit manifest generate`: what istioctl's command of the same name prints.

use clap::{Args as ClapArgs, Subcommand};
use istio_render::{Options, Severity};

use super::request::Request;
use super::target::Target;
use super::{Error, Exit};
use crate::{diagnostic, output, release};

/// The arguments of `refit manifest`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Renders an IstioOperator to manifests
    Generate(GenerateArgs),
}

#[derive(Debug, ClapArgs)]
struct GenerateArgs {
    #[command(flatten)]
    request: Request,

    #[command(flatten)]
    target: Target,

    /// Goes on although validation refuses
    #[arg(long)]
    force: bool,

    /// The server's version, for example v1.33.8
    #[arg(long, value_name = "VERSION")]
    kube_version: Option<String>,

    /// Render for a revision
    #[arg(short, long)]
    revision: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let Verb::Generate(args) = &args.verb;
    generate(args)
}

fn generate(args: &GenerateArgs) -> Result<Exit, Error> {
    let places = args.target.places();
    let Some(wanted) = &places.manifests else {
        return Err(Error::usage(
            "which release? Give its version or its folder with --manifests, for example -d 1.30.3",
        ));
    };
    let release = release::find(&wanted.to_string_lossy(), &places)?;
    let mut sets = args.request.sets.clone();
    sets.extend(
        args.revision
            .iter()
            .filter_map(|it| istio_render::revision_set(release.version(), it)),
    );
    let options = Options {
        files: args.request.files()?,
        sets,
        force: args.force,
        kubernetes: args.kube_version.clone(),
    };
    let (text, diagnostics) = match istio_render::generate(&release, &options) {
        Ok(generated) => generated,
        Err(diagnostics) => {
            diagnostic::say_all(&diagnostics, &options);
            let errors = diagnostics
                .iter()
                .filter(|it| it.severity == Severity::Error)
                .count();
            return Err(Error::usage(format!(
                "nothing was rendered: {errors} {}",
                if errors == 1 { "error" } else { "errors" }
            )));
        }
    };
    diagnostic::say_all(&diagnostics, &options);
    output::data(&text)?;
    Ok(Exit::Done)
}
