//! Cuts YAML into documents, and lists into items, while it streams by.
//!
//! Only the shape that kubectl writes is cut: a key `items:` at the margin and its dashes. Any other document is handed
//! on whole, so the cut never changes what a text means.

use super::join::OpenList;
use super::json::Each;
use super::piece::{Fault, LARGEST, ListHead, Piece, Place, Text, too_large, trimmed, utf8};

/// Where a document has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No list so far.
    Plain,
    /// After `items:`: the next line tells.
    MaybeItems,
    /// Inside a list whose dashes stand after so many blanks.
    Items { indent: usize },
    /// After the items of a list.
    Tail,
    /// Inside a container's log, as `kubectl cluster-info dump` prints it behind the objects.
    Log,
}

/// A YAML text that arrives in chunks.
#[derive(Debug)]
pub(super) struct YamlSplitter {
    buffer: Vec<u8>,
    /// Complete lines before this were looked at.
    next: usize,
    /// No line ends before this.
    scanned: usize,
    /// The place of `buffer[0]`, which begins the document, or the item of a list.
    place: Place,
    /// The line at `next`.
    line: u32,
    state: State,
    /// Of a list: what stands beside its items.
    head: Vec<u8>,
    head_place: Place,
    /// The list that the head's first lines tell; kubectl writes the kind after the items.
    list: ListHead,
}

impl YamlSplitter {
    /// Starts at a line.
    pub(super) fn new(line: u32) -> Self {
        Self {
            buffer: Vec::new(),
            next: 0,
            scanned: 0,
            place: Place { line, column: 1 },
            line,
            state: State::Plain,
            head: Vec::new(),
            head_place: Place::START,
            list: ListHead::default(),
        }
    }

    /// Takes the next bytes and hands on every document and item that they complete.
    pub(super) fn push(&mut self, chunk: &[u8], each: &mut Each<'_>) -> Result<(), Fault> {
        self.buffer.extend_from_slice(chunk);
        let mut begin = 0;
        while let Some(length) =
            memchr::memchr(b'\n', self.buffer.get(self.scanned..).unwrap_or_default())
        {
            let end = self.scanned + length + 1;
            begin = self.line(begin, end, each)?;
            self.next = end;
            self.line = self.line.saturating_add(1);
            if let State::Items { indent } = self.state {
                self.pass_deeper(indent);
            }
            self.scanned = self.next;
            if self.next - begin > LARGEST {
                return Err(too_large(self.place));
            }
        }
        self.buffer.drain(..begin);
        self.next -= begin;
        self.scanned = self.buffer.len();
        if self.buffer.len() > LARGEST || self.head.len() > LARGEST {
            return Err(too_large(self.place));
        }
        Ok(())
    }

    /// The list whose items are being read.
    pub(super) fn list(&self) -> Option<OpenList> {
        let State::Items { indent } = self.state else {
            return None;
        };
        Some(OpenList::Yaml {
            head: self.head.clone(),
            indent,
        })
    }

    /// Starts at a line that begins an item of a list, behind this head.
    pub(super) fn inside(head: &[u8], indent: usize) -> Self {
        Self {
            state: State::Items { indent },
            list: heading(head),
            head: head.to_vec(),
            ..Self::new(1)
        }
    }

    /// Hands on the item that ends here, because another one follows. Returns the list and the next line; none where a line
    /// is not whole, or no list is open.
    pub(super) fn pause(&mut self, each: &mut Each<'_>) -> Result<Option<(OpenList, u32)>, Fault> {
        let Some(list) = self.list().filter(|_| self.next == self.buffer.len()) else {
            return Ok(None);
        };
        self.item(0, self.next, each)?;
        self.buffer.clear();
        self.next = 0;
        self.scanned = 0;
        Ok(Some((list, self.line)))
    }

    /// Goes over the complete lines that stand deeper than the dashes of the list: they are the item's own, whatever
    /// they say.
    fn pass_deeper(&mut self, indent: usize) {
        let text = self.buffer.as_slice();
        let is_deeper = |at: usize| {
            let blanks = text.get(at..at + indent + 1);
            blanks.is_some_and(|it| it.iter().all(|it| *it == b' '))
        };
        while is_deeper(self.next) {
            let rest = text.get(self.next..).unwrap_or_default();
            let Some(length) = memchr::memchr(b'\n', rest) else {
                return;
            };
            self.next += length + 1;
            self.line = self.line.saturating_add(1);
        }
    }

    /// Hands on what is left.
    pub(super) fn end(&mut self, each: &mut Each<'_>) -> Result<(), Fault> {
        let end = self.buffer.len();
        let mut begin = 0;
        if self.next < end {
            begin = self.line(0, end, each)?;
        }
        self.document(begin, end, each)?;
        self.buffer.clear();
        self.next = 0;
        Ok(())
    }

    /// Looks at the line that ends at `end`; what is kept begins at `begin`. Returns where it begins afterwards.
    fn line(&mut self, begin: usize, end: usize, each: &mut Each<'_>) -> Result<usize, Fault> {
        let start = self.next;
        let line = self.buffer.get(start..end).unwrap_or_default();
        if self.state == State::Log {
            if line.starts_with(LOG_ENDS) {
                self.state = State::Plain;
            }
            self.place = Place {
                line: self.line.saturating_add(1),
                column: 1,
            };
            return Ok(end);
        }
        if line.starts_with(LOG_BEGINS) {
            self.document(begin, start, each)?;
            self.state = State::Log;
            return Ok(end);
        }
        let ends = is_mark(line, b"...");
        if ends || is_mark(line, b"---") {
            // The mark itself belongs to what follows: `--- # a comment`, `--- {…}`.
            self.document(begin, start, each)?;
            self.place = Place {
                line: self.line.saturating_add(u32::from(ends)),
                column: 1,
            };
            return Ok(if ends { end } else { start });
        }
        match self.state {
            State::Plain if trimmed(line) == b"items:" => self.state = State::MaybeItems,
            State::Plain | State::Tail | State::Log => {}
            State::MaybeItems => match dash(line) {
                Some(indent) => {
                    self.head = self.buffer.get(begin..start).unwrap_or_default().to_vec();
                    self.head_place = self.place;
                    self.list = heading(&self.head);
                    self.place = Place {
                        line: self.line,
                        column: 1,
                    };
                    self.state = State::Items { indent };
                    return Ok(start);
                }
                None if is_blank(line) => {}
                None => self.state = State::Plain,
            },
            State::Items { indent } => {
                let next_item = dash(line) == Some(indent);
                let left = if indent == 0 {
                    blanks(line) == 0
                } else {
                    blanks(line) < indent
                };
                let outside = left && !next_item && !is_blank(line);
                if next_item || outside {
                    self.item(begin, start, each)?;
                    self.place = Place {
                        line: self.line,
                        column: 1,
                    };
                    if outside {
                        self.state = State::Tail;
                    }
                    return Ok(start);
                }
            }
        }
        Ok(begin)
    }

    fn item(&self, begin: usize, end: usize, each: &mut Each<'_>) -> Result<(), Fault> {
        let text = utf8(self.buffer.get(begin..end).unwrap_or_default(), self.place)?;
        if text.is_empty() {
            // It begins here.
            return Ok(());
        }
        each(Piece {
            text: Text::Yaml { text, item: true },
            place: self.place,
            list: Some(&self.list),
        })?;
        Ok(())
    }

    /// Hands on the document, or checks the end of a list.
    fn document(&mut self, begin: usize, end: usize, each: &mut Each<'_>) -> Result<(), Fault> {
        if let State::Items { .. } = self.state {
            self.item(begin, end, each)?;
        }
        let rest = self.buffer.get(begin..end).unwrap_or_default();
        match self.state {
            State::Items { .. } | State::Tail => {
                if self.state == State::Tail {
                    self.head.extend_from_slice(rest);
                }
                if heading(&self.head).kind.is_empty() {
                    let place = self.place.after(rest);
                    let first = self.head_place.line;
                    let message = format!(
                        "the file is truncated: expected `kind` of the list that begins in line {first}"
                    );
                    return Err(Fault::new(place, message));
                }
            }
            State::Log => {}
            State::Plain | State::MaybeItems => {
                let text = utf8(rest, self.place)?;
                each(Piece {
                    text: Text::Yaml { text, item: false },
                    place: self.place,
                    list: None,
                })?;
            }
        }
        self.state = State::Plain;
        Ok(())
    }
}

/// What `kubectl cluster-info dump` writes before and after each log
/// (kubernetes 1.34, `staging/src/k8s.io/kubectl/pkg/cmd/clusterinfo/clusterinfo_dump.go`).
pub(super) const LOG_BEGINS: &[u8] = b"==== START logs for container ";
pub(super) const LOG_ENDS: &[u8] = b"==== END logs for container ";

/// Whether a line begins or ends a document.
fn is_mark(line: &[u8], mark: &[u8]) -> bool {
    line.strip_prefix(mark)
        .is_some_and(|rest| rest.first().is_none_or(u8::is_ascii_whitespace))
}

/// Returns how many blanks stand before a dash that begins an item.
fn dash(line: &[u8]) -> Option<usize> {
    let indent = blanks(line);
    let rest = line.get(indent..)?;
    (rest.first() == Some(&b'-') && rest.get(1).is_none_or(u8::is_ascii_whitespace))
        .then_some(indent)
}

fn blanks(line: &[u8]) -> usize {
    line.iter().take_while(|it| **it == b' ').count()
}

/// Nothing, or a comment.
fn is_blank(line: &[u8]) -> bool {
    line.trim_ascii_start().first().is_none_or(|it| *it == b'#')
}

/// Reads `apiVersion` and `kind` of the lines beside the items.
fn heading(text: &[u8]) -> ListHead {
    let mut head = ListHead::default();
    for line in text.split(|it| *it == b'\n') {
        let value = |key: &str| {
            let rest = line.strip_prefix(key.as_bytes())?;
            let value = std::str::from_utf8(rest)
                .ok()?
                .trim()
                .trim_matches(['"', '\'']);
            Some(value.to_owned())
        };
        if let Some(kind) = value("kind:") {
            head.kind = kind;
        } else if let Some(api_version) = value("apiVersion:") {
            head.api_version = api_version;
        }
    }
    head
}
