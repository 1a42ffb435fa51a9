//! Upper, lower and joined case.

/// Go's `strings.ToUpper`, which maps character by character.
pub(super) fn upper(text: &str) -> String {
    text.chars().map(upper_char).collect()
}

pub(super) fn lower(text: &str) -> String {
    text.chars().map(lower_char).collect()
}

/// The upper case of a character where it is one character.
fn upper_char(it: char) -> char {
    let mut all = it.to_uppercase();
    match (all.next(), all.next()) {
        (Some(upper), None) => upper,
        _ => it,
    }
}

fn lower_char(it: char) -> char {
    let mut all = it.to_lowercase();
    // Go knows only the first of the two that İ becomes.
    all.next().unwrap_or(it)
}

/// Go's `strings.Title`.
pub(super) fn title(text: &str) -> String {
    let mut previous = ' ';
    text.chars()
        .map(|it| {
            let separated = if previous.is_ascii() {
                !(previous.is_ascii_alphanumeric() || previous == '_')
            } else {
                previous.is_whitespace()
            };
            previous = it;
            if separated { upper_char(it) } else { it }
        })
        .collect()
}

/// Goutils' `Uncapitalize`.
pub(super) fn untitle(text: &str) -> String {
    let mut first = true;
    text.chars()
        .map(|it| {
            if it.is_whitespace() {
                first = true;
                it
            } else if std::mem::take(&mut first) {
                lower_char(it)
            } else {
                it
            }
        })
        .collect()
}

/// Goutils' `SwapCase`.
pub(super) fn swap(text: &str) -> String {
    text.chars()
        .map(|it| {
            if it.is_uppercase() {
                lower_char(it)
            } else if it.is_lowercase() {
                upper_char(it)
            } else {
                it
            }
        })
        .collect()
}

/// Goutils' `Initials`, which takes bytes for characters.
pub(super) fn initials(text: &str) -> String {
    let mut gap = true;
    let mut out = String::new();
    for byte in text.bytes() {
        let it = char::from(byte);
        if it.is_whitespace() {
            gap = true;
        } else if std::mem::take(&mut gap) {
            out.push(it);
        }
    }
    out
}

fn is_connector(it: char) -> bool {
    it == '-' || it == '_' || it.is_whitespace()
}

/// Xstrings' `ToPascalCase`.
pub(super) fn pascal(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    let mut current = None;
    let mut first_upper = false;
    for it in chars.by_ref() {
        current = Some(it);
        if !is_connector(it) {
            first_upper = it.is_uppercase();
            current = Some(upper_char(it));
            break;
        }
        if current.is_some() {
            out.push(it);
        }
    }
    let Some(mut current) = current else {
        return String::new();
    };
    if chars.peek().is_none() {
        // A text of connectors alone loses none, and repeats the last, as xstrings does.
        out.push(current);
        return out;
    }
    for it in chars {
        let previous = current;
        current = it;
        if is_connector(it) && is_connector(previous) {
            out.push(previous);
            continue;
        }
        if is_connector(previous) {
            first_upper = it.is_uppercase();
            current = upper_char(it);
        } else {
            if first_upper {
                if it.is_uppercase() {
                    current = lower_char(it);
                } else {
                    first_upper = false;
                }
            }
            out.push(previous);
        }
    }
    out.push(current);
    out
}

/// What a word of a joined text is made of.
#[derive(Clone, Copy, PartialEq)]
enum Word {
    None,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punctuation,
    Other,
}

/// Xstrings' `ToSnakeCase` and `ToKebabCase`.
pub(super) fn joined_by(text: &str, connector: char) -> String {
    let mut out = String::new();
    let (mut kind, mut word, mut rest) = next_word(text);
    while !rest.is_empty() {
        if kind != Word::Connector {
            push_lower(&mut out, kind, word, connector);
        }
        let previous = kind;
        let last = word;
        (kind, word, rest) = next_word(rest);
        match previous {
            Word::Number => {
                while matches!(kind, Word::Alphabet | Word::Number) {
                    push_lower(&mut out, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if !matches!(kind, Word::None | Word::Punctuation | Word::Connector) {
                    out.push(connector);
                }
            }
            Word::Connector => push_lower(&mut out, previous, last, connector),
            Word::Punctuation => {}
            Word::None | Word::Upper | Word::Alphabet | Word::Other => {
                if kind != Word::Number {
                    if !matches!(kind, Word::Connector | Word::Punctuation) {
                        out.push(connector);
                    }
                    continue;
                }
                if rest.is_empty() {
                    continue;
                }
                let number = word;
                (kind, word, rest) = next_word(rest);
                if kind != Word::Alphabet {
                    push_lower(&mut out, Word::Number, number, connector);
                    if !matches!(kind, Word::Connector | Word::Punctuation) {
                        out.push(connector);
                    }
                    continue;
                }
                out.push(connector);
                push_lower(&mut out, Word::Number, number, connector);
                while matches!(kind, Word::Alphabet | Word::Number) {
                    push_lower(&mut out, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if !matches!(kind, Word::None | Word::Connector | Word::Punctuation) {
                    out.push(connector);
                }
            }
        }
    }
    push_lower(&mut out, kind, word, connector);
    out
}

fn push_lower(out: &mut String, kind: Word, word: &str, connector: char) {
    if kind == Word::Connector {
        out.extend(word.chars().map(|it| {
            if it == '-' || it == '_' || it.is_whitespace() {
                connector
            } else {
                it
            }
        }));
    } else {
        out.push_str(&lower(word));
    }
}

fn is_alphabet(it: char) -> bool {
    it.is_alphabetic() && (it.is_lowercase() || it.is_uppercase())
}

fn is_punctuation(it: char) -> bool {
    if it.is_ascii() {
        // Go's punctuation leaves the symbols out.
        return it.is_ascii_punctuation()
            && !matches!(it, '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~');
    }
    matches!(u32::from(it), 0xA1 | 0xA7 | 0xAB | 0xB6 | 0xB7 | 0xBB | 0xBF | 0x2010..=0x2027 | 0x2030..=0x205E | 0x3001..=0x3003 | 0x3008..=0x3011)
}

fn next_word(text: &str) -> (Word, &str, &str) {
    let Some(first) = text.chars().next() else {
        return (Word::None, "", "");
    };
    let run = |from: usize, holds: &dyn Fn(char) -> bool| {
        let rest = text.get(from..).unwrap_or_default();
        from + rest.find(|it| !holds(it)).unwrap_or(rest.len())
    };
    let size = first.len_utf8();
    let (kind, end) = if is_connector(first) {
        (Word::Connector, run(0, &is_connector))
    } else if is_punctuation(first) {
        (Word::Punctuation, run(0, &is_punctuation))
    } else if first.is_uppercase() {
        let second = text.get(size..).and_then(|it| it.chars().next());
        let end = match second {
            Some(it) if it.is_uppercase() => {
                let end = run(0, &char::is_uppercase);
                let after = text.get(end..).and_then(|it| it.chars().next());
                if after.is_some_and(is_alphabet) {
                    // The last capital begins the next word.
                    let last = text.get(..end).and_then(|it| it.chars().next_back());
                    end - last.map_or(0, char::len_utf8)
                } else {
                    end
                }
            }
            Some(it) if is_alphabet(it) => run(size, &|it| is_alphabet(it) && !it.is_uppercase()),
            _ => size,
        };
        (Word::Upper, end)
    } else if is_alphabet(first) {
        (
            Word::Alphabet,
            run(0, &|it| is_alphabet(it) && !it.is_uppercase()),
        )
    } else if first.is_numeric() {
        (Word::Number, run(0, &char::is_numeric))
    } else {
        (
            Word::Other,
            run(size, &|it| {
                !(is_connector(it) || is_alphabet(it) || it.is_numeric() || is_punctuation(it))
            }),
        )
    };
    let (word, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    (kind, word, rest)
}
