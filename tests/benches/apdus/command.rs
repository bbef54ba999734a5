//! Commands by their names, from a virtual card's log.

/// The name of a command that the log has as `00A40400+10=9000`, with its status word where that is not 9000.
pub(crate) fn name(logged: &str) -> String {
    let (head, status) = logged.split_once('=').expect("a status word");
    let (header, data) = head.split_once('+').expect("a length");
    let name = match (&header[2..4], &header[4..6], data) {
        ("20", "FF", _) => "VERIFY P1=FF",
        ("20", _, "0" | "1") => "VERIFY without a PIN",
        ("20", ..) => "VERIFY",
        ("87", ..) => "GENERAL AUTHENTICATE",
        ("A4", ..) => "SELECT",
        ("C0", ..) => "GET RESPONSE",
        ("CB", ..) => "GET DATA",
        ("F7", ..) => "GET METADATA",
        ("F8", ..) => "GET SERIAL",
        ("FD", ..) => "GET VERSION",
        _ => header,
    };
    if status == "9000" { name.to_owned() } else { format!("{name} ({status})") }
}

/// Names with how often they came, in the order in which they came first.
pub(crate) fn counted(log: &[String]) -> String {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for name in log.iter().map(|logged| name(logged)) {
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    let each = |(name, count): &(String, usize)| if *count == 1 { name.clone() } else { format!("{count} {name}") };
    counts.iter().map(each).collect::<Vec<_>>().join(", ")
}
