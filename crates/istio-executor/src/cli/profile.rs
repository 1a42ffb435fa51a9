//! `refit profile`: lists, prints and compares profiles, as istioctl did up to 1.23.

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use istio_catalog::{Catalog, Version};
use istio_planner::profile::{self, Choice, Scope};

use super::{Error, Exit};
use crate::output;

/// The arguments of `refit profile`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Lists the profiles of a release
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Prints a profile
    Dump {
        /// The profile
        #[arg(default_value = "default")]
        profile: String,

        /// Only what stands at this path, for example components.pilot
        #[arg(short = 'p', long, value_name = "PATH")]
        config_path: Option<String>,

        /// How to print it
        #[arg(short, long, value_enum, default_value_t = Format::Yaml)]
        output: Format,

        #[command(flatten)]
        of: Of,
    },
    /// Compares two profiles, or one profile of two releases
    Diff {
        /// NAME or NAME@VERSION
        from: String,
        /// NAME or NAME@VERSION
        to: String,

        #[command(flatten)]
        of: Of,
    },
}

#[derive(Debug, ClapArgs)]
struct Of {
    /// The release; the newest one by default
    #[arg(
        short = 'd',
        long = "release",
        visible_alias = "manifests",
        value_name = "VERSION"
    )]
    release: Option<String>,

    /// With the defaults of every chart: since 1.21 a profile itself says little
    #[arg(long)]
    effective: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Yaml,
    Json,
    Flags,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let text = match &args.verb {
        Verb::List { of } => profile::list(&version(of.release.as_deref())?),
        Verb::Dump {
            profile,
            config_path,
            output,
            of,
        } => {
            let format = match output {
                Format::Yaml => profile::Format::Yaml,
                Format::Json => profile::Format::Json,
                Format::Flags => profile::Format::Flags,
            };
            profile::dump(
                &choice(profile, of)?,
                of.scope(),
                config_path.as_deref(),
                format,
            )
        }
        Verb::Diff { from, to, of } => {
            let difference = profile::diff(&choice(from, of)?, &choice(to, of)?, of.scope());
            let Some(text) = difference.map_err(|it| Error::Usage(it.into()))? else {
                output::print("Profiles are identical")?;
                return Ok(Exit::Done);
            };
            output::print(&text)?;
            // As `diff`, and istioctl's own command, do.
            return Ok(Exit::Error);
        }
    };
    output::print(&text.map_err(|it| Error::Usage(it.into()))?)?;
    Ok(Exit::Done)
}

impl Of {
    fn scope(&self) -> Scope {
        if self.effective {
            Scope::Effective
        } else {
            Scope::Profile
        }
    }
}

/// A profile given as NAME or NAME@VERSION.
fn choice(name: &str, of: &Of) -> Result<Choice, Error> {
    let (profile, release) = match name.split_once('@') {
        Some((profile, release)) => (profile, Some(release)),
        None => (name, of.release.as_deref()),
    };
    Ok(Choice {
        version: version(release)?,
        profile: profile.to_owned(),
    })
}

fn version(release: Option<&str>) -> Result<Version, Error> {
    let Some(text) = release else {
        let newest = Catalog::embedded().releases().next_back();
        return newest
            .map(|it| it.newest_patch().clone())
            .ok_or_else(|| Error::usage("no release is known"));
    };
    let version = Version::parse_tag(text).ok_or_else(|| {
        Error::usage(format!(
            "{text:?} is no version of Istio (for example 1.30.3)"
        ))
    })?;
    let newest = Catalog::embedded().newest_patch(&version);
    if let Some(newest) = newest.filter(|it| text.matches('.').count() > 1 && **it != version) {
        output::note(&format!(
            "{text}: this build knows the defaults of one patch of each minor, and these are those of {newest}"
        ));
    }
    Ok(version)
}
