//! Durations, as flags and files have them.

use std::time::Duration;

/// `90s`, `5m`, `1h30m`, as Go writes durations; a bare number counts seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let wrong = || format!("{text:?} is no duration (for example 90s, 5m, 1h30m)");
    let (mut total, mut number) = (Duration::ZERO, String::new());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c.is_ascii_digit() {
            number.push(c);
            rest = &rest[1..];
            continue;
        }
        let end = rest
            .find(|it: char| it.is_ascii_digit())
            .unwrap_or(rest.len());
        let count: u32 = number.parse().map_err(|_| wrong())?;
        let unit = match &rest[..end] {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_mins(1),
            "h" => Duration::from_hours(1),
            _ => return Err(wrong()),
        };
        total = unit
            .checked_mul(count)
            .and_then(|it| total.checked_add(it))
            .ok_or_else(wrong)?;
        number.clear();
        rest = &rest[end..];
    }
    if number.is_empty() && !text.is_empty() {
        Ok(total)
    } else {
        Err(wrong())
    }
}
