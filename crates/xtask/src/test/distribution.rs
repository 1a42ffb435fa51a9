//! What a release hands out, made of the binary that the gate has built, and judged by the programs that read it:
//! GNU's, krew's, go-containerregistry, Ruby, npm and its linter, actionlint, the schemas of GitHub's and GitLab's files.
//!
//! `--long` makes it of the static binary instead, twice, in target folders of their own.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use super::report::Verdict;
use super::{node, tools};
use crate::dist::{self, Release, TARGETS};
use crate::project;

/// Where a release of tests says that it lies.
const REPOSITORY: &str = "https://git.example.org/team/refit";

/// Packs the binary of the gate as an image, or the static one where there is time to build it, for the tests of the Job.
pub(super) fn image(long: bool, refit: &Path) -> Result<PathBuf> {
    let binary = if long {
        dist::build(&TARGETS[0], &project::target(), false)?
    } else {
        refit.to_owned()
    };
    let path = project::target().join("image-of-tests.tar");
    let release = Release::new(REPOSITORY, None)?;
    fs::write(&path, dist::image(&release, &[(TARGETS[0], binary)])?)?;
    Ok(path)
}

/// Runs the suite.
pub(super) fn run(long: bool, refit: &Path) -> Result<Verdict> {
    let release = Release::new(REPOSITORY, None)?;
    let out = project::target().join("distribution-of-tests");
    let mut first = refit.to_owned();
    if long {
        let elsewhere = project::target().join("built-again");
        first = dist::build(&TARGETS[0], &project::target(), true)?;
        let second = dist::build(&TARGETS[0], &elsewhere, true)?;
        ensure!(
            fs::read(&first)? == fs::read(second)?,
            "the static binary, built a second time elsewhere, has other bytes"
        );
        super::told_nothing_of_here(std::slice::from_ref(&first))?;
    }
    dist::write(&release, &[(TARGETS[0], first)], true, &out)?;
    let mut env = vec![("DIST", out), ("REPOSITORY", PathBuf::from(REPOSITORY))];
    env.extend(programs()?);
    env.extend(tools::oracles()?);
    node::run("dist", &env)
}

/// The programs that read it, by the variables that tests find them by.
pub(super) fn programs() -> Result<Vec<(&'static str, PathBuf)>> {
    tools::readers().map_err(anyhow::Error::msg)?;
    let mut env = vec![
        ("KUBECTL", tools::kubectl()?),
        ("SCHEMAS", tools::schemas()?),
    ];
    for (variable, module, version, name) in [
        ("KREW", "sigs.k8s.io/krew/cmd/krew", "v0.4.3", "krew"),
        (
            "KREW_VALIDATOR",
            "sigs.k8s.io/krew/cmd/validate-krew-manifest",
            "v0.4.3",
            "validate-krew-manifest",
        ),
        (
            "ACTIONLINT",
            "github.com/rhysd/actionlint/cmd/actionlint",
            "v1.7.12",
            "actionlint",
        ),
    ] {
        env.push((variable, tools::go_tool(module, version, name)?));
    }
    Ok(env)
}
