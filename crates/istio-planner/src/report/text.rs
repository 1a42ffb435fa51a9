//! Text for a terminal, a page and a pipe.

use std::fmt;

use serde_json::Value;

use super::colours::Colours;
use super::outline::{Digest, Outline, Shown, by_namespace};
use super::page::{Page, Place, plain, span};
use super::{changes, words};
use crate::outcome::{Change, ChangeClass, Code, FieldChange, Finding, Level, Outcome};
use crate::plan::Step;
use crate::words::count;

/// Findings that are more than a line without `full`.
const FINDINGS: usize = 8;
/// Findings that are told at all without `full`.
const TITLES: usize = 24;
/// Subjects of a finding that blocks, without `full`.
const SUBJECTS: usize = 5;
/// Lines of a table without `full`.
const ROWS: usize = 5;
/// Objects that change without `full`, and definitions beside them.
const OBJECTS: usize = 4;
/// Definitions that are named one by one without `full`.
const DEFINITIONS: usize = 3;
/// Workloads that are named one by one without `full`.
const WORKLOADS: usize = 20;
/// The width of a text without a terminal.
pub const WIDTH: usize = 120;

/// An outcome as text: the verdict first, then what has to be decided and done, then what would happen.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// What is written.
    pub outcome: &'a Outcome,
    /// In which colours.
    pub colours: Colours,
    /// Show every finding, subject, field and value in full.
    pub full: bool,
    /// Columns; words that are longer stay whole.
    pub width: usize,
    /// Lines to add to what runs: where charts came from.
    pub beside: &'a [String],
    /// The command that comes next.
    pub next: Option<&'a str>,
}

impl<'a> Text<'a> {
    /// A plain text of the usual width.
    pub fn plain(outcome: &'a Outcome) -> Self {
        Self {
            outcome,
            colours: Colours::PLAIN,
            full: false,
            width: WIDTH,
            beside: &[],
            next: None,
        }
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut page = Page::new(self.width);
        let outline = Outline::new(self.outcome);
        let digest = Digest::new(&self.outcome.changes);
        self.head(&mut page);
        self.path(&mut page);
        page.gap();
        self.findings(&mut page, "To decide", &outline.decide);
        self.findings(&mut page, "To do by hand", &outline.by_hand);
        self.lost(&mut page, &outline);
        self.changes(&mut page, &digest);
        self.defaults(&mut page);
        let notes: Vec<&Finding> = self.outcome.notes.iter().collect();
        if self.full {
            page.gap();
            self.findings(&mut page, "Behaviour that changes", &notes);
            self.findings(&mut page, "Good to know", &outline.known);
        } else {
            self.known(&mut page, &[notes, outline.known.clone()].concat());
        }
        self.restarts(&mut page);
        self.plan(&mut page);
        self.end(&mut page, &outline, &digest);
        f.write_str(&page.finish())
    }
}

impl Text<'_> {
    fn head(&self, page: &mut Page) {
        let verdict = self.colours.verdict(self.outcome.verdict);
        page.paragraph(
            Place::at(0),
            &[
                span(self.colours.head, words::headline(self.outcome)),
                plain(": "),
                span(verdict, words::verdict(self.outcome)),
            ],
        );
        let situation = words::situation(self.outcome);
        if self.full {
            for line in situation {
                page.paragraph(Place::at(2), &[plain(line)]);
            }
        } else {
            let place = Place {
                hang: 2,
                ..Place::at(2)
            };
            let told = |it: &String| it != "profile default";
            let situation: Vec<String> = situation.into_iter().filter(told).collect();
            page.paragraph(place, &[plain(situation.join(" · "))]);
        }
        for line in self.beside {
            page.paragraph(Place::at(2), &[span(self.colours.faint, line.as_str())]);
        }
    }

    /// The way over several minors; of each hop's findings the sentences alone.
    fn path(&self, page: &mut Page) {
        if self.outcome.path.is_empty() {
            return;
        }
        self.title(page, "The way, hop by hop");
        for (index, hop) in self.outcome.path.iter().enumerate() {
            let number = format!("{:>2}. {}", index + 1, words::hop(hop));
            page.paragraph(
                Place {
                    hang: 6,
                    ..Place::at(2)
                },
                &[plain(number.trim_start())],
            );
            let all = hop.findings.iter().chain(&hop.notes);
            let most = if self.full { usize::MAX } else { ROWS };
            for finding in all.clone().take(most) {
                let level = self.level(finding.level);
                page.paragraph(Place::at(6), &[level, plain(format!(" {}", finding.title))]);
            }
            self.more(page, 6, all.count().saturating_sub(most));
        }
    }

    fn title(&self, page: &mut Page, title: &str) {
        page.gap();
        self.heading(page, title);
    }

    /// A title below another that belongs to it.
    fn heading(&self, page: &mut Page, title: &str) {
        page.paragraph(Place::at(0), &[span(self.colours.head, title)]);
    }

    fn level(&self, level: Level) -> super::page::Span {
        span(self.colours.level(level), words::level(level))
    }

    fn more(&self, page: &mut Page, indent: usize, more: usize) {
        if more > 0 {
            let words = format!("and {more} more");
            page.paragraph(Place::at(indent), &[span(self.colours.faint, words)]);
        }
    }

    fn findings(&self, page: &mut Page, title: &str, findings: &[&Finding]) {
        if findings.is_empty() {
            return;
        }
        self.heading(page, &format!("{title} ({})", findings.len()));
        let blocks = findings
            .iter()
            .filter(|it| it.level == Level::Block)
            .count();
        let whole = if self.full {
            findings.len()
        } else {
            FINDINGS.max(blocks.min(TITLES))
        };
        findings
            .iter()
            .take(whole)
            .for_each(|it| self.finding(page, it));
        let rest = findings.get(whole..).unwrap_or_default();
        let short = TITLES.saturating_sub(whole);
        rest.iter()
            .take(short)
            .for_each(|it| self.finding_title(page, it));
        self.more(page, 2, rest.len().saturating_sub(short));
    }

    /// Findings of which the sentence is enough, a line each.
    fn known(&self, page: &mut Page, findings: &[&Finding]) {
        if findings.is_empty() {
            return;
        }
        self.title(page, &format!("Good to know ({})", findings.len()));
        for finding in findings.iter().take(ROWS) {
            let place = Place::at(2).most(1);
            page.paragraph(place, &self.sentence(finding));
        }
        self.more(page, 2, findings.len().saturating_sub(ROWS));
    }

    /// Level, sentence and code of a finding.
    fn sentence(&self, finding: &Finding) -> Vec<super::page::Span> {
        let code = span(self.colours.faint, format!("[{}]", finding.code));
        let title = plain(format!(" {} ", finding.title));
        let accepted = finding.accepted.as_ref();
        let accepted = accepted.map(|it| format!(" accepted: {it}"));
        vec![
            self.level(finding.level),
            title,
            code,
            plain(accepted.unwrap_or_default()),
        ]
    }

    fn finding_title(&self, page: &mut Page, finding: &Finding) {
        page.paragraph(Place::at(2), &self.sentence(finding));
    }

    fn finding(&self, page: &mut Page, finding: &Finding) {
        self.finding_title(page, finding);
        let weighs = matches!(finding.level, Level::Block | Level::Unknown);
        let (lines, subjects) = match (self.full, weighs) {
            (true, _) => (usize::MAX, usize::MAX),
            (false, true) => (4, SUBJECTS),
            (false, false) => (1, 1),
        };
        let place = Place {
            hang: 6,
            ..Place::at(6)
        };
        // What to do says why, too, where it is only worth a decision.
        if self.full || weighs || finding.fix.is_none() {
            page.paragraph(place.most(lines), &[plain(finding.detail.as_str())]);
        }
        self.subjects(page, finding, subjects);
        if let Some(fix) = &finding.fix {
            page.paragraph(Place::at(6).most(lines), &[plain(format!("→ {fix}"))]);
        }
    }

    fn subjects(&self, page: &mut Page, finding: &Finding, most: usize) {
        let lines = if self.full { usize::MAX } else { 1 };
        let more = finding.subjects.len().saturating_sub(most);
        for (index, subject) in finding.subjects.iter().take(most).enumerate() {
            let mut words = format!(" {}", words::subject(subject));
            if most == 1 && more > 0 && index == 0 {
                words = format!(" {more} more and{words}");
            }
            let dot = span(self.colours.faint, "·");
            page.paragraph(Place::at(6).most(lines), &[dot, plain(words)]);
        }
        if most > 1 {
            self.more(page, 6, more);
        }
    }

    /// What would be gone afterwards: findings, and the settings that the request does not repeat.
    fn lost(&self, page: &mut Page, outline: &Outline) {
        let lost = &outline.lost;
        let reverted = &self.outcome.reverted;
        if reverted.is_empty() {
            return self.findings(page, "Would be lost", lost);
        }
        let (settings, others): (Vec<&Finding>, Vec<&Finding>) = lost
            .iter()
            .partition(|it| it.code == Code::SettingsReverted);
        self.heading(
            page,
            &format!("Would be lost ({})", outline.lost_number(self.outcome)),
        );
        for finding in settings {
            let code = span(self.colours.faint, format!("[{}]", finding.code));
            let what = plain(" Settings that the request does not repeat ");
            page.paragraph(Place::at(2), &[self.level(finding.level), what, code]);
            if let Some(fix) = &finding.fix {
                let lines = if self.full { usize::MAX } else { 1 };
                page.paragraph(Place::at(6).most(lines), &[plain(format!("→ {fix}"))]);
            }
        }
        let most = if self.full { reverted.len() } else { ROWS };
        let rows: Vec<[String; 3]> = reverted
            .iter()
            .take(most)
            .map(|it| {
                let change = format!(
                    "{} → {}",
                    words::value(&it.live),
                    words::side(it.request.as_ref().or(it.default.as_ref()))
                );
                let evidence = it.evidence.first().map(words::origin).unwrap_or_default();
                let evidence = if self.full { evidence } else { String::new() };
                [it.path.clone(), change, evidence]
            })
            .collect();
        page.table(6, &rows);
        self.more(page, 6, reverted.len().saturating_sub(most));
        let whole = if self.full { others.len() } else { FINDINGS };
        others
            .iter()
            .take(whole)
            .for_each(|it| self.finding(page, it));
        let rest = others.get(whole..).unwrap_or_default();
        rest.iter()
            .take(TITLES)
            .for_each(|it| self.finding_title(page, it));
        self.more(page, 2, rest.len().saturating_sub(TITLES));
    }

    fn defaults(&self, page: &mut Page) {
        let defaults = &self.outcome.defaults;
        if defaults.is_empty() {
            return;
        }
        self.title(page, &format!("Changed defaults ({})", defaults.len()));
        let most = if self.full { defaults.len() } else { ROWS };
        // What nobody set is what changes.
        let mut sorted: Vec<_> = defaults.iter().collect();
        sorted::sort_by_key(&mut sorted, |it| it.pinned);
        for it in sorted.into_iter().take(most) {
            let keep = match (&it.keep, it.pinned) {
                (_, true) => ", set by the installation or the request".to_owned(),
                (Some(keep), false) => format!(", keep with {keep}"),
                (None, false) => String::new(),
            };
            let words = format!(
                "{}: {} → {}{keep}",
                it.path,
                words::side(it.from.as_ref()),
                words::side(it.to.as_ref())
            );
            let lines = if self.full { usize::MAX } else { 1 };
            page.paragraph(Place::at(2).most(lines), &[plain(words)]);
            if let Some(about) = it.about.as_ref().filter(|_| self.full) {
                page.paragraph(Place::at(6), &[span(self.colours.faint, about.as_str())]);
            }
        }
        self.more(page, 2, defaults.len().saturating_sub(most));
    }

    fn changes(&self, page: &mut Page, digest: &Digest) {
        if self.outcome.changes.is_empty() {
            return;
        }
        self.title(page, &format!("Changes: {}", digest.tally()));
        if self.full {
            return self.all_changes(page);
        }
        let is_schema = |it: &&Shown| {
            it.change.class == ChangeClass::Change
                && it.change.object.kind == "CustomResourceDefinition"
        };
        let (schemas, objects): (Vec<&Shown>, Vec<&Shown>) =
            digest.real.iter().partition(is_schema);
        for it in objects.iter().take(OBJECTS) {
            self.object_in_a_line(page, it);
        }
        self.more(page, 2, objects.len().saturating_sub(OBJECTS));
        if schemas.len() <= DEFINITIONS {
            for schema in schemas {
                self.object_in_a_line(page, schema);
            }
            return;
        }
        let fields: usize = schemas.iter().map(|it| it.fields.len()).sum();
        let words = format!(
            "~ {} CustomResourceDefinitions: schemas, {}",
            schemas.len(),
            count(fields, "field")
        );
        page.paragraph(Place::at(2), &[plain(words)]);
    }

    /// An object and its fields in a line: of a definition only that its schema changes.
    fn object_in_a_line(&self, page: &mut Page, shown: &Shown) {
        let change = shown.change;
        let mut spans = self.object(change);
        let fields = &shown.fields;
        let told = match (change.class, change.object.kind.as_str()) {
            (ChangeClass::Create | ChangeClass::Delete | ChangeClass::Orphan, _) => String::new(),
            (_, "CustomResourceDefinition") => {
                format!(": schema, {}", count(fields.len(), "field"))
            }
            _ => {
                let names: Vec<String> = fields.iter().map(|it| in_short(it)).collect();
                match names.as_slice() {
                    [] => String::new(),
                    [one] => format!(": {one}"),
                    all => format!(": {} fields, {}", all.len(), all.join(", ")),
                }
            }
        };
        spans.push(plain(told));
        page.paragraph(Place::at(2).most(1), &spans);
    }

    /// The sign, the object, and a word where the sign alone is not known to everybody.
    fn object(&self, change: &Change) -> Vec<super::page::Span> {
        let style = self.colours.class(change.class);
        let (sign, object) = (words::sign(change.class), change.object.to_string());
        let mut spans = vec![span(style, format!("{sign} {object}"))];
        if matches!(
            change.class,
            ChangeClass::Replace | ChangeClass::TakeOver | ChangeClass::Orphan
        ) {
            let words = format!(" {}", words::class(change.class));
            spans.push(span(self.colours.faint, words));
        }
        spans
    }

    /// Every object with every field, by component.
    fn all_changes(&self, page: &mut Page) {
        for group in changes::by_component(&self.outcome.changes) {
            page.paragraph(Place::at(2), &[plain(group.component)]);
            for change in &group.objects {
                page.paragraph(Place::at(4), &self.object(change));
                change.fields.iter().for_each(|it| self.field(page, it));
            }
        }
    }

    fn field(&self, page: &mut Page, field: &FieldChange) {
        let path = &field.path;
        let owner = match &field.owner {
            Some(owner) => span(self.colours.faint, format!(" (owned by {owner})")),
            None => plain(""),
        };
        if let Some(difference) = changes::difference(field) {
            let words = format!("{path}: {}", words::difference(&difference));
            page.paragraph(Place::at(8), &[plain(words), owner]);
            difference.lines().for_each(|it| page.verbatim(10, it));
            return;
        }
        let side = |side: Option<&Value>| side.map_or_else(|| words::side(None), Value::to_string);
        let (from, to) = (side(field.from.as_ref()), side(field.to.as_ref()));
        page.paragraph(
            Place::at(8),
            &[plain(format!("{path}: {from} → {to}")), owner],
        );
    }

    fn restarts(&self, page: &mut Page) {
        let restarts = &self.outcome.restarts;
        if restarts.is_empty() {
            return;
        }
        self.title(page, &format!("Data plane: {}", words::workloads(restarts)));
        if restarts.len() > WORKLOADS && !self.full {
            let all = by_namespace(restarts);
            let row = |it: &super::outline::Folded| {
                let workloads = count(it.workloads, "workload");
                let pods = count(usize::try_from(it.pods).unwrap_or_default(), "pod");
                [
                    it.namespace.to_owned(),
                    format!("{workloads}, {pods}"),
                    it.how.to_owned(),
                ]
            };
            let rows: Vec<_> = all.iter().take(WORKLOADS).map(row).collect();
            page.table(2, &rows);
            let more = all.len().saturating_sub(WORKLOADS);
            if more > 0 {
                let words = format!("and {more} more rows of namespaces");
                page.paragraph(Place::at(2), &[span(self.colours.faint, words)]);
            }
            return;
        }
        let rows: Vec<[String; 4]> = restarts
            .iter()
            .map(|it| {
                let proxies = match &it.to {
                    Some(to) => format!("{} → {to}", words::proxies(it)),
                    None => words::proxies(it),
                };
                [
                    it.object.to_string(),
                    proxies,
                    words::how(it.how).to_owned(),
                    it.reason.to_string(),
                ]
            })
            .collect();
        if self.full {
            page.table(2, &rows);
        } else {
            // The reason is nearly always the same one.
            let short: Vec<_> = rows.into_iter().map(|[a, b, c, _]| [a, b, c]).collect();
            page.table(2, &short);
        }
    }

    /// Steps; waves after the first few are one line.
    fn plan(&self, page: &mut Page) {
        let Some(plan) = self.outcome.plan.as_ref().filter(|it| !it.steps.is_empty()) else {
            return;
        };
        let id = plan.id.get(..12).unwrap_or(&plan.id);
        let steps = count(plan.steps.len(), "step");
        self.title(page, &format!("Plan {id}: {steps}"));
        let numbered: Vec<(usize, &Step)> = plan.steps.iter().enumerate().collect();
        let waves: Vec<usize> = numbered
            .iter()
            .filter(|it| it.1.id.starts_with("restart-"))
            .map(|it| it.0)
            .collect();
        if self.full {
            for (index, step) in numbered {
                let words = format!("{}. {}", index + 1, step.title);
                let place = Place {
                    hang: 5,
                    ..Place::at(2)
                };
                page.paragraph(place, &[plain(words)]);
            }
            return;
        }
        let folded = (waves.len() > 4).then(|| waves.get(2..waves.len() - 1));
        let folded = folded.flatten().unwrap_or_default();
        let mut words = Vec::new();
        for (index, step) in numbered {
            if folded.first() == Some(&index) {
                let last = folded.last().copied().unwrap_or(index);
                words.push(format!(
                    "{}.–{}. {} of restarts more",
                    index + 1,
                    last + 1,
                    count(folded.len(), "wave")
                ));
            }
            if !folded.contains(&index) {
                words.push(format!("{}. {}", index + 1, step.title));
            }
        }
        let place = Place {
            hang: 2,
            ..Place::at(2)
        };
        page.paragraph(place, &[plain(words.join(" · "))]);
    }

    /// Counts, and what comes next.
    fn end(&self, page: &mut Page, outline: &Outline, digest: &Digest) {
        page.gap();
        let mut parts = outline.left(self.outcome);
        parts.extend(digest.number());
        let restarts = &self.outcome.restarts;
        if !restarts.is_empty() {
            parts.push(format!("{} to restart", words::workloads(restarts)));
        }
        let steps = self.outcome.plan.as_ref().map_or(0, |it| it.steps.len());
        if steps > 0 {
            parts.push(count(steps, "step"));
        }
        if parts.is_empty() {
            parts.push("nothing changes".to_owned());
        }
        page.paragraph(Place::at(0), &[span(self.colours.head, parts.join(", "))]);
        if let Some(next) = self.next {
            page.paragraph(
                Place {
                    hang: 6,
                    ..Place::at(0)
                },
                &[span(self.colours.head, "Next: "), plain(next)],
            );
        }
    }
}

/// A field by the end of its path, with both values where they are short.
fn in_short(field: &FieldChange) -> String {
    const SHORT: usize = 24;
    let path = field
        .path
        .rsplit_once('.')
        .map_or(field.path.as_str(), |(_, it)| it);
    let path = if path.ends_with(']') {
        field.path.as_str()
    } else {
        path
    };
    let (from, to) = (
        words::side(field.from.as_ref()),
        words::side(field.to.as_ref()),
    );
    let long = |it: &str| it.chars().count() > SHORT;
    let values = if long(&from) || long(&to) {
        String::new()
    } else {
        format!(" {from} → {to}")
    };
    match &field.owner {
        Some(owner) => format!("{path}{values} (owned by {owner})"),
        None => format!("{path}{values}"),
    }
}
