//! One object, in whichever format, read into types.

use std::cell::Cell;
use std::fmt;
use std::slice;

use serde::de::{
    self, DeserializeSeed, Deserializer, Expected, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};
use serde_json::Value;

use kube_yaml::{Node, NodeValue};

use super::piece::{Fault, Place, plain};
#[cfg(not(target_arch = "wasm32"))]
use super::quick::{self, Halt, Quick};

/// One object.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    /// Its JSON text, which other text may follow, where that begins, and its length, once it is known.
    Json(&'a [u8], Place, &'a Cell<usize>),
    /// Its node, and where the text of its document begins.
    Yaml(&'a Node<'a>, Place),
}

/// What every object says first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TypeMeta {
    pub(super) api_version: String,
    pub(super) kind: String,
}

impl Source<'_> {
    /// Where it begins.
    pub(super) fn place(self) -> Place {
        match self {
            Self::Json(_, place, _) => place,
            Self::Yaml(node, place) => place.inside(node.position.line, node.position.column),
        }
    }

    /// Reads it into a type.
    pub(super) fn read<T: de::DeserializeOwned>(self) -> Result<T, Fault> {
        match self {
            Self::Json(text, place, length) => {
                #[cfg(not(target_arch = "wasm32"))]
                match quick::read(text) {
                    Ok((value, end)) => {
                        length.set(end);
                        return Ok(value);
                    }
                    Err(Halt::End) => return Err(Fault::incomplete(place)),
                    Err(Halt::GaveUp) => {}
                }
                let mut values = serde_json::Deserializer::from_slice(text).into_iter();
                let value = values.next().transpose();
                let value = value.map_err(|it| Fault::json(place, &it))?;
                length.set(values.byte_offset());
                value.ok_or_else(|| Fault::new(place, "expected an object, found nothing"))
            }
            Self::Yaml(node, place) => T::deserialize(OfNode(node)).map_err(|it| {
                let at = it.position.unwrap_or(node.position);
                Fault::new(place.inside(at.line, at.column), plain(&it.message))
            }),
        }
    }

    /// Reads all of it.
    pub(super) fn value(self) -> Result<Value, Fault> {
        match self {
            Self::Json(..) => self.read(),
            Self::Yaml(node, _) => Ok(node.to_json()),
        }
    }

    /// Returns how long its JSON text is.
    pub(super) fn length(self) -> Result<usize, Fault> {
        let Self::Json(_, _, length) = self else {
            return Ok(0);
        };
        if length.get() == 0 {
            self.read::<de::IgnoredAny>()?;
        }
        Ok(length.get())
    }

    /// Returns its first keys, at most a hundred; none where it has none.
    pub(super) fn keys(self) -> Vec<String> {
        const MOST: usize = 100;
        match self {
            Self::Json(..) => {
                // A set would read a list.
                let read = self.read::<sorted::SortedMap<String, de::IgnoredAny>>();
                read.unwrap_or_default().into_keys().take(MOST).collect()
            }
            Self::Yaml(node, _) => {
                let keys = node.entries().iter().filter_map(|(key, _)| key.as_str());
                keys.take(MOST).map(str::to_owned).collect()
            }
        }
    }

    /// Reads `apiVersion` and `kind`, and nothing else where they come first.
    pub(super) fn type_meta(self) -> Result<TypeMeta, Fault> {
        match self {
            Self::Json(text, place, _) => {
                #[cfg(not(target_arch = "wasm32"))]
                {
                    let mut found = Peek::default();
                    let read = Quick::new(text).deserialize_map(&mut found);
                    if read.is_ok() || found.complete() {
                        return Ok(found.into_meta());
                    }
                    if read == Err(Halt::End) {
                        return Err(Fault::incomplete(place));
                    }
                }
                let mut found = Peek::default();
                let mut json = serde_json::Deserializer::from_slice(text);
                match json.deserialize_map(&mut found) {
                    Err(it) if !found.complete() => Err(Fault::json(place, &it)),
                    _ => Ok(found.into_meta()),
                }
            }
            Self::Yaml(node, _) => {
                let text = |key| {
                    node.get(key)
                        .and_then(Node::as_str)
                        .unwrap_or_default()
                        .to_owned()
                };
                Ok(TypeMeta {
                    api_version: text("apiVersion"),
                    kind: text("kind"),
                })
            }
        }
    }
}

/// Stops reading an object as soon as its type is known.
#[derive(Debug, Default)]
struct Peek {
    api_version: Option<String>,
    kind: Option<String>,
}

impl Peek {
    fn complete(&self) -> bool {
        self.api_version.is_some() && self.kind.is_some()
    }

    fn into_meta(self) -> TypeMeta {
        TypeMeta {
            api_version: self.api_version.unwrap_or_default(),
            kind: self.kind.unwrap_or_default(),
        }
    }
}

impl<'de> Visitor<'de> for &mut Peek {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `apiVersion` and `kind`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Key>()? {
            match key {
                Key::ApiVersion => self.api_version = Some(map.next_value()?),
                Key::Kind => self.kind = Some(map.next_value()?),
                Key::Other => {
                    map.next_value::<de::IgnoredAny>()?;
                }
            }
            if self.complete() {
                return Err(de::Error::custom("known"));
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Key {
    ApiVersion,
    Kind,
    #[serde(other)]
    Other,
}

/// Why a node does not fit a type.
#[derive(Debug)]
struct Misfit {
    message: String,
    position: Option<kube_yaml::Position>,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            message: message.to_string(),
            position: None,
        }
    }
}

/// Lets serde read a node.
///
/// What is asked for is tried and nothing else: each branch is compiled for every type that is read.
#[derive(Clone, Copy)]
struct OfNode<'a>(&'a Node<'a>);

impl<'de> OfNode<'de> {
    /// Adds this node's place to an error that has none.
    fn placed<T>(self, result: Result<T, Misfit>) -> Result<T, Misfit> {
        result.map_err(|it| Misfit {
            position: it.position.or(Some(self.0.position)),
            ..it
        })
    }

    /// The node is none of what is expected.
    fn misfit(self, expected: &dyn Expected) -> Misfit {
        let unexpected = match &self.0.value {
            NodeValue::Null => Unexpected::Unit,
            NodeValue::Bool(it) => Unexpected::Bool(*it),
            NodeValue::Int(it) => Unexpected::Signed(*it),
            NodeValue::UInt(it) => Unexpected::Unsigned(*it),
            NodeValue::Float(it) => Unexpected::Float(*it),
            NodeValue::String(it) => Unexpected::Str(it),
            NodeValue::Sequence(_) => Unexpected::Seq,
            NodeValue::Mapping(_) => Unexpected::Map,
        };
        Misfit {
            position: Some(self.0.position),
            ..de::Error::invalid_type(unexpected, expected)
        }
    }

    fn text<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.0.value {
            NodeValue::String(it) => self.placed(visitor.visit_borrowed_str(it)),
            _ => Err(self.misfit(&visitor)),
        }
    }

    fn number<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.0.value {
            NodeValue::Int(it) => self.placed(visitor.visit_i64(*it)),
            NodeValue::UInt(it) => self.placed(visitor.visit_u64(*it)),
            NodeValue::Float(it) => self.placed(visitor.visit_f64(*it)),
            _ => Err(self.misfit(&visitor)),
        }
    }
}

impl<'de> Deserializer<'de> for OfNode<'de> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.0.value {
            NodeValue::Null => self.placed(visitor.visit_unit()),
            NodeValue::Bool(it) => self.placed(visitor.visit_bool(*it)),
            NodeValue::Int(_) | NodeValue::UInt(_) | NodeValue::Float(_) => self.number(visitor),
            NodeValue::String(_) => self.text(visitor),
            NodeValue::Sequence(_) => self.deserialize_seq(visitor),
            NodeValue::Mapping(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.0.value {
            NodeValue::Bool(it) => self.placed(visitor.visit_bool(*it)),
            _ => Err(self.misfit(&visitor)),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.number(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.number(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.text(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.text(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.text(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        if self.0.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.0.value {
            NodeValue::Sequence(it) => self.placed(visitor.visit_seq(Elements(it.iter()))),
            _ => Err(self.misfit(&visitor)),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.0.value {
            NodeValue::Mapping(it) => self.placed(visitor.visit_map(Entries(it.iter(), None))),
            _ => Err(self.misfit(&visitor)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        if let NodeValue::Sequence(_) = self.0.value {
            self.deserialize_seq(visitor)
        } else {
            self.deserialize_map(visitor)
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 u8 u32 u64 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct enum
    }
}

/// The elements of a sequence.
struct Elements<'a>(slice::Iter<'a, Node<'a>>);

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Misfit> {
        let next = self.0.next();
        next.map(|it| seed.deserialize(OfNode(it))).transpose()
    }
}

/// The entries of a mapping, and the value of the one whose key was read.
struct Entries<'a>(slice::Iter<'a, (Node<'a>, Node<'a>)>, Option<&'a Node<'a>>);

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Misfit> {
        let Some((key, value)) = self.0.next() else {
            return Ok(None);
        };
        self.1 = Some(value);
        seed.deserialize(OfNode(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        let value = self.1.take().expect("a key was read before its value");
        seed.deserialize(OfNode(value))
    }
}
