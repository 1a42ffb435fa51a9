//! How a rule makes a finding, where its subjects stand, and what all findings amount to.

use super::RULES;
use crate::outcome::{Code, Finding, Level, Ref, Subject, Verdict};
use crate::snapshot::{Origin, Snapshot};

impl Finding {
    /// Makes a finding with the link of its explanation. `title` is one sentence without full stop.
    pub(crate) fn new(
        code: Code,
        level: Level,
        title: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            code,
            level,
            title: title.into(),
            detail: detail.into(),
            subjects: Vec::new(),
            fix: None,
            fixes: Vec::new(),
            instead: None,
            link: super::explanation(code)
                .and_then(|it| it.link)
                .map(str::to_owned),
            accepted: None,
        }
    }
}

/// Adds where the export holds it to every object that a subject names without a place.
pub(crate) fn locate(findings: &mut [Finding], snapshot: &Snapshot) {
    let subjects = findings.iter_mut().flat_map(|it| &mut it.subjects);
    for subject in subjects.filter(|it| it.file.is_none()) {
        let origin = subject.object.as_ref().and_then(|it| origin(snapshot, it));
        if let Some(origin) = origin.filter(|it| !it.file.is_empty()) {
            *subject = Subject {
                file: Some(origin.file.clone()),
                ..subject.clone()
            }
            .at_line(origin.line, origin.column);
        }
    }
}

/// Where the export holds an object.
fn origin<'a>(snapshot: &'a Snapshot, object: &Ref) -> Option<&'a Origin> {
    let namespace = object.namespace.clone().unwrap_or_default();
    let kept = snapshot.objects.get(object).map(|it| &it.origin);
    kept.or_else(|| match object.kind.as_str() {
        "Pod" => {
            let key = (namespace, object.name.clone());
            snapshot.pods.get(&key).map(|it| &it.origin)
        }
        "Node" => snapshot.nodes.get(&object.name).map(|it| &it.origin),
        kind => {
            let key = (kind.to_owned(), namespace, object.name.clone());
            snapshot.workloads.get(&key).map(|it| &it.origin)
        }
    })
}

/// Returns what the findings amount to.
pub(crate) fn verdict(findings: &[Finding]) -> Verdict {
    let could_hide = |code: Code| {
        let rule = RULES.iter().find(|it| it.code == code);
        rule.is_none_or(|it| it.could_hide_a_block)
    };
    let hides = |it: &Finding| it.level == Level::Unknown && could_hide(it.code);
    let open = || findings.iter().filter(|it| it.accepted.is_none());
    if open().any(|it| it.level == Level::Block) {
        Verdict::Blocked
    } else if open().any(hides) {
        Verdict::Unknown
    } else {
        Verdict::Clear
    }
}

#[cfg(test)]
mod tests;
