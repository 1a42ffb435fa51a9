//! The product's executable, as this source makes it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Returns `refit`: `REFIT`, else built now, since the program of another package is not built by `cargo test`.
pub(super) fn refit() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        if let Some(given) = env::var_os("REFIT") {
            return PathBuf::from(given);
        }
        let build = [
            "build",
            "--quiet",
            "--package",
            "istio-executor",
            "--bin",
            "refit",
            "--features",
            "crash-points",
        ];
        let status = Command::new(env!("CARGO"))
            .args(build)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        assert!(status.unwrap().success(), "refit does not build");
        target().unwrap().join("debug/refit")
    })
}

/// The target folder: this test's executable is `target/debug/deps/suite-…`.
pub(super) fn target() -> Option<PathBuf> {
    let executable = env::current_exe().ok()?;
    executable.ancestors().nth(3).map(Path::to_owned)
}
