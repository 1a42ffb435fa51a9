//! The closed list of findings, and how one is made.
//!
//! A finding speaks of the request in this cluster: code, level, one sentence, why, what to do. Every code has its
//! explanation in [`crate::explain`], and every code of level `unknown` says here whether a block could hide behind it.

use serde_json::Value;

use crate::edit::Fix;
use crate::outcome::{Finding, Level, Ref, Subject, Verdict};
use crate::snapshot::{Object, Origin, Snapshot};

pub use crate::rules::Code;

impl Finding {
    /// Makes a finding with the link of its explanation. `title` is one sentence without full stop.
    pub(crate) fn new(
        code: Code,
        level: Level,
        title: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            code: code.as_str().to_owned(),
            level,
            title: title.into(),
            detail: detail.into(),
            subjects: Vec::new(),
            fix: None,
            fixes: Vec::new(),
            link: code.explanation().link.map(str::to_owned),
        }
    }

    /// Adds what it is about.
    pub(crate) fn about(mut self, subjects: impl IntoIterator<Item = Subject>) -> Self {
        self.subjects.extend(subjects);
        self
    }

    /// Sets what to do.
    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// Adds an edit of the request's file that settles it.
    pub(crate) fn by(mut self, fix: impl IntoIterator<Item = Fix>) -> Self {
        self.fixes.extend(fix);
        self
    }
}

impl Subject {
    /// Names an object.
    pub(crate) fn of(object: Ref) -> Self {
        Self {
            object: Some(object),
            ..Self::default()
        }
    }

    /// Names a place in a file of the request.
    pub(crate) fn place(file: &str, line: u32, column: u32) -> Self {
        Self {
            file: Some(file.to_owned()),
            ..Self::default()
        }
        .at_line(line, column)
    }

    /// Names a flag of the command line.
    pub(crate) fn flag(name: &str) -> Self {
        Self {
            file: Some(name.to_owned()),
            ..Self::default()
        }
    }

    /// Names an object that the export holds, and where.
    pub(crate) fn exported(object: Ref, origin: &Origin) -> Self {
        let file = (!origin.file.is_empty()).then(|| origin.file.clone());
        Self {
            object: Some(object),
            file,
            ..Self::default()
        }
        .at_line(origin.line, origin.column)
    }

    /// Names an object kept whole, and where it stood.
    pub(crate) fn kept(object: &Ref, kept: &Object) -> Self {
        Self::exported(object.clone(), &kept.origin)
    }

    /// Adds the path inside the object or file.
    pub(crate) fn field(mut self, path: impl Into<String>) -> Self {
        self.field = Some(path.into());
        self
    }

    /// Adds what stands there.
    pub(crate) fn value(mut self, value: impl Into<Value>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// A line of 0 means that the format does not tell.
    fn at_line(mut self, line: u32, column: u32) -> Self {
        self.line = (line > 0).then_some(line);
        self.column = (line > 0 && column > 0).then_some(column);
        self
    }

    /// The order of output: kind, namespace, name; places in files last, by file and line.
    fn order(&self) -> impl Ord + '_ {
        (
            self.object.is_none(),
            self.object
                .as_ref()
                .map(|it| (&it.kind, &it.namespace, &it.name, &it.api_version)),
            &self.file,
            self.line,
            self.column,
            &self.field,
        )
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

/// Sorts findings and the subjects of each in the order of output: level, code, subject.
pub(crate) fn sort(findings: &mut [Finding]) {
    for finding in &mut *findings {
        finding.subjects.sort_by(|a, b| a.order().cmp(&b.order()));
        finding.subjects.dedup();
    }
    findings.sort_by(|a, b| {
        (a.level, &a.code)
            .cmp(&(b.level, &b.code))
            .then_with(|| {
                a.subjects
                    .iter()
                    .map(Subject::order)
                    .cmp(b.subjects.iter().map(Subject::order))
            })
            .then_with(|| a.title.cmp(&b.title))
    });
}

/// Returns what the findings amount to.
pub(crate) fn verdict(findings: &[Finding]) -> Verdict {
    let hides = |it: &Finding| {
        it.level == Level::Unknown && Code::parse(&it.code).is_none_or(Code::could_hide_a_block)
    };
    if findings.iter().any(|it| it.level == Level::Block) {
        Verdict::Blocked
    } else if findings.iter().any(hides) {
        Verdict::Unknown
    } else {
        Verdict::Clear
    }
}

#[cfg(test)]
mod tests;
