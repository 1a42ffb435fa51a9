//! A fleet as text, for a terminal and a pipe.

use std::fmt;

use super::rows::{self, Age};
use super::{Finding, Fleet};
use crate::report::page::{Page, Place, plain, span};
use crate::report::{Colours, words};

/// A fleet as text: the table first, then what stands against clusters, then what their exports show together.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    /// What is written.
    pub fleet: &'a Fleet,
    /// How long ago an export was written.
    pub age: Age<'a>,
    /// In which colours.
    pub colours: Colours,
    /// Columns; words that are longer stay whole.
    pub width: usize,
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut page = Page::new(self.width);
        let verdict = self.colours.verdict(self.fleet.verdict);
        page.paragraph(Place::at(0), &[span(verdict, rows::headline(self.fleet))]);
        page.gap();
        let mut table = vec![rows::HEAD.map(str::to_owned)];
        table.extend(rows::rows(self.fleet, self.age));
        page.table(2, &table);
        self.meshes(&mut page);
        self.against(&mut page);
        if !self.fleet.findings.is_empty() {
            self.title(&mut page, "Across clusters");
            for it in &self.fleet.findings {
                self.finding(&mut page, it);
            }
        }
        f.write_str(&page.finish())
    }
}

impl Text<'_> {
    fn title(&self, page: &mut Page, title: &str) {
        page.gap();
        page.paragraph(Place::at(0), &[span(self.colours.head, title)]);
    }

    fn meshes(&self, page: &mut Page) {
        if self.fleet.meshes.is_empty() {
            return;
        }
        self.title(page, "Meshes, in the order of upgrading");
        for it in &self.fleet.meshes {
            page.paragraph(Place::at(2), &[plain(rows::mesh(it))]);
        }
    }

    fn against(&self, page: &mut Page) {
        let stands = |it: &&super::Cluster| it.error.is_some() || !rows::against(it).is_empty();
        let mut clusters = self.fleet.clusters.iter().filter(stands).peekable();
        if clusters.peek().is_some() {
            self.title(page, "Stands against it");
        }
        for cluster in clusters {
            page.paragraph(Place::at(2), &[plain(cluster.name.as_str())]);
            if let Some(error) = &cluster.error {
                let level = span(self.colours.unknown, "error");
                page.paragraph(Place::at(4), &[level, plain(format!(" {error}"))]);
            }
            for it in rows::against(cluster) {
                let level = span(self.colours.level(it.level), words::level(it.level));
                let code = span(self.colours.faint, format!("[{}]", it.code));
                page.paragraph(
                    Place::at(4),
                    &[level, plain(format!(" {} ", it.title)), code],
                );
            }
        }
    }

    fn finding(&self, page: &mut Page, it: &Finding) {
        let level = span(self.colours.level(it.level), words::level(it.level));
        let code = span(self.colours.faint, format!("[{}]", it.code.as_str()));
        page.paragraph(
            Place::at(2),
            &[level, plain(format!(" {} ", it.title)), code],
        );
        let place = Place {
            hang: 6,
            ..Place::at(6)
        };
        page.paragraph(place, &[plain(it.detail.as_str())]);
        for evidence in &it.subjects {
            let subject = crate::words::subject(&evidence.subject);
            let dot = span(self.colours.faint, "·");
            let words = format!(" {}: {subject}", evidence.cluster);
            page.paragraph(Place::at(6), &[dot, plain(words)]);
        }
        page.paragraph(Place::at(6), &[plain(format!("→ {}", it.fix))]);
    }
}
