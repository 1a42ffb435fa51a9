//! `fleet-remote-ahead`: a remote cluster would be newer than the control plane that serves it.

use istio_catalog::Version;

use super::{Code, Finding, Situation, Told};
use crate::explain::Explanation;
use crate::fleet::Member;
use crate::outcome::{Level, Verdict};

/// What `refit explain fleet-remote-ahead` says.
pub(super) const EXPLANATION: Explanation = Explanation {
    meaning: "A cluster without a control plane of its own would go to a newer release than the cluster whose istiod serves \
              it, because that one stays: it is blocked, or not known well enough, or could not be read.",
    why: "Proxies must not be newer than the istiod that configures them. Gateways and injected proxies of the remote cluster \
          would be.",
    settle: "Settle what stands against the primary cluster first, and upgrade it before the remote one.",
    source: "istio.io, Supported Releases: the data plane may not be newer than the control plane",
    link: Some(
        "https://istio.io/latest/docs/releases/supported-releases/#control-planedata-plane-skew",
    ),
};

pub(super) fn check(situation: &Situation) -> Vec<Finding> {
    let mut findings = Vec::new();
    for group in situation.groups {
        for (remote, primary) in &group.served {
            let (Some(remote), Some(primary)) = (
                situation.members.get(*remote),
                situation.members.get(*primary),
            ) else {
                continue;
            };
            findings.extend(ahead(remote, primary));
        }
    }
    findings
}

fn ahead(remote: &Member, primary: &Member) -> Option<Finding> {
    let (read, other) = (remote.read.as_ref().ok()?, primary.read.as_ref().ok()?);
    let goes = read.summary.verdict == Verdict::Clear;
    let stays = other.summary.verdict != Verdict::Clear;
    let to = Version::parse_tag(read.summary.target.as_deref()?)?;
    let running = other
        .identity
        .control_planes
        .iter()
        .map(|it| &it.value)
        .min()?;
    if !goes || !stays || to <= *running {
        return None;
    }
    let subjects = read
        .identity
        .served_from
        .iter()
        .map(|it| it.of(&remote.name));
    let istiods = other
        .identity
        .control_planes
        .iter()
        .map(|it| it.of(&primary.name));
    let told = Told {
        code: Code::RemoteAhead,
        level: Level::Block,
        title: format!(
            "{} would be newer than {}, which serves it",
            remote.name, primary.name
        ),
        detail: format!(
            "{} finds its control plane in {}, whose istiod stays at {running} as long as something stands against its plan; \
             proxies of {to} must not be served by it",
            remote.name, primary.name
        ),
        fix: format!(
            "Settle what stands against {}, and upgrade it first",
            primary.name
        ),
    };
    Some(told.about(subjects.chain(istiods).collect()))
}
