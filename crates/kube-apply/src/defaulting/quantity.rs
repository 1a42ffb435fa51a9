//! Quantities in the form in which the API server stores them
//! (apimachinery@v0.36.3:pkg/api/resource/quantity.go, `CanonicalizeBytes`).

/// Ten to the nine: amounts are counted in billionths.
const NANO: i128 = 1_000_000_000;

/// How a quantity was written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Decimal,
    Binary,
    Exponent,
}

/// Returns the canonical form; a text that is no quantity, or too large to count, stays as it is.
pub fn canonical(text: &str) -> String {
    parse(text.trim()).map_or_else(|| text.to_owned(), |(nanos, format)| print(nanos, format))
}

/// Returns an amount in billionths; `None` for what is no quantity.
pub fn nanos(text: &str) -> Option<i128> {
    parse(text.trim()).map(|it| it.0)
}

fn parse(text: &str) -> Option<(i128, Format)> {
    let digits_end = text
        .find(|it: char| !it.is_ascii_digit() && !matches!(it, '.' | '+' | '-'))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits_end);
    let (negative, number) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains(['.', '+', '-']) {
        return None;
    }
    let mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
    let (base, exponent, format) = scale(suffix)?;
    let mut numerator = mantissa.checked_mul(NANO)?;
    let mut denominator = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let factor = base.checked_pow(exponent.unsigned_abs())?;
    if exponent < 0 {
        denominator = denominator.checked_mul(factor)?;
    } else {
        numerator = numerator.checked_mul(factor)?;
    }
    // Smaller than a billionth is rounded away from zero.
    let up = i128::from(numerator % denominator != 0);
    let nanos = numerator / denominator + up;
    Some((if negative { -nanos } else { nanos }, format))
}

fn scale(suffix: &str) -> Option<(i128, i32, Format)> {
    Some(match suffix {
        "n" => (10, -9, Format::Decimal),
        "u" => (10, -6, Format::Decimal),
        "m" => (10, -3, Format::Decimal),
        "" => (10, 0, Format::Decimal),
        "k" => (10, 3, Format::Decimal),
        "M" => (10, 6, Format::Decimal),
        "G" => (10, 9, Format::Decimal),
        "T" => (10, 12, Format::Decimal),
        "P" => (10, 15, Format::Decimal),
        "E" => (10, 18, Format::Decimal),
        "Ki" => (2, 10, Format::Binary),
        "Mi" => (2, 20, Format::Binary),
        "Gi" => (2, 30, Format::Binary),
        "Ti" => (2, 40, Format::Binary),
        "Pi" => (2, 50, Format::Binary),
        "Ei" => (2, 60, Format::Binary),
        other => {
            let exponent = other.strip_prefix(['e', 'E'])?.parse().ok()?;
            (10, exponent, Format::Exponent)
        }
    })
}

fn print(nanos: i128, format: Format) -> String {
    if nanos == 0 {
        return "0".to_owned();
    }
    if format == Format::Binary && nanos.abs() >= 1024 * NANO && nanos % NANO == 0 {
        let (number, index) = shorten(nanos / NANO, 1024, 6);
        return format!(
            "{number}{}",
            ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][index]
        );
    }
    let (number, index) = shorten(nanos, 1000, 9);
    if format == Format::Exponent {
        let exponents = [
            "e-9", "e-6", "e-3", "", "e3", "e6", "e9", "e12", "e15", "e18",
        ];
        return format!("{number}{}", exponents[index]);
    }
    format!(
        "{number}{}",
        ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"][index]
    )
}

/// Divides by `base` while nothing is lost, at most `most` times; returns what is left and how often.
fn shorten(mut number: i128, base: i128, most: usize) -> (i128, usize) {
    let mut times = 0;
    while times < most && number % base == 0 {
        number /= base;
        times += 1;
    }
    (number, times)
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn quantities_are_stored_in_their_shortest_form() {
        for (written, stored) in [
            ("0.5", "500m"),
            ("500m", "500m"),
            ("1000m", "1"),
            ("2", "2"),
            ("1000", "1k"),
            ("1500", "1500"),
            ("100000", "100k"),
            ("1024", "1024"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("0.5Gi", "512Mi"),
            ("0.1Gi", "107374182400m"),
            ("0.5Ki", "512"),
            ("2048Mi", "2Gi"),
            ("128974848", "128974848"),
            ("129e6", "129e6"),
            ("1e3", "1e3"),
            ("123e-3", "123e-3"),
            ("0", "0"),
            ("0Mi", "0"),
            ("-1.5", "-1500m"),
            ("0.0000000001", "1n"),
            (".5", "500m"),
            ("5.", "5"),
            ("not a number", "not a number"),
            ("", ""),
        ] {
            assert_eq!(canonical(written), stored, "{written}");
        }
    }
}
