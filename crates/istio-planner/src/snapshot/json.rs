//! Cuts JSON into objects while it streams by, so that one object at a time is in memory.
//!
//! A top-level object with an `items` array is a list, whatever its kind says last: kubectl writes `items` before `kind`.
//! So is a top-level array (`kubectl get … -o json | jq .items`).

use super::join::OpenList;
use super::piece::{Fault, LARGEST, ListHead, Piece, Place, Text, too_large};
use super::yaml::{LOG_BEGINS, LOG_ENDS};

/// What the scanner waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between documents.
    Document,
    /// Inside a container's log, as `kubectl cluster-info dump` prints it behind the objects; at the beginning of a line,
    /// or in its midst.
    Log { begins: bool },
    /// A key of the top-level object, or its end.
    Key { required: bool },
    /// The colon after a key.
    Colon,
    /// A value of the top-level object.
    Value,
    /// A comma or the end of the top-level object.
    AfterValue,
    /// An element of `items`, or its end.
    Element { required: bool },
    /// A comma or the end of `items`.
    AfterElement,
}

/// What of a value was scanned so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scan {
    /// Not begun.
    Idle,
    /// A string, a number or a word, or a container with so many open brackets.
    Inside {
        depth: u32,
        string: bool,
        escaped: bool,
        scalar: bool,
    },
}

/// A JSON text that arrives in chunks.
#[derive(Debug)]
pub(super) struct JsonSplitter {
    buffer: Vec<u8>,
    /// The next byte to look at.
    next: usize,
    /// Where the key, value or element that is being scanned begins.
    begin: usize,
    /// Where the document begins; what stands before `begin` is dropped once `items` is seen.
    document: usize,
    /// Where the document began, for the reader.
    document_place: Place,
    /// A place in `buffer`, and which it is: places only move on.
    marked: usize,
    place: Place,
    state: State,
    scan: Scan,
    key: String,
    in_list: bool,
    /// The list is the document itself, not the `items` of an object.
    bare: bool,
    head: ListHead,
    /// How many columns stand before the first element, where it begins a line.
    indent: usize,
    /// How long an element must have grown before it is tried again; 0: none was tried.
    retry: usize,
}

/// Takes an object and returns the length of its text, of which an element of a list shows only the beginning.
pub(super) type Each<'e> = dyn FnMut(Piece<'_>) -> Result<usize, Fault> + 'e;

/// `true` for bytes that matter outside strings.
const STRUCTURAL: [bool; 256] = {
    let mut table = [false; 256];
    table[b'"' as usize] = true;
    table[b'{' as usize] = true;
    table[b'}' as usize] = true;
    table[b'[' as usize] = true;
    table[b']' as usize] = true;
    table
};

impl JsonSplitter {
    /// Starts at `place`.
    pub(super) fn new(place: Place) -> Self {
        Self {
            buffer: Vec::new(),
            next: 0,
            begin: 0,
            document: 0,
            document_place: place,
            marked: 0,
            place,
            state: State::Document,
            scan: Scan::Idle,
            key: String::new(),
            in_list: false,
            bare: false,
            head: ListHead::default(),
            indent: 0,
            retry: 0,
        }
    }

    /// Starts at a line that begins an element of a list.
    pub(super) fn inside(head: &ListHead, bare: bool, indent: usize) -> Self {
        Self {
            state: State::Element { required: true },
            in_list: true,
            bare,
            head: head.clone(),
            indent,
            ..Self::new(Place::START)
        }
    }

    /// The list whose elements are being read.
    pub(super) fn list(&self) -> Option<OpenList> {
        let is_open = matches!(self.state, State::Element { .. } | State::AfterElement);
        is_open.then(|| OpenList::Json {
            head: self.head.clone(),
            bare: self.bare,
            indent: self.indent,
        })
    }

    /// Returns the list and the next line where an element has to follow at its beginning; none anywhere else.
    pub(super) fn pause(&mut self) -> Option<(OpenList, u32)> {
        let follows = self.state == State::Element { required: true } && self.buffer.is_empty();
        let list = self.list().filter(|_| follows && self.place.column == 1)?;
        Some((list, self.place.line))
    }

    /// Takes the next bytes and hands on every object that they complete.
    pub(super) fn push(&mut self, chunk: &[u8], each: &mut Each<'_>) -> Result<(), Fault> {
        self.buffer.extend_from_slice(chunk);
        while self.step(each)? {}
        let used = match self.state {
            State::Document | State::Log { .. } => self.next,
            _ if self.in_list => match self.scan {
                Scan::Idle => self.next,
                Scan::Inside { .. } => self.begin,
            },
            _ => self.document,
        };
        self.drop_front(used);
        if self.buffer.len() > LARGEST {
            let at = self.mark(0);
            return Err(too_large(at));
        }
        Ok(())
    }

    /// Hands on what is left, and says whether the text ended where a JSON text may end.
    pub(super) fn end(&mut self, each: &mut Each<'_>) -> Result<(), Fault> {
        self.retry = 0;
        while self.step(each)? {}
        let expected = match self.state {
            State::Document | State::Log { .. } => return Ok(()),
            State::Key { .. } => "a key or `}`",
            State::Colon => "`:`",
            State::Value if self.scan == Scan::Idle => "a value",
            State::AfterValue => "`,` or `}`",
            State::Element { .. } if self.retry == 0 => "an object or `]`",
            State::AfterElement => "`,` or `]`",
            State::Value | State::Element { .. } => "the end of the value",
        };
        let place = self
            .place
            .after(self.buffer.get(self.marked..).unwrap_or_default());
        Err(Fault::new(
            place,
            format!("the file is truncated: expected {expected}, found its end"),
        ))
    }

    fn drop_front(&mut self, used: usize) {
        let used = used.min(self.buffer.len());
        if used == 0 {
            return;
        }
        self.mark(used);
        self.buffer.drain(..used);
        self.marked = self.marked.saturating_sub(used);
        self.next = self.next.saturating_sub(used);
        self.begin = self.begin.saturating_sub(used);
        self.document = self.document.saturating_sub(used);
    }

    /// Moves the mark on to `at` and returns its place.
    fn mark(&mut self, at: usize) -> Place {
        if let Some(passed) = self.buffer.get(self.marked..at) {
            self.place = self.place.after(passed);
            self.marked = at;
        }
        self.place
    }

    /// Takes one token; `false` when more bytes are needed.
    fn step(&mut self, each: &mut Each<'_>) -> Result<bool, Fault> {
        if self.scan != Scan::Idle {
            return self.value();
        }
        if let State::Log { begins } = self.state {
            return Ok(self.log(begins));
        }
        let rest = self.buffer.get(self.next..).unwrap_or_default();
        let blank = rest
            .iter()
            .take_while(|it| matches!(it, b' ' | b'\n' | b'\r' | b'\t'))
            .count();
        self.next += blank;
        let Some(&byte) = self.buffer.get(self.next) else {
            return Ok(false);
        };
        let here = self.next;
        match (self.state, byte) {
            (State::Document, b'=') => {
                let rest = self.buffer.get(here..).unwrap_or_default();
                if rest.len() < LOG_BEGINS.len() && LOG_BEGINS.starts_with(rest) {
                    return Ok(false);
                }
                if !rest.starts_with(LOG_BEGINS) {
                    return Err(self.unexpected(here));
                }
                self.advance(State::Log { begins: false });
            }
            (State::Document, b'{') => {
                self.document = here;
                self.document_place = self.mark(here);
                self.in_list = false;
                self.bare = false;
                self.head = ListHead::default();
                self.advance(State::Key { required: false });
            }
            (State::Document, b'[') => {
                self.document = here;
                self.document_place = self.mark(here);
                self.in_list = true;
                self.bare = true;
                self.head = ListHead::default();
                self.advance(State::Element { required: false });
            }
            (State::Key { .. }, b'"') => self.open(here, byte),
            (State::Element { required }, b'{') => {
                if !required {
                    self.indent = self.mark(here).column as usize - 1;
                }
                return self.element(here, each);
            }
            (State::Key { required: false } | State::AfterValue, b'}') => {
                self.advance(State::Document);
                self.finish(each)?;
            }
            (State::Colon, b':') => self.advance(State::Value),
            (State::Value, b'[') if self.key == "items" && !self.in_list => {
                self.in_list = true;
                self.advance(State::Element { required: false });
            }
            (State::Value, b'"' | b'{' | b'[' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
                self.open(here, byte);
            }
            (State::AfterValue, b',') => self.advance(State::Key { required: true }),
            (State::Element { required: false } | State::AfterElement, b']') => {
                self.advance(if self.bare {
                    State::Document
                } else {
                    State::AfterValue
                });
            }
            (State::AfterElement, b',') => self.advance(State::Element { required: true }),
            _ => return Err(self.unexpected(here)),
        }
        Ok(true)
    }

    /// Passes over a line of a log, or what is there of it; `false` when more bytes are needed.
    fn log(&mut self, begins: bool) -> bool {
        let rest = self.buffer.get(self.next..).unwrap_or_default();
        if begins && rest.len() < LOG_ENDS.len() && LOG_ENDS.starts_with(rest) {
            return false;
        }
        let ends = begins && rest.starts_with(LOG_ENDS);
        let Some(length) = memchr::memchr(b'\n', rest) else {
            // The rest of the line is of no more use, but for what it begins with.
            if !ends {
                self.next = self.buffer.len();
                self.state = State::Log { begins: false };
            }
            return false;
        };
        self.next += length + 1;
        self.state = if ends {
            State::Document
        } else {
            State::Log { begins: true }
        };
        true
    }

    fn unexpected(&mut self, at: usize) -> Fault {
        let expected = match self.state {
            State::Document | State::Log { .. } => "a JSON object or array",
            State::Key { required: false } => "a key or `}`",
            State::Key { required: true } => "a key",
            State::Colon => "`:`",
            State::Value => "a value",
            State::AfterValue => "`,` or `}`",
            State::Element { required: false } => "an object or `]`",
            State::Element { required: true } => "an object",
            State::AfterElement => "`,` or `]`",
        };
        let found = char::from(self.buffer.get(at).copied().unwrap_or_default());
        Fault::new(
            self.mark(at),
            format!("expected {expected}, found `{}`", found.escape_default()),
        )
    }

    fn advance(&mut self, state: State) {
        self.state = state;
        self.next += 1;
    }

    fn open(&mut self, at: usize, byte: u8) {
        self.begin = at;
        self.next = at + 1;
        self.scan = match byte {
            b'"' => Scan::Inside {
                depth: 0,
                string: true,
                escaped: false,
                scalar: false,
            },
            b'{' | b'[' => Scan::Inside {
                depth: 1,
                string: false,
                escaped: false,
                scalar: false,
            },
            _ => Scan::Inside {
                depth: 0,
                string: false,
                escaped: false,
                scalar: true,
            },
        };
    }

    /// Hands on an element of `items`, whose end the taker finds; `false` when more bytes are needed.
    fn element(&mut self, at: usize, each: &mut Each<'_>) -> Result<bool, Fault> {
        let there = self.buffer.len() - at;
        if there < self.retry {
            return Ok(false);
        }
        let place = self.mark(at);
        let text = self.buffer.get(at..).unwrap_or_default();
        match each(Piece {
            text: Text::Json(text),
            place,
            list: Some(&self.head),
        }) {
            Ok(length) => {
                self.next = at + length.max(1);
                self.state = State::AfterElement;
                self.retry = 0;
                Ok(true)
            }
            // An element that is longer than what is there is tried again when that has grown by half, so that long
            // elements in small chunks cost no more than twice their length.
            Err(fault) if fault.incomplete => {
                self.retry = there + there / 2 + 1;
                Ok(false)
            }
            Err(fault) => Err(fault),
        }
    }

    /// Goes on with a value; `false` when more bytes are needed.
    fn value(&mut self) -> Result<bool, Fault> {
        if !self.scan_on() {
            return Ok(false);
        }
        self.scan = Scan::Idle;
        let place = self.mark(self.begin);
        let text = self.buffer.get(self.begin..self.next).unwrap_or_default();
        match self.state {
            State::Key { .. } => {
                self.key = serde_json::from_slice(text).map_err(|it| Fault::json(place, &it))?;
                self.state = State::Colon;
            }
            State::Value => {
                match self.key.as_str() {
                    "kind" => self.head.kind = serde_json::from_slice(text).unwrap_or_default(),
                    "apiVersion" => {
                        self.head.api_version = serde_json::from_slice(text).unwrap_or_default();
                    }
                    _ => {}
                }
                self.state = State::AfterValue;
            }
            // Nothing else is scanned.
            State::Document
            | State::Log { .. }
            | State::Colon
            | State::AfterValue
            | State::Element { .. }
            | State::AfterElement => {}
        }
        Ok(true)
    }

    /// Scans to the end of the value; `false` when it is not in the buffer.
    fn scan_on(&mut self) -> bool {
        let Scan::Inside {
            mut depth,
            mut string,
            mut escaped,
            scalar,
        } = self.scan
        else {
            return true;
        };
        let bytes = &self.buffer;
        let mut at = self.next;
        if scalar {
            while let Some(byte) = bytes.get(at) {
                if matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t') {
                    self.next = at;
                    return true;
                }
                at += 1;
            }
            self.next = at;
            return false;
        }
        while at < bytes.len() {
            if string {
                if escaped {
                    escaped = false;
                    at += 1;
                    continue;
                }
                match memchr::memchr2(b'"', b'\\', &bytes[at..]) {
                    None => at = bytes.len(),
                    Some(found) if bytes[at + found] == b'\\' => {
                        escaped = true;
                        at += found + 1;
                    }
                    Some(found) => {
                        string = false;
                        at += found + 1;
                        if depth == 0 {
                            self.next = at;
                            return true;
                        }
                    }
                }
                continue;
            }
            let Some(found) = bytes[at..]
                .iter()
                .position(|it| STRUCTURAL[usize::from(*it)])
            else {
                at = bytes.len();
                break;
            };
            at += found;
            match bytes[at] {
                b'"' => string = true,
                b'{' | b'[' => depth += 1,
                _ => depth -= 1,
            }
            at += 1;
            if depth == 0 && !string {
                self.next = at;
                return true;
            }
        }
        self.next = at;
        self.scan = Scan::Inside {
            depth,
            string,
            escaped,
            scalar,
        };
        false
    }

    /// Hands on a document that is no list.
    fn finish(&mut self, each: &mut Each<'_>) -> Result<(), Fault> {
        if self.in_list {
            return Ok(());
        }
        let text = self
            .buffer
            .get(self.document..self.next)
            .unwrap_or_default();
        each(Piece {
            text: Text::Json(text),
            place: self.document_place,
            list: None,
        })?;
        Ok(())
    }
}
