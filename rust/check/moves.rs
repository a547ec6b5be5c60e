// SPDX-License-Identifier: GPL-2.0

//! Moves of a bucket under all interleavings: two producers, the owners, a mover.
//!
//! Each control breaks one thing; then a check must fail.

use super::sync::without_barriers;
use super::world::{Faults, Local, Softirq, World, BUCKET};
use loom::sync::Arc;
use loom::thread;

/// All interleavings in which threads are preempted at most twice, and those of
/// what memory orderings allow in them.
fn explore(faults: Faults, scene: fn(Faults)) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.max_branches = 20_000;
    model.check(move || scene(faults));
}

/// Lets both CPUs run, each only when it was woken, until there is nothing to do.
fn settle(world: &World, states: &[Local; 2]) {
    while (0..2).any(|n| Softirq::new(world, n as u32, &states[n]).run_until_asleep()) {}
}

/// CPU 0 receives and owns, CPU 1 receives too and takes over while packets come in.
fn one_move(faults: Faults) {
    let world = Arc::new(World::new(faults));
    let cpu1 = {
        let world = world.clone();
        thread::spawn(move || {
            let state = Local::default();
            let mut softirq = Softirq::new(&world, 1, &state);
            softirq.receive_here(11);
            softirq.run();
            softirq.receive_here(12);
            softirq.run_until_asleep();
            state
        })
    };
    let mover = {
        let world = world.clone();
        thread::spawn(move || world.move_to(1))
    };
    let state = Local::default();
    let mut softirq = Softirq::new(&world, 0, &state);
    softirq.receive_here(2);
    softirq.run_until_asleep();
    softirq.receive_here(3);
    mover.join().unwrap();
    let states = [state, cpu1.join().unwrap()];
    settle(&world, &states);
    world.check(1, &[&[2, 3], &[11, 12]]);
}

/// A third CPU's packets, while the bucket goes there and, if it has arrived in time,
/// back again.
fn there_and_back(faults: Faults) {
    let world = Arc::new(World::new(faults));
    let producer = {
        let world = world.clone();
        thread::spawn(move || {
            world.push(21);
            world.push(22);
            world.push(23);
        })
    };
    let cpu1 = {
        let world = world.clone();
        thread::spawn(move || {
            let state = Local::default();
            Softirq::new(&world, 1, &state).run_until_asleep();
            // One mover at a time: not while the first move is under way.
            let here = world.buckets.owner(BUCKET);
            let back = here.cpu() == 1 && world.buckets.is_settled(BUCKET);
            if back {
                world.move_to(0);
            }
            (state, back)
        })
    };
    world.move_to(1);
    let state = Local::default();
    Softirq::new(&world, 0, &state).run_until_asleep();
    producer.join().unwrap();
    let (other, back) = cpu1.join().unwrap();
    let states = [state, other];
    settle(&world, &states);
    world.check(if back { 0 } else { 1 }, &[&[21, 22, 23]]);
}

/// CPU 0 goes offline: it gives its bucket away itself, and afterwards is never run
/// again. Packets that two others push meanwhile all arrive.
fn unplug(faults: Faults) {
    let world = Arc::new(World::new(faults));
    let producers = [[2, 3], [11, 12]].map(|packets| {
        let world = world.clone();
        thread::spawn(move || packets.map(|packet| world.push(packet)))
    });
    let states = [Local::default(), Local::default()];
    world.move_to(1);
    Softirq::new(&world, 0, &states[0]).run();
    // Whoever saw the old owner is done, as after a grace period.
    for producer in producers {
        producer.join().unwrap();
    }
    Softirq::new(&world, 0, &states[0]).run_until_asleep();
    // From here on CPU 0 is dead.
    while Softirq::new(&world, 1, &states[1]).run_until_asleep() {}
    assert!(!world.cpus[0].inbox.is_awake(), "a dead CPU was woken");
    world.check(1, &[&[2, 3], &[11, 12]]);
}

#[test]
fn a_move_keeps_order() {
    explore(Faults::default(), one_move);
}

#[test]
fn two_moves_in_a_row_keep_order() {
    explore(Faults::default(), there_and_back);
}

#[test]
fn an_unplugged_cpu_leaves_nothing_behind() {
    explore(Faults::default(), unplug);
}

/// The scenes with one fault put in; the first that notices it panics.
fn explore_broken(faults: Faults) {
    for scene in [one_move, there_and_back, unplug] {
        explore(faults, scene);
    }
}

#[test]
#[should_panic(expected = "order of source")]
fn control_without_holding() {
    explore_broken(Faults {
        no_hold: true,
        ..Faults::default()
    });
}

#[test]
#[should_panic(expected = "order of source")]
fn control_without_the_second_look() {
    explore_broken(Faults {
        no_second_look: true,
        ..Faults::default()
    });
}

#[test]
#[should_panic(expected = "order of source")]
fn control_without_waiting_for_the_end() {
    explore_broken(Faults {
        no_wait: true,
        ..Faults::default()
    });
}

#[test]
#[should_panic]
fn control_without_barriers() {
    let _broken = without_barriers();
    explore_broken(Faults::default());
}
