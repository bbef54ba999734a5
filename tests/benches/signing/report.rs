//! The table.

use std::time::Duration;

use crate::measure::Result;

/// Name, clients, highest ratio of p50 to direct with one client, lowest ratio of throughput to direct with two.
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
            format!("  budget: {text}: {}", if met { "met" } else { "NOT MET" })
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

fn micros(time: Duration) -> String {
    format!("{} us", time.as_micros())
}
