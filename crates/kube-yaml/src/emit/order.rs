//! The order of keys.

use std::cmp::Ordering;

/// An entry of a mapping.
type Entry<'a, T> = (&'a str, &'a T);

/// Returns entries, which come by their bytes, by [`natural_order`].
pub(super) fn in_order<T>(entries: Vec<Entry<'_, T>>) -> Vec<Entry<'_, T>> {
    let is_letters = |it: &str| it.bytes().all(|it| it.is_ascii_alphabetic());
    // Letters are compared as bytes are.
    if entries.iter().all(|(key, _)| is_letters(key)) {
        return entries;
    }
    sorted(entries)
}

/// Sorts entries by [`natural_order`].
///
/// That order is not transitive for every set of keys, and the standard library's sorts may panic then; merging does not.
fn sorted<T>(entries: Vec<Entry<'_, T>>) -> Vec<Entry<'_, T>> {
    if entries.len() < 2 {
        return entries;
    }
    let mut left = entries;
    let right = left.split_off(left.len() / 2);
    let mut left = sorted(left).into_iter().peekable();
    let mut right = sorted(right).into_iter().peekable();
    let mut out = Vec::with_capacity(left.len() + right.len());
    loop {
        let take_right = match (left.peek(), right.peek()) {
            (Some((a, _)), Some((b, _))) => natural_order(a, b) == Ordering::Greater,
            (Some(_), None) => false,
            (None, Some(_)) => true,
            (None, None) => return out,
        };
        out.extend(if take_right {
            right.next()
        } else {
            left.next()
        });
    }
}

/// Compares keys as go-yaml v2 sorts them (`sorter.go`): numbers in them by value, letters behind everything else.
pub fn natural_order(a: &str, b: &str) -> Ordering {
    // Most keys differ in an early letter; comparing characters one by one needs no allocation then.
    let mut left = a.char_indices();
    let mut right = b.char_indices();
    loop {
        let (at, x, y) = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some((_, x)), Some((_, y))) if x == y => continue,
            (Some((at, x)), Some((_, y))) => (at, x, y),
        };
        match (x.is_alphabetic(), y.is_alphabetic()) {
            (true, true) => return x.cmp(&y),
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            (false, false) => {}
        }
        // Zeros behind a digit count: a10 comes after a9.
        let common = a.get(..at).unwrap_or_default();
        let seed = i64::from(
            (x == '0' || y == '0')
                && common
                    .chars()
                    .rev()
                    .take_while(|it| it.is_numeric())
                    .any(|it| it != '0'),
        );
        let (x_number, x_length) = digits(a.get(at..).unwrap_or_default(), seed);
        let (y_number, y_length) = digits(b.get(at..).unwrap_or_default(), seed);
        return x_number
            .cmp(&y_number)
            .then(x_length.cmp(&y_length))
            .then(x.cmp(&y));
    }
}

/// Reads the decimal digits at the start of a text behind a first value; returns the number, wrapped as Go's, and how
/// many characters it has.
fn digits(text: &str, seed: i64) -> (i64, usize) {
    let mut value = seed;
    let mut length = 0;
    for it in text.chars().take_while(|it| it.is_numeric()) {
        let digit = i64::from(u32::from(it)) - i64::from(u32::from('0'));
        value = value.wrapping_mul(10).wrapping_add(digit);
        length += 1;
    }
    (value, length)
}
