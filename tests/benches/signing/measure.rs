//! Contenders in turn, in blocks, in one run: what disturbs the machine disturbs them all.

use std::sync::Barrier;
use std::time::{Duration, Instant};

/// Signs once.
pub(crate) type Signer = Box<dyn FnMut() + Send>;

/// One way to a signature, with one signer for each of its clients.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    signers: Vec<Signer>,
    latencies: Vec<Duration>,
    busy: Duration,
}

/// What a contender came to.
pub(crate) struct Result {
    pub(crate) name: &'static str,
    pub(crate) clients: usize,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) per_second: f64,
}

impl Contender {
    pub(crate) fn new(name: &'static str, signers: Vec<Signer>) -> Self {
        Self { name, signers, latencies: Vec::new(), busy: Duration::ZERO }
    }

    /// Each client signs `each` times, all at once.
    fn block(&mut self, each: usize, counts: bool) {
        let start = Barrier::new(self.signers.len() + 1);
        let (latencies, busy) = std::thread::scope(|scope| {
            let clients: Vec<_> = self
                .signers
                .iter_mut()
                .map(|sign| {
                    scope.spawn(|| {
                        let mut latencies = Vec::with_capacity(each);
                        start.wait();
                        for _ in 0..each {
                            let begun = Instant::now();
                            sign();
                            latencies.push(begun.elapsed());
                        }
                        latencies
                    })
                })
                .collect();
            start.wait();
            let begun = Instant::now();
            let latencies: Vec<Duration> = clients.into_iter().flat_map(|c| c.join().expect("a client")).collect();
            (latencies, begun.elapsed())
        });
        if counts {
            self.latencies.extend(latencies);
            self.busy += busy;
        }
    }

    fn result(mut self) -> Result {
        self.latencies.sort_unstable();
        let at = |share: f64| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a short list")]
            let place = (self.latencies.len() as f64 * share) as usize;
            self.latencies[place.min(self.latencies.len() - 1)]
        };
        Result {
            name: self.name,
            clients: self.signers.len(),
            p50: at(0.50),
            p99: at(0.99),
            per_second: self.latencies.len() as f64 / self.busy.as_secs_f64(),
        }
    }
}

/// Runs `rounds` rounds; in each, every contender has one block of `signatures`. The first round warms up.
pub(crate) fn interleaved(mut contenders: Vec<Contender>, rounds: usize, signatures: usize) -> Vec<Result> {
    for round in 0..=rounds {
        for contender in &mut contenders {
            let each = signatures / contender.signers.len();
            contender.block(each, round > 0);
        }
    }
    contenders.into_iter().map(Contender::result).collect()
}
