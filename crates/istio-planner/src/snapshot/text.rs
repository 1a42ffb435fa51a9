//! A text that arrives in chunks: JSON, YAML, the words of `kubectl version`, or none of them.

use super::input::{At, SNIFF, Sink};
use super::join::OpenList;
use super::json::JsonSplitter;
use super::looks;
use super::piece::{Fault, Piece, Place, SMALL, utf8};
use super::yaml::YamlSplitter;

/// A text.
#[derive(Debug)]
pub(super) enum Plain {
    /// Only blanks and too little to tell.
    Begin(Beginning),
    /// `{`, or an array of such, came first.
    Json(JsonSplitter),
    /// Anything else.
    Yaml(YamlSplitter),
    /// The words of `kubectl version`.
    Version(Vec<u8>),
    /// A text without objects, where nobody named it.
    PassedOver,
}

/// What of a text was seen so far.
#[derive(Debug)]
pub(super) struct Beginning {
    seen: Vec<u8>,
    /// The line at its first byte; blank lines before it are not kept.
    line: u32,
    /// Whether the mark of UTF-8 may still come.
    first: bool,
}

impl Beginning {
    /// Leaves out blank lines, and returns how many bytes tell what the text is.
    fn trim(&mut self) -> usize {
        if self.first && self.seen.len() >= 3 {
            if self.seen.starts_with(b"\xef\xbb\xbf") {
                self.seen.drain(..3);
            }
            self.first = false;
        }
        let is_blank = |it: &&u8| it.is_ascii_whitespace();
        let blank = self.seen.iter().take_while(is_blank).count();
        let blanks = self.seen.get(..blank).unwrap_or_default();
        if let Some(end) = memchr::memrchr(b'\n', blanks) {
            let lines = memchr::memchr_iter(b'\n', blanks).count();
            self.line = self
                .line
                .saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
            self.seen.drain(..=end);
            return self.seen.len() + end + 1 - blank;
        }
        self.seen.len() - blank
    }
}

impl Plain {
    /// A text whose bytes are still to come.
    pub(super) fn new() -> Self {
        Self::Begin(Beginning {
            seen: Vec::new(),
            line: 1,
            first: true,
        })
    }

    /// A text from the midst of a list on.
    pub(super) fn inside(list: &OpenList) -> Self {
        match list {
            OpenList::Json { head, bare, indent } => {
                Self::Json(JsonSplitter::inside(head, *bare, *indent))
            }
            OpenList::Yaml { head, indent } => Self::Yaml(YamlSplitter::inside(head, *indent)),
        }
    }

    /// The list whose items are being read.
    pub(super) fn list(&self) -> Option<OpenList> {
        match self {
            Self::Json(json) => json.list(),
            Self::Yaml(yaml) => yaml.list(),
            Self::Begin(_) | Self::Version(_) | Self::PassedOver => None,
        }
    }

    /// Ends between two items: returns the list and the next line.
    pub(super) fn pause(
        &mut self,
        at: At<'_>,
        sink: &mut dyn Sink,
    ) -> Result<Option<(OpenList, u32)>, Fault> {
        match self {
            Self::Json(json) => Ok(json.pause()),
            Self::Yaml(yaml) => yaml.pause(&mut |piece| sink.piece(at, piece)),
            Self::Begin(_) | Self::Version(_) | Self::PassedOver => Ok(None),
        }
    }

    /// Takes the next bytes.
    pub(super) fn push(
        &mut self,
        chunk: &[u8],
        at: At<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        let mut each = |piece: Piece<'_>| sink.piece(at, piece);
        match self {
            Self::Begin(begin) => {
                begin.seen.extend_from_slice(chunk);
                // A line or two tell what a text is.
                if begin.trim() >= SNIFF {
                    return self.decide(at, sink);
                }
                if begin.seen.len() > SMALL {
                    let place = Place {
                        line: begin.line,
                        column: 1,
                    };
                    return Err(Fault::new(
                        place,
                        "this line holds more than 1 MB of blanks",
                    ));
                }
                Ok(())
            }
            Self::Json(json) => json.push(chunk, &mut each),
            Self::Yaml(yaml) => yaml.push(chunk, &mut each),
            Self::Version(text) => {
                text.extend_from_slice(chunk);
                if text.len() > SMALL {
                    let message =
                        "expected the words of `kubectl version`, found more than 1 MB of them";
                    return Err(Fault::new(Place::START, message));
                }
                Ok(())
            }
            Self::PassedOver => Ok(()),
        }
    }

    fn decide(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Result<(), Fault> {
        let Self::Begin(begin) = self else {
            return Ok(());
        };
        let (text, line) = (std::mem::take(&mut begin.seen), begin.line);
        let begins = text.trim_ascii_start();
        let place = Place { line, column: 1 };
        *self = if begins.first() == Some(&b'{') || is_json_array(begins) {
            Self::Json(JsonSplitter::new(place))
        } else if begins.starts_with(b"Client Version:") || begins.starts_with(b"Server Version:") {
            Self::Version(Vec::new())
        } else if at.found && !is_yaml(&text) {
            let what = looks::like(&text).unwrap_or("a text without Kubernetes objects");
            sink.passed_over(at, what);
            Self::PassedOver
        } else if let Some(what) = looks::like(&text).filter(|_| !is_yaml(&text)) {
            return Err(Fault::new(
                place,
                format!("expected Kubernetes objects, found {what}"),
            ));
        } else {
            Self::Yaml(YamlSplitter::new(line))
        };
        self.push(&text, at, sink)
    }

    /// Says that there are no more bytes.
    pub(super) fn end(mut self, at: At<'_>, sink: &mut dyn Sink) -> Result<(), Fault> {
        if let Self::Begin(begin) = &mut self {
            begin.trim();
            if begin.seen.trim_ascii().is_empty() {
                if at.found {
                    sink.passed_over(at, "an empty file");
                    return Ok(());
                }
                let expected = "expected Kubernetes objects, found an empty file";
                return Err(Fault::new(Place::START, expected));
            }
            self.decide(at, sink)?;
        }
        match self {
            Self::Json(mut json) => json.end(&mut |piece| sink.piece(at, piece)),
            Self::Yaml(mut yaml) => yaml.end(&mut |piece| sink.piece(at, piece)),
            Self::Version(text) => {
                sink.version(at, utf8(&text, Place::START)?);
                Ok(())
            }
            Self::Begin(_) | Self::PassedOver => Ok(()),
        }
    }
}

/// Whether a text begins as an array of JSON objects: a flow sequence of YAML may begin with a bracket too.
fn is_json_array(text: &[u8]) -> bool {
    let after = |text: &[u8], byte: u8| {
        let rest = text.trim_ascii_start().strip_prefix(&[byte])?;
        Some(rest.trim_ascii_start().to_vec())
    };
    after(text, b'[').is_some_and(|inside| {
        inside.first() == Some(&b']')
            || after(&inside, b'{').is_some_and(|it| matches!(it.first(), Some(b'"' | b'}')))
    })
}

/// Whether a file's first lines look like objects: a log or a table does not.
fn is_yaml(text: &[u8]) -> bool {
    let lines = text.split(|it| *it == b'\n');
    let telling = lines
        .map(<[u8]>::trim_ascii_end)
        .find(|it| !it.is_empty() && !it.starts_with(b"#"));
    telling.is_some_and(|line| {
        let keys: [&[u8]; 8] = [
            b"---",
            b"apiVersion:",
            b"- apiVersion:",
            b"kind:",
            b"items:",
            b"metadata:",
            b"clientVersion:",
            b"serverVersion:",
        ];
        keys.iter().any(|it| line.starts_with(it))
    })
}
