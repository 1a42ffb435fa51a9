//! Printing as Go's fmt does it.

use crate::gotmpl::quote::{quote, quote_ascii, quote_char};
use crate::object::Object;
use crate::value::{DEPTH, Elements, MapKind, Value};

/// A width or precision that goes on behind this is none (Go's `tooLarge`).
const LARGE: usize = 1_000_000;

/// No float has more digits than this behind its point; what follows are zeros. Rust formats no more than 65,535.
const DECIMALS: usize = 1_100;

/// Writes a value as Go's `%v` does within other values; nil is `<nil>`.
pub(crate) fn plain(value: &Value) -> String {
    let mut out = String::new();
    print(&mut out, value, &Verb::plain('v'), DEPTH);
    out
}

/// Writes a value as a template prints it; nothing is `<no value>`.
pub(crate) fn print_value(out: &mut String, value: &Value) {
    match value {
        Value::Missing | Value::Nil => out.push_str("<no value>"),
        Value::Text(it) => out.push_str(it),
        // Here it can be addressed, so that its method String is found.
        Value::Object(it) if matches!(**it, Object::KubeVersion(_)) => {
            if let Object::KubeVersion(it) = it.as_ref() {
                out.push_str(&it.version);
            }
        }
        other => print(out, other, &Verb::plain('v'), DEPTH),
    }
}

/// Sprig's `strval`: text as it is, bytes as text, all else as `%v`.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::Text(it) => it.as_ref().to_owned(),
        Value::List(it) if it.elements == Elements::Byte => {
            String::from_utf8_lossy(&it.bytes()).into_owned()
        }
        other => plain(other),
    }
}

/// Go's `fmt.Sprint`: a space between two values of which neither is text.
pub(crate) fn sprint(values: &[Value]) -> String {
    let mut out = String::new();
    let mut after_text = true;
    for (at, value) in values.iter().enumerate() {
        let is_text = matches!(value, Value::Text(_));
        if at > 0 && !is_text && !after_text {
            out.push(' ');
        }
        out.push_str(&plain(value));
        after_text = is_text;
    }
    out
}

/// Go's `fmt.Sprintln`.
pub(crate) fn sprintln(values: &[Value]) -> String {
    let texts: Vec<String> = values.iter().map(plain).collect();
    texts.join(" ") + "\n"
}

/// Data is not printed beyond this many bytes.
const LENGTH: usize = 64 << 20;

#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "the flags of Go's format")]
struct Verb {
    letter: char,
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

impl Verb {
    fn plain(letter: char) -> Self {
        Self {
            letter,
            ..Self::default()
        }
    }
}

/// Go's `fmt.Sprintf`.
pub(crate) fn sprintf(format: &str, values: &[Value]) -> String {
    let mut printer = Printer {
        out: String::new(),
        values,
        at: 0,
        reordered: false,
        sound: true,
    };
    let mut rest = format;
    while let Some(start) = rest.find('%') {
        printer.out.push_str(rest.get(..start).unwrap_or_default());
        rest = printer.directive(rest.get(start + 1..).unwrap_or_default());
    }
    printer.out.push_str(rest);
    if !printer.reordered && printer.at < values.len() {
        printer.out.push_str("%!(EXTRA ");
        for (at, value) in values.iter().skip(printer.at).enumerate() {
            if at > 0 {
                printer.out.push_str(", ");
            }
            if value.is_nil() {
                printer.out.push_str("<nil>");
            } else {
                let text = plain(value);
                printer
                    .out
                    .push_str(&format!("{}={text}", value.type_name()));
            }
        }
        printer.out.push(')');
    }
    printer.out
}

struct Printer<'a> {
    out: String,
    values: &'a [Value],
    at: usize,
    reordered: bool,
    /// The index in brackets before the next value was sound.
    sound: bool,
}

impl Printer<'_> {
    /// Reads one directive behind its `%`; returns what follows it.
    fn directive<'a>(&mut self, text: &'a str) -> &'a str {
        let mut verb = Verb::default();
        self.sound = true;
        let mut rest = text;
        while let Some(it) = rest.chars().next() {
            match it {
                '#' => verb.sharp = true,
                '0' => verb.zero = true,
                '+' => verb.plus = true,
                '-' => verb.minus = true,
                ' ' => verb.space = true,
                _ => break,
            }
            rest = rest.get(1..).unwrap_or_default();
        }
        let mut indexed;
        (rest, indexed) = self.index(rest);
        if let Some(after) = rest.strip_prefix('*') {
            rest = after;
            match self.star() {
                Some(width) => {
                    verb.minus |= width < 0;
                    verb.zero &= width >= 0;
                    verb.width = usize::try_from(width.unsigned_abs()).ok();
                }
                None => self.out.push_str("%!(BADWIDTH)"),
            }
            indexed = false;
        } else {
            let (after, width) = digits(rest);
            if width.is_some() && indexed {
                self.sound = false;
            }
            rest = after;
            verb.width = width;
        }
        if let Some(after) = rest.strip_prefix('.') {
            if indexed {
                self.sound = false;
            }
            (rest, indexed) = self.index(after);
            if let Some(after) = rest.strip_prefix('*') {
                rest = after;
                match self.star() {
                    Some(precision) => verb.precision = usize::try_from(precision).ok(),
                    None => self.out.push_str("%!(BADPREC)"),
                }
                indexed = false;
            } else {
                let (after, precision) = digits(rest);
                rest = after;
                verb.precision = Some(precision.unwrap_or(0));
            }
        }
        if !indexed {
            (rest, _) = self.index(rest);
        }
        let Some(it) = rest.chars().next() else {
            self.out.push_str("%!(NOVERB)");
            return "";
        };
        let after = rest.get(it.len_utf8()..).unwrap_or_default();
        verb.letter = it;
        if it == '%' {
            self.out.push('%');
        } else if !self.sound {
            self.out.push_str(&format!("%!{it}(BADINDEX)"));
        } else if let Some(value) = self.values.get(self.at) {
            self.at += 1;
            argument(&mut self.out, value, &verb);
        } else {
            self.out.push_str(&format!("%!{it}(MISSING)"));
        }
        after
    }

    /// Reads `[n]`; tells whether there was one.
    fn index<'a>(&mut self, text: &'a str) -> (&'a str, bool) {
        let Some(inner) = text.strip_prefix('[') else {
            return (text, false);
        };
        self.reordered = true;
        let Some(end) = inner.find(']') else {
            self.sound = false;
            return (inner, false);
        };
        let after = inner.get(end + 1..).unwrap_or_default();
        let index = inner.get(..end).and_then(|it| it.parse::<usize>().ok());
        match index {
            Some(it) if it >= 1 && it <= self.values.len() => {
                self.at = it - 1;
                (after, true)
            }
            _ => {
                self.sound = false;
                (after, false)
            }
        }
    }

    fn star(&mut self) -> Option<i64> {
        let value = self.values.get(self.at)?;
        self.at += 1;
        match value {
            Value::Int(it) | Value::Int64(it) if it.unsigned_abs() <= 1_000_000 => Some(*it),
            _ => None,
        }
    }
}

/// Reads a width or a precision, and returns what follows it; nothing follows one that is too large.
fn digits(text: &str) -> (&str, Option<usize>) {
    let mut number = None;
    let mut rest = text;
    while let Some(digit) = rest.chars().next().and_then(|it| it.to_digit(10)) {
        let before = number.unwrap_or(0);
        if before > LARGE {
            return ("", None);
        }
        number = Some(before * 10 + digit as usize);
        rest = rest.get(1..).unwrap_or_default();
    }
    (rest, number)
}

/// Prints one of the values that a format was given.
fn argument(out: &mut String, value: &Value, verb: &Verb) {
    match verb.letter {
        'T' => pad(out, value.type_name(), verb),
        'v' if value.is_nil() => pad(out, "<nil>", verb),
        it if value.is_nil() => out.push_str(&format!("%!{it}(<nil>)")),
        _ => print(out, value, verb, DEPTH),
    }
}

fn print(out: &mut String, value: &Value, verb: &Verb, depth: u32) {
    // Data that holds itself is cut off, by depth or by length.
    let Some(deeper) = depth.checked_sub(1).filter(|_| out.len() < LENGTH) else {
        out.push_str("...");
        return;
    };
    match value {
        Value::Missing | Value::Nil => out.push_str("<nil>"),
        Value::Bool(it) => match verb.letter {
            't' | 'v' => pad(out, if *it { "true" } else { "false" }, verb),
            _ => bad(out, value, verb),
        },
        Value::Int(it) | Value::Int64(it) => {
            integer(out, it.unsigned_abs(), *it < 0, value, verb);
        }
        Value::Uint(it) => integer(out, *it, false, value, verb),
        Value::Byte(it) => integer(out, (*it).into(), false, value, verb),
        Value::Float(it) => float(out, *it, value, verb),
        Value::Text(it) => text(out, it, value, verb),
        Value::List(list)
            if list.elements == Elements::Byte && matches!(verb.letter, 's' | 'q' | 'x' | 'X') =>
        {
            text(out, &String::from_utf8_lossy(&list.bytes()), value, verb);
        }
        Value::List(list) => {
            let sharp = verb.sharp && verb.letter == 'v';
            if sharp {
                out.push_str(value.type_name());
            }
            out.push(if sharp { '{' } else { '[' });
            for (at, it) in list.items().iter().enumerate() {
                if at > 0 {
                    out.push_str(if sharp { ", " } else { " " });
                }
                print(out, it, verb, deeper);
            }
            out.push(if sharp { '}' } else { ']' });
        }
        Value::Map(map) => {
            let sharp = verb.sharp && verb.letter == 'v';
            if sharp {
                out.push_str(value.type_name());
                out.push('{');
            } else {
                out.push_str("map[");
            }
            for (at, (key, it)) in map.entries().iter().enumerate() {
                if at > 0 {
                    out.push_str(if sharp { ", " } else { " " });
                }
                print(out, &Value::Text(std::sync::Arc::clone(key)), verb, deeper);
                out.push(':');
                print(out, it, verb, deeper);
            }
            out.push(if sharp { '}' } else { ']' });
            debug_assert!(matches!(
                map.kind,
                MapKind::Any | MapKind::Text | MapKind::Values
            ));
        }
        // A pointer within other data prints as an address, of which there is none here.
        Value::Object(it) if depth < DEPTH && it.is_pointer() => out.push_str("0xc000000000"),
        Value::Object(it) => match verb.letter {
            'v' | 's' => pad(out, &it.print(), verb),
            'q' => pad(out, &quote(&it.print()), verb),
            _ => bad(out, value, verb),
        },
    }
}

/// Go's complaint about a verb that does not fit; width and precision still count.
fn bad(out: &mut String, value: &Value, verb: &Verb) {
    let usual = Verb {
        letter: 'v',
        ..verb.clone()
    };
    out.push_str(&format!("%!{}({}=", verb.letter, value.type_name()));
    print(out, value, &usual, DEPTH);
    out.push(')');
}

fn pad(out: &mut String, text: &str, verb: &Verb) {
    let missing = verb.width.unwrap_or(0).saturating_sub(text.chars().count());
    if verb.minus {
        out.push_str(text);
        out.push_str(&" ".repeat(missing));
    } else {
        let fill = if verb.zero { "0" } else { " " };
        out.push_str(&fill.repeat(missing));
        out.push_str(text);
    }
}

fn text(out: &mut String, text: &str, value: &Value, verb: &Verb) {
    let shortened: String;
    let text = match verb.precision {
        Some(length) if verb.letter != 'x' && verb.letter != 'X' => {
            shortened = text.chars().take(length).collect();
            shortened.as_str()
        }
        _ => text,
    };
    match verb.letter {
        'v' if verb.sharp => pad(out, &quote(text), verb),
        'v' | 's' => pad(out, text, verb),
        'q' if verb.sharp && !text.contains('`') && !text.chars().any(char::is_control) => {
            pad(out, &format!("`{text}`"), verb);
        }
        'q' if verb.plus => pad(out, &quote_ascii(text), verb),
        'q' => pad(out, &quote(text), verb),
        'x' | 'X' => {
            let bytes = text.as_bytes();
            let bytes = bytes
                .get(..verb.precision.unwrap_or(bytes.len()).min(bytes.len()))
                .unwrap_or_default();
            let mut hex = String::new();
            for (at, byte) in bytes.iter().enumerate() {
                if verb.space && at > 0 {
                    hex.push(' ');
                }
                if verb.sharp && (at == 0 || verb.space) {
                    hex.push_str(if verb.letter == 'x' { "0x" } else { "0X" });
                }
                hex.push_str(&if verb.letter == 'x' {
                    format!("{byte:02x}")
                } else {
                    format!("{byte:02X}")
                });
            }
            pad(out, &hex, verb);
        }
        _ => bad(out, value, verb),
    }
}

fn integer(out: &mut String, magnitude: u64, negative: bool, value: &Value, verb: &Verb) {
    let (digits, prefix) = match verb.letter {
        'v' | 'd' => (magnitude.to_string(), ""),
        'b' => (format!("{magnitude:b}"), if verb.sharp { "0b" } else { "" }),
        'o' => (format!("{magnitude:o}"), if verb.sharp { "0" } else { "" }),
        'O' => (format!("{magnitude:o}"), "0o"),
        'x' => (format!("{magnitude:x}"), if verb.sharp { "0x" } else { "" }),
        'X' => (format!("{magnitude:X}"), if verb.sharp { "0X" } else { "" }),
        'c' | 'q' | 'U' => {
            let code = u32::try_from(magnitude).ok().filter(|_| !negative);
            let it = code
                .and_then(char::from_u32)
                .unwrap_or(char::REPLACEMENT_CHARACTER);
            let text = match verb.letter {
                'c' => it.to_string(),
                'q' => quote_char(it, verb.plus),
                _ if verb.sharp => format!("U+{magnitude:04X} '{it}'"),
                _ => format!("U+{magnitude:04X}"),
            };
            return pad(out, &text, verb);
        }
        _ => return bad(out, value, verb),
    };
    let sign = sign(negative, verb);
    let mut digits = match verb.precision {
        Some(0) if magnitude == 0 => String::new(),
        _ => digits,
    };
    let wanted = match verb.precision {
        Some(precision) => precision,
        None if verb.zero && !verb.minus => verb.width.unwrap_or(0).saturating_sub(sign.len()),
        None => 0,
    };
    if digits.len() < wanted {
        digits = "0".repeat(wanted - digits.len()) + &digits;
    }
    let padding = Verb {
        zero: false,
        ..verb.clone()
    };
    pad(out, &format!("{sign}{prefix}{digits}"), &padding);
}

fn sign(negative: bool, verb: &Verb) -> &'static str {
    if negative {
        "-"
    } else if verb.plus {
        "+"
    } else if verb.space {
        " "
    } else {
        ""
    }
}

fn float(out: &mut String, number: f64, value: &Value, verb: &Verb) {
    let magnitude = number.abs();
    let body = if magnitude.is_infinite() {
        "Inf".to_owned()
    } else if number.is_nan() {
        "NaN".to_owned()
    } else {
        match verb.letter {
            'f' | 'F' => fixed(magnitude, verb.precision.unwrap_or(6)),
            'e' | 'E' => exponent(magnitude, verb.precision.unwrap_or(6)),
            'v' | 'g' | 'G' => match verb.precision {
                None => kube_yaml::format_float(magnitude),
                Some(precision) => general(magnitude, precision),
            },
            _ => return bad(out, value, verb),
        }
    };
    let body = if matches!(verb.letter, 'E' | 'G') {
        body.to_uppercase()
    } else {
        body
    };
    let negative = number.is_sign_negative() && !number.is_nan();
    let sign = if magnitude.is_infinite() && !negative && !verb.plus {
        "+"
    } else {
        sign(negative, verb)
    };
    let finite = magnitude.is_finite();
    if verb.zero && !verb.minus && finite {
        let wanted = verb.width.unwrap_or(0).saturating_sub(sign.len());
        let zeros = "0".repeat(wanted.saturating_sub(body.len()));
        out.push_str(&format!("{sign}{zeros}{body}"));
        return;
    }
    let padding = Verb {
        zero: false,
        ..verb.clone()
    };
    pad(out, &format!("{sign}{body}"), &padding);
}

/// Go's `%f`.
fn fixed(magnitude: f64, precision: usize) -> String {
    let exact = precision.min(DECIMALS);
    format!("{magnitude:.exact$}") + &"0".repeat(precision - exact)
}

/// Go's `%e`: two digits of exponent at least.
fn exponent(magnitude: f64, precision: usize) -> String {
    let exact = precision.min(DECIMALS);
    let text = format!("{magnitude:.exact$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mark = if exponent < 0 { '-' } else { '+' };
    let zeros = "0".repeat(precision - exact);
    format!("{mantissa}{zeros}e{mark}{:02}", exponent.abs())
}

/// Go's `%.Ng`.
fn general(magnitude: f64, precision: usize) -> String {
    let precision = precision.max(1);
    let whole = exponent(magnitude, precision - 1);
    let (mantissa, exponent_text) = whole.split_once('e').unwrap_or((&whole, "+00"));
    let power: i32 = exponent_text.parse().unwrap_or(0);
    let trimmed = |text: String| {
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        }
    };
    let limit = i32::try_from(precision).unwrap_or(i32::MAX);
    // With more precision than digits, Go counts the digits instead.
    let shortest = format!("{magnitude:e}");
    let significant = shortest
        .split_once('e')
        .map_or(0, |(it, _)| it.bytes().filter(u8::is_ascii_digit).count());
    let significant = i32::try_from(significant).unwrap_or(i32::MAX);
    let limit = if limit > significant && significant > power {
        significant
    } else {
        limit
    };
    if power < -4 || power >= limit {
        return format!("{}e{exponent_text}", trimmed(mantissa.to_owned()));
    }
    let after = i32::try_from(precision).unwrap_or(i32::MAX) - 1 - power;
    let after = usize::try_from(after).unwrap_or(0);
    trimmed(fixed(magnitude, after))
}
