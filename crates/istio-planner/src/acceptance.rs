//! Findings that somebody has decided on: they stay where they are, say why, and no longer decide the verdict.

use crate::input::{Acceptance, Request};
use crate::outcome::{Code, Finding, Level, Ref, Subject};

/// Findings that nobody can decide on: what they speak of loses data or traffic, or leaves nothing to perform.
const BINDING: [Code; 15] = [
    Code::AlphaSecurityObjects,
    Code::ApplyRefused,
    Code::ControlPlaneNotRendered,
    Code::CrdStoredVersion,
    Code::CrdVersionMissing,
    Code::FieldsLost,
    Code::NoControlPlane,
    Code::OperatorManaged,
    Code::RenderFailed,
    Code::RequestInvalid,
    Code::SeveralControlPlanes,
    Code::SourceVersionUnknown,
    Code::TargetReleaseMissing,
    Code::TargetUnknown,
    Code::WebhookOverlap,
];

/// Marks what is accepted, and adds what is wrong with an acceptance. `today` is `YYYY-MM-DD`; without it no acceptance
/// has ended.
pub(crate) fn accept(findings: &mut Vec<Finding>, request: &Request, today: Option<&str>) {
    let mut wrong = Vec::new();
    for acceptance in &request.accept {
        if let Some(why) = refusal(acceptance, today) {
            wrong.push(refused(acceptance, &why));
            continue;
        }
        let meant =
            |it: &&mut Finding| it.code.as_str() == acceptance.code && is_about(it, acceptance);
        for finding in findings.iter_mut().filter(meant) {
            finding.accepted = Some(acceptance.reason.trim().to_owned());
        }
    }
    findings.extend(wrong);
}

/// Why an acceptance does not hold.
fn refusal(acceptance: &Acceptance, today: Option<&str>) -> Option<String> {
    let Some(code) = Code::parse(&acceptance.code).filter(|it| !it.is_note()) else {
        return Some("there is no such code".to_owned());
    };
    if BINDING.contains(&code) {
        return Some("what it speaks of is no matter of decision".to_owned());
    }
    if acceptance.reason.trim().is_empty() {
        return Some("it gives no reason".to_owned());
    }
    let until = acceptance.until.as_deref()?;
    today
        .filter(|today| *today > until)
        .map(|_| format!("it held until {until}"))
}

fn refused(acceptance: &Acceptance, why: &str) -> Finding {
    let code = &acceptance.code;
    Finding::new(
        Code::RequestWarning,
        Level::Warn,
        format!("Nothing is accepted of {code}"),
        format!("The request accepts findings of {code}, but {why}; they decide as ever"),
    )
    .about([Subject::flag("--accept").value(code.clone())])
    .fix("Settle what the finding says, or take the acceptance out of the request")
}

/// Whether a finding is about the accepted object, and about no other.
fn is_about(finding: &Finding, acceptance: &Acceptance) -> bool {
    let Some(wanted) = &acceptance.object else {
        return true;
    };
    let mut objects = finding.subjects.iter().filter_map(|it| it.object.as_ref());
    let named = |it: &Ref| it.argument().eq_ignore_ascii_case(wanted);
    let first = objects.next();
    first.is_some_and(named) && objects.all(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Verdict;
    use crate::rules;

    fn finding(code: Code, names: &[&str]) -> Finding {
        let object = |name: &&str| Ref {
            api_version: "v1".to_owned(),
            kind: "Service".to_owned(),
            namespace: Some("a".to_owned()),
            name: (*name).to_owned(),
        };
        Finding::new(code, Level::Block, "Blocks", "Because")
            .about(names.iter().map(object).map(Subject::new))
    }

    fn verdict(
        finding: Finding,
        code: &str,
        object: Option<&str>,
        until: Option<&str>,
    ) -> (Verdict, usize) {
        let request = Request {
            accept: vec![Acceptance {
                code: code.to_owned(),
                object: object.map(str::to_owned),
                reason: "we know".to_owned(),
                until: until.map(str::to_owned),
            }],
            ..Request::default()
        };
        let mut findings = vec![finding];
        accept(&mut findings, &request, Some("2026-06-01"));
        (rules::verdict(&findings), findings.len())
    }

    #[test]
    fn what_is_accepted_stays_and_decides_no_more() {
        let skew = || finding(Code::ForeignInstaller, &["b"]);
        assert_eq!(
            verdict(skew(), "foreign-installer", None, None),
            (Verdict::Clear, 1)
        );
        let object = Some("service/a/b");
        assert_eq!(
            verdict(skew(), "foreign-installer", object, None),
            (Verdict::Clear, 1)
        );
        let ends = Some("2026-06-01");
        assert_eq!(
            verdict(skew(), "foreign-installer", None, ends),
            (Verdict::Clear, 1)
        );
    }

    #[test]
    fn what_is_not_meant_binds_or_has_ended_blocks_as_ever() {
        let skew = |names: &[&str]| finding(Code::ForeignInstaller, names);
        let (code, object) = ("foreign-installer", Some("Service/a/b"));
        assert_eq!(
            verdict(skew(&["b", "c"]), code, object, None),
            (Verdict::Blocked, 1)
        );
        assert_eq!(
            verdict(skew(&["c"]), code, object, None),
            (Verdict::Blocked, 1)
        );
        let ended = Some("2026-05-31");
        assert_eq!(
            verdict(skew(&["b"]), code, None, ended),
            (Verdict::Blocked, 2)
        );
        assert_eq!(
            verdict(skew(&["b"]), "no-such", None, None),
            (Verdict::Blocked, 2)
        );
        for code in BINDING {
            let lost = finding(code, &["b"]);
            assert_eq!(
                verdict(lost, code.as_str(), None, None),
                (Verdict::Blocked, 2),
                "{code:?}"
            );
        }
    }
}
