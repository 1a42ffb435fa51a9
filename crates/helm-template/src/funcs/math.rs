//! Numbers.

use super::Param::{Any, Float, Int, Text};
use super::{Answer, Arguments, Call, Function, function, variadic};
use crate::decimal::Decimal;
use crate::format::plain;
use crate::number::{parse_float, parse_int, truncate};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    function("int", &[Any], |_, args| Ok(Value::Int(to_int(args.any(0))))),
    function("int64", &[Any], |_, args| {
        Ok(Value::Int64(to_int(args.any(0))))
    }),
    function("float64", &[Any], |_, args| {
        Ok(Value::Float(to_float(args.any(0))))
    }),
    function("atoi", &[Text], |_, args| {
        Ok(Value::Int(atoi(args.text(0))))
    }),
    function("toDecimal", &[Any], |_, args| {
        Ok(Value::Int64(parse_int(&plain(args.any(0)), 8).unwrap_or(0)))
    }),
    variadic("seq", &[Int], seq),
    function("add1", &[Any], |_, args| {
        Ok(Value::Int64(to_int(args.any(0)).wrapping_add(1)))
    }),
    variadic("add", &[Any], |_, args| {
        let sum = args
            .iter()
            .fold(0i64, |sum, it| sum.wrapping_add(to_int(it)));
        Ok(Value::Int64(sum))
    }),
    function("sub", &[Any, Any], |_, args| {
        Ok(Value::Int64(
            to_int(args.any(0)).wrapping_sub(to_int(args.any(1))),
        ))
    }),
    function("div", &[Any, Any], |_, args| {
        divide(args, i64::wrapping_div)
    }),
    function("mod", &[Any, Any], |_, args| {
        divide(args, i64::wrapping_rem)
    }),
    variadic("mul", &[Any, Any], |_, args| {
        let product = args
            .iter()
            .fold(1i64, |all, it| all.wrapping_mul(to_int(it)));
        Ok(Value::Int64(product))
    }),
    variadic("max", &[Any, Any], |_, args| extreme(args, i64::max)),
    variadic("biggest", &[Any, Any], |_, args| extreme(args, i64::max)),
    variadic("min", &[Any, Any], |_, args| extreme(args, i64::min)),
    variadic("maxf", &[Any, Any], |_, args| extreme_float(args, true)),
    variadic("minf", &[Any, Any], |_, args| extreme_float(args, false)),
    function("ceil", &[Any], |_, args| {
        Ok(Value::Float(to_float(args.any(0)).ceil()))
    }),
    function("floor", &[Any], |_, args| {
        Ok(Value::Float(to_float(args.any(0)).floor()))
    }),
    variadic("round", &[Any, Int, Float], round),
    function("add1f", &[Any], |_, args| {
        Ok(decimal(args.any(0), &[Value::Int(1)], Decimal::add))
    }),
    variadic("addf", &[Any], |_, args| {
        Ok(decimal(&Value::Float(0.0), args, Decimal::add))
    }),
    variadic("subf", &[Any, Any], |_, args| {
        Ok(folded(args, Decimal::sub))
    }),
    variadic("mulf", &[Any, Any], |_, args| {
        Ok(folded(args, Decimal::mul))
    }),
    variadic("divf", &[Any, Any], |_, args| {
        if args.iter().skip(1).any(|it| to_float(it) == 0.0) {
            return Err("decimal division by 0".to_owned());
        }
        Ok(folded(args, Decimal::div))
    }),
];

/// Sprig's `toInt64`, which is cast's: 0 for what is no number.
pub(super) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Int(it) | Value::Int64(it) => *it,
        Value::Uint(it) => it.cast_signed(),
        Value::Byte(it) => (*it).into(),
        Value::Float(it) => truncate(*it),
        Value::Bool(it) => (*it).into(),
        Value::Text(it) => parse_int(without_zero_fraction(it), 0).unwrap_or(0),
        Value::Missing | Value::Nil | Value::List(_) | Value::Map(_) | Value::Object(_) => 0,
    }
}

/// Drops `.000` (`cast`, `trimZeroDecimal`).
fn without_zero_fraction(text: &str) -> &str {
    let trimmed = text.trim_end_matches('0');
    match trimmed.strip_suffix('.') {
        Some(whole) if trimmed.len() < text.len() => whole,
        _ => text,
    }
}

pub(super) fn to_float(value: &Value) -> f64 {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "Go converts the same way")]
        Value::Int(it) | Value::Int64(it) => *it as f64,
        #[expect(clippy::cast_precision_loss, reason = "Go converts the same way")]
        Value::Uint(it) => *it as f64,
        Value::Byte(it) => (*it).into(),
        Value::Float(it) => *it,
        Value::Bool(it) => f64::from(u8::from(*it)),
        Value::Text(it) => parse_float(it).unwrap_or(0.0),
        Value::Missing | Value::Nil | Value::List(_) | Value::Map(_) | Value::Object(_) => 0.0,
    }
}

/// Go's `strconv.Atoi` without its error: what does not fit becomes the nearest that does.
fn atoi(text: &str) -> i64 {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sound = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
    match parse_int(text, 10) {
        Some(it) => it,
        None if sound && text.starts_with('-') => i64::MIN,
        None if sound => i64::MAX,
        None => 0,
    }
}

fn divide(args: &[Value], with: fn(i64, i64) -> i64) -> Answer {
    let by = to_int(args.any(1));
    if by == 0 {
        return Err("runtime error: integer divide by zero".to_owned());
    }
    Ok(Value::Int64(with(to_int(args.any(0)), by)))
}

fn extreme(args: &[Value], of: fn(i64, i64) -> i64) -> Answer {
    let all = args.iter().map(to_int).reduce(of);
    Ok(Value::Int64(all.unwrap_or(0)))
}

fn extreme_float(args: &[Value], biggest: bool) -> Answer {
    let all = args.iter().map(to_float).reduce(|a, b| {
        if a.is_nan() || b.is_nan() {
            f64::NAN
        } else if biggest {
            a.max(b)
        } else {
            a.min(b)
        }
    });
    Ok(Value::Float(all.unwrap_or(0.0)))
}

fn round(_: &Call<'_>, args: &[Value]) -> Answer {
    let on = if args.len() > 2 { args.float(2) } else { 0.5 };
    let value = to_float(args.any(0));
    let power = match i32::try_from(args.int(1)) {
        Ok(places) => crate::decimal::power_of_ten(places),
        Err(_) => 0.0,
    };
    let digit = power * value;
    let rounded = if digit.fract() >= on {
        digit.ceil()
    } else {
        digit.floor()
    };
    Ok(Value::Float(rounded / power))
}

fn seq(_: &Call<'_>, args: &[Value]) -> Answer {
    let increment = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let (start, end, step) = match args.len() {
        1 => (1, args.int(0), increment(1, args.int(0))),
        2 => (
            args.int(0),
            args.int(1),
            increment(args.int(0), args.int(1)),
        ),
        3 => (args.int(0), args.int(2), args.int(1)),
        _ => return Ok(Value::text("")),
    };
    let direction = increment(start, end);
    if direction < 0 && args.len() == 3 && step > 0 {
        return Ok(Value::text(""));
    }
    let numbers = super::lists::numbers(start, end.saturating_add(direction), step)?;
    let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
    Ok(Value::text(texts.join(" ")))
}

fn folded(args: &[Value], with: fn(&Decimal, &Decimal) -> Decimal) -> Value {
    match args.split_first() {
        Some((first, others)) => decimal(first, others, with),
        None => Value::Float(0.0),
    }
}

fn decimal(first: &Value, others: &[Value], with: fn(&Decimal, &Decimal) -> Decimal) -> Value {
    let result = others
        .iter()
        .map(|it| Decimal::from_float(to_float(it)))
        .fold(Decimal::from_float(to_float(first)), |all, it| {
            with(&all, &it)
        });
    Value::Float(result.to_float())
}
