//! File patterns as gobwas/glob matches them with the separator `/`.

/// A pattern: `*` within a name, `**` across names, `?`, `[a-z]`, `[!a]`, `{a,b}`, `\` before a special character.
#[derive(Debug)]
pub(crate) struct Glob {
    /// None stands for a pattern that cannot be read: Helm then matches everything.
    alternatives: Option<Vec<Vec<Piece>>>,
}

#[derive(Debug, Clone)]
enum Piece {
    Char(char),
    /// `?`.
    One,
    /// `*`.
    Name,
    /// `**`.
    All,
    Set {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
}

/// Patterns with more alternatives match everything, as unreadable ones do.
const ALTERNATIVES: usize = 1000;

impl Glob {
    pub(crate) fn new(pattern: &str) -> Self {
        let mut alternatives = vec![Vec::new()];
        let chars: Vec<char> = pattern.chars().collect();
        let mut at = 0;
        let sound = read(&chars, &mut at, &mut alternatives, 0).is_some() && at == chars.len();
        Self {
            alternatives: sound.then_some(alternatives),
        }
    }

    pub(crate) fn matches(&self, name: &str) -> bool {
        let Some(alternatives) = &self.alternatives else {
            return true;
        };
        let name: Vec<char> = name.chars().collect();
        alternatives.iter().any(|it| fits(it, &name))
    }
}

/// Reads up to the end, or to what ends a group, and appends to every alternative.
fn read(chars: &[char], at: &mut usize, into: &mut Vec<Vec<Piece>>, depth: u32) -> Option<()> {
    if depth > 10 {
        return None;
    }
    while let Some(it) = chars.get(*at) {
        *at += 1;
        let piece = match it {
            '*' if chars.get(*at) == Some(&'*') => {
                *at += 1;
                Piece::All
            }
            '*' => Piece::Name,
            '?' => Piece::One,
            '\\' => {
                let it = chars.get(*at)?;
                *at += 1;
                Piece::Char(*it)
            }
            '[' => set(chars, at)?,
            '{' => {
                let mut all = Vec::new();
                loop {
                    let mut branch = into.clone();
                    read(chars, at, &mut branch, depth + 1)?;
                    all.append(&mut branch);
                    if all.len() > ALTERNATIVES {
                        return None;
                    }
                    let end = chars.get(*at)?;
                    *at += 1;
                    if *end == '}' {
                        break;
                    }
                }
                *into = all;
                continue;
            }
            ',' | '}' if depth > 0 => {
                *at -= 1;
                return Some(());
            }
            it => Piece::Char(*it),
        };
        for alternative in into.iter_mut() {
            alternative.push(piece.clone());
        }
    }
    (depth == 0).then_some(())
}

fn set(chars: &[char], at: &mut usize) -> Option<Piece> {
    let negated = matches!(chars.get(*at), Some('!' | '^'));
    if negated {
        *at += 1;
    }
    let mut ranges = Vec::new();
    loop {
        let mut it = *chars.get(*at)?;
        *at += 1;
        if it == ']' && !ranges.is_empty() {
            return Some(Piece::Set { ranges, negated });
        }
        if it == '\\' {
            it = *chars.get(*at)?;
            *at += 1;
        }
        if chars.get(*at) == Some(&'-') && chars.get(*at + 1).is_some_and(|it| *it != ']') {
            let end = *chars.get(*at + 1)?;
            *at += 2;
            ranges.push((it, end));
        } else {
            ranges.push((it, it));
        }
    }
}

/// Matches with the places of the last stars remembered, so that time stays bounded by pattern × name.
fn fits(pieces: &[Piece], name: &[char]) -> bool {
    let mut states = vec![false; pieces.len() + 1];
    let close = |states: &mut Vec<bool>| {
        for (at, piece) in pieces.iter().enumerate() {
            if matches!(piece, Piece::Name | Piece::All)
                && states.get(at) == Some(&true)
                && let Some(next) = states.get_mut(at + 1)
            {
                *next = true;
            }
        }
    };
    if let Some(first) = states.first_mut() {
        *first = true;
    }
    close(&mut states);
    for it in name {
        let mut next = vec![false; pieces.len() + 1];
        for (at, piece) in pieces.iter().enumerate() {
            if states.get(at) != Some(&true) {
                continue;
            }
            let (advance, stay) = match piece {
                Piece::Char(other) => (other == it, false),
                Piece::One => (*it != '/', false),
                Piece::Name => (false, *it != '/'),
                Piece::All => (false, true),
                Piece::Set { ranges, negated } => {
                    let within = ranges.iter().any(|(a, b)| a <= it && it <= b);
                    (within != *negated, false)
                }
            };
            if let (true, Some(slot)) = (stay, next.get_mut(at)) {
                *slot = true;
            }
            if let (true, Some(slot)) = (advance, next.get_mut(at + 1)) {
                *slot = true;
            }
        }
        close(&mut next);
        states = next;
    }
    states.last() == Some(&true)
}
