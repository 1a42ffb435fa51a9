//! Dates. What asks for the time of day is refused: rendering has no clock. The local time zone is UTC.

use super::Param::{Any, Text, Time};
use super::{Answer, Arguments, Function, function};
use crate::object::Object;
use crate::time::{Moment, duration, layout, parse_duration};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    function("now", &[], |_, _| no_clock("now")),
    function("ago", &[Any], |_, _| no_clock("ago")),
    function("date", &[Text, Any], |_, args| {
        formatted(args.text(0), args.any(1), "Local", "date")
    }),
    function("dateInZone", &[Text, Any, Text], |_, args| {
        formatted(args.text(0), args.any(1), args.text(2), "dateInZone")
    }),
    function("date_in_zone", &[Text, Any, Text], |_, args| {
        formatted(args.text(0), args.any(1), args.text(2), "date_in_zone")
    }),
    function("htmlDate", &[Any], |_, args| {
        formatted(HTML, args.any(0), "Local", "htmlDate")
    }),
    function("htmlDateInZone", &[Any, Text], |_, args| {
        formatted(HTML, args.any(0), args.text(1), "htmlDateInZone")
    }),
    function("dateModify", &[Text, Time], |_, args| modified(args, false)),
    function("date_modify", &[Text, Time], |_, args| {
        modified(args, false)
    }),
    function("mustDateModify", &[Text, Time], |_, args| {
        modified(args, true)
    }),
    function("must_date_modify", &[Text, Time], |_, args| {
        modified(args, true)
    }),
    function("toDate", &[Text, Text], |_, args| {
        let moment = layout::parse(args.text(0), args.text(1)).unwrap_or(Moment::ZERO);
        Ok(Value::object(Object::Time(moment)))
    }),
    function("mustToDate", &[Text, Text], |_, args| {
        layout::parse(args.text(0), args.text(1)).map(|it| Value::object(Object::Time(it)))
    }),
    function("unixEpoch", &[Time], |_, args| {
        let moment = moment(args.any(0)).unwrap_or(Moment::ZERO);
        Ok(Value::text(moment.seconds.to_string()))
    }),
    function("duration", &[Any], |_, args| {
        let seconds = match args.any(0) {
            Value::Text(it) => crate::number::parse_int(it, 10).unwrap_or(0),
            Value::Int64(it) => *it,
            _ => 0,
        };
        Ok(Value::text(duration(seconds.wrapping_mul(1_000_000_000))))
    }),
    function("durationRound", &[Any], duration_round),
];

const HTML: &str = "2006-01-02";

fn no_clock(name: &str) -> Answer {
    Err(format!("{name} is not supported: rendering has no clock"))
}

fn moment(value: &Value) -> Option<Moment> {
    match value {
        Value::Int(it) | Value::Int64(it) => Some(Moment::at(*it)),
        Value::Object(it) => match it.as_ref() {
            Object::Time(it) => Some(*it),
            _ => None,
        },
        _ => None,
    }
}

fn formatted(layout: &str, value: &Value, zone: &str, name: &str) -> Answer {
    let Some(moment) = moment(value) else {
        // Sprig takes the time of day in place of what is no date.
        return no_clock(name);
    };
    Ok(match zone {
        "Local" | "UTC" | "" => Value::text(layout::format(moment.in_utc(), layout)),
        // The zones of the database always have a slash or are known abbreviations; Go falls back to UTC for the rest.
        zone if is_known(zone) => {
            return Err(format!(
                "{name}: the time zone {zone} is not supported, only UTC"
            ));
        }
        _ => Value::text(layout::format(moment.in_utc(), layout)),
    })
}

/// Tells whether a name may be one of the time-zone database's.
fn is_known(zone: &str) -> bool {
    const AREAS: &[&str] = &[
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
        "US",
        "Canada",
        "Brazil",
        "Chile",
        "Mexico",
        "Etc",
    ];
    const SINGLE: &[&str] = &[
        "CET",
        "CST6CDT",
        "Cuba",
        "EET",
        "EST",
        "EST5EDT",
        "Egypt",
        "Eire",
        "GB",
        "Hongkong",
        "HST",
        "Iceland",
        "Iran",
        "Israel",
        "Jamaica",
        "Japan",
        "Kwajalein",
        "Libya",
        "MET",
        "MST",
        "MST7MDT",
        "NZ",
        "Navajo",
        "PRC",
        "PST8PDT",
        "Poland",
        "Portugal",
        "ROC",
        "ROK",
        "Singapore",
        "Turkey",
        "W-SU",
        "WET",
    ];
    SINGLE.contains(&zone)
        || zone
            .split('/')
            .next()
            .is_some_and(|it| zone.contains('/') && AREAS.contains(&it))
}

fn modified(args: &[Value], strict: bool) -> Answer {
    let at = moment(args.any(1)).unwrap_or(Moment::ZERO);
    match parse_duration(args.text(0)) {
        Ok(nanos) => Ok(Value::object(Object::Time(at.plus(nanos)))),
        Err(error) if strict => Err(error),
        Err(_) => Ok(args.any(1).clone()),
    }
}

/// Seconds and the name of each unit that `durationRound` writes.
const UNITS: &[(u64, &str)] = &[
    (365 * 86_400, "y"),
    (30 * 86_400, "mo"),
    (86_400, "d"),
    (3_600, "h"),
    (60, "m"),
    (1, "s"),
];

fn duration_round(_: &super::Call<'_>, args: &[Value]) -> Answer {
    let nanos = match args.any(0) {
        Value::Text(it) => parse_duration(it).unwrap_or(0),
        Value::Int64(it) => *it,
        Value::Object(it) if matches!(**it, Object::Time(_)) => return no_clock("durationRound"),
        _ => 0,
    };
    let magnitude = nanos.unsigned_abs();
    let fit = UNITS
        .iter()
        .find(|(unit, _)| magnitude > unit * 1_000_000_000);
    Ok(Value::text(match fit {
        Some((unit, name)) => format!("{}{name}", magnitude / (unit * 1_000_000_000)),
        None => "0s".to_owned(),
    }))
}
