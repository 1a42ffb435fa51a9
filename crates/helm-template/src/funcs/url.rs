//! URLs (Go's `net/url`).

use std::fmt::Write as _;

use super::Param::{Map as MapParam, Text};
use super::{Answer, Arguments, Call, Function, function};
use crate::gotmpl::quote::quote;
use crate::value::{Entries, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    function("urlParse", &[Text], url_parse),
    function("urlJoin", &[MapParam], url_join),
];

/// The parts of a URL, unescaped.
#[derive(Debug, Default)]
struct Url {
    scheme: String,
    opaque: String,
    /// As it is written in a URL.
    userinfo: Option<String>,
    host: String,
    path: String,
    query: String,
    fragment: String,
}

/// Which characters stay as they are.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Path,
    User,
    Host,
    Fragment,
}

fn url_parse(_: &Call<'_>, args: &[Value]) -> Answer {
    let text = args.text(0);
    let url = parse(text)
        .map_err(|error| format!("unable to parse url: parse {}: {error}", quote(text)))?;
    let hostname = match url.host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|it| it.is_ascii_digit()) => host,
        _ => &url.host,
    };
    let hostname = hostname
        .strip_prefix('[')
        .and_then(|it| it.strip_suffix(']'))
        .unwrap_or(hostname);
    Ok(Value::map(Entries::from([
        ("scheme".into(), Value::text(url.scheme.as_str())),
        ("host".into(), Value::text(url.host.as_str())),
        ("hostname".into(), Value::text(hostname)),
        ("path".into(), Value::text(url.path.as_str())),
        ("query".into(), Value::text(url.query.as_str())),
        ("opaque".into(), Value::text(url.opaque.as_str())),
        ("fragment".into(), Value::text(url.fragment.as_str())),
        (
            "userinfo".into(),
            Value::text(url.userinfo.unwrap_or_default()),
        ),
    ])))
}

fn url_join(_: &Call<'_>, args: &[Value]) -> Answer {
    let part = |name: &str| match args.map(0).and_then(|it| it.get(name)) {
        None => Ok(String::new()),
        Some(Value::Text(it)) => Ok(it.as_ref().to_owned()),
        Some(Value::Missing | Value::Nil) => Err(super::NIL_POINTER.to_owned()),
        Some(other) => Err(format!(
            "unable to parse {name} key, must be of type string, but {} found",
            other.kind()
        )),
    };
    let mut url = Url {
        scheme: part("scheme")?,
        host: part("host")?,
        path: part("path")?,
        query: part("query")?,
        opaque: part("opaque")?,
        fragment: part("fragment")?,
        userinfo: None,
    };
    let userinfo = part("userinfo")?;
    if !userinfo.is_empty() {
        let text = format!("proto://{userinfo}@host");
        let parsed = parse(&text).map_err(|error| {
            format!(
                "unable to parse userinfo in dict: parse {}: {error}",
                quote(&text)
            )
        })?;
        url.userinfo = parsed.userinfo;
    }
    Ok(Value::text(written(&url)))
}

fn parse(text: &str) -> Result<Url, String> {
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    if rest.bytes().any(|it| it < b' ' || it == 0x7F) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    let mut url = Url {
        fragment: unescape(fragment, Mode::Fragment)?,
        ..Url::default()
    };
    if rest == "*" {
        rest.clone_into(&mut url.path);
        return Ok(url);
    }
    let (scheme, rest) = scheme(rest)?;
    url.scheme = scheme.to_lowercase();
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    query.clone_into(&mut url.query);
    if !rest.starts_with('/') {
        if !url.scheme.is_empty() {
            rest.clone_into(&mut url.opaque);
            return Ok(url);
        }
        if rest.split('/').next().is_some_and(|it| it.contains(':')) {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    let mut path = rest;
    if (!url.scheme.is_empty() || !rest.starts_with("///"))
        && let Some(authority) = rest.strip_prefix("//")
    {
        let end = authority.find('/').unwrap_or(authority.len());
        let (authority, after) = authority.split_at_checked(end).unwrap_or((authority, ""));
        path = after;
        let host = match authority.rsplit_once('@') {
            Some((userinfo, host)) => {
                url.userinfo = Some(user(userinfo)?);
                host
            }
            None => authority,
        };
        url.host = self::host(host)?;
    }
    url.path = unescape(path, Mode::Path)?;
    Ok(url)
}

fn scheme(text: &str) -> Result<(&str, &str), String> {
    for (at, it) in text.char_indices() {
        match it {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            ':' => return Ok(text.split_once(':').unwrap_or(("", text))),
            _ => break,
        }
    }
    Ok(("", text))
}

fn user(text: &str) -> Result<String, String> {
    let valid = |it: char| it.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(it);
    if !text.chars().all(valid) {
        return Err("net/url: invalid userinfo".to_owned());
    }
    let rewritten = |it: &str| unescape(it, Mode::User).map(|it| escape(&it, Mode::User));
    match text.split_once(':') {
        None => rewritten(text),
        Some((name, password)) => Ok(format!("{}:{}", rewritten(name)?, rewritten(password)?)),
    }
}

fn host(text: &str) -> Result<String, String> {
    let port_sound = |it: &str| {
        it.is_empty()
            || it
                .strip_prefix(':')
                .is_some_and(|it| it.bytes().all(|it| it.is_ascii_digit()))
    };
    let refuse_port = |it: &str| Err(format!("invalid port {} after host", quote(it)));
    match text.rfind('[') {
        Some(0) => {
            let Some(end) = text.rfind(']') else {
                return Err("missing ']' in host".to_owned());
            };
            let port = text.get(end + 1..).unwrap_or_default();
            if !port_sound(port) {
                return refuse_port(port);
            }
            let address = text.get(1..end).unwrap_or_default();
            let bare = address.split_once("%25").map_or(address, |(it, _)| it);
            if bare.parse::<std::net::Ipv6Addr>().is_err() {
                return Err(format!(
                    "invalid host: ParseAddr({}): unable to parse IP",
                    quote(address)
                ));
            }
            Ok(format!("[{}]{port}", address.replace("%25", "%")))
        }
        Some(_) => Err("invalid IP-literal".to_owned()),
        None => {
            if let Some(at) = text.find(':') {
                let port = text.get(at..).unwrap_or_default();
                if !port_sound(port) {
                    return refuse_port(port);
                }
            }
            unescape(text, Mode::Host)
        }
    }
}

fn unescape(text: &str, mode: Mode) -> Result<String, String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'%' {
            let end = (at + 3).min(bytes.len());
            let shown =
                || String::from_utf8_lossy(bytes.get(at..end).unwrap_or_default()).into_owned();
            let digits = text
                .get(at + 1..at + 3)
                .filter(|it| it.bytes().all(|it| it.is_ascii_hexdigit()));
            let code = digits.and_then(|it| u8::from_str_radix(it, 16).ok());
            match code {
                Some(code) if mode != Mode::Host || code >= 0x80 || code == b'%' => out.push(code),
                _ => return Err(format!("invalid URL escape {}", quote(&shown()))),
            }
            at += 3;
            continue;
        }
        if mode == Mode::Host && byte.is_ascii() && !stays(*byte, mode) {
            let shown = char::from(*byte).to_string();
            return Err(format!("invalid character {} in host name", quote(&shown)));
        }
        out.push(*byte);
        at += 1;
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn stays(byte: u8, mode: Mode) -> bool {
    if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
        return true;
    }
    let others: &[u8] = match mode {
        Mode::Path => b"$&+,/:;=@",
        Mode::User => b"$&+,;=",
        Mode::Host => b"!$&'()*+,;=:[]<>\"",
        Mode::Fragment => b"$&+,/:;=?@!()*",
    };
    others.contains(&byte)
}

fn escape(text: &str, mode: Mode) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if stays(byte, mode) {
            out.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn written(url: &Url) -> String {
    let mut out = String::new();
    if !url.scheme.is_empty() {
        out.push_str(&url.scheme);
        out.push(':');
    }
    if url.opaque.is_empty() {
        let has_user = url.userinfo.is_some();
        if !url.scheme.is_empty() || !url.host.is_empty() || has_user {
            if !url.host.is_empty() || !url.path.is_empty() || has_user {
                out.push_str("//");
            }
            if let Some(user) = &url.userinfo {
                out.push_str(user);
                out.push('@');
            }
            out.push_str(&escape(&url.host, Mode::Host));
        }
        let path = if url.path == "*" {
            "*".to_owned()
        } else {
            escape(&url.path, Mode::Path)
        };
        if !path.is_empty() && !path.starts_with('/') && !url.host.is_empty() {
            out.push('/');
        }
        if out.is_empty() && path.split('/').next().is_some_and(|it| it.contains(':')) {
            out.push_str("./");
        }
        out.push_str(&path);
    } else {
        out.push_str(&url.opaque);
    }
    if !url.query.is_empty() {
        out.push('?');
        out.push_str(&url.query);
    }
    if !url.fragment.is_empty() {
        out.push('#');
        out.push_str(&escape(&url.fragment, Mode::Fragment));
    }
    out
}

/// Go's `url.QueryEscape`.
pub(super) fn query_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            // Writing into a String cannot fail.
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}
