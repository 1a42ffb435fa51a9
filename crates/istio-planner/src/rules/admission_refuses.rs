//! `admission-refuses`: policies of the cluster that refuse what the apply or a restart makes.
//!
//! `ValidatingAdmissionPolicies` are evaluated on the predicted objects, pod security levels on the pods that are made
//! again. What cannot be evaluated here (parameters, other expressions, Kyverno, Gatekeeper) is named.

mod made;
mod other;
mod pods;
mod policy;

use super::{Situation, enumerate};
use crate::outcome::{Finding, Level, Subject};
use crate::rules::Code;
use crate::rules::Explanation;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "A policy of the cluster refuses an object that the apply writes, or a pod that a restart makes; or it may, and \
              cannot be evaluated here.",
    why: "A refused write stops the apply in the middle. A refused pod is worse: the rollout or restart takes old pods away \
          and makes no new ones, and only the events of the ReplicaSet say why.",
    settle: "Exempt the mesh in the policy, change what it objects to (the hub of the images, CNI instead of init containers \
             that need NET_ADMIN), or lower the level of the namespace. Try a policy that is only named with \
             `kubectl apply --dry-run=server`.",
    source: "kubernetes@v1.36.3:staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/validating; \
             staging/src/k8s.io/pod-security-admission/policy; kyverno.io, Validate Rules; \
             open-policy-agent.github.io/gatekeeper, Constraints",
    link: Some(
        "https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/",
    ),
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let mut findings = policy::check(situation);
    findings.extend(pods::check(situation));
    findings.extend(other::check(situation));
    findings
}

/// Policies that could not be evaluated, each with why.
fn named(policies: &[(Subject, String, String)], level: Level, what: &str) -> Option<Finding> {
    if policies.is_empty() {
        return None;
    }
    let names: Vec<_> = policies.iter().take(5).map(|it| it.1.as_str()).collect();
    let mut why: Vec<_> = policies
        .iter()
        .map(|it| format!("{}: {}", it.1, it.2))
        .collect();
    why.truncate(5);
    let finding = Finding::new(
        Code::AdmissionRefuses,
        level,
        format!("{} may refuse {what}", enumerate(&names)),
        format!(
            "{}. Whether they refuse it cannot be evaluated here",
            why.join("; ")
        ),
    );
    Some(
        finding
            .about(policies.iter().map(|it| it.0.clone()))
            .fix("Try it: `refit render … | kubectl apply --dry-run=server -f -`, and exempt the mesh where it is refused"),
    )
}

#[cfg(test)]
mod tests;
