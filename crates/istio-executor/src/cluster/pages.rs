//! Lists as the API server hands them out, a page at a time: its bytes are kept as they came, and never more than those.

use std::io::{self, Read};
use std::ops::Range;

use kube_core::Request;
use kube_core::params::ListParams;
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{Cluster, Error, Kind, PAGE, Selection, built};

/// A page of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// As the server sent it.
    body: Vec<u8>,
    /// What its objects are written from, in order.
    parts: Vec<Part>,
    /// What [`Part::Stamp`] stands for.
    stamp: Vec<u8>,
    /// How many they are.
    pub number: usize,
    /// What asks for the next page; nothing on the last one.
    next: Option<String>,
}

/// A part of the objects of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// What stands between two objects.
    Comma,
    /// The beginning of an object, with the `apiVersion` and `kind` of the list.
    Stamp,
    /// Bytes of the answer.
    Sent(Range<usize>),
    /// Bytes that stand in the answer otherwise.
    Made(Vec<u8>),
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
    pub fn objects(self) -> Vec<Value> {
        let mut list = vec![b'['];
        // Memory is read from, and every object was read as JSON before.
        let _ = self.items().read_to_end(&mut list);
        list.push(b']');
        serde_json::from_slice(&list).unwrap_or_default()
    }

    /// Its objects as JSON, one behind the other with commas between, each with its `apiVersion` and `kind`.
    pub fn items(self) -> Items {
        Items {
            page: self,
            at: 0,
            read: 0,
        }
    }

    /// The turn after this page; nothing behind the last one.
    pub fn next(&self) -> Option<Turn> {
        self.next.clone().map(|it| Turn(Some(it)))
    }

    fn part(&self, at: usize) -> Option<&[u8]> {
        Some(match self.parts.get(at)? {
            Part::Comma => b",",
            Part::Stamp => &self.stamp,
            Part::Sent(range) => self.body.get(range.clone()).unwrap_or_default(),
            Part::Made(bytes) => bytes,
        })
    }
}

/// Reads the objects of a page; see [`Page::items`].
#[derive(Debug, Default)]
pub struct Items {
    page: Page,
    /// The part that is read.
    at: usize,
    /// How much of it was read.
    read: usize,
}

impl From<Vec<u8>> for Items {
    /// What is read as it is.
    fn from(bytes: Vec<u8>) -> Self {
        let parts = vec![Part::Made(bytes)];
        Page {
            parts,
            ..Page::default()
        }
        .items()
    }
}

impl Read for Items {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some(part) = self.page.part(self.at) {
            let read = part.get(self.read..).unwrap_or_default().read(into)?;
            if read > 0 || into.is_empty() {
                self.read += read;
                return Ok(read);
            }
            self.at += 1;
            self.read = 0;
        }
        Ok(0)
    }
}

/// What stands around the objects of a list.
#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default, rename = "continue")]
    next: Option<String>,
}

/// What an object says that it is. Typed objects in a list do not, those of definitions do, and metadata alone says that.
#[derive(Deserialize)]
struct Stated {
    #[serde(default, rename = "apiVersion", deserialize_with = "stated")]
    api_version: Option<Value>,
    #[serde(default, deserialize_with = "stated")]
    kind: Option<Value>,
}

/// What is there, be it null.
fn stated<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

/// Walks over JSON and tells where it is.
struct Walk<'a> {
    json: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    /// Steps over space.
    fn space(&mut self) {
        let rest = self.json.get(self.at..).unwrap_or_default();
        let space = rest.iter().take_while(|it| b" \t\r\n".contains(it));
        self.at += space.count();
    }

    /// Steps over the byte that comes next but for space, if it is that one.
    fn meets(&mut self, byte: u8) -> bool {
        self.space();
        let met = self.json.get(self.at) == Some(&byte);
        self.at += usize::from(met);
        met
    }

    fn expects(&mut self, byte: u8) -> serde_json::Result<()> {
        if self.meets(byte) {
            return Ok(());
        }
        let found = format!("no `{}` at byte {}", char::from(byte), self.at);
        Err(serde_json::Error::custom(found))
    }

    /// Reads the value that comes next.
    fn value<T: Deserialize<'a>>(&mut self) -> serde_json::Result<T> {
        let rest = self.json.get(self.at..).unwrap_or_default();
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter();
        let value = values.next();
        self.at += values.byte_offset();
        value.unwrap_or_else(|| Err(serde_json::Error::custom("the answer was cut off")))
    }

    /// Calls `each` for everything between an opening and a closing bracket.
    fn all(
        &mut self,
        (open, close): (u8, u8),
        each: &mut dyn FnMut(&mut Self) -> serde_json::Result<()>,
    ) -> serde_json::Result<()> {
        self.expects(open)?;
        if self.meets(close) {
            return Ok(());
        }
        loop {
            each(self)?;
            if !self.meets(b',') {
                return self.expects(close);
            }
        }
    }
}

impl Page {
    /// Takes an answer as a page of objects of a kind.
    fn new(kind: &Kind, body: Vec<u8>) -> serde_json::Result<Self> {
        let mut page = Self {
            stamp: format!(
                "{{\"apiVersion\":{},\"kind\":{},",
                Value::from(kind.api_version.as_str()),
                Value::from(kind.kind.as_str())
            )
            .into_bytes(),
            ..Self::default()
        };
        let mut walk = Walk { json: &body, at: 0 };
        walk.all((b'{', b'}'), &mut |walk| {
            let key: String = walk.value()?;
            walk.expects(b':')?;
            match key.as_str() {
                "metadata" => {
                    let metadata: Option<Metadata> = walk.value()?;
                    let next = metadata.and_then(|it| it.next);
                    page.next = next.filter(|it| !it.is_empty());
                    Ok(())
                }
                "items" if walk.meets(b'n') => {
                    walk.at -= 1;
                    walk.value()
                }
                "items" => walk.all((b'[', b']'), &mut |walk| page.item(kind, walk)),
                _ => walk.value::<IgnoredAny>().map(drop),
            }
        })?;
        walk.space();
        if walk.at < body.len() {
            return Err(serde_json::Error::custom("more than a list was answered"));
        }
        Ok(Self { body, ..page })
    }

    /// Takes the object that comes next.
    fn item(&mut self, kind: &Kind, walk: &mut Walk<'_>) -> serde_json::Result<()> {
        walk.expects(b'{')?;
        let inside = walk.at;
        let is_empty = walk.meets(b'}');
        walk.at = inside - 1;
        let stated: Stated = walk.value()?;
        let (from, to) = (inside - 1, walk.at);
        if self.number > 0 {
            self.parts.push(Part::Comma);
        }
        self.number += 1;
        match (stated.api_version, stated.kind) {
            (Some(version), Some(name)) if version == kind.api_version && name == kind.kind => {
                self.parts.push(Part::Sent(from..to));
            }
            (None, None) if !is_empty => {
                self.parts.extend([Part::Stamp, Part::Sent(inside..to)]);
            }
            _ => {
                let sent = walk.json.get(from..to).unwrap_or_default();
                let mut object: Map<String, Value> = serde_json::from_slice(sent)?;
                object.insert("apiVersion".to_owned(), kind.api_version.as_str().into());
                object.insert("kind".to_owned(), kind.kind.as_str().into());
                self.parts.push(Part::Made(serde_json::to_vec(&object)?));
            }
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
        self.send_as(&what, request, &|body| Page::new(kind, body))
            .await
    }
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
            "items":[{"metadata":{"name":"a", "n": 1.50},"kind":"PartialObjectMetadata"},{ "spec":{"z":[1,2]}} ,
            {"apiVersion":"v1","kind":"Secret","b":1,"a":"\u00e9]"},{ },{"kind":null,"a":1}]}
"#;
        let page = |body: &[u8]| Page::new(&kind, body.to_vec());
        let found = page(body).unwrap();
        assert_eq!(found.number, 5);
        assert_eq!(found.next(), Some(Turn(Some("t".to_owned()))));
        let mut items = String::new();
        found.clone().items().read_to_string(&mut items).unwrap();
        let expected = [
            r#"{"apiVersion":"v1","kind":"Secret","metadata":{"n":1.5,"name":"a"}}"#,
            r#"{"apiVersion":"v1","kind":"Secret", "spec":{"z":[1,2]}}"#,
            r#"{"apiVersion":"v1","kind":"Secret","b":1,"a":"\u00e9]"}"#,
            r#"{"apiVersion":"v1","kind":"Secret"}"#,
            r#"{"a":1,"apiVersion":"v1","kind":"Secret"}"#,
        ];
        assert_eq!(items, expected.join(","));
        let objects: Vec<Value> = expected.map(|it| serde_json::from_str(it).unwrap()).into();
        assert_eq!(found.objects(), objects);
        for none in ["null", "[]", "[ ]"] {
            let body = format!(r#"{{"metadata":{{"continue":""}},"items":{none}}}"#);
            let last = page(body.as_bytes()).unwrap();
            assert_eq!((last.number, last.next()), (0, None));
        }
        // What was cut off is no page, wherever it was cut, and neither is anything else.
        for cut in 0..body.len() - 1 {
            assert!(page(&body[..cut]).is_err(), "{cut}");
        }
        for other in [
            r#"{"items":[1]}"#,
            r#"{"items":[[]]}"#,
            r#"{"items":{}}"#,
            "[]",
            "{}{}",
            r#"{"items":nil}"#,
        ] {
            assert!(page(other.as_bytes()).is_err(), "{other}");
        }
    }
}
