//! Times as the manual shows them: in Japan time (S-031, S-033).

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

fn in_japan(at: i64) -> Option<jiff::Zoned> {
    // Japan has had no summer time since 1951, so a fixed offset needs no time zone database.
    let zone = TimeZone::fixed(Offset::constant(9));
    Timestamp::from_second(at).ok().map(|t| t.to_zoned(zone))
}

/// `YYYY年MM月DD日`, zero-padded.
#[must_use]
pub fn date(at: i64) -> String {
    in_japan(at).map_or_else(String::new, |t| format!("{:04}年{:02}月{:02}日", t.year(), t.month(), t.day()))
}

/// `YYYY年MM月DD日 HH:MM:SS`.
#[must_use]
pub fn date_time(at: i64) -> String {
    in_japan(at)
        .map_or_else(String::new, |t| format!("{} {:02}:{:02}:{:02}", date(at), t.hour(), t.minute(), t.second()))
}

/// `YYYY-MM-DD HH:MM:SS JST`, for English texts.
#[must_use]
pub fn english(at: i64) -> String {
    in_japan(at).map_or_else(String::new, |t| {
        format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02} JST",
            t.year(),
            t.month(),
            t.day(),
            t.hour(),
            t.minute(),
            t.second()
        )
    })
}

/// `YYYY-MM-DDTHH:MM:SS` with the offset of `hours` from UTC (RFC 3339).
#[must_use]
pub fn rfc3339(at: i64, hours: i8) -> String {
    let zone = TimeZone::fixed(Offset::constant(hours));
    let Ok(time) = Timestamp::from_second(at) else { return String::new() };
    let time = time.to_zoned(zone);
    let offset = if hours == 0 { "Z".to_owned() } else { format!("{hours:+03}:00") };
    format!("{}{offset}", time.datetime())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manuals_dates() {
        // 2022-10-01 12:00 JST, and the last second of the anniversary in UTC.
        assert_eq!(date(1_664_593_200), "2022年10月01日");
        assert_eq!(date_time(1_696_204_799), "2023年10月02日 08:59:59");
        assert_eq!(english(1_696_204_799), "2023-10-02 08:59:59 JST");
        assert_eq!(date(i64::MAX), "");
        assert_eq!(rfc3339(1_696_204_799, 9), "2023-10-02T08:59:59+09:00");
        assert_eq!(rfc3339(1_696_204_799, 0), "2023-10-01T23:59:59Z");
    }
}
