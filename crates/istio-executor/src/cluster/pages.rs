//! Lists as the API server hands them out, a page at a time and never more than that in memory.

use std::fmt;

use kube_core::Request;
use kube_core::params::ListParams;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{Cluster, Error, Kind, PAGE, Selection, built};

/// A page of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Its objects as JSON, one behind the other with commas between, each with its `apiVersion` and `kind`.
    pub items: Vec<u8>,
    /// How many they are.
    pub number: usize,
    /// What asks for the next page; nothing on the last one.
    next: Option<String>,
}

/// What a page is asked for with: nothing for the first one, then what the page before says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turn(Option<String>);

impl Turn {
    /// Whether it is the first page.
    pub fn begins(&self) -> bool {
        self.0.is_none()
    }
}

impl Page {
    /// Its objects, taken apart.
    pub fn objects(&self) -> Vec<Value> {
        let list = [b"[", self.items.as_slice(), b"]"].concat();
        // It was written as JSON here.
        serde_json::from_slice(&list).unwrap_or_default()
    }

    /// The turn after this page; nothing behind the last one.
    pub fn next(&self) -> Option<Turn> {
        self.next.clone().map(|it| Turn(Some(it)))
    }
}

/// What stands around the objects of a list.
#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default, rename = "continue")]
    next: Option<String>,
}

/// Reads a list into a page, one object in memory at a time.
struct List<'a> {
    kind: &'a Kind,
    page: &'a mut Page,
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "metadata" => {
                    let metadata: Option<Metadata> = map.next_value()?;
                    let next = metadata.and_then(|it| it.next);
                    self.page.next = next.filter(|it| !it.is_empty());
                }
                "items" => map.next_value_seed(Items {
                    kind: self.kind,
                    page: &mut *self.page,
                })?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// The objects of a list; null is none.
struct Items<'a> {
    kind: &'a Kind,
    page: &'a mut Page,
}

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the objects of a list")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut objects: A) -> Result<(), A::Error> {
        while let Some(mut object) = objects.next_element::<Map<String, Value>>()? {
            object.insert(
                "apiVersion".to_owned(),
                self.kind.api_version.as_str().into(),
            );
            object.insert("kind".to_owned(), self.kind.kind.as_str().into());
            if self.page.number > 0 {
                self.page.items.push(b',');
            }
            serde_json::to_writer(&mut self.page.items, &object).map_err(A::Error::custom)?;
            self.page.number += 1;
        }
        Ok(())
    }
}

impl Cluster {
    /// Asks for one page of a list. A list says of its objects neither `apiVersion` nor `kind`, or that they are metadata
    /// alone, so both are written into each.
    ///
    /// # Errors
    ///
    /// Besides what every request meets: [`Error::is_expired`], where the pages took longer than the server remembers;
    /// then it has to be read from the first page again.
    pub async fn page(
        &self,
        kind: &Kind,
        selection: &Selection<'_>,
        turn: &Turn,
    ) -> Result<Page, Error> {
        let what = format!("cannot list {}", kind.plural);
        let request = Request::new(kind.path(selection.namespace));
        let params = ListParams {
            label_selector: selection.labels.map(str::to_owned),
            limit: Some(PAGE),
            continue_token: turn.0.clone(),
            ..ListParams::default()
        };
        let request = if selection.metadata_only {
            request.list_metadata(&params)
        } else {
            request.list(&params)
        };
        let request = request.map_err(|it| built(&what, &it))?;
        self.send_as(&what, request, &|body| page(kind, body)).await
    }
}

/// How many bytes longer a page may become by what is written into its objects, without growing.
const ADDED: usize = 64 * 1024;

fn page(kind: &Kind, body: &[u8]) -> serde_json::Result<Page> {
    let mut page = Page {
        // What is written into each object is seldom longer; growing would take twice as much.
        items: Vec::with_capacity(body.len() + ADDED),
        ..Page::default()
    };
    let mut from = serde_json::Deserializer::from_slice(body);
    let list = List {
        kind,
        page: &mut page,
    };
    list.deserialize(&mut from)?;
    from.end()?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_get_their_kind() {
        let kind = Kind {
            api_version: "v1".to_owned(),
            kind: "Secret".to_owned(),
            plural: "secrets".to_owned(),
            namespaced: true,
            verbs: Vec::new(),
        };
        let body = br#"{"kind":"PartialObjectMetadataList","metadata":{"continue":"t"},
            "items":[{"metadata":{"name":"a", "n": 1.50},"kind":"PartialObjectMetadata"},{"spec":{"z":[1,2]}}]}"#;
        let page = page(&kind, body).unwrap();
        assert_eq!(page.number, 2);
        assert_eq!(page.next(), Some(Turn(Some("t".to_owned()))));
        assert_eq!(
            String::from_utf8(page.items).unwrap(),
            r#"{"apiVersion":"v1","kind":"Secret","metadata":{"n":1.5,"name":"a"}},{"apiVersion":"v1","kind":"Secret","spec":{"z":[1,2]}}"#
        );
        let last = super::page(&kind, br#"{"metadata":{"continue":""},"items":null}"#).unwrap();
        assert_eq!((last.number, last.next()), (0, None));
        // What was cut off is no page.
        assert!(super::page(&kind, &body[..body.len() - 1]).is_err());
    }
}
