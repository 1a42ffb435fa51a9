//! Lines of a width: words stay whole, styles are kept, and whatever is shown is safe to show.

use std::fmt::Write as _;

use anstyle::Style;

use super::shown::shown;

/// The widest padding that a cell of a table gets; a longer one makes no column wider.
const CELL: usize = 60;

/// A piece of text in a style.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    style: Style,
    text: String,
}

/// A piece in a style.
pub(crate) fn span(style: Style, text: impl Into<String>) -> Span {
    Span {
        style,
        text: text.into(),
    }
}

/// A piece without a style.
pub(crate) fn plain(text: impl Into<String>) -> Span {
    span(Style::new(), text)
}

/// How a paragraph lies on the page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// Columns before its first line.
    pub(crate) indent: usize,
    /// Columns before each other line.
    pub(crate) hang: usize,
    /// The most lines it gets; what does not fit is cut, and a mark says so.
    pub(crate) most: usize,
}

impl Place {
    /// All of it, each line after the first two columns further in.
    pub(crate) const fn at(indent: usize) -> Self {
        Self {
            indent,
            hang: indent + 2,
            most: usize::MAX,
        }
    }

    /// The same in so many lines at most.
    pub(crate) const fn most(self, most: usize) -> Self {
        Self { most, ..self }
    }
}

/// A page that grows by paragraphs.
#[derive(Debug)]
pub(crate) struct Page {
    width: usize,
    text: String,
}

/// Pieces without a space between them.
struct Word {
    pieces: Vec<Span>,
    width: usize,
}

impl Page {
    /// A page of a width in columns.
    pub(crate) fn new(width: usize) -> Self {
        Self {
            width,
            text: String::new(),
        }
    }

    /// The whole page.
    pub(crate) fn finish(self) -> String {
        self.text
    }

    /// An empty line, if the last one is none.
    pub(crate) fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// A line that is not wrapped, its blanks kept.
    pub(crate) fn verbatim(&mut self, indent: usize, text: &str) {
        let blanks = " ".repeat(indent);
        let line = format!("{blanks}{}", shown(text));
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// A paragraph.
    pub(crate) fn paragraph(&mut self, place: Place, spans: &[Span]) {
        let words = words(spans);
        let mut lines: Vec<Vec<&Word>> = vec![Vec::new()];
        let mut column = place.indent;
        for word in &words {
            let space = usize::from(lines.last().is_some_and(|it| !it.is_empty()));
            if column + space + word.width > self.width && space > 0 {
                lines.push(Vec::new());
                column = place.hang + word.width;
            } else {
                column += space + word.width;
            }
            if let Some(line) = lines.last_mut() {
                line.push(word);
            }
        }
        let cut = lines.len() > place.most;
        lines.truncate(place.most);
        let last = lines.len().saturating_sub(1);
        for (index, mut line) in lines.into_iter().enumerate() {
            let indent = if index == 0 { place.indent } else { place.hang };
            let cut = cut && index == last;
            if cut {
                let fits = |line: &[&Word]| {
                    let used: usize = line.iter().map(|it| it.width + 1).sum();
                    indent + used < self.width
                };
                while line.len() > 1 && !fits(&line) {
                    line.pop();
                }
            }
            self.line(indent, &line, cut);
        }
    }

    fn line(&mut self, indent: usize, words: &[&Word], cut: bool) {
        self.text.extend(std::iter::repeat_n(' ', indent));
        let mut style = Style::new();
        for (index, word) in words.iter().enumerate() {
            for (at, piece) in word.pieces.iter().enumerate() {
                if piece.style != style {
                    // Writing to a string cannot fail.
                    let _ = write!(self.text, "{style:#}");
                }
                if index > 0 && at == 0 {
                    self.text.push(' ');
                }
                if piece.style != style {
                    let _ = write!(self.text, "{}", piece.style);
                    style = piece.style;
                }
                self.text.push_str(&piece.text);
            }
        }
        let _ = write!(self.text, "{style:#}");
        self.text.push_str(if cut { " …\n" } else { "\n" });
    }

    /// Rows in columns as wide as their widest cell; a row that is too wide for the page is wrapped.
    pub(crate) fn table<const N: usize>(&mut self, indent: usize, rows: &[[String; N]]) {
        let mut widths = [0; N];
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = shown(cell).chars().count().min(CELL).max(*width);
            }
        }
        let mut lines = Vec::with_capacity(rows.len());
        for row in rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                let cell = shown(cell).replace(['\n', '\t'], " ");
                let missing = width.saturating_sub(cell.chars().count());
                let _ = write!(line, "{cell}{}  ", " ".repeat(missing));
            }
            lines.push(line);
        }
        let fits = |it: &String| indent + it.trim_end().chars().count() <= self.width;
        if lines.iter().all(fits) {
            for line in lines {
                self.verbatim(indent, line.trim_end());
            }
            return;
        }
        for row in rows {
            let cells: Vec<&str> = row
                .iter()
                .map(String::as_str)
                .filter(|it| !it.is_empty())
                .collect();
            self.paragraph(Place::at(indent), &[plain(cells.join("  "))]);
        }
    }
}

/// Cuts spans at blanks; runs of them count as one.
fn words(spans: &[Span]) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut glued = false;
    for Span { style, text } in spans {
        let text = shown(text);
        let mut rest = text.as_ref();
        while !rest.is_empty() {
            if rest.starts_with(char::is_whitespace) {
                glued = false;
                rest = rest.trim_start();
                continue;
            }
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let (piece, after) = rest.split_at(end);
            let width = piece.chars().count();
            let piece = span(*style, piece);
            match words.last_mut().filter(|_| glued) {
                Some(word) => {
                    word.pieces.push(piece);
                    word.width += width;
                }
                None => words.push(Word {
                    pieces: vec![piece],
                    width,
                }),
            }
            glued = true;
            rest = after;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_and_a_cut_is_marked() {
        let mut page = Page::new(20);
        let text = "one two three four five six seven";
        page.paragraph(Place::at(2), &[plain(text)]);
        page.paragraph(Place::at(2).most(1), &[plain(text)]);
        page.paragraph(Place::at(0), &[plain("x".repeat(30))]);
        let expected = "  one two three four\n    five six seven\n  one two three …\n";
        assert_eq!(page.finish(), format!("{expected}{}\n", "x".repeat(30)));
    }

    #[test]
    fn a_wide_cell_makes_no_other_row_wide() {
        let wide = "x".repeat(70_000);
        let row = |first: &str, second: &str| [first.to_owned(), second.to_owned()];
        let mut page = Page::new(100);
        page.table(1, &[row(&wide, "a"), row("y", "b")]);
        assert!(page.finish().len() < 70_200);
    }

    #[test]
    fn what_is_shown_is_escaped_in_every_form() {
        let hostile = "\u{1b}[2Jclear\u{202e}";
        let mut page = Page::new(80);
        page.paragraph(Place::at(0), &[plain(hostile)]);
        page.verbatim(0, hostile);
        page.table(0, &[[hostile.to_owned()]]);
        let text = page.finish();
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
        assert_eq!(text.lines().count(), 3);
    }
}
