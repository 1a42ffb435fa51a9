//! Floats as Go writes them.

use std::fmt::Write as _;

/// Writes a float as Go's `strconv.FormatFloat(f, 'g', -1, 64)` does: `5000`, `2.5`, `1e+06`.
pub fn format_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    general(&format!("{value:e}"))
}

/// Writes a float as Go's `strconv.FormatFloat(f, 'g', -1, 32)` does; mapping keys go through it.
pub(crate) fn format_key(value: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "sigs.k8s.io/yaml rounds keys to 32 bits"
    )]
    let short = value as f32;
    if short.is_nan() {
        ".nan".to_owned()
    } else if short.is_infinite() {
        if short > 0.0 { ".inf" } else { "-.inf" }.to_owned()
    } else {
        general(&format!("{short:e}"))
    }
}

/// Turns Rust's shortest exponent form (`-1.25e7`) into Go's `%g`.
fn general(shortest: &str) -> String {
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa
        .strip_prefix('-')
        .map_or(("", mantissa), |it| ("-", it));
    let digits: String = mantissa.chars().filter(|it| *it != '.').collect();
    let mut out = String::with_capacity(digits.len() + 8);
    out.push_str(sign);
    if !(-4..EXPONENT_FROM).contains(&exponent) {
        let (first, rest) = digits.split_at(1.min(digits.len()));
        out.push_str(first);
        if !rest.is_empty() {
            out.push('.');
            out.push_str(rest);
        }
        let mark = if exponent < 0 { '-' } else { '+' };
        // Writing into a String cannot fail.
        let _ = write!(out, "e{mark}{:02}", exponent.abs());
        return out;
    }
    if exponent < 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n(
            '0',
            exponent.unsigned_abs() as usize - 1,
        ));
        out.push_str(&digits);
        return out;
    }
    let whole = exponent.unsigned_abs() as usize + 1;
    if digits.len() <= whole {
        out.push_str(&digits);
        out.extend(std::iter::repeat_n('0', whole - digits.len()));
    } else {
        let (left, right) = digits.split_at(whole);
        out.push_str(left);
        out.push('.');
        out.push_str(right);
    }
    out
}

/// The first decimal exponent that Go writes with `e` when the precision is "shortest" (`strconv/ftoa.go`, case 'g').
const EXPONENT_FROM: i32 = 6;
