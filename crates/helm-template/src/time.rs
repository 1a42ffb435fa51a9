//! Moments in time as Go's `time` prints and reads them. The local time zone is UTC.

use std::fmt;

use crate::object::Method;
use crate::value::Value;

pub(crate) mod layout;

/// Go's `time.Time`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Seconds since 1970, UTC.
    pub(crate) seconds: i64,
    pub(crate) nanos: u32,
    /// Seconds east of UTC.
    pub(crate) offset: i32,
}

/// A moment taken apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields {
    pub(crate) year: i64,
    /// From 1.
    pub(crate) month: u32,
    /// From 1.
    pub(crate) day: u32,
    pub(crate) hour: u32,
    pub(crate) minute: u32,
    pub(crate) second: u32,
    /// From 0, Sunday.
    pub(crate) weekday: u32,
    /// From 1.
    pub(crate) yearday: u32,
}

const DAY: i64 = 86_400;

/// Beyond this many seconds moments are not computed with: about ten million years.
const LIMIT: i64 = 300_000_000_000_000;

impl Moment {
    /// The zero of Go's `time.Time`: year 1.
    pub(crate) const ZERO: Self = Self {
        seconds: -62_135_596_800,
        nanos: 0,
        offset: 0,
    };

    pub(crate) fn at(seconds: i64) -> Self {
        Self {
            seconds: seconds.clamp(-LIMIT, LIMIT),
            nanos: 0,
            offset: 0,
        }
    }

    pub(crate) fn in_utc(self) -> Self {
        Self { offset: 0, ..self }
    }

    /// Adds nanoseconds.
    pub(crate) fn plus(self, nanos: i64) -> Self {
        let all = i64::from(self.nanos) + nanos % 1_000_000_000;
        let seconds = self.seconds + nanos / 1_000_000_000 + all.div_euclid(1_000_000_000);
        Self {
            nanos: u32::try_from(all.rem_euclid(1_000_000_000)).unwrap_or(0),
            ..Self {
                offset: self.offset,
                ..Self::at(seconds)
            }
        }
    }

    /// Makes a moment of a date and a time of day, which must exist.
    pub(crate) fn new(year: i64, month: u32, day: u32, seconds_of_day: i64) -> Self {
        // Days since 1970 in the Gregorian calendar, years beginning in March.
        let shifted = if month <= 2 { year - 1 } else { year };
        let era = shifted.div_euclid(400);
        let year_of_era = shifted.rem_euclid(400);
        let month_index = i64::from((month + 9) % 12);
        let day_of_year = (153 * month_index + 2) / 5 + i64::from(day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Self::at((era * 146_097 + day_of_era - 719_468) * DAY + seconds_of_day)
    }

    pub(crate) fn fields(self) -> Fields {
        let local = self.seconds + i64::from(self.offset);
        let days = local.div_euclid(DAY);
        let second_of_day = local.rem_euclid(DAY);
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_index = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_index + 2) / 5 + 1;
        let month = if month_index < 10 {
            month_index + 3
        } else {
            month_index - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let narrow = |it: i64| u32::try_from(it).unwrap_or(0);
        let new_year = Self::new(year, 1, 1, 0).seconds.div_euclid(DAY);
        Fields {
            year,
            month: narrow(month),
            day: narrow(day),
            hour: narrow(second_of_day / 3600),
            minute: narrow(second_of_day / 60 % 60),
            second: narrow(second_of_day % 60),
            weekday: narrow((days + 4).rem_euclid(7)),
            yearday: narrow(days - new_year + 1),
        }
    }

    /// Go's `time.RFC3339Nano`.
    pub(crate) fn rfc3339(self) -> String {
        layout::format(self, "2006-01-02T15:04:05.999999999Z07:00")
    }

    /// Calls a method of Go's `time.Time`.
    pub(crate) fn call(self, method: Method, text: &str) -> Value {
        let fields = self.fields();
        match method {
            Method::TimeUnix => Value::Int64(self.seconds),
            Method::TimeFormat => Value::text(layout::format(self, text)),
            Method::TimeYear => Value::Int(fields.year),
            Method::TimeDay => Value::Int(fields.day.into()),
            Method::TimeHour => Value::Int(fields.hour.into()),
            Method::TimeMinute => Value::Int(fields.minute.into()),
            Method::TimeSecond => Value::Int(fields.second.into()),
            Method::TimeIsZero => Value::Bool(self.in_utc() == Self::ZERO),
            Method::TimeUtc => Value::object(crate::object::Object::Time(self.in_utc())),
            _ => Value::text(self.to_string()),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&layout::format(
            *self,
            "2006-01-02 15:04:05.999999999 -0700 MST",
        ))
    }
}

/// Go's `time.ParseDuration`, in nanoseconds.
pub(crate) fn parse_duration(text: &str) -> Result<i64, String> {
    let invalid = || {
        format!(
            "time: invalid duration {}",
            crate::gotmpl::quote::quote(text)
        )
    };
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let end = rest
            .find(|it: char| !(it.is_ascii_digit() || it == '.'))
            .ok_or_else(|| {
                format!(
                    "time: missing unit in duration {}",
                    crate::gotmpl::quote::quote(text)
                )
            })?;
        let (number, after) = rest.split_at_checked(end).ok_or_else(invalid)?;
        let end = after
            .find(|it: char| it == '.' || it.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(end).ok_or_else(invalid)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || number.len() > 25
        {
            return Err(invalid());
        }
        let scale: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => {
                return Err(format!(
                    "time: unknown unit {} in duration {}",
                    crate::gotmpl::quote::quote(unit),
                    crate::gotmpl::quote::quote(text)
                ));
            }
        };
        let digits = |it: &str| it.parse::<i128>().unwrap_or(0);
        let mut part = digits(whole).saturating_mul(scale);
        if let Ok(places) = u32::try_from(fraction.len())
            && places > 0
        {
            let divisor = 10i128.checked_pow(places).unwrap_or(i128::MAX);
            part = part.saturating_add(digits(fraction).saturating_mul(scale) / divisor);
        }
        total = total.saturating_add(part);
        rest = after;
    }
    let total = if negative { -total } else { total };
    i64::try_from(total).map_err(|_| invalid())
}

/// Go's `time.Duration.String`.
pub(crate) fn duration(nanos: i64) -> String {
    if nanos == 0 {
        return "0s".to_owned();
    }
    let sign = if nanos < 0 { "-" } else { "" };
    let magnitude = nanos.unsigned_abs();
    let decimal = |value: u64, unit: u64| {
        let whole = value / unit;
        let places = unit.ilog10() as usize;
        let fraction = format!("{:0places$}", value % unit);
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() || places == 0 {
            whole.to_string()
        } else {
            format!("{whole}.{fraction}")
        }
    };
    if magnitude < 1_000_000_000 {
        let (unit, name) = match magnitude {
            0..1_000 => (1, "ns"),
            1_000..1_000_000 => (1_000, "µs"),
            _ => (1_000_000, "ms"),
        };
        return format!("{sign}{}{name}", decimal(magnitude, unit));
    }
    let minutes = magnitude / 60_000_000_000;
    let seconds = decimal(magnitude % 60_000_000_000, 1_000_000_000);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}
