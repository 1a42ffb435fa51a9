//! How Go reads and prints scalars, where istioctl's answer depends on it.

use serde_json::{Number, Value};

/// Parses as `strconv.Atoi` does on 64 bits.
pub(crate) fn atoi(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    text.strip_prefix('+').unwrap_or(text).parse().ok()
}

/// Parses as `strconv.ParseFloat` does, but for hexadecimal, infinite and undefined numbers: those are `None`.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    if !bytes
        .iter()
        .all(|it| it.is_ascii_digit() || b"+-.eE_".contains(it))
    {
        return None;
    }
    if bytes.contains(&b'_') && !underscores_separate_digits(bytes) {
        return None;
    }
    let number: f64 = text.replace('_', "").parse().ok()?;
    number.is_finite().then_some(number)
}

/// Whether `strconv.ParseFloat` reads a text as a number that JSON cannot hold.
pub(crate) fn is_no_json_number(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(&text);
    matches!(unsigned, "inf" | "infinity") || text == "nan"
}

fn underscores_separate_digits(bytes: &[u8]) -> bool {
    bytes.iter().enumerate().all(|(i, it)| {
        let digit = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at))
                .is_some_and(u8::is_ascii_digit)
        };
        *it != b'_' || (digit(i.checked_sub(1)) && digit(i.checked_add(1)))
    })
}

/// Parses as `strconv.ParseBool` does.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Prints a value as `fmt.Sprintf("%v")` prints the same value held in an `any`.
pub(crate) fn print(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(it) => it.to_string(),
        Value::Number(it) => print_number(it),
        Value::String(it) => it.clone(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(print).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|(k, v)| format!("{k}:{}", print(v)))
                .collect();
            format!("map[{}]", entries.join(" "))
        }
    }
}

fn print_number(number: &Number) -> String {
    if number.is_f64() {
        print_float(number.as_f64().unwrap_or_default())
    } else {
        number.to_string()
    }
}

/// Prints a `float64` as `%v` does: the shortest text, with an exponent below 1e-4 and from 1e6 on.
pub(crate) fn print_float(number: f64) -> String {
    let scientific = format!("{number:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return format!("{number}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

/// Turns a number into the integer that it is equal to, as reading Kubernetes' JSON does with `5.0` or `1e+06`.
pub(crate) fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let float = number.as_f64().unwrap_or_default();
            // 2^63: beyond it a float is not an int64.
            if float.fract() == 0.0 && float.abs() < 9_223_372_036_854_775_808.0 {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "checked to be whole and in range"
                )]
                let whole = float as i64;
                *value = Value::from(whole);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Object(entries) => entries.values_mut().for_each(whole_numbers),
        _ => {}
    }
}

/// Whether two scalars are equal in Go after both came from JSON: numbers by value.
pub(crate) fn same_scalar(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(l), Value::Number(r)) => {
            l == r || (l.as_f64() == r.as_f64() && (l.is_f64() || r.is_f64()))
        }
        (Value::Array(_) | Value::Object(_), _) => false,
        _ => left == right,
    }
}

/// Parses as `time.ParseDuration` does, into nanoseconds.
pub(crate) fn parse_duration(text: &str) -> Option<i128> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut sum: i128 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let number = rest
            .find(|it: char| !it.is_ascii_digit() && it != '.')
            .unwrap_or(rest.len());
        let (digits, after) = rest.split_at_checked(number)?;
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return None;
        }
        let unit = after
            .find(|it: char| it.is_ascii_digit() || it == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(unit)?;
        let unit: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let whole: i64 = if whole.is_empty() {
            0
        } else {
            whole.parse().ok()?
        };
        sum += i128::from(whole) * unit;
        let fraction = &fraction[..fraction.len().min(15)];
        if !fraction.is_empty() {
            let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
            sum += fraction.parse::<i128>().ok()? * unit / scale;
        }
        if sum > i128::from(i64::MAX) {
            return None;
        }
        rest = after;
    }
    Some(if negative { -sum } else { sum })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_in_go() {
        let cases = [
            (5.0, "5"),
            (1.3, "1.3"),
            (999_999.0, "999999"),
            (1e6, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (0.0001, "0.0001"),
            (1e-5, "1e-05"),
        ];
        for (number, text) in cases {
            assert_eq!(print_float(number), text);
        }
    }

    #[test]
    fn durations_are_read_as_in_go() {
        assert_eq!(parse_duration("1h1.5s"), Some(3_601_500_000_000));
        assert_eq!(parse_duration("-10ms"), Some(-10_000_000));
        for wrong in ["", "10", "s", "1x", ".s", "1.2.3s", "-"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn integers_and_floats_are_read_as_in_go() {
        assert_eq!(atoi("+05"), Some(5));
        assert_eq!(atoi("1_000"), None);
        assert_eq!(parse_float("1_000"), Some(1000.0));
        assert_eq!(parse_float("_1"), None);
        assert_eq!(parse_float("1.30"), Some(1.3));
        assert_eq!(parse_float("NaN"), None);
    }
}
