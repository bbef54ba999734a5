//! All reachable worlds, and which of them can still reach the end.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use enrol::machine::State;

use crate::world::{Kind, Mutation, Tables, World};

pub(crate) struct Report {
    pub(crate) states: usize,
    pub(crate) transitions: usize,
    pub(crate) seen: BTreeSet<&'static str>,
    /// The rule that is broken, and the shortest way there.
    pub(crate) violation: Option<(&'static str, Vec<&'static str>)>,
    pub(crate) took: Duration,
}

struct Node {
    world: World,
    from: Option<(usize, &'static str)>,
    /// Where arrows to this world come from.
    back: Vec<(usize, Kind)>,
}

pub(crate) fn explore(mutation: Option<Mutation>) -> Report {
    let begun = Instant::now();
    let mut tables = Tables::default();
    let first = tables.first();
    let mut numbers = HashMap::from([(first.clone(), 0)]);
    let mut nodes = vec![Node { world: first, from: None, back: Vec::new() }];
    let mut queue = VecDeque::from([0]);
    let (mut transitions, mut broken) = (0, None);
    while let Some(number) = queue.pop_front() {
        let world = nodes[number].world.clone();
        if let Some(rule) = tables.broken(&world) {
            broken = Some((rule, number));
            break;
        }
        for arrow in tables.arrows(&world, mutation) {
            transitions += 1;
            let to = *numbers.entry(arrow.to).or_insert_with_key(|world| {
                nodes.push(Node { world: world.clone(), from: Some((number, arrow.label)), back: Vec::new() });
                queue.push_back(nodes.len() - 1);
                nodes.len() - 1
            });
            nodes[to].back.push((number, arrow.kind));
        }
    }
    let broken = broken.or_else(|| Some(("I3: the end cannot be reached", stuck(&tables, &nodes)?)));
    Report {
        states: nodes.len(),
        transitions,
        seen: nodes.iter().map(|node| tables.state(&node.world)).inspect(|s| in_order(s)).map(State::name).collect(),
        violation: broken.map(|(rule, number)| (rule, way(&nodes, number))),
        took: begun.elapsed(),
    }
}

/// The first world that cannot end as it should by fair steps alone.
fn stuck(tables: &Tables, nodes: &[Node]) -> Option<usize> {
    let state = |number: usize| tables.state(&nodes[number].world);
    let done = reaching(nodes, &|n| matches!(state(n), State::Done { .. }));
    let over = reaching(nodes, &|n| matches!(state(n), State::Done { .. } | State::Abandoned));
    (0..nodes.len()).find(|&number| match state(number) {
        State::Abandoning { .. } | State::Abandoned => !over[number],
        _ => !done[number],
    })
}

/// Which worlds reach a goal by fair arrows.
fn reaching(nodes: &[Node], goal: &dyn Fn(usize) -> bool) -> Vec<bool> {
    let mut reaches: Vec<bool> = (0..nodes.len()).map(goal).collect();
    let mut queue: VecDeque<usize> = (0..nodes.len()).filter(|n| reaches[*n]).collect();
    while let Some(number) = queue.pop_front() {
        for &(from, kind) in &nodes[number].back {
            if kind == Kind::Fair && !reaches[from] {
                reaches[from] = true;
                queue.push_back(from);
            }
        }
    }
    reaches
}

fn way(nodes: &[Node], mut number: usize) -> Vec<&'static str> {
    let mut labels = Vec::new();
    while let Some((from, label)) = nodes[number].from {
        labels.push(label);
        number = from;
    }
    labels.reverse();
    labels
}

/// The state's name has the place in the list that its rank says.
fn in_order(state: &State) {
    let beside = matches!(state, State::Abandoning { .. } | State::Abandoned | State::Failed { .. });
    assert!(beside || State::WAY.get(usize::from(state.rank())) == Some(&state.name()), "{}", state.name());
}
