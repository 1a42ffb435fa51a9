//! `cargo xtask ci`: what has to pass before a change lands, with nothing skipped.

use anyhow::Result;

use crate::test;

/// Runs the verb.
pub(crate) fn run(args: &[String]) -> Result<()> {
    test::run_with(args, test::Missing::Fails)
}
