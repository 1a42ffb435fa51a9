//! Facts that no archive tells: kept by hand in `data/facts.json`, which names their sources.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::{Minor, Version};

/// Which Kubernetes versions a release runs on (domain §10). Absent bounds are not published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KubernetesBounds {
    /// The oldest that istioctl accepts without a warning (`MinK8SVersion`).
    pub code_minimum: Option<Minor>,
    /// The oldest that the release is documented for.
    pub minimum: Option<Minor>,
    /// The newest that the release is documented for.
    pub maximum: Option<Minor>,
}

/// When the support of a minor release ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndOfLife {
    /// `YYYY-MM-DD`. For a tabled month its first day, from which istioctl warns.
    pub date: String,
    /// Tabled in the release's own code; else six weeks after the release of the second minor that follows.
    pub tabled: bool,
}

/// A Gateway API CRD bundle that some releases pass over (domain §6.2).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GatewayApiLimit {
    /// The name of the CRD.
    pub crd: String,
    /// Bundles older than this are passed over.
    #[serde(default)]
    pub minimum: Option<Version>,
    /// Bundles newer than this are passed over.
    #[serde(default)]
    pub maximum: Option<Version>,
    /// The first version that has the limit.
    pub since: Version,
    /// The first version that has it no more.
    #[serde(default)]
    pub before: Option<Version>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Facts {
    /// Where the facts were read; for the reader of the file.
    #[serde(rename = "sources")]
    _sources: BTreeMap<String, String>,
    pub(crate) kubernetes: BTreeMap<Minor, KubernetesBounds>,
    pub(crate) tagged: BTreeMap<Minor, String>,
    end_of_life: BTreeMap<Minor, String>,
    pub(crate) gateway_api: Vec<GatewayApiLimit>,
    pub(crate) unread_variables: BTreeMap<Minor, Vec<String>>,
    /// Settings that a chart knows no more, and where they stand now.
    pub(crate) moved: BTreeMap<String, String>,
}

pub(crate) static FACTS: LazyLock<Facts> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../data/facts.json"))
        .expect("data/facts.json is read by this crate's tests")
});

impl Facts {
    pub(crate) fn end_of_life(&self, minor: Minor) -> Option<EndOfLife> {
        if let Some(date) = self.end_of_life.get(&minor) {
            return Some(EndOfLife {
                date: date.clone(),
                tabled: true,
            });
        }
        let date = six_weeks_after(self.tagged.get(&minor.next().next())?)?;
        Some(EndOfLife {
            date,
            tabled: false,
        })
    }
}

/// Returns the day six weeks after another, both `YYYY-MM-DD`.
fn six_weeks_after(date: &str) -> Option<String> {
    let mut parts = date.split('-').map(str::parse::<u32>);
    let (mut year, mut month, mut day) = (
        parts.next()?.ok()?,
        parts.next()?.ok()?,
        parts.next()?.ok()? + 42,
    );
    while day > days(year, month) {
        day -= days(year, month);
        (year, month) = if month == 12 {
            (year + 1, 1)
        } else {
            (year, month + 1)
        };
    }
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

const fn days(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::six_weeks_after;

    #[test]
    fn six_weeks_cross_months_and_years() {
        assert_eq!(six_weeks_after("2023-08-31").as_deref(), Some("2023-10-12"));
        assert_eq!(six_weeks_after("2023-12-01").as_deref(), Some("2024-01-12"));
        assert_eq!(six_weeks_after("2024-02-01").as_deref(), Some("2024-03-14"));
        assert_eq!(six_weeks_after("soon"), None);
    }
}
