//! What a chart may cost: how often its templates call, how much their functions read, how much they make.
//!
//! A chart is a program from elsewhere. What a call costs is told before it runs, as far as its arguments tell, and
//! after it by what it made, so that every chart ends within small time and memory, with an error at a place.

use std::cell::Cell;
use std::sync::Arc;

use crate::funcs::TEXT;
use crate::value::Value;

/// How often blocks, functions and methods may be entered while the templates of a chart run.
const CALLS: u64 = 1_000_000;

/// How many bytes functions may go over, roughly.
const WORK: u64 = 1 << 30;

/// How many bytes functions may make, roughly.
const MADE: u64 = 256 << 20;

/// Text longer than this is not read as data or as a template.
const READ: usize = 2 << 20;

/// What is nested deeper is not walked through: nothing prints, copies or compares it.
const DEPTH: u64 = 220;

/// What is counted.
#[derive(Debug, Default)]
pub(crate) struct Costs {
    calls: Cell<u64>,
    work: Cell<u64>,
    made: Cell<u64>,
}

fn add(cell: &Cell<u64>, amount: u64) -> u64 {
    let sum = cell.get().saturating_add(amount);
    cell.set(sum);
    sum
}

impl Costs {
    pub(super) fn call(&self) -> Result<(), String> {
        if add(&self.calls, 1) > CALLS {
            return Err(format!("the templates call more than {CALLS} times"));
        }
        Ok(())
    }

    pub(super) fn work(&self, amount: u64) -> Result<(), String> {
        if add(&self.work, amount) > WORK {
            return Err(format!("the functions go over more than {WORK} bytes"));
        }
        Ok(())
    }

    fn make(&self, amount: u64) -> Result<(), String> {
        if add(&self.made, amount) > MADE {
            return Err(format!("the functions make more than {MADE} bytes"));
        }
        Ok(())
    }

    /// Charges what a function is about to do.
    pub(super) fn before(&self, name: &str, args: &[Value]) -> Result<(), String> {
        let amount = match class(name) {
            Class::Hands => 0,
            Class::Looks => {
                self.make(pieces(name, args))?;
                args.iter().map(shallow).sum::<u64>()
            }
            Class::Gathers => {
                let is_text = |it: &&Value| matches!(it, Value::Text(_));
                let others = args.iter().filter(|it| !is_text(it));
                others.map(shallow).sum::<u64>()
            }
            Class::Walks => printed(args, WORK)?.saturating_mul(4),
            Class::Copies => {
                let amount = printed(args, MADE)?;
                self.make(amount)?;
                amount
            }
            Class::Prints => printed(args, text_bound())?,
            Class::Joins => {
                let between = match args {
                    [Value::Text(it), Value::List(list)] => {
                        length(it).saturating_mul(count(list.items()))
                    }
                    _ => 0,
                };
                bounded(printed(args, text_bound())?.saturating_add(between))?
            }
            Class::Formats => formatted(args)?,
            Class::Compares => {
                let [rest @ .., searched] = args else {
                    return Ok(());
                };
                let many = match (name.trim_start_matches("must"), args) {
                    ("uniq" | "Uniq", [_]) => match searched {
                        Value::List(list) => count(list.items()),
                        _ => 1,
                    },
                    _ => count(rest).max(1),
                };
                printed(args, WORK)?.saturating_mul(many)
            }
            Class::Searches => {
                self.make(pieces(name, args))?;
                searched(args)
            }
            Class::Hashes => args.iter().map(shallow).sum::<u64>().saturating_mul(16),
            Class::Reads => {
                let amount: u64 = args.iter().take(1).map(shallow).sum();
                if u64::try_from(READ).is_ok_and(|most| amount > most) {
                    return Err(format!("the text to be read is longer than {READ} bytes"));
                }
                self.make(amount.saturating_mul(32))?;
                amount.saturating_mul(64).saturating_add(4096)
            }
        };
        self.work(amount)
    }

    /// Charges what a function made; what it only hands on costs nothing.
    pub(super) fn after(&self, name: &str, args: &[Value], made: &Value) -> Result<(), String> {
        if matches!(class(name), Class::Hands) {
            return Ok(());
        }
        let same = |arg: &Value| match (arg, made) {
            (Value::Text(arg), Value::Text(made)) => Arc::ptr_eq(arg, made),
            _ => false,
        };
        if args.iter().any(same) {
            return Ok(());
        }
        self.make(shallow(made).saturating_mul(match made {
            Value::List(_) | Value::Map(_) => 3,
            _ => 1,
        }))
    }

    /// Charges the printing of a value.
    pub(super) fn print(&self, value: &Value) -> Result<(), String> {
        match value {
            Value::List(_) | Value::Map(_) | Value::Object(_) => {
                self.work(printed(std::slice::from_ref(value), text_bound())?)
            }
            _ => Ok(()),
        }
    }

    /// Charges a range over a value.
    pub(super) fn range(&self, value: &Value) -> Result<(), String> {
        self.work(match value {
            Value::Map(_) | Value::Object(_) => shallow(value).saturating_mul(8),
            _ => 0,
        })
    }
}

/// What a function does with its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Hands on what it was given or looks one thing up.
    Hands,
    /// Puts values together and looks at none of them.
    Gathers,
    /// Looks at texts, at the elements of lists and maps.
    Looks,
    /// Walks through data.
    Walks,
    /// Walks through data and makes it again.
    Copies,
    /// Writes data as text.
    Prints,
    Joins,
    Formats,
    Compares,
    /// Regular expressions.
    Searches,
    Hashes,
    /// Reads a text as data or as a template.
    Reads,
}

fn class(name: &str) -> Class {
    match name {
        "default" | "empty" | "coalesce" | "all" | "any" | "ternary" | "fail" | "required"
        | "include" | "lookup" | "get" | "set" | "unset" | "hasKey" | "index" | "first"
        | "mustFirst" | "last" | "mustLast" | "dig" | "not" | "len" | "kindOf" | "kindIs"
        | "typeOf" | "typeIs" | "typeIsLike" | "int" | "int64" | "float64" => Class::Hands,
        "list" | "tuple" | "dict" | "append" | "mustAppend" | "push" | "mustPush" | "prepend"
        | "mustPrepend" => Class::Gathers,
        "merge" | "mustMerge" | "mergeOverwrite" | "mustMergeOverwrite" | "deepEqual" | "has"
        | "mustHas" | "compact" | "mustCompact" => Class::Walks,
        "deepCopy" | "mustDeepCopy" => Class::Copies,
        "toYaml" | "toYamlPretty" | "toJson" | "mustToJson" | "toPrettyJson"
        | "mustToPrettyJson" | "toRawJson" | "mustToRawJson" | "toToml" | "toString"
        | "toStrings" | "sortAlpha" | "print" | "println" | "html" | "js" | "urlquery"
        | "quote" | "squote" | "cat" => Class::Prints,
        "join" => Class::Joins,
        "printf" => Class::Formats,
        "uniq" | "mustUniq" | "without" | "mustWithout" => Class::Compares,
        "fromYaml" | "fromYamlArray" | "fromJson" | "fromJsonArray" | "mustFromJson"
        | "fromToml" | "tpl" | "semver" | "semverCompare" => Class::Reads,
        _ if name.starts_with("regex") || name.starts_with("mustRegex") => Class::Searches,
        _ if name.ends_with("sum") => Class::Hashes,
        _ => Class::Looks,
    }
}

fn text_bound() -> u64 {
    u64::try_from(TEXT).unwrap_or(u64::MAX)
}

fn bounded(amount: u64) -> Result<u64, String> {
    if amount > text_bound() {
        return Err(format!("the text would be longer than {TEXT} bytes"));
    }
    Ok(amount)
}

fn length(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

fn count(items: &[Value]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}

/// A value without what is below it.
fn shallow(value: &Value) -> u64 {
    match value {
        Value::Text(it) => length(it),
        Value::List(it) => count(it.items()).saturating_mul(8),
        Value::Map(it) => u64::try_from(it.len())
            .unwrap_or(u64::MAX)
            .saturating_mul(32),
        Value::Object(_) => 64,
        _ => 8,
    }
}

/// About how long values are when they are printed, one below the other; refused where it is more than a bound.
fn printed(values: &[Value], bound: u64) -> Result<u64, String> {
    let mut left = bound;
    if values.iter().all(|it| walk(it, 1, &mut left)) {
        Ok(bound - left)
    } else if bound == text_bound() {
        Err(format!("the text would be longer than {TEXT} bytes"))
    } else {
        Err(format!("the data is larger than {bound} bytes"))
    }
}

/// Takes a value's length from what is left; false where that is not enough.
fn walk(value: &Value, depth: u64, left: &mut u64) -> bool {
    let own = 2 + 2 * depth;
    match value {
        Value::Text(text) => {
            // Each line of a text goes as deep as the text.
            let lines = if depth > 4 {
                let lines = text.bytes().filter(|it| *it == b'\n').count();
                u64::try_from(lines)
                    .unwrap_or(u64::MAX)
                    .saturating_mul(2 * depth)
            } else {
                0
            };
            take(length(text).saturating_add(lines).saturating_add(2), left)
        }
        Value::List(list) => {
            depth >= DEPTH
                || list
                    .items()
                    .iter()
                    .all(|it| take(own, left) && walk(it, depth + 1, left))
        }
        Value::Map(map) => {
            depth >= DEPTH
                || map.with(|entries| {
                    entries.iter().all(|(key, it)| {
                        take(own.saturating_add(length(key)), left) && walk(it, depth + 1, left)
                    })
                })
        }
        Value::Object(_) => take(256, left),
        _ => take(8, left),
    }
}

fn take(amount: u64, left: &mut u64) -> bool {
    match left.checked_sub(amount) {
        Some(rest) => {
            *left = rest;
            true
        }
        None => false,
    }
}

/// What the pieces that a text is cut into take, at most.
fn pieces(name: &str, args: &[Value]) -> u64 {
    let (text, least) = match (name, args) {
        ("split" | "splitList", [Value::Text(by), Value::Text(text)])
        | ("splitn", [Value::Text(by), _, Value::Text(text)]) => (text, length(by).max(1)),
        (
            "regexFindAll" | "mustRegexFindAll" | "regexSplit" | "mustRegexSplit",
            [_, Value::Text(text), ..],
        ) => (text, 1),
        _ => return 0,
    };
    (length(text) / least).saturating_mul(32)
}

/// `printf`: widths and precisions, and arguments that are printed again and again.
fn formatted(args: &[Value]) -> Result<u64, String> {
    let Some((Value::Text(format), rest)) = args.split_first() else {
        return Ok(0);
    };
    let mut padding: u64 = 0;
    let mut number: u64 = 0;
    let mut verbs: u64 = 0;
    let mut stars: u64 = 0;
    for byte in format.bytes() {
        if byte.is_ascii_digit() {
            number = number
                .saturating_mul(10)
                .saturating_add(u64::from(byte - b'0'));
            continue;
        }
        // Go takes a larger width for none.
        padding = padding.saturating_add(if number > 1_000_000 { 0 } else { number });
        number = 0;
        verbs += u64::from(byte == b'%');
        stars += u64::from(byte == b'*');
    }
    let widest = rest.iter().map(|it| match it {
        Value::Int(it) | Value::Int64(it) => it.unsigned_abs().min(1_000_000),
        Value::Uint(it) => (*it).min(1_000_000),
        _ => 0,
    });
    let widest = widest.max().unwrap_or(0).saturating_mul(stars);
    let again = if format.contains('[') {
        verbs.max(1)
    } else {
        1
    };
    let amount = printed(rest, text_bound())?
        .saturating_mul(again)
        .saturating_add(padding)
        .saturating_add(widest)
        .saturating_add(length(format));
    bounded(amount)
}

/// A search goes over the text once for every state of the pattern, at worst; repetitions multiply the states.
fn searched(args: &[Value]) -> u64 {
    let Some(Value::Text(pattern)) = args.first() else {
        return 0;
    };
    let mut states = length(pattern).max(1);
    for part in pattern.split('{').skip(1) {
        let inside = part.split('}').next().unwrap_or_default();
        let most = inside
            .split(',')
            .filter_map(|it| it.trim().parse::<u64>().ok())
            .max();
        states = states.saturating_mul(most.unwrap_or(1).max(1));
    }
    let texts: u64 = args.iter().skip(1).map(shallow).sum();
    states
        .saturating_mul(16)
        .saturating_add(texts.saturating_mul(states).saturating_mul(8))
}
