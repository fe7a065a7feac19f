//! Values as `Display` writes them, the common ones without its search for the
//! shortest digits.

use std::fmt::Write;

/// Below this, whole numbers are exact, and no two numbers of so many digits
/// are one value.
const EXACT: f64 = 1e15;

/// Writes `value` as `Display` does.
pub(super) fn write(value: f64, out: &mut String) {
    let thousandths = (value * 1e3).round();
    if value == value.trunc() && value.abs() < EXACT && !(value == 0.0 && value.is_sign_negative()) {
        out.push_str(itoa::Buffer::new().format(value as i64));
    } else if (1.0..EXACT).contains(&thousandths) && thousandths / 1e3 == value {
        // It is the value nearest to so many thousandths, hence their digits are the shortest.
        let thousandths = thousandths as u64;
        let fraction = thousandths % 1000;
        out.push_str(itoa::Buffer::new().format(thousandths / 1000));
        let digits =
            [b'0' + (fraction / 100) as u8, b'0' + (fraction / 10 % 10) as u8, b'0' + (fraction % 10) as u8];
        out.push('.');
        let zeros = digits.iter().rev().take_while(|d| **d == b'0').count();
        out.extend(digits[..3 - zeros].iter().map(|&d| char::from(d)));
    } else {
        // Writing to a string cannot fail.
        let _ = write!(out, "{value}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::write;

    fn written(value: f64) -> String {
        let mut out = String::new();
        write(value, &mut out);
        out
    }

    #[test]
    fn borders() {
        let whole = [0.0, -0.0, 1.0, -1.0, 999_999_999_999_999.0, 1e15, 9_007_199_254_740_993.0, 1e16, 1e300];
        let broken = [0.001, 0.0005, 0.1, 0.25, 1.001, 1.0001, 1_763_715_656.12, 999_999_999_999.999, 1e-9];
        let others = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, u64::MAX as f64, -0.5];
        for value in whole.into_iter().chain(broken).chain(others) {
            assert_eq!(written(value), value.to_string());
        }
    }

    proptest! {
        #[test]
        fn any_value(value in any::<f64>()) {
            prop_assert_eq!(written(value), value.to_string());
        }

        #[test]
        fn counts(value in any::<u64>(), shift in 0u32..64) {
            let value = (value >> shift) as f64;
            prop_assert_eq!(written(value), value.to_string());
        }

        #[test]
        fn times(thousandths in 0u64..2_000_000_000_000_000) {
            let value = thousandths as f64 / 1e3;
            prop_assert_eq!(written(value), value.to_string());
        }
    }
}
