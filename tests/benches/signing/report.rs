//! The table.

use std::time::Duration;

use crate::measure::Result;

/// The design's: name, clients, highest ratio of p50 to direct with one client, lowest ratio of throughput to direct with two.
const BUDGETS: [(&str, usize, Option<f64>, Option<f64>); 3] =
    [("Varlink", 1, Some(2.5), None), ("D-Bus", 1, Some(4.5), None), ("Varlink", 8, None, Some(0.65))];

pub(crate) fn print(results: &[Result]) {
    let (one, two) = (&results[0], &results[1]);
    println!(
        "{:18} {:>7} {:>10} {:>10} {:>12} {:>12} {:>14}",
        "", "clients", "p50", "p99", "signatures/s", "p50/direct", "per s/2 direct"
    );
    for r in results {
        let latency = r.p50.as_secs_f64() / one.p50.as_secs_f64();
        let throughput = r.per_second / two.per_second;
        let budget = BUDGETS.iter().find(|b| b.0 == r.name && b.1 == r.clients).map_or(String::new(), |b| {
            let (text, met) = match (b.2, b.3) {
                (Some(most), _) => (format!("p50 at most {most} x"), latency <= most),
                (_, Some(least)) => (format!("throughput at least {least} x"), throughput >= least),
                _ => return String::new(),
            };
            format!("  budget: {text}: {}", verdict(met))
        });
        println!(
            "{:18} {:>7} {:>10} {:>10} {:>12.0} {:>12.2} {:>14.2}{budget}",
            r.name,
            r.clients,
            micros(r.p50),
            micros(r.p99),
            r.per_second,
            latency,
            throughput
        );
    }
}

/// The same beside what the work itself costs here: a peer that isolates its module as we do, and the one
/// verification that it does not make (docs/decisions/0010).
pub(crate) fn print_beside_peer(results: &[Result]) {
    let find = |name: &str, clients: usize| results.iter().find(|r| r.name == name && r.clients == clients);
    let (Some(direct), Some(verified)) = (find("direct C_Sign", 1), find("direct, verified", 1)) else { return };
    let (Some(one), Some(eight)) = (find("p11-kit remoting", 1), find("p11-kit remoting", 8)) else { return };
    let verification = verified.p50.saturating_sub(direct.p50);
    let least = one.p50 + verification;
    println!("\np11-kit remoting and one verification ({}): {}", micros(verification), micros(least));
    for (name, most) in [("Varlink", 1.1), ("D-Bus", 2.0)] {
        if let Some(ours) = find(name, 1) {
            let ratio = ours.p50.as_secs_f64() / least.as_secs_f64();
            println!("  {name:10} 1 client   {ratio:5.2} x  budget: at most {most} x: {}", verdict(ratio <= most));
        }
    }
    if let Some(ours) = find("Varlink", 8) {
        let ratio = ours.per_second / eight.per_second;
        println!(
            "  Varlink    8 clients  {ratio:5.2} x its throughput  budget: at least 0.9 x: {}",
            verdict(ratio >= 0.9)
        );
    }
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "NOT MET" }
}

fn micros(time: Duration) -> String {
    format!("{} us", time.as_micros())
}
