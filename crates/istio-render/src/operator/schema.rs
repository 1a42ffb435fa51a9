//! Types of the request by release, and decoding against them as Go does.
//!
//! The tables in `data/` are taken from the sources of each minor release; their heads say which.

use std::mem;
use std::sync::LazyLock;

use semver::Version;
use serde_json::Value;
use sorted::SortedMap;

pub(crate) mod known;
mod scalar;

/// Which of Go's decoders judges a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// `encoding/json` with `DisallowUnknownFields`: exact types.
    Json,
    /// The same behind `sigs.k8s.io/yaml`, which turns numbers and bools into texts where texts are wanted.
    Yaml,
    /// `jsonpb`: numbers in quotes, either spelling of a field.
    Proto,
    /// `jsonpb` with `AllowUnknownFields`.
    OpenProto,
}

/// A value that is not of its type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault {
    /// Segments from the value that was decoded; dots escaped, elements as `[n]`.
    pub(crate) path: String,
    /// In Go's words.
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// The field that may have been meant.
    pub(crate) nearest: Option<String>,
    pub(crate) unknown_field: bool,
}

#[derive(Debug)]
enum Definition {
    Message(Vec<Field>),
    Enum(Vec<Variant>),
}

#[derive(Debug)]
struct Field {
    /// The JSON name, then the name in the `.proto` where it differs.
    names: Vec<&'static str>,
    kind: &'static str,
    since: (u64, u64),
    until: u64,
}

/// A name of an enum, written `NAME>=minor` where older releases do not know it, `NAME<=minor` where newer ones do not.
#[derive(Debug)]
struct Variant {
    name: &'static str,
    since: (u64, u64),
    until: u64,
}

/// A set of type definitions.
#[derive(Debug)]
pub(crate) struct Table {
    definitions: SortedMap<&'static str, Definition>,
    /// How Go's messages call the definitions' package, each up to a minor.
    packages: &'static [(u64, &'static str)],
}

pub(crate) static OPERATOR: LazyLock<Table> =
    LazyLock::new(|| Table::parse(include_str!("../../data/operator.txt"), &[]));
pub(crate) static LEGACY: LazyLock<Table> =
    LazyLock::new(|| Table::parse(include_str!("../../data/legacy.txt"), &[(23, "v1alpha1.")]));
pub(crate) static KUBERNETES: LazyLock<Table> = LazyLock::new(|| {
    Table::parse(
        include_str!("../../data/kubernetes.txt"),
        &[(u64::MAX, "k8s.io.api.core.v1.")],
    )
});
pub(crate) static VALUES: LazyLock<Table> = LazyLock::new(|| {
    Table::parse(
        include_str!("../../data/values.txt"),
        &[(23, "v1alpha1."), (u64::MAX, "istio.operator.v1alpha1.")],
    )
});
pub(crate) static MESH_CONFIG: LazyLock<Table> = LazyLock::new(|| {
    Table::parse(
        include_str!("../../data/meshconfig.txt"),
        &[(13, "v1alpha1."), (u64::MAX, "istio.mesh.v1alpha1.")],
    )
});

/// What merging by types needs: see `legacy::mergeable`.
pub(crate) static MERGING: LazyLock<Table> =
    LazyLock::new(|| Table::parse(include_str!("../../data/merging.txt"), &[]));

/// What a table says of a field.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FieldType {
    /// Its type, and the table that defines it.
    Known {
        table: &'static Table,
        kind: &'static str,
    },
    /// The type has no such field in this release.
    Unknown,
    /// The type has no fields at all.
    NoMessage,
}

impl Table {
    /// Returns the type of a field of the named type, by either of the field's names.
    pub(crate) fn field(&'static self, kind: &str, name: &str, version: &Version) -> FieldType {
        let own = self.definitions.get(kind).map(|it| (self, it));
        let definition = own.or_else(|| {
            let table = &*KUBERNETES;
            table.definitions.get(kind).map(|it| (table, it))
        });
        let Some((table, Definition::Message(fields))) = definition else {
            return FieldType::NoMessage;
        };
        let at = (version.minor, version.patch);
        let found = fields
            .iter()
            .find(|it| it.is_in(at) && it.names.contains(&name));
        found.map_or(FieldType::Unknown, |it| FieldType::Known {
            table,
            kind: it.kind,
        })
    }

    fn parse(text: &'static str, packages: &'static [(u64, &'static str)]) -> Self {
        let mut definitions = SortedMap::new();
        let mut current: Option<(&'static str, Vec<Field>)> = None;
        for line in text.lines().filter(|it| !it.starts_with('#')) {
            let is_field = line.starts_with(' ');
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("type"), Some(name)) if !is_field => {
                    let before = current.replace((name, Vec::new()));
                    definitions
                        .extend(before.map(|(name, fields)| (name, Definition::Message(fields))));
                }
                (Some("enum"), Some(name)) if !is_field => {
                    definitions.insert(name, Definition::Enum(words.map(Variant::parse).collect()));
                }
                (Some(names), Some(kind)) => {
                    let mut field = Field {
                        names: names.split('|').collect(),
                        kind,
                        since: (0, 0),
                        until: u64::MAX,
                    };
                    for word in words {
                        if let Some(since) = word.strip_prefix(">=") {
                            field.since = release(since);
                        } else if let Some(until) = word.strip_prefix("<=") {
                            field.until = until.parse().unwrap_or(u64::MAX);
                        }
                    }
                    if let Some((_, fields)) = &mut current {
                        fields.push(field);
                    }
                }
                _ => {}
            }
        }
        definitions.extend(current.map(|(name, fields)| (name, Definition::Message(fields))));
        Self {
            definitions,
            packages,
        }
    }

    /// What Go's messages say before the name of a type; names of Kubernetes' types are whole.
    fn package(&self, kind: &str, minor: u64) -> &'static str {
        if kind.starts_with("k8s.io.") {
            return "";
        }
        let package = self.packages.iter().find(|(until, _)| minor <= *until);
        package.map(|(_, it)| *it).unwrap_or_default()
    }

    /// Decodes a value as the named type of this table and returns what does not fit, at most [`MOST_FAULTS`] of it.
    pub(crate) fn decode(
        &self,
        kind: &str,
        value: &Value,
        encoding: Encoding,
        version: &Version,
    ) -> Vec<Fault> {
        let mut decoder = Decoder {
            encoding,
            at: (version.minor, version.patch),
            path: Vec::new(),
            faults: Vec::new(),
            as_message: false,
        };
        decoder.value(self, kind, value);
        decoder.faults
    }

    /// Returns the fields of a value that the named type does not have, where its decoder passes over them.
    pub(crate) fn passed_over(&self, kind: &str, value: &Value, version: &Version) -> Vec<Fault> {
        let mut faults = self.decode(kind, value, Encoding::Proto, version);
        faults.retain(|it| it.unknown_field);
        faults
    }
}

/// So many faults are told of one value; more tell nobody more, and each costs.
pub(crate) const MOST_FAULTS: usize = 200;

impl Variant {
    fn parse(word: &'static str) -> Self {
        let (word, until) = match word.split_once("<=") {
            Some((word, until)) => (word, until.parse().unwrap_or(u64::MAX)),
            None => (word, u64::MAX),
        };
        let (name, since) = word.split_once(">=").unwrap_or((word, "0"));
        Self {
            name,
            since: release(since),
            until,
        }
    }

    fn is_in(&self, (minor, patch): (u64, u64)) -> bool {
        (minor, patch) >= self.since && minor <= self.until
    }
}

/// Minor and patch of `30` or `30.3`.
fn release(text: &str) -> (u64, u64) {
    let (minor, patch) = text.split_once('.').unwrap_or((text, "0"));
    (
        minor.parse().unwrap_or_default(),
        patch.parse().unwrap_or_default(),
    )
}

struct Decoder {
    encoding: Encoding,
    at: (u64, u64),
    path: Vec<String>,
    faults: Vec<Fault>,
    /// Inside a type of Kubernetes that `jsonpb` takes for its message, as up to 1.23: numbers with units are maps there.
    as_message: bool,
}

impl Decoder {
    fn value(&mut self, table: &Table, kind: &str, value: &Value) {
        // Null leaves every type of Go as it is.
        if value.is_null() {
            return;
        }
        if let Some(kind) = kind.strip_prefix("[]") {
            let Value::Array(items) = value else {
                return self.mismatch(value, "list");
            };
            for (index, item) in items.iter().enumerate() {
                self.below(format!("[{index}]"), |it| it.value(table, kind, item));
            }
            return;
        }
        if let Some(kind) = kind.strip_prefix("{}") {
            let Value::Object(entries) = value else {
                return self.mismatch(value, "map");
            };
            for (key, entry) in entries {
                self.below(escaped(key), |it| it.value(table, kind, entry));
            }
            return;
        }
        if let Some(kind) = kind.strip_prefix("k8s:") {
            let before = self.as_message;
            self.as_message = self.at.0 <= 23 && self.is_proto();
            self.value(&KUBERNETES, kind, value);
            self.as_message = before;
            return;
        }
        match table
            .definitions
            .get(kind)
            .or_else(|| KUBERNETES.definitions.get(kind))
        {
            Some(Definition::Message(fields)) => self.message(table, kind, fields, value),
            Some(Definition::Enum(names)) => self.enumeration(kind, names, value),
            None if self.as_message && matches!(kind, "intorstring" | "quantity") => {
                if !value.is_object() {
                    self.mismatch(value, "map[string]json.RawMessage");
                }
            }
            None => {
                if let Err(message) = scalar::check(kind, value, self.encoding) {
                    self.fault(&message, None, false);
                }
            }
        }
    }

    fn message(&mut self, table: &Table, kind: &str, fields: &[Field], value: &Value) {
        let Value::Object(entries) = value else {
            return self.mismatch(value, kind);
        };
        for (key, entry) in entries {
            let proto = self.is_proto();
            let named = |it: &&Field| {
                it.names.first() == Some(&key.as_str()) || proto && it.names.contains(&key.as_str())
            };
            match fields.iter().filter(named).find(|it| it.is_in(self.at)) {
                Some(field) => self.below(escaped(key), |it| it.value(table, field.kind, entry)),
                None if self.encoding == Encoding::OpenProto => {}
                None if self.faults.len() >= MOST_FAULTS => return,
                None => {
                    let (hint, nearest) = nearest(fields, key, self.at);
                    let owner = if proto {
                        format!(" in {}{kind}", table.package(kind, self.at.0))
                    } else {
                        String::new()
                    };
                    self.below(escaped(key), |it| {
                        it.fault(&format!("unknown field {key:?}{owner}"), hint, true);
                        if let Some(fault) = it.faults.last_mut() {
                            fault.nearest = nearest;
                        }
                    });
                }
            }
        }
    }

    fn is_proto(&self) -> bool {
        matches!(self.encoding, Encoding::Proto | Encoding::OpenProto)
    }

    fn enumeration(&mut self, kind: &str, variants: &[Variant], value: &Value) {
        let known = variants.iter().filter(|it| it.is_in(self.at));
        let names: Vec<&str> = known.map(|it| it.name).collect();
        match value {
            Value::String(name) if names.contains(&name.as_str()) => {}
            Value::String(name) => {
                let hint = format!("one of {}", names.join(", "));
                self.fault(
                    &format!("unknown value {name:?} for enum {kind}"),
                    Some(hint),
                    false,
                );
            }
            _ => {
                if let Err(message) = scalar::check("int32", value, self.encoding) {
                    self.fault(
                        &message,
                        Some(format!("one of {}", names.join(", "))),
                        false,
                    );
                }
            }
        }
    }

    fn below(&mut self, segment: String, inside: impl FnOnce(&mut Self)) {
        self.path.push(segment);
        inside(self);
        self.path.pop();
    }

    fn mismatch(&mut self, value: &Value, wanted: &str) {
        self.fault(
            &format!(
                "cannot unmarshal {} into Go value of type {wanted}",
                scalar::described(value)
            ),
            None,
            false,
        );
    }

    fn fault(&mut self, message: &str, hint: Option<String>, unknown_field: bool) {
        if self.faults.len() >= MOST_FAULTS {
            return;
        }
        self.faults.push(Fault {
            path: self.path.join("."),
            message: format!("json: {message}"),
            hint,
            nearest: None,
            unknown_field,
        });
    }
}

impl Field {
    fn is_in(&self, (minor, patch): (u64, u64)) -> bool {
        (minor, patch) >= self.since && minor <= self.until
    }
}

fn escaped(key: &str) -> String {
    key.replace('.', "\\.")
}

/// Says which field may have been meant, and names it where it is one of this release.
fn nearest(fields: &[Field], key: &str, at: (u64, u64)) -> (Option<String>, Option<String>) {
    if let Some(field) = fields.iter().find(|it| it.names.contains(&key)) {
        let words = if at < field.since {
            format!("{key} is known from 1.{} on", field.since.0)
        } else {
            format!("{key} is known up to 1.{}", field.until)
        };
        return (Some(words), None);
    }
    let limit = (key.chars().count() / 3).max(1);
    let known = fields
        .iter()
        .filter(|it| it.is_in(at))
        .filter_map(|it| it.names.first());
    // Names that are longer or shorter by more than that cannot be near.
    let length = key.chars().count();
    let known = known.filter(|name| name.chars().count().abs_diff(length) <= limit);
    let distances = known.map(|name| (distance(&name.to_lowercase(), &key.to_lowercase()), *name));
    let found = distances.filter(|(distance, _)| *distance <= limit).min();
    let name = found.map(|(_, name)| name);
    (
        name.map(|it| format!("did you mean {it}?")),
        name.map(str::to_owned),
    )
}

/// How many letters must be added, dropped, changed or swapped with their neighbour to make one text of the other.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let mut cost = (above[j] + usize::from(l != r))
                .min(above[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && l == &right[j - 1] && &left[i - 1] == r {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        before = mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
