//! Text for a terminal, a page and a pipe.

use std::fmt::{self, Write as _};

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use super::{changes, words};
use crate::outcome::{ChangeClass, FieldChange, Finding, Level, Outcome, Verdict};
use crate::words::count;

/// Subjects of a finding that are shown without `full`.
const SUBJECTS: usize = 5;
/// Fields of an object that are shown without `full`.
const FIELDS: usize = 8;

/// Which colours are used; plain is the default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Colours {
    block: Style,
    unknown: Style,
    warn: Style,
    info: Style,
    good: Style,
    head: Style,
    faint: Style,
}

impl Colours {
    /// No colours at all.
    pub const PLAIN: Self = Self {
        block: Style::new(),
        unknown: Style::new(),
        warn: Style::new(),
        info: Style::new(),
        good: Style::new(),
        head: Style::new(),
        faint: Style::new(),
    };

    /// The sixteen colours that every terminal has.
    pub const ANSI: Self = Self {
        block: AnsiColor::Red.on_default().bold(),
        unknown: AnsiColor::Magenta.on_default().bold(),
        warn: AnsiColor::Yellow.on_default(),
        info: AnsiColor::Cyan.on_default(),
        good: AnsiColor::Green.on_default().bold(),
        head: Style::new().bold(),
        faint: Style::new().dimmed(),
    };

    fn level(&self, level: Level) -> Style {
        match level {
            Level::Block => self.block,
            Level::Unknown => self.unknown,
            Level::Warn => self.warn,
            Level::Info => self.info,
        }
    }

    fn verdict(&self, verdict: Verdict) -> Style {
        match verdict {
            Verdict::Clear => self.good,
            Verdict::Blocked => self.block,
            Verdict::Unknown => self.unknown,
        }
    }

    fn class(&self, class: ChangeClass) -> Style {
        match class {
            ChangeClass::Create => self.good,
            ChangeClass::Change | ChangeClass::Unchanged => Style::new(),
            ChangeClass::TakeOver | ChangeClass::Orphan => self.warn,
            ChangeClass::Replace | ChangeClass::Delete => self.block,
        }
    }
}

/// An outcome as text: the verdict first, then what it rests on, then what would happen.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// What is written.
    pub outcome: &'a Outcome,
    /// In which colours.
    pub colours: Colours,
    /// Show every subject, field and value in full.
    pub full: bool,
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head(f)?;
        self.path(f)?;
        self.findings(f, "Findings", &self.outcome.findings)?;
        self.findings(f, "Behaviour that changes", &self.outcome.notes)?;
        self.defaults(f)?;
        self.reverted(f)?;
        self.changes(f)?;
        self.restarts(f)?;
        self.plan(f)
    }
}

impl Text<'_> {
    fn head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (head, verdict) = (
            self.colours.head,
            self.colours.verdict(self.outcome.verdict),
        );
        let words = words::verdict(self.outcome);
        writeln!(
            f,
            "{head}{}{head:#}: {verdict}{words}{verdict:#}",
            words::headline(self.outcome)
        )?;
        words::situation(self.outcome)
            .iter()
            .try_for_each(|it| writeln!(f, "  {it}"))
    }

    /// The way over several minors; of each hop's findings the sentences alone.
    fn path(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.outcome.path.is_empty() {
            return Ok(());
        }
        self.title(f, "The way, hop by hop")?;
        for (index, hop) in self.outcome.path.iter().enumerate() {
            writeln!(f, "  {:>2}. {}", index + 1, words::hop(hop))?;
            for finding in hop.findings.iter().chain(&hop.notes) {
                writeln!(f, "      {} {}", words::level(finding.level), finding.title)?;
            }
        }
        Ok(())
    }

    fn title(&self, f: &mut fmt::Formatter<'_>, title: &str) -> fmt::Result {
        let head = self.colours.head;
        writeln!(f, "\n{head}{title}{head:#}")
    }

    fn findings(
        &self,
        f: &mut fmt::Formatter<'_>,
        title: &str,
        findings: &[Finding],
    ) -> fmt::Result {
        if findings.is_empty() {
            return Ok(());
        }
        self.title(f, title)?;
        findings.iter().try_for_each(|it| self.finding(f, it))
    }

    fn finding(&self, f: &mut fmt::Formatter<'_>, finding: &Finding) -> fmt::Result {
        let (style, faint) = (self.colours.level(finding.level), self.colours.faint);
        let level = words::level(finding.level);
        writeln!(
            f,
            "  {style}{level}{style:#} {} {faint}[{}]{faint:#}",
            finding.title, finding.code
        )?;
        writeln!(f, "      {}", finding.detail)?;
        let shown = if self.full {
            finding.subjects.len()
        } else {
            SUBJECTS
        };
        for subject in finding.subjects.iter().take(shown) {
            writeln!(f, "      {faint}·{faint:#} {}", words::subject(subject))?;
        }
        if let Some(more) = finding
            .subjects
            .len()
            .checked_sub(shown)
            .filter(|it| *it > 0)
        {
            writeln!(f, "      {faint}and {more} more{faint:#}")?;
        }
        finding
            .fix
            .as_ref()
            .map_or(Ok(()), |it| writeln!(f, "      → {it}"))
    }

    fn defaults(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let defaults = &self.outcome.defaults;
        if defaults.is_empty() {
            return Ok(());
        }
        self.title(f, &format!("Changed defaults ({})", defaults.len()))?;
        let rows: Vec<[String; 4]> = defaults
            .iter()
            .map(|it| {
                let keep = match (&it.keep, it.pinned) {
                    (_, true) => "set by the installation or the request".to_owned(),
                    (Some(keep), false) => format!("keep with {keep}"),
                    (None, false) => String::new(),
                };
                let change = format!(
                    "{} → {}",
                    words::side(it.from.as_ref()),
                    words::side(it.to.as_ref())
                );
                [it.component.clone(), it.path.clone(), change, keep]
            })
            .collect();
        table(f, &rows)
    }

    fn reverted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reverted = &self.outcome.reverted;
        if reverted.is_empty() {
            return Ok(());
        }
        self.title(
            f,
            &format!(
                "Settings that the request would revert ({})",
                reverted.len()
            ),
        )?;
        let rows: Vec<[String; 3]> = reverted
            .iter()
            .map(|it| {
                let change = format!(
                    "{} → {}",
                    words::value(&it.live),
                    words::side(it.request.as_ref())
                );
                let evidence = it.evidence.first().map(words::origin).unwrap_or_default();
                [it.path.clone(), change, evidence]
            })
            .collect();
        table(f, &rows)
    }

    fn changes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = self.outcome;
        if outcome.changes.is_empty() {
            return Ok(());
        }
        self.title(f, &format!("Changes: {}", words::tally(&outcome.changes)))?;
        for group in changes::by_component(&outcome.changes, self.full) {
            writeln!(f, "  {}", group.component)?;
            for (change, fields) in &group.objects {
                let style = self.colours.class(change.class);
                let (sign, object) = (words::sign(change.class), change.object.to_string());
                writeln!(
                    f,
                    "    {style}{sign} {object}{style:#}{}",
                    self.class(change.class)
                )?;
                self.fields(f, fields)?;
            }
            if let Some(words) = changes::stamped(&group) {
                let faint = self.colours.faint;
                writeln!(f, "    {faint}{words}{faint:#}")?;
            }
        }
        Ok(())
    }

    /// The class is worth a word where the sign alone is not known to everybody.
    fn class(&self, class: ChangeClass) -> String {
        let faint = self.colours.faint;
        match class {
            ChangeClass::Create
            | ChangeClass::Change
            | ChangeClass::Delete
            | ChangeClass::Unchanged => String::new(),
            ChangeClass::Replace | ChangeClass::TakeOver | ChangeClass::Orphan => {
                format!(" {faint}{}{faint:#}", words::class(class))
            }
        }
    }

    fn fields(&self, f: &mut fmt::Formatter<'_>, fields: &[&FieldChange]) -> fmt::Result {
        let faint = self.colours.faint;
        let shown = if self.full { fields.len() } else { FIELDS };
        fields
            .iter()
            .take(shown)
            .try_for_each(|it| self.field(f, it))?;
        match fields.len().checked_sub(shown).filter(|it| *it > 0) {
            Some(more) => writeln!(
                f,
                "        {faint}and {}{faint:#}",
                count(more, "more field")
            ),
            None => Ok(()),
        }
    }

    fn field(&self, f: &mut fmt::Formatter<'_>, field: &FieldChange) -> fmt::Result {
        let (faint, path) = (self.colours.faint, &field.path);
        let owner = match &field.owner {
            Some(owner) => format!(" {faint}(owned by {owner}){faint:#}"),
            None => String::new(),
        };
        if let Some(difference) = changes::difference(field) {
            writeln!(
                f,
                "        {path}: {}{owner}",
                words::difference(&difference)
            )?;
            let lines = if self.full { difference.as_str() } else { "" };
            return lines
                .lines()
                .try_for_each(|it| writeln!(f, "          {it}"));
        }
        let side = |side: Option<&Value>| match side {
            Some(value) if self.full => value.to_string(),
            _ => words::side(side),
        };
        writeln!(
            f,
            "        {path}: {} → {}{owner}",
            side(field.from.as_ref()),
            side(field.to.as_ref())
        )
    }

    fn restarts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let restarts = &self.outcome.restarts;
        if restarts.is_empty() {
            return Ok(());
        }
        let pods: u32 = restarts.iter().map(|it| it.pods).sum();
        let workloads = count(restarts.len(), "workload");
        let title = format!(
            "Data plane: {workloads}, {}",
            count(usize::try_from(pods).unwrap_or_default(), "pod")
        );
        self.title(f, &title)?;
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
                    words::reason(&it.reason).to_owned(),
                ]
            })
            .collect();
        table(f, &rows)
    }

    fn plan(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(plan) = self.outcome.plan.as_ref().filter(|it| !it.steps.is_empty()) else {
            return Ok(());
        };
        self.title(
            f,
            &format!(
                "Plan {}: {}",
                plan.id.get(..12).unwrap_or(&plan.id),
                count(plan.steps.len(), "step")
            ),
        )?;
        let mut steps = plan.steps.iter().enumerate();
        steps.try_for_each(|(index, step)| writeln!(f, "  {:>2}. {}", index + 1, step.title))
    }
}

/// So wide a column is at most, but the last: a cell that is wider is cut, or each row would be padded to it.
const WIDEST: usize = 120;

/// Writes rows in columns as wide as their widest cell; the last column is as wide as it is.
fn table<const N: usize>(f: &mut fmt::Formatter<'_>, rows: &[[String; N]]) -> fmt::Result {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().take(WIDEST).count().max(*width);
        }
    }
    for row in rows {
        let mut line = String::from(" ");
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let last = column + 1 == N;
            let cut: String = if last || cell.chars().nth(WIDEST).is_none() {
                cell.clone()
            } else {
                cell.chars().take(WIDEST - 1).chain(['…']).collect()
            };
            let missing = width.saturating_sub(cut.chars().count());
            write!(line, " {cut}{} ", " ".repeat(missing))?;
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Rows(Vec<[String; 2]>);

    impl fmt::Display for Rows {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            table(f, &self.0)
        }
    }

    #[test]
    fn a_cell_that_is_too_wide_is_cut_and_the_last_is_not() {
        let wide = "x".repeat(70_000);
        let rows = Rows(vec![
            [wide.clone(), "a".to_owned()],
            ["y".to_owned(), wide.clone()],
        ]);
        let cut = format!("{}…", "x".repeat(119));
        let expected = format!("  {cut}  a\n  y{}  {wide}\n", " ".repeat(119));
        assert_eq!(rows.to_string(), expected);
    }
}
