//! What the splitters hand on: one object's text and its place.

/// The largest object that is read, in bytes. Kubernetes keeps none of more than a few megabytes.
pub(super) const LARGEST: usize = 64 * 1024 * 1024;

/// The largest name, and the largest text of `kubectl version`, in bytes.
pub(super) const SMALL: usize = 1024 * 1024;

/// Says that an object is too large to be one.
pub(super) fn too_large(place: Place) -> Fault {
    Fault::new(
        place,
        "what begins here is larger than 64 MB, which no object is",
    )
}

/// A place in a file: line and column from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: u32,
    pub(super) column: u32,
}

impl Place {
    /// The first character of a file.
    pub(super) const START: Self = Self { line: 1, column: 1 };

    /// Returns the place after `text`.
    pub(super) fn after(self, text: &[u8]) -> Self {
        let Some(newline) = memchr::memrchr(b'\n', text) else {
            return Self {
                column: self.column.saturating_add(characters(text)),
                ..self
            };
        };
        let (lines, last) = text.split_at(newline + 1);
        Self {
            line: self.line.saturating_add(count(lines, |it| it == b'\n')),
            column: 1 + characters(last),
        }
    }

    /// Returns the place that a parser of a text that begins here calls `line:column`.
    pub(super) fn inside(self, line: u32, column: u32) -> Self {
        if line <= 1 {
            Self {
                line: self.line,
                column: self.column.saturating_add(column.max(1) - 1),
            }
        } else {
            Self {
                line: self.line.saturating_add(line - 1),
                column: column.max(1),
            }
        }
    }
}

fn characters(text: &[u8]) -> u32 {
    // Bytes that continue a character of UTF-8 do not count.
    count(text, |it| it & 0b1100_0000 != 0b1000_0000)
}

fn count(text: &[u8], which: impl Fn(u8) -> bool) -> u32 {
    // So many fit a byte: sums of bytes are what processors are fastest at.
    let count = |part: &[u8]| -> u8 { part.iter().map(|it| u8::from(which(*it))).sum() };
    let counts = text
        .chunks(usize::from(u8::MAX) - 15)
        .map(|it| usize::from(count(it)));
    u32::try_from(counts.sum::<usize>()).unwrap_or(u32::MAX)
}

/// Why a text cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) place: Place,
    pub(super) message: String,
    /// The text ends before its value does.
    pub(super) incomplete: bool,
}

impl Fault {
    pub(super) fn new(place: Place, message: impl Into<String>) -> Self {
        Self {
            place,
            message: message.into(),
            incomplete: false,
        }
    }

    /// A text that begins at `place` ends before its value does.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn incomplete(place: Place) -> Self {
        Self {
            incomplete: true,
            ..Self::new(place, "EOF while parsing a value")
        }
    }

    /// An error of `serde_json` about a text that begins at `place`.
    pub(super) fn json(place: Place, error: &serde_json::Error) -> Self {
        let whole = error.to_string();
        // The parser ends its words with a place of its own.
        let message = whole
            .rsplit_once(" at line ")
            .map_or(whole.as_str(), |it| it.0);
        let count = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
        Self {
            incomplete: error.is_eof(),
            ..Self::new(
                place.inside(count(error.line()), count(error.column())),
                plain(message),
            )
        }
    }

    /// An error of the YAML reader about a text that begins at `place`.
    pub(super) fn yaml(place: Place, error: &kube_yaml::Error) -> Self {
        Self::new(
            place.inside(error.position.line, error.position.column),
            error.message.clone(),
        )
    }
}

/// Says serde's `invalid type: string "…", expected struct Metadata` in the words of the format, and without the value:
/// that may be a Secret's.
pub(super) fn plain(message: &str) -> String {
    let misfit = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))
        .and_then(|it| it.rsplit_once(", expected "));
    let Some((found, expected)) = misfit else {
        return message.to_owned();
    };
    let found = match found.split([' ', '`', '"']).next().unwrap_or_default() {
        "string" => "a string",
        "integer" => "an integer",
        "floating" => "a number",
        "boolean" => "a boolean",
        "sequence" => "a sequence",
        "map" => "a mapping",
        "null" | "unit" | "Option" => "null",
        _ => "something else",
    };
    let expected = if expected.starts_with("struct ") || expected == "a map" {
        "a mapping"
    } else {
        expected
    };
    format!("expected {expected}, found {found}")
}

/// What a list says of its items; lists of one kind leave it out of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ListHead {
    pub(super) api_version: String,
    pub(super) kind: String,
}

/// The text of one object.
#[derive(Debug, Clone, Copy)]
pub(super) enum Text<'a> {
    /// JSON: an object, and of an element of a list also what follows it.
    Json(&'a [u8]),
    /// YAML: any number of documents, or a sequence of one item.
    Yaml { text: &'a str, item: bool },
}

/// One object's text and its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    pub(super) text: Text<'a>,
    pub(super) place: Place,
    /// The list that it is an item of.
    pub(super) list: Option<&'a ListHead>,
}

/// Returns text, or where it stops being UTF-8.
pub(super) fn utf8(bytes: &[u8], place: Place) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|it| {
        let good = bytes.get(..it.valid_up_to()).unwrap_or_default();
        Fault::new(place.after(good), "expected text in UTF-8")
    })
}

/// A line without its end.
pub(super) fn trimmed(line: &[u8]) -> &[u8] {
    line.trim_ascii_end()
}
