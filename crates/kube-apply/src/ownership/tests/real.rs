//! Random writes over the real schemas, performed here and by the library that kube-apiserver uses: every built-in kind
//! of the table, and the kinds of a file with definitions that `KUBE_APPLY_CRDS` names.
//!
//! What a case writes are a few fields of each struct, chosen once for the case, so that its writes meet.

use std::rc::Rc;

use serde_json::{Map, Value, json};
use sorted::{SortedMap, SortedSet};

use super::differential::{Case, Random, Types, compare, count};
use crate::schema::Schemas;

/// Writes of one case.
const STEPS: u64 = 8;

/// What the issue asks of a long run.
const TRIPLES: usize = 20_000;

#[test]
fn writes_of_real_kinds_end_as_upstream_ends_them() {
    let kinds = kinds();
    let wanted = count(150);
    let each = wanted.div_ceil(kinds.len() as u64);
    let cases: Vec<Case> = kinds.iter().flat_map(|it| it.cases(each)).collect();
    let Some(compared) = compare(&cases) else {
        return;
    };
    println!(
        "{} kinds, {} sequences, {compared:?}",
        kinds.len(),
        cases.len()
    );
    assert!(compared.triples * 2 > cases.len(), "{compared:?}");
    assert!(wanted < 5000 || compared.triples >= TRIPLES, "{compared:?}");
}

/// A kind with the types that it reaches.
#[expect(clippy::struct_field_names, reason = "what Kubernetes calls it")]
struct Kind {
    api_version: String,
    kind: String,
    types: Types,
    root: usize,
    schemas: Rc<Schemas>,
}

/// Every kind of the table whose objects are stored and changed.
fn kinds() -> Vec<Kind> {
    const FLEETING: [&str; 5] = [
        "Binding",
        "ComponentStatus",
        "Eviction",
        "Scale",
        "TokenRequest",
    ];
    let mut schemas = Schemas::builtin();
    for definition in definitions() {
        schemas.add_crd(&definition);
    }
    let table = serde_json::to_value(&schemas).unwrap();
    let types = table["types"].as_array().unwrap();
    let kinds = table["kinds"].as_object().unwrap();
    kinds
        .iter()
        .map(|(key, root)| (key.rsplit_once('/').unwrap(), index(root)))
        .filter(|((_, kind), _)| !FLEETING.contains(kind))
        .map(|((api_version, kind), root)| Kind::new(types, api_version, kind, root))
        .collect()
}

/// The definitions of kinds that are not built in.
fn definitions() -> Vec<Value> {
    let Some(file) = std::env::var_os("KUBE_APPLY_CRDS") else {
        println!("built-in kinds alone: KUBE_APPLY_CRDS is not set");
        return Vec::new();
    };
    let text = std::fs::read_to_string(file).unwrap();
    let mut definitions = Vec::new();
    kube_yaml::load(&text, |node| definitions.push(node.to_json())).unwrap();
    definitions.retain(|it| it["kind"] == "CustomResourceDefinition");
    assert!(!definitions.is_empty());
    definitions
}

fn index(id: &Value) -> usize {
    usize::try_from(id.as_u64().unwrap()).unwrap()
}

impl Kind {
    /// Takes out of a table what a kind reaches; the first two types are in every table.
    fn new(types: &[Value], api_version: &str, kind: &str, root: usize) -> Self {
        let mut numbers: SortedMap<usize, usize> = [(0, 0), (1, 1)].into();
        let mut order = vec![0, 1];
        let mut next = vec![root];
        while let Some(id) = next.pop() {
            if numbers.contains_key(&id) {
                continue;
            }
            numbers.insert(id, order.len());
            order.push(id);
            let map = &types[id]["m"];
            let fields = map["f"].as_object().into_iter().flatten().map(|it| it.1);
            let below = fields.chain([&map["e"], &types[id]["l"]["e"]]);
            next.extend(below.filter(|it| it.is_u64()).map(index));
        }
        let renumber = |id: &Value| json!(numbers[&index(id)]);
        let defs = order.iter().map(|id| {
            let mut def = types[*id].clone();
            for element in ["/m/e", "/l/e"] {
                if let Some(it) = def.pointer_mut(element).filter(|it| it.is_u64()) {
                    *it = renumber(it);
                }
            }
            if let Some(map) = def.get_mut("m").and_then(Value::as_object_mut) {
                // What is stored of zero values is no matter of merging.
                map.remove("z");
                map.remove("w");
                for it in map
                    .get_mut("f")
                    .and_then(Value::as_object_mut)
                    .into_iter()
                    .flatten()
                {
                    *it.1 = renumber(it.1);
                }
            }
            def
        });
        let defs: Vec<Value> = defs.collect();
        let mut names = Map::new();
        names.insert(format!("{api_version}/{kind}"), json!(numbers[&root]));
        let schemas = json!({"kinds": names, "types": defs});
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            types: Types { defs },
            root: numbers[&root],
            schemas: Rc::new(serde_json::from_value(schemas).unwrap()),
        }
    }

    /// Makes cases; only the first carries the schema.
    fn cases(&self, number: u64) -> Vec<Case> {
        (0..number).map(|seed| self.case(seed)).collect()
    }

    fn case(&self, seed: u64) -> Case {
        let name: u64 = self.kind.bytes().fold(seed, |it, byte| {
            it.wrapping_mul(31).wrapping_add(byte.into())
        });
        let mut writer = Writer {
            defs: &self.types.defs,
            root: self.root,
            random: Random(name),
            chosen: SortedMap::new(),
        };
        let mut steps = Vec::new();
        for _ in 0..STEPS {
            let mut object = writer.value(self.root, 9);
            if !object.is_object() {
                object = json!({});
            }
            object["apiVersion"] = self.api_version.as_str().into();
            object["kind"] = self.kind.as_str().into();
            if !object["metadata"].is_object() {
                object["metadata"] = json!({});
            }
            object["metadata"]["name"] = "n".into();
            let random = &mut writer.random;
            steps.push(json!({
                "op": if random.one_in(4) { "update" } else { "apply" },
                "manager": random.pick(&["installer", "kubectl", "hpa"]),
                "version": self.api_version,
                "object": object,
                "force": !random.one_in(5),
            }));
        }
        let mut line =
            json!({"versions": {&self.api_version: format!("t{}", self.root)}, "steps": steps});
        if seed == 0 {
            line["schema"] = self.types.upstream();
        }
        Case {
            schemas: self.schemas.clone(),
            line,
        }
    }
}

/// Fields that a server writes, or that tell objects apart.
const SERVER: [&str; 11] = [
    "apiVersion",
    "kind",
    "managedFields",
    "resourceVersion",
    "uid",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "selfLink",
    "namespace",
    "name",
];

/// Writes values of real types.
struct Writer<'a> {
    defs: &'a [Value],
    root: usize,
    random: Random,
    /// The fields of each struct that this case writes.
    chosen: SortedMap<usize, SortedSet<&'a str>>,
}

impl<'a> Writer<'a> {
    fn value(&mut self, id: usize, depth: u32) -> Value {
        let def = &self.defs[id];
        if id < 2 || def["l"].is_object() && def["m"].is_object() {
            return self.untyped(depth.min(3));
        }
        if self.random.one_in(40) {
            return Value::Null;
        }
        if let Some(list) = def.get("l") {
            return self.list(list, depth);
        }
        if let Some(map) = def.get("m") {
            return Value::Object(self.map(id, map, depth));
        }
        self.scalar(def["s"].as_str().unwrap_or("s"))
    }

    fn scalar(&mut self, scalar: &str) -> Value {
        let random = &mut self.random;
        match scalar {
            "b" => random.one_in(2).into(),
            "i" | "n" => random.below(3).into(),
            "q" | "o" | "u" if random.one_in(2) => random.below(3).into(),
            _ => random.pick(&["x", "y", "z"]).into(),
        }
    }

    fn untyped(&mut self, depth: u32) -> Value {
        let word = self.random.pick(&["x", "y", "z"]);
        match self.random.below(if depth == 0 { 2 } else { 4 }) {
            0 => word.into(),
            1 => self.random.below(3).into(),
            2 => json!([word, {"a": word}]),
            _ => json!({word: self.untyped(depth - 1)}),
        }
    }

    fn list(&mut self, list: &Value, depth: u32) -> Value {
        let element = index(&list["e"]);
        let keys = list.get("k").and_then(Value::as_array);
        let mut items: Vec<Value> = Vec::new();
        if depth == 0 {
            return json!([]);
        }
        for _ in 0..self.random.below(4) {
            let mut item = self.value(element, depth - 1);
            if let Some(keys) = keys {
                if item.is_null() {
                    continue;
                }
                if !keys.is_empty() && !self.identify(element, keys, &mut item) {
                    continue;
                }
                let same = |other: &&Value| {
                    keys.iter().all(|key| {
                        let key = key.as_str().unwrap();
                        other.get(key) == item.get(key)
                    })
                };
                let twice = if keys.is_empty() {
                    items.contains(&item)
                } else {
                    items.iter().any(|it| same(&it))
                };
                // Now and then an element stands there twice.
                if twice && !self.random.one_in(20) {
                    continue;
                }
            }
            items.push(item);
        }
        Value::Array(items)
    }

    /// Gives an element its keys; those with a default may be missing.
    fn identify(&mut self, element: usize, keys: &[Value], item: &mut Value) -> bool {
        let map = &self.defs[element]["m"];
        if !item.is_object() {
            return false;
        }
        for key in keys.iter().filter_map(Value::as_str) {
            // A default of nothing stands for a field that validation wants: no stored object lacks it.
            let default = map["d"].get(key).and_then(Value::as_str);
            let default = default.is_some_and(|it| !matches!(it, "\"\"" | "0"));
            if default && self.random.one_in(3) {
                item.as_object_mut().unwrap().remove(key);
                continue;
            }
            let id = map["f"].get(key).or_else(|| map.get("e")).map_or(0, index);
            let scalar = self.defs[id]["s"].as_str().unwrap_or("s");
            item[key] = self.scalar(scalar);
        }
        true
    }

    fn map(&mut self, id: usize, map: &'a Value, depth: u32) -> Map<String, Value> {
        let mut out = Map::new();
        if depth == 0 {
            return out;
        }
        if let Some(fields) = map["f"].as_object() {
            for name in self.fields(id, fields) {
                if !self.random.one_in(3) {
                    let value = self.value(index(&fields[name]), depth - 1);
                    out.insert(name.to_owned(), value);
                }
            }
        }
        if let Some(element) = map.get("e").filter(|it| it.is_u64()) {
            for _ in 0..self.random.below(3) {
                let key = self.random.pick(&["x", "y", "z"]);
                let value = self.value(index(element), depth - 1);
                out.insert(key.to_owned(), value);
            }
        }
        out
    }

    /// Chooses up to four fields of a struct, once for the case.
    fn fields(&mut self, id: usize, fields: &'a Map<String, Value>) -> SortedSet<&'a str> {
        if let Some(chosen) = self.chosen.get(&id) {
            return chosen.clone();
        }
        let names: Vec<&str> = fields
            .keys()
            .map(String::as_str)
            .filter(|it| !SERVER.contains(it))
            // An apply leaves the status alone, whatever it says of it.
            .filter(|it| id != self.root || *it != "status")
            .collect();
        let mut chosen = SortedSet::new();
        if fields.contains_key("metadata") && fields.contains_key("spec") {
            chosen.extend(["metadata", "spec"]);
        }
        for _ in 0..if names.is_empty() { 0 } else { 4 } {
            let at = self.random.below(names.len() as u64);
            chosen.insert(names[usize::try_from(at).unwrap()]);
        }
        self.chosen.insert(id, chosen.clone());
        chosen
    }
}
