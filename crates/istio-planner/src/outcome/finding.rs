//! How findings and their subjects are put together.

use serde_json::Value;

use super::{Finding, Ref, Subject};
use crate::edit::Fix;

impl Finding {
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

    /// Names the version to go to instead.
    pub(crate) fn instead(mut self, version: &impl ToString) -> Self {
        self.instead = Some(version.to_string());
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
    pub(crate) fn new(object: Ref) -> Self {
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
    pub(crate) fn at_line(mut self, line: u32, column: u32) -> Self {
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

/// Sorts findings and the subjects of each in the order of output: level, code, subject.
pub(crate) fn sort(findings: &mut [Finding]) {
    for finding in &mut *findings {
        sorted::sort_by(&mut finding.subjects, |a, b| a.order().cmp(&b.order()));
        finding.subjects.dedup();
    }
    sorted::sort_by(findings, |a, b| {
        (a.level, a.code.as_str())
            .cmp(&(b.level, b.code.as_str()))
            .then_with(|| {
                a.subjects
                    .iter()
                    .map(Subject::order)
                    .cmp(b.subjects.iter().map(Subject::order))
            })
            .then_with(|| a.title.cmp(&b.title))
    });
}
