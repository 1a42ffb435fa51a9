//! Path patches: the path language of overlays (1.31:operator/pkg/tpath/tree.go).
//!
//! istioctl reads the object with maps of untyped keys and the patch with maps of text keys, and treats the two
//! differently: a value written onto a list replaces it in the former and is appended in the latter.
//! Maps made on the way, and what an earlier patch of the same overlay wrote, count accordingly.

use serde_json::Value;
use sorted::SortedMap;

use crate::go;
use crate::operator::path;

/// A tree that knows where its maps come from.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    Leaf(Value),
    List(Vec<Node>),
    Map {
        from_patch: bool,
        entries: SortedMap<String, Node>,
    },
}

/// Whether what was made on the way down is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    Keep,
    Drop,
}

/// An object under patches.
#[derive(Debug)]
pub(crate) struct Tree(Node);

impl Tree {
    pub(crate) fn new(object: Value) -> Self {
        Self(Node::new(object, false))
    }

    /// A tree whose maps all count as the patch's: that is how istioctl before 1.24 treats an `IstioOperator`.
    pub(crate) fn of_operator(operator: Value) -> Self {
        Self(Node::new(operator, true))
    }

    /// Writes a value at a path; null deletes what is there.
    pub(crate) fn write(&mut self, path: &str, value: &Value) -> Result<(), String> {
        let segments = path::split(path);
        if segments.len() > path::MOST_SEGMENTS {
            return Err(format!("a path of {} segments is too long", segments.len()));
        }
        match (segments.as_slice(), value.is_null()) {
            ([], true) => Err("cannot delete root element".to_owned()),
            ([], false) => Ok(()),
            (segments, _) => write(&mut self.0, segments, value).map(drop),
        }
    }

    /// Says what is missing of a path down to the map or element that its last segment is in.
    pub(crate) fn reaches(&self, path: &str) -> Result<(), String> {
        let segments = path::split(path);
        let mut node = &self.0;
        for (index, segment) in segments.iter().enumerate() {
            let below = match node {
                Node::Map { entries, .. } if index + 1 == segments.len() => {
                    return if entries.contains_key(segment) || !is_index(segment) {
                        Ok(())
                    } else {
                        Err(format!(
                            "path not found at element {segment} in path {path}"
                        ))
                    };
                }
                Node::Map { entries, .. } => entries.get(segment),
                Node::List(items) if is_index(segment) => {
                    let index = path::in_brackets(segment).and_then(go::atoi).unwrap_or(-1);
                    usize::try_from(index).ok().and_then(|it| items.get(it))
                }
                Node::List(items) => find(items, segment).ok().and_then(|it| items.get(it)),
                Node::Leaf(_) => None,
            };
            node = below
                .ok_or_else(|| format!("path not found at element {segment} in path {path}"))?;
        }
        Ok(())
    }

    pub(crate) fn into_object(self) -> Value {
        self.0.into_value()
    }
}

impl Node {
    fn new(value: Value, from_patch: bool) -> Self {
        match value {
            Value::Object(entries) => {
                let entries = entries
                    .into_iter()
                    .map(|(key, it)| (key, Self::new(it, from_patch)))
                    .collect();
                Self::Map {
                    from_patch,
                    entries,
                }
            }
            Value::Array(items) => Self::List(
                items
                    .into_iter()
                    .map(|it| Self::new(it, from_patch))
                    .collect(),
            ),
            scalar => Self::Leaf(scalar),
        }
    }

    fn into_value(self) -> Value {
        match self {
            Self::Leaf(it) => it,
            Self::List(items) => items.into_iter().map(Self::into_value).collect(),
            Self::Map { entries, .. } => Value::Object(
                entries
                    .into_iter()
                    .map(|(key, it)| (key, it.into_value()))
                    .collect(),
            ),
        }
    }

    fn empty_map(from_patch: bool) -> Self {
        Self::Map {
            from_patch,
            entries: SortedMap::new(),
        }
    }
}

fn write(node: &mut Node, segments: &[String], value: &Value) -> Result<Made, String> {
    let Some((segment, rest)) = segments.split_first() else {
        return Err("the path is empty".to_owned());
    };
    match node {
        Node::Leaf(Value::Null) if is_index(segment) || key_and_value(segment).is_some() => {
            Err(format!("element {segment} not found: the list is null"))
        }
        Node::Leaf(Value::Null) => {
            let mut made = Node::empty_map(true);
            let keep = write(&mut made, segments, value)?;
            if keep == Made::Keep && !value.is_null() {
                *node = made;
            }
            Ok(keep)
        }
        Node::Leaf(it) => Err(format!(
            "leaf {} in non-leaf node {}",
            go::print(it),
            segments.join(".")
        )),
        Node::List(items) => write_in_list(items, segment, rest, value),
        Node::Map {
            from_patch,
            entries,
        } => write_in_map(entries, *from_patch, segment, rest, value),
    }
}

fn write_in_map(
    entries: &mut SortedMap<String, Node>,
    from_patch: bool,
    key: &str,
    rest: &[String],
    value: &Value,
) -> Result<Made, String> {
    if let Some(next) = rest.first() {
        let list_follows = from_patch && is_index(next);
        let child = entries.entry(key.to_owned()).or_insert_with(|| {
            if list_follows {
                Node::List(Vec::new())
            } else {
                Node::empty_map(from_patch)
            }
        });
        return write(child, rest, value);
    }
    if value.is_null() {
        entries.remove(key);
        return Ok(Made::Keep);
    }
    let parsed = map_in_text(value);
    if !from_patch {
        let value = parsed.unwrap_or_else(|| value.clone());
        entries.insert(key.to_owned(), Node::new(value, true));
    } else if let Some(Value::Object(map)) = parsed {
        // The first key of the text takes the place of the addressed one.
        entries.remove(key);
        entries.extend(
            map.into_iter()
                .next()
                .map(|(key, it)| (key, Node::new(it, true))),
        );
        return Ok(Made::Drop);
    } else if let Some(Node::List(items)) = entries.get_mut(key) {
        items.push(Node::new(value.clone(), true));
    } else {
        entries.insert(key.to_owned(), Node::new(value.clone(), true));
    }
    Ok(Made::Keep)
}

fn write_in_list(
    items: &mut Vec<Node>,
    segment: &str,
    rest: &[String],
    value: &Value,
) -> Result<Made, String> {
    let index = if is_index(segment) {
        let index = path::in_brackets(segment).and_then(go::atoi).unwrap_or(-1);
        let index = usize::try_from(index).ok().filter(|it| *it < items.len());
        let Some(index) = index else {
            return append(items, segment, rest, value);
        };
        index
    } else {
        find(items, segment)?
    };
    let item = items
        .get_mut(index)
        .ok_or_else(|| format!("index {segment} exceeds list length"))?;
    if !rest.is_empty() {
        return match item {
            Node::List(_) => Err(format!(
                "a list in a list cannot be written to at {segment}"
            )),
            item => write(item, rest, value),
        };
    }
    if value.is_null() {
        items.remove(index);
    } else {
        *item = Node::new(map_in_text(value).unwrap_or_else(|| value.clone()), true);
    }
    Ok(Made::Keep)
}

fn append(
    items: &mut Vec<Node>,
    segment: &str,
    rest: &[String],
    value: &Value,
) -> Result<Made, String> {
    if value.is_null() {
        return Err(format!(
            "index {segment} exceeds list length {}: nothing to delete",
            items.len()
        ));
    }
    if rest.is_empty() {
        items.push(Node::new(
            map_in_text(value).unwrap_or_else(|| value.clone()),
            true,
        ));
        return Ok(Made::Keep);
    }
    let mut made = Node::empty_map(true);
    let keep = write(&mut made, rest, value)?;
    if keep == Made::Keep {
        items.push(made);
    }
    Ok(keep)
}

/// Finds the first map with a field of the given text, or the first scalar that a pattern matches.
fn find(items: &[Node], segment: &str) -> Result<usize, String> {
    for (index, item) in items.iter().enumerate() {
        match item {
            Node::Map { entries, .. } => {
                let (key, wanted) = key_and_value(segment)
                    .ok_or_else(|| format!("{segment} is not a valid key:value path element"))?;
                let printed = entries.get(key).map_or_else(
                    || "<nil>".to_owned(),
                    |it| go::print(&it.clone().into_value()),
                );
                if printed == wanted {
                    return Ok(index);
                }
            }
            item => {
                let inside = path::in_brackets(segment).unwrap_or_default();
                let pattern = inside
                    .strip_prefix(':')
                    .filter(|it| !it.is_empty())
                    .unwrap_or(inside);
                if pattern.is_empty() {
                    return Err(format!("{segment} is not a valid value path element"));
                }
                let text = go::print(&item.clone().into_value());
                if regex_lite::Regex::new(pattern).is_ok_and(|it| it.is_match(&text)) {
                    return Ok(index);
                }
            }
        }
    }
    Err(format!("element {segment} not found"))
}

/// Whether a segment is `[n]`, n from -1 on.
fn is_index(segment: &str) -> bool {
    path::in_brackets(segment)
        .and_then(go::atoi)
        .is_some_and(|it| it >= -1)
}

/// Takes `[key:value]` apart.
fn key_and_value(segment: &str) -> Option<(&str, &str)> {
    match path::split_escaped(path::in_brackets(segment)?, ':').as_slice() {
        [key, value] if !key.is_empty() && !value.is_empty() => {
            let letters = |it: u8| it.is_ascii_alphanumeric() || b"_-".contains(&it);
            key.bytes().all(letters).then_some((*key, *value))
        }
        _ => None,
    }
}

/// Reads a text that looks like a YAML map as one; JSON stays a text.
fn map_in_text(value: &Value) -> Option<Value> {
    let text = value.as_str()?;
    let looks_like_map = if text.contains('\n') {
        text.contains(':')
    } else {
        text.contains(": ")
    };
    if !looks_like_map || serde_json::from_str::<serde_json::Map<String, Value>>(text).is_ok() {
        return None;
    }
    match kube_yaml::from_str(text).ok()? {
        Value::Null => Some(Value::Object(serde_json::Map::new())),
        map @ Value::Object(_) => Some(map),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(patches: &[(&str, Value)], expected: &Value) {
        let object = json!({"args": ["a", "--b", "c"], "containers": [{"name": "x", "env": [{"name": "A"}]}], "labels": {"k": "v"}});
        let mut tree = Tree::new(object);
        for (path, value) in patches {
            tree.write(path, value).unwrap();
        }
        let mut found = tree.into_object();
        let Value::Object(found) = &mut found else {
            panic!("no map")
        };
        found.retain(|key, _| expected.get(key).is_some());
        assert_eq!(&Value::Object(found.clone()), expected);
    }

    #[test]
    fn elements_are_found_by_index_key_and_pattern() {
        check(
            &[
                ("args.[0]", json!("z")),
                ("args.[:^--]", json!("y")),
                ("args.[-1]", json!("end")),
            ],
            &json!({"args": ["z", "y", "c", "end"]}),
        );
        check(
            &[("containers.[name:x].env.[name:A].value", json!("1"))],
            &json!({"containers": [{"name": "x", "env": [{"name": "A", "value": "1"}]}]}),
        );
        check(
            &[("containers[0].env[5]", json!({"name": "B"}))],
            &json!({"containers": [{"name": "x", "env": [{"name": "A"}, {"name": "B"}]}]}),
        );
    }

    #[test]
    fn null_deletes() {
        check(
            &[("args.[1]", Value::Null), ("labels.k", Value::Null)],
            &json!({"args": ["a", "c"], "labels": {}}),
        );
    }

    #[test]
    fn a_list_of_the_object_is_replaced_and_one_of_a_patch_grows() {
        check(&[("args", json!("only"))], &json!({"args": "only"}));
        check(
            &[("new", json!({"list": [1]})), ("new.list", json!(2))],
            &json!({"new": {"list": [1, 2]}}),
        );
    }

    #[test]
    fn a_text_like_yaml_is_read() {
        check(
            &[("labels.x", json!("a: b"))],
            &json!({"labels": {"k": "v", "x": {"a": "b"}}}),
        );
        check(
            &[("labels.x", json!("{\"a\": 1}"))],
            &json!({"labels": {"k": "v", "x": "{\"a\": 1}"}}),
        );
    }

    #[test]
    fn a_missing_list_becomes_a_key() {
        check(
            &[("newlist.[0]", json!(1))],
            &json!({"newlist": {"[0]": 1}}),
        );
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        let mut tree = Tree::new(json!({"a": [{"name": "x"}], "b": 1}));
        assert!(tree.write("a.[name:y].c", &json!(1)).is_err());
        assert!(tree.write("b.c", &json!(1)).is_err());
        assert!(tree.write("a.[9]", &Value::Null).is_err());
    }

    #[test]
    fn a_path_reaches_as_far_as_there_is_something() {
        let tree = Tree::new(json!({"a": [{"name": "x", "b": {}}]}));
        for path in ["new", "a.[name:x].new", "a.[0].b.new", "a.[0]"] {
            assert_eq!(tree.reaches(path), Ok(()), "{path}");
        }
        for path in ["new.x", "a.[name:y].b", "a.[1]", "a.[0].name.x"] {
            assert!(tree.reaches(path).is_err(), "{path}");
        }
    }
}
