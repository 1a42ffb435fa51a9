//! Amounts of resources in the one form that `resource.Quantity` prints them in
//! (k8s.io/apimachinery v0.36.1:pkg/api/resource/quantity.go, `ParseQuantity` and `CanonicalizeBytes`).

/// Quantities are kept to a billionth; less is rounded up to that.
const NANO: i128 = 1_000_000_000;

/// Suffixes of powers of ten, from `n` on, each three powers apart.
const DECIMAL: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];

/// Suffixes of powers of 1024.
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

enum Form {
    Binary,
    Decimal,
    Exponent,
}

/// Returns a quantity as Go prints it (`0.5` is `500m`, `1024Mi` is `1Gi`); `None` for what is no quantity.
pub(crate) fn canonical(text: &str) -> Option<String> {
    let (nanos, form) = parse(text.trim())?;
    if nanos == 0 {
        return Some("0".to_owned());
    }
    let small = nanos.abs() < 1024 * NANO;
    match form {
        Form::Binary if !small && nanos % NANO == 0 => {
            let mut amount = nanos / NANO;
            let mut power = 0;
            while amount % 1024 == 0 && power + 1 < BINARY.len() {
                amount /= 1024;
                power += 1;
            }
            Some(format!("{amount}{}", BINARY.get(power)?))
        }
        Form::Binary | Form::Decimal => {
            let (amount, power) = by_thousands(nanos, DECIMAL.len() - 1);
            Some(format!("{amount}{}", DECIMAL.get(power)?))
        }
        Form::Exponent => {
            let (amount, power) = by_thousands(nanos, usize::MAX);
            let exponent = i64::try_from(power).ok()? * 3 - 9;
            Some(match exponent {
                0 => amount.to_string(),
                _ => format!("{amount}e{exponent}"),
            })
        }
    }
}

/// Divides by a thousand as often as nothing is lost.
fn by_thousands(mut amount: i128, most: usize) -> (i128, usize) {
    let mut power = 0;
    while amount % 1000 == 0 && power < most {
        amount /= 1000;
        power += 1;
    }
    (amount, power)
}

fn parse(text: &str) -> Option<(i128, Form)> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = unsigned
        .find(|it: char| !it.is_ascii_digit() && it != '.')
        .unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at_checked(end)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.len() + fraction.len() == 0 || fraction.contains('.') {
        return None;
    }
    let power = |it: usize| u32::try_from(it).ok();
    let (factor, exponent, form) = if let Some(at) = DECIMAL.iter().position(|it| *it == suffix) {
        (1, i32::try_from(at).ok()? * 3, Form::Decimal)
    } else if let Some(at) = BINARY.iter().position(|it| *it == suffix) {
        (1024_i128.checked_pow(power(at)?)?, 9, Form::Binary)
    } else {
        let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
        (1, exponent.checked_add(9)?, Form::Exponent)
    };
    let nanos = scaled(whole, fraction, factor, exponent);
    // A quantity is at most what 64 bits hold.
    let nanos = nanos.unwrap_or(i128::MAX).min(i128::from(i64::MAX) * NANO);
    Some((if text.starts_with('-') { -nanos } else { nanos }, form))
}

/// The digits, times the factor, times ten to the exponent; rounded up, `None` when there is no room for it.
fn scaled(whole: &str, fraction: &str, factor: i128, exponent: i32) -> Option<i128> {
    let fraction = fraction.trim_end_matches('0');
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    let amount = digits.parse::<i128>().ok()?.checked_mul(factor)?;
    let shift = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let power = 10_i128.checked_pow(shift.unsigned_abs());
    if shift >= 0 {
        return amount.checked_mul(power?);
    }
    // Something small stays something.
    let power = power.unwrap_or(i128::MAX);
    Some(amount / power + i128::from(amount % power != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_print_in_one_form() {
        for (text, printed) in [
            ("0.5", "500m"),
            ("1000m", "1"),
            ("1024Mi", "1Gi"),
            ("0.5Ki", "512"),
            ("1.5Gi", "1536Mi"),
            ("1500", "1500"),
            ("2000", "2k"),
            ("100m", "100m"),
            ("1e3", "1e3"),
            ("12e1", "120"),
            ("1E", "1E"),
            ("0.1Ki", "102400m"),
            ("0", "0"),
            ("00.0Mi", "0"),
            ("-0.25", "-250m"),
            ("0.0000000001", "1n"),
            ("+7", "7"),
            ("100E", "9223372036854775807"),
        ] {
            assert_eq!(canonical(text).as_deref(), Some(printed), "{text}");
        }
        for text in ["", "x", "1.2.3", "1 m", "1e", "m"] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }
}
