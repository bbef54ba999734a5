//! Bank business days, and until when a new certificate is not good for risky business (D-507).

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::{Offset, TimeZone};

/// Days that are looked at for one business day: more than any row of holidays.
const MOST: usize = 366;

/// Whether the bank is open on that day: not on Saturdays, Sundays, from 31 December to 3 January (銀行法施行令 Art. 5)
/// nor on the `holidays`.
#[must_use]
pub fn is_open(day: Date, holidays: &[Date]) -> bool {
    let closed = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
        || matches!((day.month(), day.day()), (12, 31) | (1, 1..=3))
        || holidays.contains(&day);
    !closed
}

/// The beginning of the `days`-th business day after the day of `confirmed_at`, in Japan time; Unix times in seconds.
/// `None` for 0 days.
#[must_use]
pub fn cooling_off_until(confirmed_at: i64, days: u8, holidays: &[Date]) -> Option<i64> {
    let japan = TimeZone::fixed(Offset::constant(9));
    let mut day = Timestamp::from_second(confirmed_at).ok()?.to_zoned(japan.clone()).date();
    for _ in 0..days {
        let mut looked = 0;
        loop {
            day = day.tomorrow().ok()?;
            looked += 1;
            if is_open(day, holidays) || looked == MOST {
                break;
            }
        }
    }
    (days > 0).then(|| day.to_zoned(japan).ok().map(|start| start.timestamp().as_second())).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    #[test]
    fn the_next_day_on_which_the_bank_is_open() {
        let holidays: Vec<Date> =
            ["2027-01-11", "2027-05-03", "2027-05-04", "2027-05-05"].iter().map(|day| day.parse().unwrap()).collect();
        for (confirmed, days, until) in [
            // Wednesday; late on Wednesday; Friday before a Monday off; the last Wednesday of the year.
            ("2026-11-25T10:00:00+09:00", 1, "2026-11-26T00:00:00+09:00"),
            ("2026-11-25T23:59:59+09:00", 2, "2026-11-27T00:00:00+09:00"),
            ("2027-01-08T10:00:00+09:00", 1, "2027-01-12T00:00:00+09:00"),
            ("2026-12-30T10:00:00+09:00", 1, "2027-01-04T00:00:00+09:00"),
            // In Japan the day has begun already.
            ("2026-11-25T15:00:00Z", 1, "2026-11-27T00:00:00+09:00"),
            ("2027-04-30T10:00:00+09:00", 1, "2027-05-06T00:00:00+09:00"),
        ] {
            assert_eq!(cooling_off_until(at(confirmed), days, &holidays), Some(at(until)), "{confirmed}");
        }
        assert_eq!(cooling_off_until(at("2026-11-25T10:00:00Z"), 0, &holidays), None);
        assert_eq!(cooling_off_until(i64::MAX, 1, &holidays), None);
    }
}
