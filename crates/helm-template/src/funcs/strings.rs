//! Text.

use super::Param::{Any, Int, Text};
use super::{Answer, Arguments, Call, Function, bounded, function, variadic};
use crate::format::{plain, text_of};
use crate::gotmpl::quote::quote;
use crate::value::{Entries, Map, MapKind, Value};

mod case;

pub(super) const FUNCTIONS: &[Function] = &[
    function("toString", &[Any], |_, args| {
        Ok(Value::text(text_of(args.any(0))))
    }),
    function("trim", &[Text], |_, args| {
        Ok(Value::text(args.text(0).trim()))
    }),
    function("trimAll", &[Text, Text], trim_all),
    function("trimall", &[Text, Text], trim_all),
    function("trimPrefix", &[Text, Text], |_, args| {
        let text = args.text(1);
        Ok(Value::text(text.strip_prefix(args.text(0)).unwrap_or(text)))
    }),
    function("trimSuffix", &[Text, Text], |_, args| {
        let text = args.text(1);
        Ok(Value::text(text.strip_suffix(args.text(0)).unwrap_or(text)))
    }),
    function("upper", &[Text], |_, args| {
        Ok(Value::text(case::upper(args.text(0))))
    }),
    function("lower", &[Text], |_, args| {
        Ok(Value::text(case::lower(args.text(0))))
    }),
    function("title", &[Text], |_, args| {
        Ok(Value::text(case::title(args.text(0))))
    }),
    function("untitle", &[Text], |_, args| {
        Ok(Value::text(case::untitle(args.text(0))))
    }),
    function("swapcase", &[Text], |_, args| {
        Ok(Value::text(case::swap(args.text(0))))
    }),
    function("snakecase", &[Text], |_, args| {
        Ok(Value::text(case::joined_by(args.text(0), '_')))
    }),
    function("kebabcase", &[Text], |_, args| {
        Ok(Value::text(case::joined_by(args.text(0), '-')))
    }),
    function("camelcase", &[Text], |_, args| {
        Ok(Value::text(case::pascal(args.text(0))))
    }),
    function("initials", &[Text], |_, args| {
        Ok(Value::text(case::initials(args.text(0))))
    }),
    function("nospace", &[Text], |_, args| {
        let kept: String = args
            .text(0)
            .chars()
            .filter(|it| !it.is_whitespace())
            .collect();
        Ok(Value::text(kept))
    }),
    function("substr", &[Int, Int, Text], substr),
    function("trunc", &[Int, Text], trunc),
    function("abbrev", &[Int, Text], |_, args| {
        Ok(Value::text(abbreviate(args.text(1), 0, args.int(0))))
    }),
    function("abbrevboth", &[Int, Int, Text], |_, args| {
        Ok(Value::text(abbreviate(
            args.text(2),
            args.int(0),
            args.int(1),
        )))
    }),
    function("repeat", &[Int, Text], repeat),
    function("wrap", &[Int, Text], |_, args| {
        wrap(args.text(1), args.int(0), "\n", false)
    }),
    function("wrapWith", &[Int, Text, Text], |_, args| {
        let separator = if args.text(1).is_empty() {
            "\n"
        } else {
            args.text(1)
        };
        wrap(args.text(2), args.int(0), separator, true)
    }),
    function("contains", &[Text, Text], |_, args| {
        Ok(Value::Bool(args.text(1).contains(args.text(0))))
    }),
    function("hasPrefix", &[Text, Text], |_, args| {
        Ok(Value::Bool(args.text(1).starts_with(args.text(0))))
    }),
    function("hasSuffix", &[Text, Text], |_, args| {
        Ok(Value::Bool(args.text(1).ends_with(args.text(0))))
    }),
    variadic("quote", &[Any], |_, args| {
        let quoted: Vec<String> = args
            .iter()
            .filter(|it| !it.is_nil())
            .map(|it| quote(&text_of(it)))
            .collect();
        Ok(Value::text(quoted.join(" ")))
    }),
    variadic("squote", &[Any], |_, args| {
        let quoted: Vec<String> = args
            .iter()
            .filter(|it| !it.is_nil())
            .map(|it| format!("'{}'", plain(it)))
            .collect();
        Ok(Value::text(quoted.join(" ")))
    }),
    variadic("cat", &[Any], |_, args| {
        let texts: Vec<String> = args.iter().filter(|it| !it.is_nil()).map(plain).collect();
        Ok(Value::text(texts.join(" ")))
    }),
    function("indent", &[Int, Text], |_, args| indent(args, "")),
    function("nindent", &[Int, Text], |_, args| indent(args, "\n")),
    function("replace", &[Text, Text, Text], replace),
    function("plural", &[Text, Text, Int], |_, args| {
        let at = usize::from(args.int(2) != 1);
        Ok(args.any(at).clone())
    }),
    function("split", &[Text, Text], |_, args| {
        Ok(numbered(split(args.text(1), args.text(0), -1)))
    }),
    function("splitn", &[Text, Int, Text], |_, args| {
        Ok(numbered(split(args.text(2), args.text(0), args.int(1))))
    }),
    function("splitList", &[Text, Text], |_, args| {
        Ok(Value::texts(split(args.text(1), args.text(0), -1)))
    }),
];

fn trim_all(_: &Call<'_>, args: &[Value]) -> Answer {
    let cut = args.text(0);
    Ok(Value::text(
        args.text(1).trim_matches(|it| cut.contains(it)),
    ))
}

/// Takes bytes of a text; what is cut in the middle of a character becomes U+FFFD.
fn cut(text: &str, range: std::ops::Range<usize>) -> Value {
    if let Some(part) = text.get(range.clone()) {
        Value::text(part)
    } else {
        let bytes = text.as_bytes().get(range).unwrap_or_default();
        Value::text(String::from_utf8_lossy(bytes).as_ref())
    }
}

fn out_of_range(what: &str) -> String {
    format!("runtime error: slice bounds out of range [{what}]")
}

fn substr(_: &Call<'_>, args: &[Value]) -> Answer {
    let (start, end, text) = (args.int(0), args.int(1), args.text(2));
    let length = text.len();
    let place = super::size;
    if start < 0 {
        return match place(end) {
            Some(end) if end <= length => Ok(cut(text, 0..end)),
            Some(end) => {
                Err(out_of_range(&format!(":{end}] with length {length}")).replace("]]", "]"))
            }
            None => Err(out_of_range(&format!(":{end}"))),
        };
    }
    let start = place(start).unwrap_or(usize::MAX);
    match place(end).filter(|it| *it <= length) {
        None if start <= length => Ok(cut(text, start..length)),
        None => Err(out_of_range(&format!("{start}:{length}"))),
        Some(end) if start <= end => Ok(cut(text, start..end)),
        Some(end) => Err(out_of_range(&format!("{start}:{end}"))),
    }
}

fn trunc(_: &Call<'_>, args: &[Value]) -> Answer {
    let (count, text) = (args.int(0), args.text(1));
    let magnitude = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if magnitude >= text.len() {
        return Ok(args.any(1).clone());
    }
    Ok(if count < 0 {
        cut(text, text.len() - magnitude..text.len())
    } else {
        cut(text, 0..magnitude)
    })
}

/// Goutils' `AbbreviateFull`.
fn abbreviate(text: &str, offset: i64, width: i64) -> String {
    let (Some(mut offset), Some(width)) = (super::size(offset.max(0)), super::size(width)) else {
        return text.to_owned();
    };
    if width < 4 || (offset > 0 && width < 7) || text.len() <= width {
        return text.to_owned();
    }
    let length = text.len();
    let part = |range: std::ops::Range<usize>| match cut(text, range) {
        Value::Text(it) => it.as_ref().to_owned(),
        _ => String::new(),
    };
    offset = offset.min(length);
    if length - offset < width - 3 {
        offset = length - (width - 3);
    }
    if offset <= 4 {
        return part(0..width - 3) + "...";
    }
    if offset + width - 3 < length {
        let rest = part(offset..length);
        return "...".to_owned() + &abbreviate(&rest, 0, i64::try_from(width - 3).unwrap_or(0));
    }
    "...".to_owned() + &part(length - (width - 3)..length)
}

fn repeat(_: &Call<'_>, args: &[Value]) -> Answer {
    let Some(count) = super::size(args.int(0)) else {
        return Err("strings: negative Repeat count".to_owned());
    };
    let text = args.text(1);
    bounded(count.saturating_mul(text.len()))?;
    Ok(Value::text(text.repeat(count)))
}

/// Goutils' `WrapCustom`.
fn wrap(text: &str, length: i64, separator: &str, long_words: bool) -> Answer {
    let length = super::size(length).unwrap_or(0).max(1);
    let bytes = text.as_bytes();
    bounded(
        text.len()
            .saturating_mul(1 + separator.len() / length.max(1)),
    )?;
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let slice = |from: usize, to: usize| bytes.get(from..to).unwrap_or_default();
    let mut offset = 0;
    while bytes.len() - offset > length {
        if bytes.get(offset) == Some(&b' ') {
            offset += 1;
            continue;
        }
        let end = offset + length + 1;
        let space = slice(offset, end).iter().rposition(|it| *it == b' ');
        if let Some(space) = space {
            out.extend(slice(offset, offset + space));
            out.extend(separator.bytes());
            offset += space + 1;
        } else if long_words {
            out.extend(slice(offset, offset + length));
            out.extend(separator.bytes());
            offset += length;
        } else {
            let end = offset + length;
            let next = slice(end, bytes.len()).iter().position(|it| *it == b' ');
            if let Some(next) = next {
                out.extend(slice(offset, end + next));
                out.extend(separator.bytes());
                offset = end + next + 1;
            } else {
                out.extend(slice(offset, bytes.len()));
                offset = bytes.len();
            }
        }
        bounded(out.len())?;
    }
    out.extend(slice(offset, bytes.len()));
    Ok(Value::text(String::from_utf8_lossy(&out).as_ref()))
}

fn indent(args: &[Value], before: &str) -> Answer {
    let Some(count) = super::size(args.int(0)) else {
        return Err("strings: negative Repeat count".to_owned());
    };
    let text = args.text(1);
    let lines = text.bytes().filter(|it| *it == b'\n').count() + 1;
    let length = count.saturating_mul(lines).saturating_add(text.len());
    bounded(length)?;
    let pad = " ".repeat(count);
    let mut out = String::with_capacity(length + before.len());
    out.push_str(before);
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
        }
        out.push_str(&pad);
        out.push_str(line);
    }
    Ok(Value::text(out))
}

fn replace(_: &Call<'_>, args: &[Value]) -> Answer {
    let (old, new, text) = (args.text(0), args.text(1), args.text(2));
    let places = text.len().checked_div(old.len()).unwrap_or(text.len() + 1);
    bounded(text.len().saturating_add(places.saturating_mul(new.len())))?;
    Ok(Value::text(text.replace(old, new)))
}

/// Go's `strings.SplitN`.
fn split<'a>(text: &'a str, separator: &str, count: i64) -> Vec<&'a str> {
    if count == 0 {
        return Vec::new();
    }
    let limit = usize::try_from(count).unwrap_or(usize::MAX);
    if !separator.is_empty() {
        return text.splitn(limit, separator).collect();
    }
    let mut parts: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(it) = rest.chars().next() {
        if parts.len() + 1 == limit {
            parts.push(rest);
            break;
        }
        let (first, after) = rest.split_at(it.len_utf8());
        parts.push(first);
        rest = after;
    }
    parts
}

fn numbered(parts: Vec<&str>) -> Value {
    let entries: Entries = parts
        .into_iter()
        .enumerate()
        .map(|(at, part)| (format!("_{at}").into(), Value::text(part)))
        .collect();
    Value::Map(Map::new(MapKind::Text, entries))
}
