//! Where the target release is taken from, and what is known of releases.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args as ClapArgs;
use istio_catalog::Facts;

use crate::release::Places;

/// `--releases`, `--offline`, `--facts`.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct Target {
    /// Charts and profiles of the target: a folder, an archive or a version
    #[arg(short = 'd', long, value_name = "DIR|TGZ|VERSION")]
    pub(super) manifests: Option<PathBuf>,

    /// Folder of istio-VERSION/ or istio-VERSION.tar.gz
    #[arg(long, value_name = "DIR")]
    pub(super) releases: Option<PathBuf>,

    /// Never downloads a release
    #[arg(long)]
    pub(super) offline: bool,

    #[command(flatten)]
    pub(super) known: Known,
}

/// `--facts`.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct Known {
    /// Newer facts of releases than this build has: dates, support, registries, bulletins (refit schema facts)
    #[arg(long, value_name = "FILE", value_parser = read)]
    facts: Option<Arc<Facts>>,
}

impl Known {
    /// What is known: the user's facts, else this build's.
    pub(super) fn facts(&self) -> &Facts {
        self.facts.as_deref().unwrap_or_else(|| Facts::embedded())
    }
}

/// Reads a file of facts.
fn read(path: &str) -> Result<Arc<Facts>, String> {
    let text = fs::read_to_string(path).map_err(|it| it.to_string())?;
    Facts::newer(&text)
        .map(Arc::new)
        .map_err(|it| it.to_string())
}

impl Target {
    /// Where to look.
    pub(super) fn places(&self) -> Places {
        Places {
            manifests: self.manifests.clone(),
            releases: self.releases.clone(),
            offline: self.offline,
            facts: self.known.facts.clone(),
            ..Places::default()
        }
    }
}

/// What was rendered already, in the place of charts.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct Rendered {
    /// The target's manifests where they are rendered already (istioctl manifest generate, a repository
    /// that Argo CD or Flux reads), in the place of its charts; - is standard input (refit plan)
    #[arg(
        long = "rendered",
        value_name = "FILE|DIR",
        conflicts_with_all = ["manifests", "filenames", "sets"],
        help_heading = "Releases"
    )]
    pub(super) target: Option<PathBuf>,

    /// The same of the release that runs
    #[arg(
        long = "rendered-source",
        value_name = "FILE|DIR",
        help_heading = "Releases"
    )]
    pub(super) source: Option<PathBuf>,
}

impl Rendered {
    /// Adds them to where releases are looked for.
    pub(super) fn places(&self, target: &Target) -> Places {
        Places {
            rendered: self.target.clone(),
            rendered_source: self.source.clone(),
            ..target.places()
        }
    }

    /// Whether standard input is read.
    pub(super) fn reads_standard_input(&self) -> bool {
        self.target.as_deref() == Some(Path::new("-"))
    }
}
