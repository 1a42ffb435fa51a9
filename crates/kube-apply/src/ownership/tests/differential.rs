//! Random sequences of writes, performed here and by the library that kube-apiserver uses.
//!
//! Needs Go; without it, nothing is compared, and the test says so. `REFIT_CASES` sets the number of sequences.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Map, Value, json};

use crate::ownership::{Apply, Managers, Operation, update};
use crate::schema::Schemas;

/// A small generator (`SplitMix64`): the cases are the same everywhere.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    pub(super) fn pick(&mut self, of: &[&'static str]) -> &'static str {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    pub(super) fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }
}

/// Types as structured-merge-diff reads them; our own table is made of the same text.
pub(super) struct Types {
    pub(super) defs: Vec<Value>,
}

impl Types {
    /// Adds a random type and returns its index.
    fn random(&mut self, random: &mut Random, depth: u32) -> usize {
        let shape = if depth == 0 { 0 } else { random.below(9) };
        let def = match shape {
            0..=2 => json!({"s": random.pick(&["s", "i", "b"])}),
            3 => {
                let element = self.random(random, depth - 1);
                json!({"m": {"e": element, "a": random.one_in(4)}})
            }
            4 => {
                let element = self.random(random, depth - 1);
                json!({"l": {"e": element}})
            }
            5 => {
                self.defs.push(json!({"s": "s"}));
                json!({"l": {"e": self.defs.len() - 1, "k": []}})
            }
            6 => {
                let element = self.keyed(random, depth);
                json!({"l": {"e": element.0, "k": element.1}})
            }
            7 => return usize::try_from(random.below(2)).unwrap(),
            _ => self.structure(random, depth),
        };
        self.defs.push(def);
        self.defs.len() - 1
    }

    fn structure(&mut self, random: &mut Random, depth: u32) -> Value {
        let mut fields = Map::new();
        for name in ["a", "b", "c"] {
            if !random.one_in(4) {
                fields.insert(name.to_owned(), self.random(random, depth - 1).into());
            }
        }
        json!({"m": {"f": fields, "a": random.one_in(6)}})
    }

    fn keyed(&mut self, random: &mut Random, depth: u32) -> (usize, Vec<&'static str>) {
        self.defs.push(json!({"s": "s"}));
        let text = self.defs.len() - 1;
        let value = self.random(random, depth - 1);
        let two = random.one_in(2);
        let mut fields = json!({"name": text, "value": value});
        let mut defaults = json!({});
        let mut keys = vec!["name"];
        if two {
            fields["protocol"] = text.into();
            defaults["protocol"] = "\"x\"".into();
            keys.push("protocol");
        }
        self.defs.push(json!({"m": {"f": fields, "d": defaults}}));
        (self.defs.len() - 1, keys)
    }

    fn value(&self, random: &mut Random, id: usize, depth: u32) -> Value {
        if random.one_in(20) {
            return Value::Null;
        }
        let def = &self.defs[id];
        let word = |random: &mut Random| random.pick(&["x", "y", "z"]);
        if id < 2 {
            return match random.below(if depth == 0 { 2 } else { 5 }) {
                0 => word(random).into(),
                1 => random.below(3).into(),
                2 => json!([word(random), {"a": word(random)}]),
                _ => {
                    let mut map = Map::new();
                    for _ in 0..random.below(3) {
                        map.insert(word(random).to_owned(), self.value(random, id, depth - 1));
                    }
                    Value::Object(map)
                }
            };
        }
        if let Some(scalar) = def["s"].as_str() {
            return match scalar {
                "s" => word(random).into(),
                "i" => random.below(3).into(),
                _ => random.one_in(2).into(),
            };
        }
        if let Some(list) = def["l"].as_object() {
            let element = usize::try_from(list["e"].as_u64().unwrap()).unwrap();
            let mut items: Vec<Value> = Vec::new();
            for _ in 0..random.below(4) {
                let item = self.value(random, element, depth.saturating_sub(1));
                match list.get("k").and_then(Value::as_array) {
                    Some(keys) if !keys.is_empty() => {
                        let mut item = item.as_object().cloned().unwrap_or_default();
                        item.insert("name".to_owned(), word(random).into());
                        item.retain(|key, it| key == "value" || !it.is_null());
                        items.push(Value::Object(item));
                    }
                    Some(_) if item.is_null() => {}
                    _ => items.push(item),
                }
            }
            return Value::Array(items);
        }
        let mut map = Map::new();
        for (name, field) in def["m"]["f"].as_object().into_iter().flatten() {
            if !random.one_in(3) {
                let field = usize::try_from(field.as_u64().unwrap()).unwrap();
                map.insert(
                    name.clone(),
                    self.value(random, field, depth.saturating_sub(1)),
                );
            }
        }
        if let Some(element) = def["m"]["e"].as_u64() {
            for _ in 0..random.below(3) {
                let element = usize::try_from(element).unwrap();
                map.insert(
                    word(random).to_owned(),
                    self.value(random, element, depth.saturating_sub(1)),
                );
            }
        }
        Value::Object(map)
    }

    /// The same types for structured-merge-diff.
    pub(super) fn upstream(&self) -> Value {
        let name = |id: &Value| match id.as_u64().unwrap() {
            0 => json!({"namedType": "__untyped_atomic_"}),
            1 => json!({"namedType": "__untyped_deduced_"}),
            id => json!({"namedType": format!("t{id}")}),
        };
        let def = |(id, def): (usize, &Value)| {
            let mut out = json!({"name": name(&id.into())["namedType"]});
            if let Some(scalar) = def["s"].as_str() {
                out["scalar"] = match scalar {
                    "s" | "y" => "string",
                    "i" | "n" => "numeric",
                    "b" => "boolean",
                    _ => "untyped",
                }
                .into();
            }
            if let Some(list) = def["l"].as_object() {
                let keys = list.get("k");
                out["list"] = json!({"elementType": name(&list["e"]),
                    "elementRelationship": if keys.is_some() { "associative" } else { "atomic" }});
                if let Some(keys) = keys.filter(|it| !it.as_array().unwrap().is_empty()) {
                    out["list"]["keys"] = keys.clone();
                }
            }
            if let Some(map) = def["m"].as_object() {
                let atomic = map.get("a").and_then(Value::as_bool).unwrap_or_default();
                out["map"] =
                    json!({"elementRelationship": if atomic { "atomic" } else { "separable" }});
                if let Some(element) = map.get("e") {
                    out["map"]["elementType"] = name(element);
                }
                let fields = map
                    .get("f")
                    .and_then(Value::as_object)
                    .into_iter()
                    .flatten();
                let fields: Vec<Value> = fields
                    .map(|(field, id)| {
                        let mut out = json!({"name": field, "type": name(id)});
                        if let Some(default) = map.get("d").and_then(|it| it.get(field)) {
                            out["default"] =
                                serde_json::from_str(default.as_str().unwrap()).unwrap();
                        }
                        out
                    })
                    .collect();
                if !fields.is_empty() {
                    out["map"]["fields"] = fields.into();
                }
            }
            out
        };
        json!({"types": self.defs.iter().enumerate().map(def).collect::<Vec<_>>()})
    }
}

pub(super) struct Case {
    pub(super) schemas: Rc<Schemas>,
    pub(super) line: Value,
}

fn case(seed: u64) -> Case {
    let random = &mut Random(seed);
    let table = serde_json::to_value(Schemas::empty()).unwrap();
    let mut types = Types {
        defs: table["types"].as_array().unwrap().clone(),
    };
    // Two versions of one kind; they may differ in what is atomic, as long as each fits the other's values.
    let first = types.structure(random, 3);
    let mut roots = Vec::new();
    for _ in 0..2 {
        types.defs.push(first.clone());
        types.defs.push(json!({"s": "s"}));
        let text = types.defs.len() - 1;
        types
            .defs
            .push(json!({"m": {"f": {"name": text, "labels": 1}}}));
        let spec = text - 1;
        types.defs[spec]["m"]["a"] = false.into();
        types.defs.push(json!({"m": {"f": {"apiVersion": text, "kind": text, "metadata": text + 1, "spec": spec}}}));
        roots.push(types.defs.len() - 1);
    }
    let schemas = json!({"kinds": {"g/v1/K": roots[0], "g/v2/K": roots[1]}, "types": types.defs});
    let mut steps = Vec::new();
    for _ in 0..=random.below(5) {
        let version = if random.one_in(4) { "g/v2" } else { "g/v1" };
        let mut object = types.value(random, roots[0], 6);
        if !object.is_object() {
            object = json!({});
        }
        object["apiVersion"] = version.into();
        object["kind"] = "K".into();
        if !object["metadata"].is_object() {
            object["metadata"] = json!({});
        }
        object["metadata"]["name"] = "n".into();
        steps.push(json!({
            "op": if random.one_in(3) { "update" } else { "apply" },
            "manager": random.pick(&["a", "b"]),
            "version": version,
            "object": object,
            "force": !random.one_in(5),
        }));
    }
    let line = json!({"schema": types.upstream(), "versions": {
        "g/v1": format!("t{}", roots[0]), "g/v2": format!("t{}", roots[1])}, "steps": steps});
    Case {
        schemas: Rc::new(serde_json::from_value(schemas).unwrap()),
        line,
    }
}

/// Performs a sequence here and returns the states in the oracle's words.
fn perform(case: &Case) -> Vec<Value> {
    let mut live: Option<Value> = None;
    let mut states = Vec::new();
    for step in case.line["steps"].as_array().unwrap() {
        let (object, manager) = (&step["object"], step["manager"].as_str().unwrap());
        let (object, managers) = if step["op"] == "update" {
            if check(&case.schemas, object).is_err() {
                states.push(json!({"error": ""}));
                continue;
            }
            let empty = json!({"apiVersion": step["version"], "kind": object["kind"]});
            let live = live.as_ref().unwrap_or(&empty);
            let managers = update_untracked(&case.schemas, live, object, manager);
            (object.clone(), managers)
        } else {
            let apply = Apply {
                schemas: &case.schemas,
                live: live.as_ref(),
                config: object,
                manager,
                force: step["force"].as_bool().unwrap(),
            };
            let Ok(applied) = apply.predict() else {
                states.push(json!({"error": ""}));
                continue;
            };
            (applied.object, applied.managers)
        };
        states.push(json!({"object": object, "managers": entries(&managers)}));
        let mut object = object;
        object["metadata"]["managedFields"] = managers.to_managed_fields();
        live = Some(object);
    }
    states
}

fn check(schemas: &Schemas, object: &Value) -> Result<(), String> {
    let text = |field: &str| object[field].as_str().unwrap();
    crate::ownership::typed::check_with_duplicates(
        schemas,
        schemas.root(text("apiVersion"), text("kind")),
        object,
    )
}

/// The oracle tracks from the first write on, as the server does for new objects.
fn update_untracked(schemas: &Schemas, live: &Value, object: &Value, manager: &str) -> Managers {
    let mut live = live.clone();
    if live
        .pointer("/metadata/managedFields")
        .is_none_or(|it| *it == json!([]))
    {
        live["metadata"]["managedFields"] = json!([{"manager": "nobody", "operation": "Update",
            "apiVersion": object["apiVersion"], "fieldsV1": {"f:nothing": {}}}]);
        let mut managers = update(schemas, &live, object, manager);
        let nobody = managers
            .iter()
            .find(|it| it.0.name == "nobody")
            .map(|it| it.0.clone());
        if let Some(nobody) = nobody {
            managers.remove(&nobody);
        }
        return managers;
    }
    update(schemas, &live, object, manager)
}

fn entries(managers: &Managers) -> Vec<Value> {
    let mut entries: Vec<Value> = managers
        .iter()
        .map(|(manager, version, set)| {
            json!({"manager": manager.name,
                "operation": if manager.operation == Operation::Apply { "Apply" } else { "Update" },
                "apiVersion": version, "fieldsV1": set.to_fields_v1()})
        })
        .collect();
    entries.sort_by_key(|it| format!("{}{}{}", it["manager"], it["operation"], it["apiVersion"]));
    entries
}

/// Builds the oracle; `None` without Go.
fn oracle() -> Option<PathBuf> {
    // Two tests of one process build it.
    static BUILT: AtomicU32 = AtomicU32::new(0);
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/oracles/ssa");
    let number = BUILT.fetch_add(1, Ordering::Relaxed);
    let name = format!("refit-oracle-ssa-{}-{number}", std::process::id());
    let program = std::env::temp_dir().join(name);
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(root)
        .status();
    built
        .ok()
        .filter(std::process::ExitStatus::success)
        .map(|_| program)
}

/// How many cases to compare; `usual` of them in an ordinary run.
pub(super) fn count(usual: u64) -> u64 {
    let asked = std::env::var("REFIT_CASES").ok();
    asked.and_then(|it| it.parse().ok()).unwrap_or(usual)
}

#[test]
fn sequences_of_writes_end_as_upstream_ends_them() {
    let cases: Vec<Case> = (0..count(300)).map(case).collect();
    compare(&cases);
}

/// What was compared.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// Applies onto a live object with managers that were not refused: (live, managers, applied) and what they give.
    pub(super) triples: usize,
    /// Writes that both refuse.
    pub(super) refused: usize,
}

/// Performs all sequences here and there; `None` without Go.
pub(super) fn compare(cases: &[Case]) -> Option<Compared> {
    let Some(program) = oracle() else {
        assert!(std::env::var_os("CI").is_none(), "Go is needed");
        eprintln!("skipped: Go is needed to build tests/oracles/ssa");
        return None;
    };
    let input: String = cases.iter().fold(String::new(), |mut text, it| {
        writeln!(text, "{}", it.line).unwrap();
        text
    });
    let mut child = Command::new(&program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    std::fs::remove_file(program).unwrap();
    let mut different = 0;
    let mut compared = Compared::default();
    for (seed, (case, answer)) in cases
        .iter()
        .zip(output.stdout.split(|it| *it == b'\n'))
        .enumerate()
    {
        let answer: Value = serde_json::from_slice(answer).unwrap();
        let states = answer["states"]
            .as_array()
            .unwrap_or_else(|| panic!("{seed}: {answer}"));
        let ours = perform(case);
        let mut live = false;
        for (step, (ours, theirs)) in ours.iter().zip(states).enumerate() {
            let theirs_refused = theirs.get("error").is_some();
            compared.refused += usize::from(theirs_refused);
            let applied = case.line["steps"][step]["op"] == "apply" && !theirs_refused;
            compared.triples += usize::from(live && applied);
            live |= !theirs_refused;
            if ours.get("error").is_some() == theirs_refused
                && (theirs_refused
                    || same(&ours["object"], &theirs["object"])
                        && ours["managers"] == theirs["managers"])
            {
                continue;
            }
            different += 1;
            if different <= 3 {
                eprintln!(
                    "case {seed}, step {step}\n{:#}\nbefore {}\n{}\nours   {ours}\ntheirs {theirs}",
                    case.line.get("schema").unwrap_or(&Value::Null),
                    states.get(step.wrapping_sub(1)).unwrap_or(&Value::Null),
                    case.line["steps"][step]
                );
            }
            break;
        }
    }
    assert_eq!(different, 0, "of {} sequences; {compared:?}", cases.len());
    Some(compared)
}

/// Equal but for nulls, which no stored object holds.
fn same(ours: &Value, theirs: &Value) -> bool {
    let normal = |it: &Value| {
        let mut it = it.clone();
        super::super::drop_nulls(&mut it);
        it
    };
    super::super::typed::equal(&normal(ours), &normal(theirs))
}
