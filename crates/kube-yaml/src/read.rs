//! Text to nodes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use granit_parser::{Event, Marker, Options, Parser, ScalarStyle, Span, StrInput};
use serde_json::Value;

use crate::{Error, Node, NodeValue, Position, float};

mod quick;
mod tagged;
#[cfg(test)]
mod tests;

use tagged::{YAML_TAGS, scalar, untagged};

/// Collections nested deeper are refused.
const DEPTH: u32 = 200;

/// How many nodes the anchors of one document may hold together.
const ANCHORED: usize = 4_000_000;

/// Reads every document of a text and hands each to `each`; stops at the first error.
///
/// Documents without a node (only comments, or null) are passed over, as kubectl does.
pub fn load<'a>(text: &'a str, mut each: impl FnMut(Node<'a>)) -> Result<(), Error> {
    let mut read = 0usize;
    let mut quick = |it| {
        read += 1;
        each(it);
    };
    if quick::load(text, &mut quick).is_ok() {
        return Ok(());
    }
    load_fully(text, |it| match read.checked_sub(1) {
        Some(left) => read = left,
        None => each(it),
    })
}

/// [`load`] by the full parser alone, which says the same, slowly: what the quick reader is held against.
pub fn load_fully<'a>(text: &'a str, mut each: impl FnMut(Node<'a>)) -> Result<(), Error> {
    let mut reader = Reader::new(text);
    while let Some(first) = reader.next_document()? {
        let node = reader.node(first, 0)?;
        if !node.is_null() {
            each(node);
        }
    }
    Ok(())
}

/// Reads the first document of a text into plain data, as Go's `yaml.Unmarshal` does; an empty text is null.
///
/// Integers stay integers (`i64`, `u64`); [`crate::as_go_json`] turns them into what Go's untyped JSON holds.
pub fn from_str(text: &str) -> Result<Value, Error> {
    Ok(first(text)?.map_or(Value::Null, Node::into_json))
}

/// Reads the first document of a text, as Go's `yaml.Unmarshal` does; none if there is no document.
pub fn first(text: &str) -> Result<Option<Node<'_>>, Error> {
    if let Ok(node) = quick::first(text) {
        return Ok(Some(node));
    }
    let mut reader = Reader::new(text);
    match reader.next_document()? {
        None => Ok(None),
        Some(event) => reader.node(event, 0).map(Some),
    }
}

/// A key that a mapping holds more than once; the last one wins, what the others say is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeated {
    /// The key, as Go prints it.
    pub key: String,
    /// Where it stands first.
    pub first: Position,
    /// Where it stands last: the one that counts.
    pub last: Position,
}

/// Returns the keys that mappings of a text hold more than once, in the order of their mappings' ends.
///
/// Keys that a merge (`<<`) brings are none of these: they are meant to be overridden.
/// Of a text that cannot be read it returns those before the error.
pub fn repeated(text: &str) -> Vec<Repeated> {
    let mut reader = Reader::new(text);
    reader.repeated = Some(Vec::new());
    while let Ok(Some(first)) = reader.next_document() {
        if reader.node(first, 0).is_err() {
            break;
        }
    }
    reader.repeated.unwrap_or_default()
}

/// The events of a text, without comments, and what aliases refer to.
struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: BTreeMap<usize, Anchored<'a>>,
    /// Nodes read so far in this document, with those that aliases stand for.
    read: usize,
    /// Of these, the ones that come from aliases.
    aliased: usize,
    /// Nodes kept in `anchors`.
    anchored: usize,
    /// Keys that stand twice, where somebody asks for them.
    repeated: Option<Vec<Repeated>>,
}

struct Anchored<'a> {
    node: Node<'a>,
    size: usize,
}

type Spanned<'a> = (Event<'a>, Span);

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        let mut options = Options::default();
        options.set_emit_comments(false);
        options.block_scalar_eof_without_line_feed = true;
        Self {
            parser: Parser::new_from_str_with_options(text, options),
            anchors: BTreeMap::new(),
            read: 0,
            aliased: 0,
            anchored: 0,
            repeated: None,
        }
    }

    /// Notes a key of a mapping, and whether it stood there before.
    fn note(&mut self, seen: &mut BTreeMap<String, Position>, key: &Node<'a>) {
        let Some(repeated) = &mut self.repeated else {
            return;
        };
        let text = key.as_str().unwrap_or_default();
        let Some(first) = seen.get(text).copied() else {
            seen.insert(text.to_owned(), key.position);
            return;
        };
        // A third one is told with the first.
        let known = repeated
            .iter_mut()
            .rev()
            .find(|it| it.first == first && it.key == text);
        match known {
            Some(it) => it.last = key.position,
            None => repeated.push(Repeated {
                key: text.to_owned(),
                first,
                last: key.position,
            }),
        }
    }

    /// Returns the next event that belongs to data.
    fn next(&mut self) -> Result<Spanned<'a>, Error> {
        loop {
            let event = match self.parser.next_event() {
                Some(Ok(event)) => event,
                Some(Err(error)) => {
                    return Err(Error {
                        message: error.kind().to_string(),
                        position: place(error.marker()),
                    });
                }
                None => {
                    return Err(Error {
                        message: "the text ends in the middle of a document".to_owned(),
                        position: Position::default(),
                    });
                }
            };
            // Comments come even when this crate has not asked for them, if another one turns the parser's feature on.
            if matches!(
                event.0,
                Event::StreamStart
                    | Event::StreamEnd
                    | Event::DocumentStart(..)
                    | Event::DocumentEnd
                    | Event::Alias(_)
                    | Event::Scalar(..)
                    | Event::SequenceStart(..)
                    | Event::SequenceEnd
                    | Event::MappingStart(..)
                    | Event::MappingEnd
            ) {
                return Ok(event);
            }
        }
    }

    /// Returns the first event of the next document's node.
    fn next_document(&mut self) -> Result<Option<Spanned<'a>>, Error> {
        loop {
            match self.next()?.0 {
                Event::StreamEnd => return Ok(None),
                Event::DocumentStart(..) => {
                    self.anchors.clear();
                    self.read = 0;
                    self.aliased = 0;
                    self.anchored = 0;
                    let first = self.next()?;
                    if !matches!(first.0, Event::DocumentEnd) {
                        return Ok(Some(first));
                    }
                }
                _ => {}
            }
        }
    }

    fn node(&mut self, (event, span): Spanned<'a>, depth: u32) -> Result<Node<'a>, Error> {
        let position = place(&span.start);
        let refuse = |message: &str| {
            Err(Error {
                message: message.to_owned(),
                position,
            })
        };
        if depth > DEPTH {
            return refuse("the document is nested too deeply");
        }
        self.read += 1;
        let before = self.read;
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (scalar(text, style, tag.as_deref(), position)?, anchor)
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                loop {
                    let event = self.next()?;
                    if matches!(event.0, Event::SequenceEnd) {
                        break;
                    }
                    items.push(self.node(event, depth + 1)?);
                }
                (NodeValue::Sequence(items), anchor)
            }
            Event::MappingStart(_, anchor, _) => {
                let mut entries = Vec::new();
                let mut seen = BTreeMap::new();
                loop {
                    let event = self.next()?;
                    if matches!(event.0, Event::MappingEnd) {
                        break;
                    }
                    if is_merge(&event.0) {
                        self.merge(&mut entries, depth + 1)?;
                        continue;
                    }
                    let key = self.key(event, depth + 1)?;
                    self.note(&mut seen, &key);
                    let event = self.next()?;
                    let value = self.node(event, depth + 1)?;
                    entries.push((key, value));
                }
                last_wins(&mut entries);
                (NodeValue::Mapping(entries), anchor)
            }
            Event::Alias(anchor) => return self.alias(anchor, position, depth),
            _ => return refuse("a value is expected"),
        };
        let node = Node { position, value };
        if anchor != 0 {
            let size = self.read - before + 1;
            self.anchored = self.anchored.saturating_add(size);
            if self.anchored > ANCHORED {
                return refuse("document contains excessive aliasing");
            }
            self.anchors.insert(
                anchor,
                Anchored {
                    node: node.clone(),
                    size,
                },
            );
        }
        Ok(node)
    }

    /// Returns what an alias stands for, within go-yaml's budget (`decode.go`, `allowedAliasRatio`).
    fn alias(&mut self, anchor: usize, position: Position, depth: u32) -> Result<Node<'a>, Error> {
        let refuse = |message: &str| {
            Err(Error {
                message: message.to_owned(),
                position,
            })
        };
        let Some(anchored) = self.anchors.get(&anchor) else {
            return refuse("an anchor's value contains itself");
        };
        self.read = self.read.saturating_add(anchored.size);
        self.aliased = self.aliased.saturating_add(anchored.size);
        if self.aliased > 100 && self.read > 1000 {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a ratio of counts far below 2^52"
            )]
            let (aliased, read) = (self.aliased as f64, self.read as f64);
            let low = 400_000.0;
            let high = 4_000_000.0;
            let allowed = (0.99 - 0.89 * (read - low) / (high - low)).clamp(0.10, 0.99);
            if aliased / read > allowed {
                return refuse("document contains excessive aliasing");
            }
        }
        if depth.saturating_add(height(&anchored.node)) > DEPTH {
            return refuse("the document is nested too deeply");
        }
        Ok(anchored.node.clone())
    }

    /// Reads a key and writes it as Go does when it makes JSON of it.
    fn key(&mut self, event: Spanned<'a>, depth: u32) -> Result<Node<'a>, Error> {
        let Node { position, value } = self.node(event, depth)?;
        let text: Cow<'a, str> = match value {
            NodeValue::String(it) => it,
            NodeValue::Bool(it) => Cow::Borrowed(if it { "true" } else { "false" }),
            NodeValue::Int(it) => Cow::Owned(it.to_string()),
            NodeValue::Float(it) => Cow::Owned(float::format_key(it)),
            NodeValue::Null
            | NodeValue::UInt(_)
            | NodeValue::Sequence(_)
            | NodeValue::Mapping(_) => {
                return Err(Error {
                    message: "a key must be a string, a number or a truth value".to_owned(),
                    position,
                });
            }
        };
        Ok(Node {
            position,
            value: NodeValue::String(text),
        })
    }

    /// Reads the value of `<<` and adds what it brings.
    fn merge(&mut self, into: &mut Vec<(Node<'a>, Node<'a>)>, depth: u32) -> Result<(), Error> {
        let event = self.next()?;
        let Node { position, value } = self.node(event, depth)?;
        let refused = || Error {
            message: "map merge requires map or sequence of maps as the value".to_owned(),
            position,
        };
        match value {
            NodeValue::Mapping(entries) => into.extend(entries),
            NodeValue::Sequence(items) => {
                // Earlier maps take precedence, so they come last.
                for item in items.into_iter().rev() {
                    let NodeValue::Mapping(entries) = item.value else {
                        return Err(refused());
                    };
                    into.extend(entries);
                }
            }
            NodeValue::Null
            | NodeValue::Bool(_)
            | NodeValue::Int(_)
            | NodeValue::UInt(_)
            | NodeValue::Float(_)
            | NodeValue::String(_) => return Err(refused()),
        }
        Ok(())
    }
}

fn is_merge(event: &Event<'_>) -> bool {
    match event {
        Event::Scalar(text, style, _, None) => *style == ScalarStyle::Plain && text == "<<",
        Event::Scalar(text, _, _, Some(tag)) => {
            text == "<<" && tag.handle() == YAML_TAGS && tag.suffix() == "merge"
        }
        _ => false,
    }
}

/// Removes all but the last entry of every key.
fn last_wins(entries: &mut Vec<(Node<'_>, Node<'_>)>) {
    // Most mappings are small and have no key twice.
    if entries.len() <= 16 {
        let text = |at: usize| entries.get(at).and_then(|(key, _)| key.as_str());
        let twice = (1..entries.len()).any(|at| (0..at).any(|other| text(other) == text(at)));
        if !twice {
            return;
        }
    }
    let keys: Vec<&str> = entries
        .iter()
        .map(|(key, _)| key.as_str().unwrap_or_default())
        .collect();
    let mut stale = Vec::new();
    if keys.len() <= 16 {
        for (at, key) in keys.iter().enumerate() {
            if keys.iter().skip(at + 1).any(|it| it == key) {
                stale.push(at);
            }
        }
    } else {
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_by_key(|at| (keys.get(*at), *at));
        for pair in order.windows(2) {
            if let [a, b] = pair
                && keys.get(*a) == keys.get(*b)
            {
                stale.push(*a);
            }
        }
        stale.sort_unstable();
    }
    if stale.is_empty() {
        return;
    }
    let mut at = 0;
    entries.retain(|_| {
        at += 1;
        stale.binary_search(&(at - 1)).is_err()
    });
}

/// Counts the levels of collections.
fn height(node: &Node<'_>) -> u32 {
    let below = match &node.value {
        NodeValue::Sequence(items) => items.iter().map(height).max(),
        NodeValue::Mapping(entries) => entries.iter().map(|(_, value)| height(value)).max(),
        _ => return 0,
    };
    below.unwrap_or(0) + 1
}

fn place(marker: &Marker) -> Position {
    let narrow = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
    Position {
        line: narrow(marker.line()),
        column: narrow(marker.col()).saturating_add(1),
    }
}
