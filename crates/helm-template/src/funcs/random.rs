//! Functions that are random with Helm.
//!
//! Equal inputs must give equal output here, so that these draw from a fixed sequence: what they return has the right
//! form, no secret may be made of it, and it differs from call to call within one rendering.

use super::Param::{Int, Text};
use super::{Answer, Arguments, Call, Function, bounded, function};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    function("randAlphaNum", &[Int], |call, args| {
        letters(
            call,
            args,
            b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        )
    }),
    function("randAlpha", &[Int], |call, args| {
        letters(
            call,
            args,
            b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        )
    }),
    function("randNumeric", &[Int], |call, args| {
        letters(call, args, b"0123456789")
    }),
    function("randAscii", &[Int], |call, args| {
        let printable: Vec<u8> = (b' '..=b'~').collect();
        letters(call, args, &printable)
    }),
    function("randBytes", &[Int], |call, args| {
        let count = super::size(args.int(0)).unwrap_or(0);
        bounded(count)?;
        let bytes: Vec<u8> = (0..count)
            .map(|_| draw(call).to_le_bytes().first().copied().unwrap_or(0))
            .collect();
        Ok(Value::text(crate::encoding::base64(&bytes)))
    }),
    function("randInt", &[Int, Int], |call, args| {
        let (low, high) = (args.int(0), args.int(1));
        let Some(span) = high
            .checked_sub(low)
            .and_then(|it| u64::try_from(it).ok())
            .filter(|it| *it > 0)
        else {
            return Err("invalid argument to Intn".to_owned());
        };
        let offset = i64::try_from(draw(call) % span).unwrap_or(0);
        Ok(Value::Int(low.saturating_add(offset)))
    }),
    function("shuffle", &[Text], |call, args| {
        let mut chars: Vec<char> = args.text(0).chars().collect();
        for at in (1..chars.len()).rev() {
            let other = usize::try_from(draw(call) % (at as u64 + 1)).unwrap_or(0);
            chars.swap(at, other);
        }
        Ok(Value::text(chars.into_iter().collect::<String>()))
    }),
    function("uuidv4", &[], |call, _| {
        let bits = (u128::from(draw(call)) << 64) | u128::from(draw(call));
        let bits = (bits & !(0xF << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
        let hex = format!("{bits:032x}");
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        Ok(Value::text(format!(
            "{}-{}-{}-{}-{}",
            part(0, 8),
            part(8, 12),
            part(12, 16),
            part(16, 20),
            part(20, 32)
        )))
    }),
];

/// Returns the next number of the sequence (splitmix64).
fn draw(call: &Call<'_>) -> u64 {
    let count = call.budget.drawn.get().wrapping_add(1);
    call.budget.drawn.set(count);
    let mut it = count.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    it = (it ^ (it >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    it = (it ^ (it >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    it ^ (it >> 31)
}

fn letters(call: &Call<'_>, args: &[Value], alphabet: &[u8]) -> Answer {
    let count = super::size(args.int(0)).unwrap_or(0);
    bounded(count)?;
    let text: String = (0..count)
        .filter_map(|_| {
            let at = usize::try_from(draw(call) % alphabet.len() as u64).ok()?;
            alphabet.get(at).copied().map(char::from)
        })
        .collect();
    Ok(Value::text(text))
}
