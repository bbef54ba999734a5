//! Who the operator is, for the record of events (D-705).

/// The login name, as the system knows it. Operators work as the authority's user or as root: whom the kernel saw log in
/// (`/proc/self/loginuid`, which PAM sets once and nobody takes back) is who they are. What sudo says is written down as
/// said: the environment is anybody's.
pub(super) fn operator_name() -> String {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let seen = std::fs::read_to_string("/proc/self/loginuid").ok().and_then(|text| text.trim().parse().ok());
    let said = std::env::var("SUDO_UID").ok().and_then(|text| text.parse().ok());
    name(&users, rustix::process::getuid().as_raw(), seen, said)
}

/// No session's login ID.
const UNSET: u32 = u32::MAX;

fn name(users: &str, uid: u32, seen: Option<u32>, said: Option<u32>) -> String {
    let of = |uid: u32| {
        let name = users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
        });
        name.unwrap_or_else(|| format!("uid {uid}"))
    };
    match (seen.filter(|seen| *seen != UNSET), said) {
        (Some(seen), _) if seen == uid => of(uid),
        (Some(seen), _) => format!("{} as {}", of(seen), of(uid)),
        (None, Some(said)) if said != uid => format!("{} (as sudo says) as {}", of(said), of(uid)),
        (None, _) => of(uid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_logged_in_is_named() {
        let users = "root:x:0:0:root:/root:/bin/sh\nhanako:x:1000:1000::/home/hanako:/bin/sh\njitsuin-authority:x:990:990::/:\n";
        let name = |uid, seen, said| name(users, uid, seen, said);
        assert_eq!(name(1000, Some(1000), None), "hanako");
        assert_eq!(name(990, Some(1000), Some(0)), "hanako as jitsuin-authority", "whatever sudo says");
        assert_eq!(name(0, Some(UNSET), Some(1000)), "hanako (as sudo says) as root");
        assert_eq!(name(990, None, None), "jitsuin-authority");
        assert_eq!(name(0, Some(1001), None), "uid 1001 as root");
    }
}
