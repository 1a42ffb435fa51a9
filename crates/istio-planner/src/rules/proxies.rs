//! Proxies by their distance from a control plane (domain §5.4).
//!
//! The policy speaks of minors: a proxy may be of the control plane's minor or of the one before, never ahead.

use istio_catalog::Version;

use super::Code;
use super::{Situation, enumerate};
use crate::outcome::{Finding, Level, ProxyCount, Restart, Subject};

/// Proxies of some versions.
pub(super) struct Selected {
    pods: usize,
    versions: Vec<(Version, usize)>,
    subjects: Vec<Subject>,
}

impl Selected {
    /// `14 proxies are`.
    pub(super) fn who(&self) -> String {
        match self.pods {
            1 => "1 proxy is".to_owned(),
            pods => format!("{pods} proxies are"),
        }
    }

    pub(super) fn finding(&self, code: Code, title: String, why: &str, fix: &str) -> Finding {
        let versions: Vec<_> = self
            .versions
            .iter()
            .map(|(version, pods)| format!("{pods} of {version}"))
            .collect();
        Finding::new(
            code,
            Level::Warn,
            title,
            format!("{}. {why}", enumerate(&versions)),
        )
        .about(self.subjects.iter().cloned())
        .fix(fix)
    }
}

/// Returns the proxies whose version fits; `None` where there are none.
pub(super) fn select(situation: &Situation, fits: impl Fn(&Version) -> bool) -> Option<Selected> {
    let mut versions = sorted::SortedMap::<Version, usize>::new();
    let counts = situation
        .inventory
        .proxies
        .iter()
        .chain(&situation.inventory.gateway_proxies);
    for ProxyCount { version, pods, .. } in counts {
        let version = version
            .as_deref()
            .and_then(Version::parse_tag)
            .map(|it| it.numbers());
        if let Some(version) = version.filter(&fits) {
            *versions.entry(version).or_default() += usize::try_from(*pods).unwrap_or(usize::MAX);
        }
    }
    if versions.is_empty() {
        return None;
    }
    let subjects = situation
        .restarts
        .iter()
        .filter(|restart| has_proxy(restart, &fits))
        .map(|it| Subject::new(it.object.clone()));
    Some(Selected {
        pods: versions.values().sum(),
        subjects: subjects.collect(),
        versions: versions.into_iter().collect(),
    })
}

/// Whether a workload has a proxy whose version fits.
fn has_proxy(restart: &Restart, fits: impl Fn(&Version) -> bool) -> bool {
    restart
        .proxies
        .keys()
        .filter_map(|it| Version::parse_tag(it))
        .any(|it| fits(&it))
}
