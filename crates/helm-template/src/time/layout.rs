//! Layouts: how the moment `Mon Jan 2 15:04:05 MST 2006` would be written.

use std::fmt::Write as _;

use super::Moment;

/// A piece of a layout.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Piece<'a> {
    Literal(&'a str),
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearday,
    ZeroYearday,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    Upper,
    Lower,
    ZoneName,
    /// Offset; with `Z` for UTC, with colons, with minutes, with seconds.
    Zone(Zone),
    /// `.000` or `,000`.
    Fraction(&'a str),
    /// `.999`.
    Trimmed(&'a str),
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// The fixed pieces, longest first where one begins another.
const PIECES: &[(&str, Piece<'static>)] = &[
    ("January", Piece::LongMonth),
    ("Jan", Piece::Month),
    ("Monday", Piece::LongWeekday),
    ("Mon", Piece::Weekday),
    ("MST", Piece::ZoneName),
    ("002", Piece::ZeroYearday),
    ("01", Piece::ZeroMonth),
    ("02", Piece::ZeroDay),
    ("03", Piece::ZeroHour12),
    ("04", Piece::ZeroMinute),
    ("05", Piece::ZeroSecond),
    ("06", Piece::Year),
    ("15", Piece::Hour),
    ("1", Piece::NumMonth),
    ("2006", Piece::LongYear),
    ("2", Piece::Day),
    ("_2006", Piece::Literal("_")),
    ("__2", Piece::UnderYearday),
    ("_2", Piece::UnderDay),
    ("3", Piece::Hour12),
    ("4", Piece::Minute),
    ("5", Piece::Second),
    ("PM", Piece::Upper),
    ("pm", Piece::Lower),
];

/// How an offset is written.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "the choices are independent")]
struct Zone {
    z: bool,
    colon: bool,
    minutes: bool,
    seconds: bool,
}

#[expect(
    clippy::fn_params_excessive_bools,
    reason = "makes the table below readable"
)]
const fn zone(z: bool, colon: bool, minutes: bool, seconds: bool) -> Zone {
    Zone {
        z,
        colon,
        minutes,
        seconds,
    }
}

const ZONES: &[(&str, Zone)] = &[
    ("Z070000", zone(true, false, true, true)),
    ("Z07:00:00", zone(true, true, true, true)),
    ("Z0700", zone(true, false, true, false)),
    ("Z07:00", zone(true, true, true, false)),
    ("Z07", zone(true, false, false, false)),
    ("-070000", zone(false, false, true, true)),
    ("-07:00:00", zone(false, true, true, true)),
    ("-0700", zone(false, false, true, false)),
    ("-07:00", zone(false, true, true, false)),
    ("-07", zone(false, false, false, false)),
];

fn pieces(layout: &str) -> Vec<Piece<'_>> {
    let mut all = Vec::new();
    let mut literal = 0;
    let mut at = 0;
    while let Some(rest) = layout.get(at..).filter(|it| !it.is_empty()) {
        let Some((piece, length)) = piece(rest) else {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        if literal < at {
            all.push(Piece::Literal(layout.get(literal..at).unwrap_or_default()));
        }
        all.push(piece);
        at += length;
        literal = at;
    }
    if literal < layout.len() {
        all.push(Piece::Literal(layout.get(literal..).unwrap_or_default()));
    }
    all
}

/// Reads the piece that a text begins with.
fn piece(rest: &str) -> Option<(Piece<'_>, usize)> {
    if let Some((text, piece)) = PIECES.iter().find(|(text, _)| rest.starts_with(text)) {
        return match piece {
            // The underscore before a year is only an underscore.
            Piece::Literal(it) => Some((Piece::Literal(it), it.len())),
            // Go wants no letter behind `Jan` that would make it another word.
            Piece::Month | Piece::Weekday
                if rest
                    .as_bytes()
                    .get(text.len())
                    .is_some_and(u8::is_ascii_lowercase) =>
            {
                None
            }
            piece => Some((*piece, text.len())),
        };
    }
    if let Some((text, zone)) = ZONES.iter().find(|(text, _)| rest.starts_with(text)) {
        return Some((Piece::Zone(*zone), text.len()));
    }
    let digits = rest.strip_prefix(['.', ','])?;
    let first = digits.chars().next().filter(|it| matches!(it, '0' | '9'))?;
    let count = digits.chars().take_while(|it| *it == first).count();
    if digits.as_bytes().get(count).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let text = rest.get(..=count)?;
    let piece = if first == '0' {
        Piece::Fraction(text)
    } else {
        Piece::Trimmed(text)
    };
    Some((piece, count + 1))
}

/// Writes a moment.
pub(crate) fn format(moment: Moment, layout: &str) -> String {
    let fields = moment.fields();
    let mut out = String::new();
    let month = MONTHS
        .get((fields.month as usize).saturating_sub(1))
        .copied()
        .unwrap_or_default();
    let weekday = WEEKDAYS
        .get(fields.weekday as usize)
        .copied()
        .unwrap_or_default();
    let twelve = match fields.hour % 12 {
        0 => 12,
        hour => hour,
    };
    for piece in pieces(layout) {
        // Writing into a String cannot fail.
        let _ = match piece {
            Piece::Literal(it) => write!(out, "{it}"),
            Piece::LongMonth => write!(out, "{month}"),
            Piece::Month => write!(out, "{}", month.get(..3).unwrap_or_default()),
            Piece::NumMonth => write!(out, "{}", fields.month),
            Piece::ZeroMonth => write!(out, "{:02}", fields.month),
            Piece::LongWeekday => write!(out, "{weekday}"),
            Piece::Weekday => write!(out, "{}", weekday.get(..3).unwrap_or_default()),
            Piece::Day => write!(out, "{}", fields.day),
            Piece::UnderDay => write!(out, "{:2}", fields.day),
            Piece::ZeroDay => write!(out, "{:02}", fields.day),
            Piece::UnderYearday => write!(out, "{:3}", fields.yearday),
            Piece::ZeroYearday => write!(out, "{:03}", fields.yearday),
            Piece::Hour => write!(out, "{:02}", fields.hour),
            Piece::Hour12 => write!(out, "{twelve}"),
            Piece::ZeroHour12 => write!(out, "{twelve:02}"),
            Piece::Minute => write!(out, "{}", fields.minute),
            Piece::ZeroMinute => write!(out, "{:02}", fields.minute),
            Piece::Second => write!(out, "{}", fields.second),
            Piece::ZeroSecond => write!(out, "{:02}", fields.second),
            Piece::LongYear => write!(out, "{:04}", fields.year),
            Piece::Year => write!(out, "{:02}", fields.year.rem_euclid(100)),
            Piece::Upper => write!(out, "{}", if fields.hour >= 12 { "PM" } else { "AM" }),
            Piece::Lower => write!(out, "{}", if fields.hour >= 12 { "pm" } else { "am" }),
            Piece::ZoneName if moment.offset == 0 => write!(out, "UTC"),
            Piece::ZoneName => {
                // A zone without a name is written as its offset.
                let (sign, hours, minutes, _) = offset(moment.offset);
                write!(out, "{sign}{hours:02}{minutes:02}")
            }
            Piece::Zone(Zone { z: true, .. }) if moment.offset == 0 => write!(out, "Z"),
            Piece::Zone(zone) => {
                let (sign, hours, minutes, seconds) = offset(moment.offset);
                let colon = if zone.colon { ":" } else { "" };
                let mut text = format!("{sign}{hours:02}");
                if zone.minutes {
                    text += &format!("{colon}{minutes:02}");
                }
                if zone.seconds {
                    text += &format!("{colon}{seconds:02}");
                }
                write!(out, "{text}")
            }
            Piece::Fraction(it) | Piece::Trimmed(it) => {
                let (mark, places) = it.split_at_checked(1).unwrap_or(("", ""));
                let digits = format!("{:09}", moment.nanos);
                let digits = digits.get(..places.len().min(9)).unwrap_or_default();
                let digits = match piece {
                    Piece::Trimmed(_) => digits.trim_end_matches('0'),
                    _ => digits,
                };
                let trimmed = digits.is_empty() && matches!(piece, Piece::Trimmed(_));
                write!(out, "{}{digits}", if trimmed { "" } else { mark })
            }
        };
    }
    out
}

fn offset(seconds: i32) -> (char, u32, u32, u32) {
    let sign = if seconds < 0 { '-' } else { '+' };
    let magnitude = seconds.unsigned_abs();
    (sign, magnitude / 3600, magnitude / 60 % 60, magnitude % 60)
}

/// Reads a moment; the error is Go's.
pub(crate) fn parse(layout: &str, text: &str) -> Result<Moment, String> {
    let mut reader = Reader {
        rest: text,
        year: 0,
        month: None,
        day: None,
        yearday: None,
        hour: 0,
        minute: 0,
        second: 0,
        nanos: 0,
        afternoon: None,
        offset: 0,
    };
    let quote = crate::gotmpl::quote::quote;
    let all = pieces(layout);
    for (at, piece) in all.iter().enumerate() {
        let before = reader.rest;
        let fraction_follows = matches!(
            all.get(at + 1),
            Some(Piece::Fraction(_) | Piece::Trimmed(_))
        );
        if reader.read(*piece, fraction_follows).is_none() {
            let element = match piece {
                Piece::Literal(it) => quote(it),
                other => quote(&source(*other, layout)),
            };
            return Err(format!(
                "parsing time {} as {}: cannot parse {} as {element}",
                quote(text),
                quote(layout),
                quote(before)
            ));
        }
    }
    if !reader.rest.is_empty() {
        return Err(format!(
            "parsing time {}: extra text: {}",
            quote(text),
            quote(reader.rest)
        ));
    }
    reader
        .moment()
        .ok_or_else(|| format!("parsing time {}: day out of range", quote(text)))
}

/// The text of a piece as it stands in a layout.
fn source(piece: Piece<'_>, layout: &str) -> String {
    let mut rest = layout;
    while let Some(first) = rest.chars().next() {
        match self::piece(rest) {
            Some((it, length)) => {
                let (text, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
                if it == piece {
                    return text.to_owned();
                }
                rest = after;
            }
            None => rest = rest.get(first.len_utf8()..).unwrap_or_default(),
        }
    }
    String::new()
}

struct Reader<'a> {
    rest: &'a str,
    year: i64,
    month: Option<u32>,
    day: Option<u32>,
    yearday: Option<u32>,
    hour: u32,
    minute: u32,
    second: u32,
    nanos: u32,
    afternoon: Option<bool>,
    offset: i32,
}

impl Reader<'_> {
    fn read(&mut self, piece: Piece<'_>, fraction_follows: bool) -> Option<()> {
        match piece {
            Piece::Literal(it) => self.literal(it)?,
            Piece::LongYear => self.year = self.number(4, 4)?.into(),
            Piece::Year => {
                let year = self.number(2, 2)?;
                self.year = i64::from(if year >= 69 { year + 1900 } else { year + 2000 });
            }
            Piece::LongMonth => self.month = Some(self.name(&MONTHS, false)?),
            Piece::Month => self.month = Some(self.name(&MONTHS, true)?),
            Piece::NumMonth => self.month = Some(self.within(1, 1, 12)?),
            Piece::ZeroMonth => self.month = Some(self.within(2, 1, 12)?),
            Piece::LongWeekday => drop(self.name(&WEEKDAYS, false)?),
            Piece::Weekday => drop(self.name(&WEEKDAYS, true)?),
            Piece::UnderDay | Piece::Day => {
                if piece == Piece::UnderDay {
                    self.rest = self.rest.strip_prefix(' ').unwrap_or(self.rest);
                }
                self.day = Some(self.number(1, 2)?);
            }
            Piece::ZeroDay => self.day = Some(self.number(2, 2)?),
            Piece::UnderYearday => {
                self.rest = self.rest.trim_start_matches(' ');
                self.yearday = Some(self.number(1, 3)?);
            }
            Piece::ZeroYearday => self.yearday = Some(self.number(3, 3)?),
            Piece::Hour => self.hour = self.within(1, 0, 23)?,
            Piece::Hour12 => self.hour = self.within(1, 0, 12)?,
            Piece::ZeroHour12 => self.hour = self.within(2, 0, 12)?,
            Piece::Minute => self.minute = self.within(1, 0, 59)?,
            Piece::ZeroMinute => self.minute = self.within(2, 0, 59)?,
            Piece::Second | Piece::ZeroSecond => {
                let least = if piece == Piece::Second { 1 } else { 2 };
                self.second = self.within(least, 0, 59)?;
                // A fraction is read even where the layout has none.
                if !fraction_follows {
                    self.fraction();
                }
            }
            Piece::Fraction(it) => {
                let before = self.rest.len();
                self.fraction()?;
                (before - self.rest.len() == it.len()).then_some(())?;
            }
            Piece::Trimmed(_) => {
                self.fraction();
            }
            Piece::Upper | Piece::Lower => {
                let (half, rest) = self.rest.split_at_checked(2)?;
                self.afternoon = Some(match half {
                    "PM" if piece == Piece::Upper => true,
                    "AM" if piece == Piece::Upper => false,
                    "pm" if piece == Piece::Lower => true,
                    "am" if piece == Piece::Lower => false,
                    _ => return None,
                });
                self.rest = rest;
            }
            Piece::ZoneName => {
                // Names other than UTC say nothing here; Go gives them no offset either.
                let length = self.rest.bytes().take_while(u8::is_ascii_uppercase).count();
                (3..=5).contains(&length).then_some(())?;
                self.rest = self.rest.get(length..)?;
            }
            Piece::Zone(zone) => self.zone(zone)?,
        }
        Some(())
    }

    /// Passes over text; a space in the layout stands for any number of them.
    fn literal(&mut self, literal: &str) -> Option<()> {
        let mut rest = literal;
        while let Some(it) = rest.chars().next() {
            if it == ' ' {
                if !self.rest.is_empty() && !self.rest.starts_with(' ') {
                    return None;
                }
                rest = rest.trim_start_matches(' ');
                self.rest = self.rest.trim_start_matches(' ');
            } else {
                self.rest = self.rest.strip_prefix(it)?;
                rest = rest.get(it.len_utf8()..)?;
            }
        }
        Some(())
    }

    fn number(&mut self, least: usize, most: usize) -> Option<u32> {
        let length = self
            .rest
            .bytes()
            .take(most)
            .take_while(u8::is_ascii_digit)
            .count();
        (length >= least).then_some(())?;
        let (digits, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        digits.parse().ok()
    }

    fn within(&mut self, least: usize, low: u32, high: u32) -> Option<u32> {
        let number = self.number(least, 2)?;
        (low..=high).contains(&number).then_some(number)
    }

    /// Reads a name and returns its place, from 1.
    fn name(&mut self, names: &[&str], short: bool) -> Option<u32> {
        let at = names.iter().position(|it| {
            let name = if short { it.get(..3).unwrap_or(it) } else { it };
            self.rest
                .get(..name.len())
                .is_some_and(|it| it.eq_ignore_ascii_case(name))
        })?;
        let name = names.get(at)?;
        let length = if short { 3 } else { name.len() };
        self.rest = self.rest.get(length..)?;
        u32::try_from(at + 1).ok()
    }

    fn fraction(&mut self) -> Option<()> {
        let digits = self.rest.strip_prefix(['.', ','])?;
        let length = digits.bytes().take_while(u8::is_ascii_digit).count();
        (length > 0).then_some(())?;
        let (digits, rest) = digits.split_at_checked(length)?;
        let nine: String = digits
            .chars()
            .chain(std::iter::repeat('0'))
            .take(9)
            .collect();
        self.nanos = nine.parse().ok()?;
        self.rest = rest;
        Some(())
    }

    fn zone(&mut self, zone: Zone) -> Option<()> {
        if zone.z
            && let Some(rest) = self.rest.strip_prefix('Z')
        {
            self.rest = rest;
            return Some(());
        }
        let sign = match self.rest.chars().next()? {
            '+' => 1,
            '-' => -1,
            _ => return None,
        };
        self.rest = self.rest.get(1..)?;
        let mut offset = i32::try_from(self.number(2, 2)?).ok()? * 3600;
        for (wanted, unit) in [(zone.minutes, 60), (zone.seconds, 1)] {
            if wanted {
                if zone.colon {
                    self.rest = self.rest.strip_prefix(':')?;
                }
                offset += i32::try_from(self.number(2, 2)?).ok()? * unit;
            }
        }
        self.offset = sign * offset;
        Some(())
    }

    fn moment(&self) -> Option<Moment> {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let seconds = i64::from(hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second)
            - i64::from(self.offset);
        let local = if let (Some(yearday), None, None) = (self.yearday, self.month, self.day) {
            (1..=365 + u32::from(leap))
                .contains(&yearday)
                .then_some(())?;
            Moment::new(
                self.year,
                1,
                1,
                seconds + (i64::from(yearday) - 1) * super::DAY,
            )
        } else {
            let month = self.month.unwrap_or(1);
            let day = self.day.unwrap_or(1);
            let days = match month {
                2 => 28 + u32::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            (1..=days).contains(&day).then_some(())?;
            Moment::new(self.year, month, day, seconds)
        };
        Some(Moment {
            nanos: self.nanos,
            offset: self.offset,
            ..local
        })
    }
}
