//! Scalars: what a tag, or the text alone, makes of them.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use granit_parser::{ScalarStyle, Tag};

use crate::scalar::{Resolved, resolve};
use crate::{Error, NodeValue, Position};

/// Go's `base64.StdEncoding`: padding is required, trailing bits are not looked at.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The namespace that `!!` stands for.
pub(super) const YAML_TAGS: &str = "tag:yaml.org,2002:";

/// What a scalar is, by its tag or its text.
pub(super) fn scalar<'a>(
    text: Cow<'a, str>,
    style: ScalarStyle,
    tag: Option<&Tag>,
    position: Position,
) -> Result<NodeValue<'a>, Error> {
    let value = match tag {
        None if style == ScalarStyle::Plain => untagged(text),
        None => NodeValue::String(text),
        // The tag `!` makes even a quoted scalar plain (go-yaml v2, parserc.go).
        Some(tag) if tag.suffix().is_empty() || tag.parts() == ("", "!") => untagged(text),
        Some(tag) => {
            let name = tag.suffix_in_namespace(YAML_TAGS);
            tagged(text, name.as_deref(), position)?
        }
    };
    if let NodeValue::Float(it) = value
        && !it.is_finite()
    {
        return Err(Error {
            message: format!("json: unsupported value: {}", crate::format_float(it)),
            position,
        });
    }
    Ok(value)
}

/// What a plain scalar is.
pub(super) fn untagged(text: Cow<'_, str>) -> NodeValue<'_> {
    match resolve(&text) {
        Resolved::Value(value) => value,
        Resolved::Text | Resolved::Timestamp => NodeValue::String(text),
    }
}

/// Resolves a scalar by the name of its tag.
fn tagged<'a>(
    text: Cow<'a, str>,
    tag: Option<&str>,
    position: Position,
) -> Result<NodeValue<'a>, Error> {
    let refuse = |message: String| Err(Error { message, position });
    let Some(tag @ ("str" | "bool" | "int" | "float" | "null" | "timestamp" | "binary")) = tag
    else {
        return Ok(NodeValue::String(text));
    };
    match tag {
        "str" => return Ok(NodeValue::String(text)),
        "binary" => {
            let packed: String = text
                .chars()
                .filter(|it| !matches!(it, '\r' | '\n'))
                .collect();
            let Ok(bytes) = BASE64.decode(packed) else {
                return refuse("!!binary value contains invalid base64 data".to_owned());
            };
            return Ok(NodeValue::String(Cow::Owned(go_text(&bytes))));
        }
        _ => {}
    }
    let (value, found) = match resolve(&text) {
        Resolved::Value(value) => {
            let found = match &value {
                NodeValue::Null => "null",
                NodeValue::Bool(_) => "bool",
                NodeValue::Int(_) | NodeValue::UInt(_) => "int",
                NodeValue::Float(_) => "float",
                NodeValue::String(_) | NodeValue::Sequence(_) | NodeValue::Mapping(_) => "str",
            };
            (value, found)
        }
        Resolved::Timestamp => (NodeValue::String(text.clone()), "timestamp"),
        Resolved::Text => (NodeValue::String(text.clone()), "str"),
    };
    match (tag, value) {
        (_, value) if tag == found => Ok(value),
        #[expect(clippy::cast_precision_loss, reason = "Go converts the same way")]
        ("float", NodeValue::Int(it)) => Ok(NodeValue::Float(it as f64)),
        // Go quotes the value; here it may be a Secret's.
        _ => refuse(format!("cannot decode a !!{found} as a !!{tag}")),
    }
}

/// Reads bytes as Go's JSON does: every byte that is not UTF-8 becomes U+FFFD.
fn go_text(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    out
}
