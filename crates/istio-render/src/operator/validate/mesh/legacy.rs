//! What istioctl up to 1.23 refuses in a `MeshConfig` that decodes.
//!
//! 1.23.6:pkg/config/validation/agent/validation.go, up to 1.21 pkg/config/validation/validation.go: `ValidateMeshConfig`,
//! `ValidateMeshConfigProxyConfig`, up to 1.12 `ValidateProxyConfig`. Each bound was read at the last tag of every minor.

use semver::Version;
use serde_json::Value;

use super::{Checker, LocalityRules, MILLISECOND, SECOND, duration, field};
use crate::Diagnostic;

const HOUR: i128 = 3600 * SECOND;

/// Checks a `MeshConfig` as 1.6 to 1.23 do.
pub(crate) fn check_legacy(
    mesh: &Value,
    path: &str,
    version: &Version,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let minor = version.minor;
    let mut checker = Checker { path, diagnostics };
    checker.listener(mesh, longest_connect(version));
    if minor <= 7 {
        for name in ["mixerCheckServer", "mixerReportServer"] {
            if field(mesh, name).and_then(Value::as_str) != Some("") {
                checker.address(mesh, name, name);
            }
        }
    }
    if let Some(proxy) = field(mesh, "defaultConfig") {
        let path = format!("{path}.defaultConfig");
        Checker {
            path: &path,
            diagnostics: checker.diagnostics,
        }
        .legacy_proxy_config(proxy, minor);
    }
    if let Some(locality) = field(mesh, "localityLbSetting") {
        let rules = LocalityRules {
            priority: minor >= 20,
            regions: minor >= 13,
        };
        checker.locality(locality, rules);
    }
    checker.service_settings(mesh);
    if minor >= 8 {
        checker.trust(mesh);
    }
    if minor >= 18 {
        checker.mesh_tls(mesh);
    }
}

/// 30 seconds, since 1.20.6 and 1.21.2 an hour.
fn longest_connect(version: &Version) -> i128 {
    match (version.minor, version.patch) {
        (..=19, _) | (20, ..=5) | (21, ..=1) => 30 * SECOND,
        _ => HOUR,
    }
}

impl Checker<'_> {
    fn legacy_proxy_config(&mut self, proxy: &Value, minor: u64) {
        self.draining(proxy, minor);
        self.proxy(proxy);
        if minor >= 11 {
            self.port(proxy, "statusPort", "invalid status port");
        }
    }

    /// Times to drain are whole seconds, up to 1.21 of an hour at most, up to 1.16 shorter than the parent's shutdown.
    fn draining(&mut self, proxy: &Value, minor: u64) {
        let longest = if minor <= 21 { HOUR } else { i128::MAX };
        let fits = |it: i128| it >= MILLISECOND && it % SECOND == 0 && it <= longest;
        self.duration(proxy, "drainDuration", fits);
        if minor > 16 {
            return;
        }
        self.duration(proxy, "parentShutdownDuration", fits);
        let drain = duration(proxy, "drainDuration").unwrap_or(45 * SECOND);
        let shutdown = duration(proxy, "parentShutdownDuration").unwrap_or(60 * SECOND);
        if fits(drain) && fits(shutdown) && shutdown <= drain {
            let name = if field(proxy, "parentShutdownDuration").is_some() {
                "parentShutdownDuration"
            } else {
                "drainDuration"
            };
            let seconds = |it: i128| it / SECOND;
            let message = format!(
                "invalid parent and drain time combination: parent shutdown time {}s must be greater than drain time {}s",
                seconds(shutdown),
                seconds(drain)
            );
            self.refuse(name, &message);
        }
    }
}
