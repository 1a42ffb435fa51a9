//! `fleet-version-skew`: control planes of one mesh are, or would be, more than one minor apart.

use istio_catalog::{Minor, Version};
use sorted::SortedSet;

use super::{Code, Finding, Situation, Told};
use crate::explain::Explanation;
use crate::fleet::identity::{Identity, Told as Value};
use crate::outcome::{Level, Verdict};
use crate::words::enumerate;

/// What `refit explain fleet-version-skew` says.
pub(super) const EXPLANATION: Explanation = Explanation {
    meaning: "The istiods of one mesh are more than one minor apart, or would be, because some clusters go to the target and \
              others stay where they are.",
    why: "Every istiod configures proxies for workloads of the other clusters. Istio supports control planes of one mesh that \
          are one minor apart, no more; what is further apart is tested by nobody.",
    settle: "Take the oldest clusters one minor further first, all clusters to one minor, and only then all to the next.",
    source: "istio.io, Supported Releases: control planes of several clusters may be one version apart",
    link: Some(
        "https://istio.io/latest/docs/releases/supported-releases/#control-planedata-plane-skew",
    ),
};

pub(super) fn check(situation: &Situation) -> Vec<Finding> {
    let meshes = situation.meshes();
    meshes
        .filter_map(|(_, all)| now(&all).or_else(|| afterwards(situation, &all)))
        .collect()
}

/// Control planes that are too far apart today.
fn now(all: &[(&str, &Identity)]) -> Option<Finding> {
    let (oldest, newest) = (extreme(all, true)?, extreme(all, false)?);
    let apart = distance(
        oldest.1.value.minor_release(),
        newest.1.value.minor_release(),
    );
    if apart <= 1 {
        return None;
    }
    let told = Told {
        code: Code::VersionSkew,
        level: Level::Warn,
        title: format!("Control planes of one mesh are {apart} minors apart"),
        detail: format!(
            "istiod of {} is {}, that of {} is {}; control planes of one mesh may be one minor apart",
            oldest.0, oldest.1.value, newest.0, newest.1.value
        ),
        fix: format!("Upgrade {} first, one minor at a time", oldest.0),
    };
    Some(told.about(vec![oldest.1.of(oldest.0), newest.1.of(newest.0)]))
}

/// Clusters that stay, and would be too far behind those that go.
fn afterwards(situation: &Situation, all: &[(&str, &Identity)]) -> Option<Finding> {
    let to = situation.to?;
    let clear = situation.members.iter().filter(|it| {
        let read = it.read.as_ref();
        read.is_ok_and(|it| it.summary.verdict == Verdict::Clear)
    });
    let goes: SortedSet<&str> = clear.map(|it| it.name.as_str()).collect();
    let (going, staying): (Vec<(&str, &Identity)>, Vec<_>) =
        all.iter().copied().partition(|it| goes.contains(it.0));
    let staying = staying.iter().flat_map(|it| istiods(it.0, it.1));
    let behind: Vec<_> = staying
        .filter(|it| distance(it.1.value.minor_release(), to.minor_release()) > 1)
        .collect();
    let moving: Vec<&str> = going
        .iter()
        .filter(|it| !it.1.control_planes.is_empty())
        .map(|it| it.0)
        .collect();
    if behind.is_empty() || moving.is_empty() {
        return None;
    }
    let names: Vec<&str> = behind.iter().map(|it| it.0).collect();
    let stay = if names.len() == 1 { "stays" } else { "stay" };
    let told = Told {
        code: Code::VersionSkew,
        level: Level::Block,
        title: format!(
            "{} would be more than one minor from the rest of its mesh",
            enumerate(&names)
        ),
        detail: format!(
            "{} {stay} at {} as long as something stands against the plan there, while {} would go to {to}",
            enumerate(&names),
            behind
                .iter()
                .map(|it| it.1.value.to_string())
                .collect::<Vec<_>>()
                .join(", "),
            enumerate(&moving)
        ),
        fix: format!(
            "Bring {} within one minor of {to} before any cluster of this mesh goes there",
            enumerate(&names)
        ),
    };
    Some(told.about(behind.iter().map(|it| it.1.of(it.0)).collect()))
}

/// The istiods of a cluster.
fn istiods<'a>(
    name: &'a str,
    identity: &'a Identity,
) -> impl Iterator<Item = (&'a str, &'a Value<Version>)> {
    identity.control_planes.iter().map(move |it| (name, it))
}

/// The oldest istiod of all, or the newest.
fn extreme<'a>(
    all: &[(&'a str, &'a Identity)],
    oldest: bool,
) -> Option<(&'a str, &'a Value<Version>)> {
    let all = all.iter().flat_map(|it| istiods(it.0, it.1));
    if oldest {
        all.min_by(|a, b| a.1.value.cmp(&b.1.value))
    } else {
        all.max_by(|a, b| a.1.value.cmp(&b.1.value))
    }
}

/// How many minors lie between two.
fn distance(a: Minor, b: Minor) -> u32 {
    if a.major == b.major {
        a.minor.abs_diff(b.minor)
    } else {
        u32::MAX
    }
}
