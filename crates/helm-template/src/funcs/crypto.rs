//! Checksums. What makes keys, certificates and password hashes is random by nature and refused.

use sha2::Digest as _;

use super::Param::{Any, Int, Text};
use super::{Answer, Arguments, Function, function, variadic};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    function("sha1sum", &[Text], |_, args| {
        Ok(Value::text(hex(&sha1(args.text(0).as_bytes()))))
    }),
    function("sha256sum", &[Text], |_, args| {
        Ok(Value::text(hex(&sha2::Sha256::digest(
            args.text(0).as_bytes(),
        ))))
    }),
    function("sha512sum", &[Text], |_, args| {
        Ok(Value::text(hex(&sha2::Sha512::digest(
            args.text(0).as_bytes(),
        ))))
    }),
    function("adler32sum", &[Text], |_, args| {
        Ok(Value::text(adler32(args.text(0).as_bytes()).to_string()))
    }),
    function("bcrypt", &[Text], |_, _| refuse("bcrypt")),
    function("htpasswd", &[Text, Text], |_, _| refuse("htpasswd")),
    function("genPrivateKey", &[Text], |_, _| refuse("genPrivateKey")),
    function("derivePassword", &[Any, Text, Text, Text, Text], |_, _| {
        refuse("derivePassword")
    }),
    function("buildCustomCert", &[Text, Text], |_, _| {
        refuse("buildCustomCert")
    }),
    function("genCA", &[Text, Int], |_, _| refuse("genCA")),
    function("genCAWithKey", &[Text, Int, Text], |_, _| {
        refuse("genCAWithKey")
    }),
    variadic("genSelfSignedCert", &[Text, Any], |_, _| {
        refuse("genSelfSignedCert")
    }),
    variadic("genSelfSignedCertWithKey", &[Text, Any], |_, _| {
        refuse("genSelfSignedCertWithKey")
    }),
    variadic("genSignedCert", &[Text, Any], |_, _| {
        refuse("genSignedCert")
    }),
    variadic("genSignedCertWithKey", &[Text, Any], |_, _| {
        refuse("genSignedCertWithKey")
    }),
    function("encryptAES", &[Text, Text], |_, _| refuse("encryptAES")),
    function("decryptAES", &[Text, Text], |_, _| refuse("decryptAES")),
];

fn refuse(name: &str) -> Answer {
    Err(format!(
        "{name} is not supported: rendering makes no keys, certificates or password hashes"
    ))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |it: u8| char::from(DIGITS.get(usize::from(it)).copied().unwrap_or(b'0'));
    bytes
        .iter()
        .flat_map(|it| [digit(it >> 4), digit(it & 15)])
        .collect()
}

/// Go's `hash/adler32`.
fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (a, b) = bytes.iter().fold((1u32, 0u32), |(a, b), it| {
        let a = (a + u32::from(*it)) % MODULUS;
        (a, (b + a) % MODULUS)
    });
    (b << 16) | a
}

/// SHA-1 (FIPS 180-4), for the one function that wants it.
#[expect(clippy::many_single_char_names, reason = "the names of the standard")]
fn sha1(bytes: &[u8]) -> [u8; 20] {
    let mut state = [
        0x6745_2301u32,
        0xEFCD_AB89,
        0x98BA_DCFE,
        0x1032_5476,
        0xC3D2_E1F0,
    ];
    let mut message = bytes.to_vec();
    message.push(0x80);
    while message.len() % 64 != 56 {
        message.push(0);
    }
    message.extend((bytes.len() as u64).wrapping_mul(8).to_be_bytes());
    for block in message.chunks(64) {
        let mut words: Vec<u32> = block
            .chunks(4)
            .map(|it| it.iter().fold(0, |all, it| (all << 8) | u32::from(*it)))
            .collect();
        for at in 16..80 {
            let word = |back: usize| words.get(at - back).copied().unwrap_or(0);
            let next = (word(3) ^ word(8) ^ word(14) ^ word(16)).rotate_left(1);
            words.push(next);
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (at, word) in words.iter().enumerate() {
            let (mix, constant) = match at {
                0..20 => ((b & c) | (!b & d), 0x5A82_7999u32),
                20..40 => (b ^ c ^ d, 0x6ED9_EBA1),
                40..60 => ((b & c) | (b & d) | (c & d), 0x8F1B_BCDC),
                _ => (b ^ c ^ d, 0xCA62_C1D6),
            };
            let next = a
                .rotate_left(5)
                .wrapping_add(mix)
                .wrapping_add(e)
                .wrapping_add(constant)
                .wrapping_add(*word);
            (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
        }
        for (to, from) in state.iter_mut().zip([a, b, c, d, e]) {
            *to = to.wrapping_add(from);
        }
    }
    let mut out = [0; 20];
    for (to, from) in out
        .iter_mut()
        .zip(state.iter().flat_map(|it| it.to_be_bytes()))
    {
        *to = from;
    }
    out
}
