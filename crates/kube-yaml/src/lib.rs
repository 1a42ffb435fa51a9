//! Kubernetes' YAML: read as `kubectl` reads it, written as `sigs.k8s.io/yaml` writes it.
//!
//! Reading follows go-yaml v2 (YAML 1.1 scalars, merge keys, last duplicate wins) and keeps the line and column of every
//! node; writing follows Go's rules byte for byte (go.yaml.in/yaml/v3 and sigs.k8s.io/yaml).
//! Plain data is [`serde_json::Value`], whose objects are sorted maps: never enable its `preserve_order`.
//!
//! - [`load`], [`first`], [`from_str`]: text to nodes or plain data
//! - [`load_fully`]: the same by the full parser alone, which the quick one is fuzzed against
//! - [`repeated`]: keys that a mapping holds more than once
//! - [`split`]: one text of many documents to the text of each
//! - [`to_string`]: plain data to text; [`written`]: whether a text is that already
//!
//! # Invariants
//!
//! - No input makes it panic; depth and alias expansion are bounded.
//! - A document that ends in the middle of a node is an error, never a shorter document.

mod emit;
mod float;
mod node;
#[cfg(test)]
mod random;
mod read;
mod scalar;
mod split;
mod written;

pub use emit::{Emitter, Lists, natural_order, to_string, to_string_indented};
pub use float::format_float;
pub use node::{Node, NodeValue, as_go_json};
pub use read::{Repeated, first, from_str, load, load_fully, repeated};
pub use split::split;
pub use written::written;

/// A place in a text. Both count from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// A text that is not YAML, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{}: {message}", position.line, position.column)]
pub struct Error {
    /// What was expected or found.
    pub message: String,
    /// Where.
    pub position: Position,
}
