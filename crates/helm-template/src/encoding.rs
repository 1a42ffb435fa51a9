//! Base 64 and base 32 as Go's standard encodings.

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// Padding is required when reading, trailing bits are not looked at, as in Go.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Writes bytes in base 64.
pub(crate) fn base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// Reads base 64; the error is Go's, with the place of the first byte that does not belong.
pub(crate) fn from_base64(text: &str) -> Result<Vec<u8>, String> {
    let packed: String = text
        .chars()
        .filter(|it| !matches!(it, '\r' | '\n'))
        .collect();
    BASE64.decode(&packed).map_err(|_| {
        let sound = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'+' | b'/');
        let bytes = text.as_bytes();
        // A stray byte is reported where it is; missing padding at the last group's start.
        let stray = bytes
            .iter()
            .position(|it| !sound(*it) && !matches!(it, b'\r' | b'\n'))
            .unwrap_or(bytes.len() - bytes.len() % 4);
        format!("illegal base64 data at input byte {stray}")
    })
}

/// Writes bytes in base 32.
pub(crate) fn base32(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(5) {
        let mut group = [0u8; 5];
        for (to, from) in group.iter_mut().zip(chunk) {
            *to = *from;
        }
        let bits = group
            .iter()
            .fold(0u64, |all, it| (all << 8) | u64::from(*it));
        let letters = (chunk.len() * 8).div_ceil(5);
        for at in 0..8 {
            if at < letters {
                let index = usize::try_from((bits >> (35 - 5 * at)) & 31).unwrap_or(0);
                out.push(char::from(BASE32.get(index).copied().unwrap_or(b'A')));
            } else {
                out.push('=');
            }
        }
    }
    out
}

/// Reads base 32; the error is Go's.
pub(crate) fn from_base32(text: &str) -> Result<Vec<u8>, String> {
    let packed: Vec<u8> = text
        .bytes()
        .filter(|it| !matches!(it, b'\r' | b'\n'))
        .collect();
    let refuse = |at: usize| Err(format!("illegal base32 data at input byte {at}"));
    let mut out = Vec::new();
    for (index, group) in packed.chunks(8).enumerate() {
        let start = index * 8;
        let mut bits = 0u64;
        let mut letters = 0;
        for (at, it) in group.iter().enumerate() {
            if *it == b'=' && at >= 2 && start + 8 >= packed.len() {
                if group.len() < 8 {
                    return refuse(packed.len());
                }
                let stray = group.iter().skip(at).position(|it| *it != b'=');
                if let Some(stray) = stray {
                    return refuse(start + at + stray);
                }
                if matches!(at, 3 | 6) {
                    return refuse(start + at);
                }
                break;
            }
            let Some(value) = BASE32.iter().position(|other| other == it) else {
                return refuse(start + at);
            };
            bits |= (value as u64) << (35 - 5 * at);
            letters = at + 1;
        }
        if group.len() < 8 {
            return refuse(start);
        }
        out.extend(bits.to_be_bytes().iter().skip(3).take(letters * 5 / 8));
    }
    Ok(out)
}
