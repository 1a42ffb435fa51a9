//! Istio's data.

use std::path::PathBuf;

/// The releases and the exports; without them nothing is shown, which only a machine of a developer may put up with.
pub(in crate::suite) fn istio_data() -> Option<PathBuf> {
    let data = refit_tests::istio_data();
    assert!(
        data.is_some() || std::env::var_os("CI").is_none_or(|it| it != "true"),
        "no Istio data: set REFIT_ISTIO_DATA"
    );
    if data.is_none() {
        eprintln!("skipped: Istio's data is not here (REFIT_ISTIO_DATA)");
    }
    data
}
