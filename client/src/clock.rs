//! Times as people read them: always in Japan time (S-031), whatever the machine's zone is.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use token::Language;

/// Date and time of that moment (Unix time in seconds), for example `2023年10月02日 08:59:59` or
/// `2023-10-02 08:59:59 JST`.
#[must_use]
pub fn moment(language: Language, seconds: i64) -> String {
    format(
        seconds,
        match language {
            Language::Ja => "%Y年%m月%d日 %H:%M:%S",
            Language::En => "%Y-%m-%d %H:%M:%S JST",
        },
    )
}

/// The date alone.
#[must_use]
pub fn date(language: Language, seconds: i64) -> String {
    format(
        seconds,
        match language {
            Language::Ja => "%Y年%m月%d日",
            Language::En => "%Y-%m-%d",
        },
    )
}

fn format(seconds: i64, form: &str) -> String {
    let Ok(moment) = Timestamp::from_second(seconds) else { return "-".to_owned() };
    moment.to_zoned(TimeZone::fixed(Offset::constant(9))).strftime(form).to_string()
}

/// A day in Japan (`YYYY-MM-DD`), its first second or its last, or a moment (RFC 3339); Unix time in seconds.
#[must_use]
pub fn parse(text: &str, end: bool) -> Option<i64> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment.as_second());
    }
    let day = text.parse::<jiff::civil::Date>().ok().filter(|_| text.len() == 10)?;
    let first = day.to_zoned(TimeZone::fixed(Offset::constant(9))).ok()?.timestamp().as_second();
    Some(if end { first + 86_399 } else { first })
}

/// Whole days from now until that moment (Unix time in seconds).
#[must_use]
pub fn days_left(until: i64) -> i64 {
    (until - now()).div_euclid(86_400)
}

/// Now, Unix time in seconds.
#[must_use]
pub fn now() -> i64 {
    Timestamp::now().as_second()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manuals_end_of_validity() {
        // 2023-10-01T23:59:59Z (D-102).
        assert_eq!(moment(Language::Ja, 1_696_204_799), "2023年10月02日 08:59:59");
        assert_eq!(date(Language::Ja, 1_696_204_799), "2023年10月02日");
        assert_eq!(moment(Language::En, 1_696_204_799), "2023-10-02 08:59:59 JST");
        assert_eq!(moment(Language::En, i64::MAX), "-");
    }

    #[test]
    fn days_begin_in_japan() {
        assert_eq!(parse("2023-10-02", false), Some(1_696_172_400));
        assert_eq!(parse("2023-10-02", true), Some(1_696_258_799));
        assert_eq!(parse("2023-10-01T23:59:59Z", true), Some(1_696_204_799));
        assert_eq!(parse("2023-10-02T08:59:59+09:00", false), Some(1_696_204_799));
        for bad in ["", "2023-02-30", "20231002", "2023-10-02T08:59:59", "yesterday", "1696204799"] {
            assert_eq!(parse(bad, false), None, "{bad}");
        }
    }
}
