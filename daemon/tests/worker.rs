//! A real module in a real worker process.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod bench;

use bench::{Bench, PIN, generate, make_key, pin, sign, slot, statement, until};
use daemon::actor::Happening;
use daemon::worker::ModuleStatus;
use token::{Fault, Op, Outcome, SignatureAlgorithm};

#[tokio::test(flavor = "multi_thread")]
async fn tokens_arrive_work_and_depart() {
    let bench = Bench::new(&["one", "two"]);
    let mut happenings = bench.tokens.subscribe();
    let supervisor = bench.started().await;
    let state = supervisor.states().remove(0);
    assert_eq!((state.tokens.len(), state.restarts), (2, 0));
    assert_eq!(state.status, ModuleStatus::Running { events: false }, "SoftHSM has no slot events");
    assert_eq!(state.gaps, Vec::<String>::new(), "this kernel gives the whole sandbox");
    let one = bench.token("one").await;
    let key = make_key(&one, "01").await;
    let mut turn = one.turn(Some(pin(PIN))).await.unwrap();
    for _ in 0..3 {
        let Ok(Outcome::Signature(signature)) = turn.perform(sign("01", &key)).await else { panic!() };
        assert_eq!(key.verify(SignatureAlgorithm::Es256, statement().bytes(), &signature), Ok(()));
    }
    assert_eq!(turn.perform(generate("01")).await, Err(Fault::SlotTaken { slot: slot("01") }));
    turn.end().await;
    assert_eq!(one.perform(sign("01", &key)).await, Err(Fault::PinRequired { left: None }));
    assert!(matches!(one.turn(Some(pin("000000"))).await.unwrap_err(), Fault::PinWrong { .. }));
    one.perform(Op::ReadInfo).await.unwrap();
    assert_eq!(one.info().pin.name(), "count-low");
    bench.stop(supervisor).await;
    assert!(bench.tokens.list().is_empty());
    let mut departed = 0;
    while let Ok(happening) = happenings.try_recv() {
        departed += usize::from(matches!(happening, Happening::Departed { .. }));
    }
    assert_eq!(departed, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_is_started_again_and_its_tokens_arrive_anew() {
    let mut bench = Bench::new(&["one"]);
    bench.config.name = "killed".into();
    let supervisor = bench.started().await;
    let before = bench.token("one").await;
    make_key(&before, "01").await;
    let killed = kill_workers("killed");
    assert_eq!(killed, 1);
    before.departed().await;
    let after = until(|| bench.tokens.list().pop().filter(|t| t.generation() > before.generation())).await;
    assert_eq!(after.id(), before.id());
    assert_eq!(after.info().slots.len(), 1);
    assert_eq!(supervisor.states()[0].restarts, 1);
    bench.stop(supervisor).await;
    assert_eq!(kill_workers("killed"), 0, "no worker outlives the supervisor");
}

/// SoftHSM reads its folder when it is loaded, and never again.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_made_later_is_found_when_somebody_asks() {
    let bench = Bench::new(&["one"]);
    let supervisor = bench.started().await;
    let first = bench.token("one").await;
    supervisor.refresh().await;
    assert_eq!(first.generation(), bench.token("one").await.generation(), "nothing changed, nothing is disturbed");
    bench.make_token("two");
    let turn = first.turn(Some(pin(PIN))).await.unwrap();
    supervisor.refresh().await;
    assert_eq!(bench.tokens.list().len(), 1, "a turn is not disturbed");
    turn.end().await;
    first.perform(Op::ReadInfo).await.unwrap();
    supervisor.refresh().await;
    let labels: Vec<String> = bench.tokens.list().iter().map(|t| t.info().label.clone()).collect();
    assert!(labels.contains(&"one".into()) && labels.contains(&"two".into()), "{labels:?}");
    assert_eq!(supervisor.states()[0].restarts, 0, "this is no failure");
    let again = bench.token("two").await.generation();
    supervisor.refresh().await;
    assert_eq!(bench.token("two").await.generation(), again);
    bench.stop(supervisor).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_module_is_tried_again_and_said() {
    let mut bench = Bench::new(&[]);
    bench.config.path = "/bin/true".into();
    let supervisor = bench.start();
    let reason = until(|| match &supervisor.states()[0] {
        state if state.restarts < 3 => None,
        state => match &state.status {
            ModuleStatus::Waiting { reason } => Some(reason.clone()),
            _ => None,
        },
    })
    .await;
    assert!(reason.contains("dlopen"), "{reason}");
    bench.stop(supervisor).await;
}

/// Kills the workers of a module, as a crash would, and says how many there were.
fn kill_workers(module: &str) -> usize {
    let name = format!("worker {module}");
    let workers = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let pid: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, rest) = stat.split_once(" (")?;
        let (comm, rest) = rest.rsplit_once(") ")?;
        let mut fields = rest.split(' ');
        let ours = fields.next()? != "Z" && fields.next()?.parse() == Ok(std::process::id());
        (ours && comm == name).then_some(pid)
    });
    let mut killed = 0;
    for pid in workers {
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL)
            .unwrap();
        killed += 1;
    }
    killed
}
