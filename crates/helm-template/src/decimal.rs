//! Decimal numbers as shopspring/decimal computes with them, as far as 128 bits reach; beyond, with floats.

/// `digits × 10^exponent`, or a float where that does not fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Decimal {
    Exact { digits: i128, exponent: i32 },
    Float(f64),
}

/// Digits behind the point of a quotient (`decimal.DivisionPrecision`).
const DIVISION: i32 = 16;

impl Decimal {
    /// Takes the shortest decimal text of a float.
    pub(crate) fn from_float(value: f64) -> Self {
        if !value.is_finite() {
            return Self::Float(value);
        }
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let fraction = mantissa.split_once('.').map_or(0, |(_, it)| it.len());
        let digits = mantissa.replace('.', "").parse();
        let exponent: Result<i32, _> = exponent.parse();
        match (digits, exponent, i32::try_from(fraction)) {
            (Ok(digits), Ok(exponent), Ok(fraction)) => Self::Exact {
                digits,
                exponent: exponent - fraction,
            },
            _ => Self::Float(value),
        }
    }

    pub(crate) fn to_float(self) -> f64 {
        match self {
            Self::Exact { digits, exponent } => {
                format!("{digits}e{exponent}").parse().unwrap_or(f64::NAN)
            }
            Self::Float(value) => value,
        }
    }

    pub(crate) fn add(&self, other: &Self) -> Self {
        self.aligned(other, i128::checked_add)
            .unwrap_or_else(|| Self::Float(self.to_float() + other.to_float()))
    }

    pub(crate) fn sub(&self, other: &Self) -> Self {
        self.aligned(other, i128::checked_sub)
            .unwrap_or_else(|| Self::Float(self.to_float() - other.to_float()))
    }

    pub(crate) fn mul(&self, other: &Self) -> Self {
        let exact = match (self, other) {
            (
                Self::Exact { digits, exponent },
                Self::Exact {
                    digits: by,
                    exponent: scale,
                },
            ) => digits.checked_mul(*by).zip(exponent.checked_add(*scale)),
            _ => None,
        };
        match exact {
            Some((digits, exponent)) => Self::Exact { digits, exponent },
            None => Self::Float(self.to_float() * other.to_float()),
        }
    }

    /// Divides and rounds to 16 digits behind the point, halves away from zero; the divisor is not zero.
    pub(crate) fn div(&self, other: &Self) -> Self {
        let exact = match (self, other) {
            (
                Self::Exact { digits, exponent },
                Self::Exact {
                    digits: by,
                    exponent: scale,
                },
            ) => quotient(*digits, *exponent, *by, *scale),
            _ => None,
        };
        match exact {
            Some(digits) => Self::Exact {
                digits,
                exponent: -DIVISION,
            },
            None => Self::Float(self.to_float() / other.to_float()),
        }
    }

    fn aligned(&self, other: &Self, with: fn(i128, i128) -> Option<i128>) -> Option<Self> {
        let (
            Self::Exact { digits, exponent },
            Self::Exact {
                digits: by,
                exponent: scale,
            },
        ) = (self, other)
        else {
            return None;
        };
        let lowest = *exponent.min(scale);
        let left = scaled(*digits, exponent - lowest)?;
        let right = scaled(*by, scale - lowest)?;
        Some(Self::Exact {
            digits: with(left, right)?,
            exponent: lowest,
        })
    }
}

fn scaled(digits: i128, by: i32) -> Option<i128> {
    if digits == 0 {
        return Some(0);
    }
    digits.checked_mul(10i128.checked_pow(u32::try_from(by).ok()?)?)
}

/// Returns the digits of a quotient at 16 places behind the point.
fn quotient(digits: i128, exponent: i32, by: i128, scale: i32) -> Option<i128> {
    let shift = exponent.checked_sub(scale)?.checked_add(DIVISION)?;
    let (top, bottom) = if shift >= 0 {
        (scaled(digits, shift)?, by)
    } else {
        (digits, scaled(by, -shift)?)
    };
    let whole = top.checked_div(bottom)?;
    let rest = top.checked_rem(bottom)?;
    let up = rest.checked_abs()?.checked_mul(2)? >= bottom.checked_abs()?;
    let step = if (top < 0) == (bottom < 0) { 1 } else { -1 };
    whole.checked_add(if up { step } else { 0 })
}

/// Go's `math.Pow(10, n)`.
pub(crate) fn power_of_ten(places: i32) -> f64 {
    format!("1e{places}").parse().unwrap_or(0.0)
}
