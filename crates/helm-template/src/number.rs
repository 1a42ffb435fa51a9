//! Numbers as Go's strconv reads them.

/// Go's `strconv.ParseInt(text, base, 64)`; base 0 reads prefixes and underscores.
pub(crate) fn parse_int(text: &str, base: u32) -> Option<i64> {
    let (negative, body) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let magnitude = parse_uint(body, base)?;
    if negative {
        0i64.checked_sub_unsigned(magnitude)
    } else {
        i64::try_from(magnitude).ok()
    }
}

/// Go's `strconv.ParseUint(text, base, 64)`.
pub(crate) fn parse_uint(text: &str, base: u32) -> Option<u64> {
    if base != 0 {
        let sound = !text.is_empty() && text.bytes().all(|it| it.is_ascii_alphanumeric());
        return sound
            .then(|| u64::from_str_radix(text, base).ok())
            .flatten();
    }
    let (radix, digits) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, text.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, text.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, text.get(2..)?),
        [b'0', _, ..] => (8, text.get(1..)?),
        _ => (10, text),
    };
    let prefixed = digits.len() != text.len();
    if digits.is_empty()
        || !digits
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'_')
    {
        return None;
    }
    let misplaced =
        digits.ends_with('_') || digits.contains("__") || (!prefixed && digits.starts_with('_'));
    if misplaced {
        return None;
    }
    u64::from_str_radix(&digits.replace('_', ""), radix).ok()
}

/// Go's `strconv.ParseFloat(text, 64)` for decimal numbers; None also where Go reports a range error.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let plain = text.replace('_', "");
    let body = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    let named = matches!(
        body.to_ascii_lowercase().as_str(),
        "inf" | "infinity" | "nan"
    );
    let sound = named
        || (body.bytes().any(|it| it.is_ascii_digit())
            && body
                .bytes()
                .all(|it| it.is_ascii_digit() || matches!(it, b'.' | b'e' | b'E' | b'+' | b'-')));
    let value: f64 = sound.then(|| plain.parse().ok()).flatten()?;
    (named || value.is_finite()).then_some(value)
}

/// Returns the integer that a float is, if it is one.
pub(crate) fn whole(value: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    let int = value as i64;
    #[expect(
        clippy::cast_precision_loss,
        reason = "compared with where it came from"
    )]
    let back = int as f64;
    #[expect(clippy::float_cmp, reason = "exact equality is meant")]
    let same = back == value;
    (same && value.abs() < 9.3e18).then_some(int)
}

/// Go's conversion `int64(f)` on amd64: toward zero, and the smallest number for what does not fit.
pub(crate) fn truncate(value: f64) -> i64 {
    // 2^63 as a float.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&value) {
        #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
        let int = value as i64;
        int
    } else {
        i64::MIN
    }
}
