//! Where the target release is taken from.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use crate::release::Places;

/// `--releases`, `--offline`.
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
}

impl Target {
    /// Where to look.
    pub(super) fn places(&self) -> Places {
        Places {
            manifests: self.manifests.clone(),
            releases: self.releases.clone(),
            offline: self.offline,
        }
    }
}
