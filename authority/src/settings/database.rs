//! What a database's URL says of the way to it.

/// Whether nobody on the way reads or answers for the database: it is on this machine, by a socket or the loopback
/// interface, or proves its name by TLS. sqlx asks for neither by itself.
pub(super) fn keeps_to_itself(url: &str) -> bool {
    let (before, parameters) = url.split_once('?').unwrap_or((url, ""));
    let of = |names: &'static [&'static str]| {
        parameters
            .split('&')
            .filter_map(|one| one.split_once('='))
            .filter(|(name, _)| names.contains(name))
            .map(|(_, value)| value)
    };
    let authority = before.split_once("://").map_or("", |(_, rest)| rest).split('/').next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let local = (host.is_empty() || is_here(host)) && of(&["host", "hostaddr"]).all(is_here);
    let proven =
        of(&["sslmode", "ssl-mode"]).all(|mode| mode == "verify-full") && of(&["sslmode", "ssl-mode"]).count() > 0;
    local || proven
}

fn is_here(host: &str) -> bool {
    let loopback = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    host == "localhost" || loopback || host.starts_with('/') || host.to_ascii_lowercase().starts_with("%2f")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_has_to_prove_its_name() {
        for good in [
            "postgres:///jitsuin",
            "postgres:///jitsuin?host=/run/postgresql&port=5433",
            "postgres://%2Frun%2Fpostgresql/jitsuin",
            "postgres://jitsuin@localhost:5432/jitsuin",
            "postgres://127.0.0.1/jitsuin",
            "postgres://jitsuin@[::1]:5432/jitsuin",
            "postgres://jitsuin@db.bank.example/jitsuin?sslmode=verify-full&sslrootcert=/etc/db.pem",
        ] {
            assert!(keeps_to_itself(good), "{good}");
        }
        for bad in [
            "postgres://jitsuin@db.bank.example/jitsuin",
            "postgres://db.bank.example/jitsuin?sslmode=require",
            "postgres://db.bank.example/jitsuin?sslmode=verify-full&sslmode=disable",
            "postgres://db.bank.example/jitsuin?options=sslmode=verify-full",
            "postgres:///jitsuin?host=db.bank.example",
            "postgres://localhost/jitsuin?hostaddr=192.0.2.7",
            "postgres://[2001:db8::7]/jitsuin",
            "postgres://localhost.bank.example/jitsuin",
        ] {
            assert!(!keeps_to_itself(bad), "{bad}");
        }
    }
}
