//! How long a certificate is valid (D-101, D-102).

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// The `notAfter` of a certificate acquired at `acquired_at` (both Unix times in seconds): so many years
/// later by the calendar in UTC, at 23:59:59Z of that day. 29 February becomes 28 February.
///
/// `None` for times that no calendar has.
#[must_use]
pub fn validity_end(acquired_at: i64, years: u8) -> Option<i64> {
    let day = Timestamp::from_second(acquired_at).ok()?.to_zoned(TimeZone::UTC).date();
    let anniversary = day.checked_add(i64::from(years).years()).ok()?;
    let end = anniversary.at(23, 59, 59, 0).to_zoned(TimeZone::UTC).ok()?;
    Some(end.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    #[test]
    fn the_three_vectors() {
        let vectors = [
            ("2022-10-01T12:00:00+09:00", "2023-10-02T08:59:59+09:00"),
            ("2022-10-01T08:59:00+09:00", "2023-10-01T08:59:59+09:00"),
            ("2024-02-29T12:00:00+09:00", "2025-02-28T23:59:59Z"),
        ];
        for (acquired, end) in vectors {
            assert_eq!(validity_end(at(acquired), 1), Some(at(end)), "acquired {acquired}");
        }
        assert_eq!(validity_end(at("2024-02-29T12:00:00+09:00"), 3), Some(at("2027-02-28T23:59:59Z")));
    }

    #[test]
    fn times_out_of_range_have_no_end() {
        assert_eq!(validity_end(i64::MAX, 1), None);
        assert_eq!(validity_end(i64::MIN, 1), None);
        assert_eq!(validity_end(at("9999-06-01T00:00:00Z"), 1), None);
    }
}
