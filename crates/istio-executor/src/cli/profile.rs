//! `refit profile`: lists, prints and compares profiles, as istioctl did up to 1.23.

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use istio_catalog::{Catalog, Facts, Version};
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

        /// Exits with 1 where they differ, as diff does
        #[arg(long)]
        exit_code: bool,

        #[command(flatten)]
        of: Of,
    },
}

#[derive(Debug, ClapArgs)]
struct Of {
    /// The release, or a minor; by default the newest stable release
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
        Verb::Diff {
            from,
            to,
            exit_code,
            of,
        } => {
            let difference = profile::diff(&choice(from, of)?, &choice(to, of)?, of.scope());
            let Some(text) = difference.map_err(|it| Error::Usage(it.into()))? else {
                output::print("Profiles are identical")?;
                return Ok(Exit::Done);
            };
            output::data(&text)?;
            return Ok(if *exit_code { Exit::Error } else { Exit::Done });
        }
    };
    output::data(&text.map_err(|it| Error::Usage(it.into()))?)?;
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
    let catalog = Catalog::embedded();
    let Some(text) = release else {
        let newest = catalog
            .newest_stable()
            .ok_or_else(|| Error::usage("no release is known"))?;
        output::note(&format!(
            "These are profiles of {newest}, {}",
            what_it_is(newest)
        ));
        return Ok(newest.clone());
    };
    let version = Version::parse_tag(text).ok_or_else(|| {
        Error::usage(format!(
            "{text:?} is no version of Istio (for example 1.30.3)"
        ))
    })?;
    if text.matches('.').count() < 2 {
        // A minor alone means its newest patch.
        let minor = version.minor_release();
        let newest = catalog.patches().rfind(|it| it.minor_release() == minor);
        return Ok(newest.cloned().unwrap_or(version));
    }
    if let Some(nearest) = catalog
        .nearest(&version)
        .filter(|_| !catalog.is_exact(&version))
    {
        output::note(&format!(
            "This build does not hold the charts of {text}; those of {nearest} stand in for them"
        ));
    }
    Ok(version)
}

/// Says which release stands in where none was named.
fn what_it_is(release: &Version) -> String {
    let newest = Facts::embedded().newest_release();
    match newest.filter(|it| *it != release) {
        Some(newest) => format!(
            "the newest stable release whose charts this build holds (the newest release is {newest})"
        ),
        None => "the newest stable release".to_owned(),
    }
}
