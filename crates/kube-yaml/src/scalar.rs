//! What a scalar is, by the rules of go-yaml v2 (`resolve.go`).

use std::borrow::Cow;

use crate::NodeValue;

/// What a plain scalar means.
pub(crate) enum Resolved {
    /// Data of its own type.
    Value(NodeValue<'static>),
    /// Text; also a moment in time, which Go keeps as text when it decodes into untyped data.
    Text,
    /// Text that looks like a moment in time, so that Go quotes it when it writes.
    Timestamp,
}

/// Resolves an untagged plain scalar.
pub(crate) fn resolve(text: &str) -> Resolved {
    let bytes = text.as_bytes();
    let Some(&first) = bytes.first() else {
        return Resolved::Value(NodeValue::Null);
    };
    match first {
        b'~' | b'n' | b'N' | b'y' | b'Y' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' => {
            word(text).map_or(Resolved::Text, Resolved::Value)
        }
        b'.' => word(text)
            .or_else(|| dotted(text))
            .map_or(Resolved::Text, Resolved::Value),
        b'+' | b'-' | b'0'..=b'9' => word(text).map_or_else(|| number(text), Resolved::Value),
        _ => Resolved::Text,
    }
}

/// The words of YAML 1.1.
fn word(text: &str) -> Option<NodeValue<'static>> {
    // The longest word has five letters.
    if text.len() > 5 {
        return None;
    }
    Some(match text {
        "~" | "null" | "Null" | "NULL" => NodeValue::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            NodeValue::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            NodeValue::Bool(false)
        }
        ".nan" | ".NaN" | ".NAN" => NodeValue::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => NodeValue::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => NodeValue::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

/// A float that begins with a dot; Go hands it to `strconv.ParseFloat` as it is.
fn dotted(text: &str) -> Option<NodeValue<'static>> {
    let digits = text.strip_prefix('.')?;
    // Underscores must stand between digits.
    let bytes = digits.as_bytes();
    let separated = bytes.iter().enumerate().all(|(at, it)| {
        let digit = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at))
                .is_some_and(u8::is_ascii_digit)
        };
        *it != b'_' || (digit(at.checked_sub(1)) && digit(at.checked_add(1)))
    });
    if !separated {
        return None;
    }
    float(&text.replace('_', ""))
}

fn number(text: &str) -> Resolved {
    if is_timestamp(text) {
        return Resolved::Timestamp;
    }
    let plain: Cow<'_, str> = if text.contains('_') {
        Cow::Owned(text.replace('_', ""))
    } else {
        Cow::Borrowed(text)
    };
    integer(&plain)
        .or_else(|| float(&plain))
        .map_or(Resolved::Text, Resolved::Value)
}

/// Go's `strconv.ParseInt(plain, 0, 64)`, then `ParseUint`.
fn integer(plain: &str) -> Option<NodeValue<'static>> {
    let (negative, signed, body) = match plain.as_bytes().first()? {
        b'-' => (true, true, plain.get(1..)?),
        b'+' => (false, true, plain.get(1..)?),
        _ => (false, false, plain),
    };
    let (radix, digits) = match body.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, body.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, body.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, body.get(2..)?),
        [b'0', _, ..] => (8, body.get(1..)?),
        _ => (10, body),
    };
    if !digits.bytes().all(|it| it.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        return 0i64.checked_sub_unsigned(magnitude).map(NodeValue::Int);
    }
    match i64::try_from(magnitude) {
        Ok(value) => Some(NodeValue::Int(value)),
        // ParseUint knows no sign.
        Err(_) if signed => None,
        Err(_) => Some(NodeValue::UInt(magnitude)),
    }
}

/// Go's `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`, then `strconv.ParseFloat`.
fn float(plain: &str) -> Option<NodeValue<'static>> {
    let body = plain.strip_prefix(['-', '+']).unwrap_or(plain);
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => (body.get(..at)?, Some(body.get(at + 1..)?)),
        None => (body, None),
    };
    let all_digits = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
    let sound = match mantissa.split_once('.') {
        Some((whole, part)) => {
            all_digits(whole) && all_digits(part) && !(whole.is_empty() && part.is_empty())
        }
        None => !mantissa.is_empty() && all_digits(mantissa),
    };
    let exponent_sound = exponent.is_none_or(|it| {
        let it = it.strip_prefix(['-', '+']).unwrap_or(it);
        !it.is_empty() && all_digits(it)
    });
    if !sound || !exponent_sound {
        return None;
    }
    let value: f64 = plain.parse().ok()?;
    // Go reports a value out of range, and the scalar stays text.
    value.is_finite().then_some(NodeValue::Float(value))
}

/// Tells whether go-yaml v2 takes a scalar for a moment in time (`parseTimestamp`, its four formats).
fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    let dated = bytes.len() > 4
        && bytes.iter().take(4).all(u8::is_ascii_digit)
        && bytes.get(4) == Some(&b'-');
    if !dated {
        return false;
    }
    let mut rest = Digits(bytes.get(5..).unwrap_or_default());
    let year = bytes
        .iter()
        .take(4)
        .fold(0u32, |sum, it| sum * 10 + u32::from(it - b'0'));
    let (Some(month), true, Some(day)) = (rest.pair(), rest.byte(b'-'), rest.pair()) else {
        return false;
    };
    let days = match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    if day == 0 || day > days {
        return false;
    }
    if rest.0.is_empty() {
        return true;
    }
    let zoned = match rest.0.first() {
        Some(b'T' | b't') => true,
        Some(b' ') => false,
        _ => return false,
    };
    rest.0 = rest.0.get(1..).unwrap_or_default();
    let clock = (|| {
        let hour = rest.pair()?;
        rest.byte(b':').then_some(())?;
        let minute = rest.pair()?;
        rest.byte(b':').then_some(())?;
        let second = rest.pair()?;
        (hour < 24 && minute < 60 && second < 60).then_some(())
    })();
    if clock.is_none() {
        return false;
    }
    if let [b'.' | b',', digit, ..] = rest.0
        && digit.is_ascii_digit()
    {
        let rest_of = rest.0.get(1..).unwrap_or_default();
        let end = rest_of
            .iter()
            .position(|it| !it.is_ascii_digit())
            .unwrap_or(rest_of.len());
        rest.0 = rest_of.get(end..).unwrap_or_default();
    }
    if !zoned {
        return rest.0.is_empty();
    }
    match rest.0 {
        b"Z" => true,
        [b'+' | b'-', h1, h2, b':', m1, m2]
            if [h1, h2, m1, m2].iter().all(|it| it.is_ascii_digit()) =>
        {
            let pair = |a: &u8, b: &u8| u32::from(a - b'0') * 10 + u32::from(b - b'0');
            pair(h1, h2) <= 24 && pair(m1, m2) < 60
        }
        _ => false,
    }
}

/// What is left to read of a moment in time.
struct Digits<'a>(&'a [u8]);

impl Digits<'_> {
    /// Reads one or two digits.
    fn pair(&mut self) -> Option<u32> {
        let first = self.0.first().filter(|it| it.is_ascii_digit())?;
        let mut value = u32::from(first - b'0');
        let mut read = 1;
        if let Some(second) = self.0.get(1).filter(|it| it.is_ascii_digit()) {
            value = value * 10 + u32::from(second - b'0');
            read = 2;
        }
        self.0 = self.0.get(read..).unwrap_or_default();
        Some(value)
    }

    /// Reads one given byte.
    fn byte(&mut self, expected: u8) -> bool {
        let found = self.0.first() == Some(&expected);
        if found {
            self.0 = self.0.get(1..).unwrap_or_default();
        }
        found
    }
}

/// Tells whether a text would be read as something else than a string if it were written plain, or is quoted by Go for
/// the sake of other parsers (numbers of base 60).
pub(crate) fn needs_quotes(text: &str) -> bool {
    !matches!(resolve(text), Resolved::Text) || is_base60(text)
}

/// Go's `^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$`.
fn is_base60(text: &str) -> bool {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !body.starts_with(|it: char| it.is_ascii_digit()) || !body.contains(':') {
        return false;
    }
    let (body, fraction) = match body.find('.') {
        Some(at) => (
            body.get(..at).unwrap_or_default(),
            body.get(at + 1..).unwrap_or_default(),
        ),
        None => (body, ""),
    };
    let digit_or_low = |it: u8| it.is_ascii_digit() || it == b'_';
    if !fraction.bytes().all(digit_or_low) {
        return false;
    }
    let mut parts = body.split(':');
    let head = parts.next().unwrap_or_default();
    let mut count = 0;
    let sound = parts.all(|it| {
        count += 1;
        match it.as_bytes() {
            [one] => one.is_ascii_digit(),
            [ten, one] => (b'0'..=b'5').contains(ten) && one.is_ascii_digit(),
            _ => false,
        }
    });
    head.bytes().all(digit_or_low) && sound && count > 0
}
