// SPDX-License-Identifier: GPL-2.0

//! Who is named as having most of what waits.

use crate::queue::{Deque, Pkt, KNOWN};
use flowbucket_model::fair::{index_len, Bucket, FairQueue, Flow, Limits};

const LIMITS: Limits = Limits {
    quantum: 1514,
    packets: 1000,
    memory: 1 << 20,
};

type Queue = FairQueue<Vec<Flow<Deque>>, Vec<Bucket>, Vec<u16>>;

fn queue() -> Queue {
    let flows = (0..1024).map(|_| Flow::default()).collect();
    let buckets = (0..1024).map(|_| Bucket::default()).collect();
    FairQueue::new(flows, buckets, vec![0; index_len(1024)], 7).unwrap()
}

fn fill(queue: &mut Queue, flow: u32, packets: u32) {
    for number in 0..packets {
        let packet = Pkt {
            flow,
            bytes: 100,
            memory: 768,
            number: u64::from(number),
        };
        queue.enqueue(flow % 64, packet, KNOWN, &LIMITS, |_, _| panic!("shed"));
    }
}

#[test]
fn an_elephant_is_named_and_mice_are_not() {
    let mut queue = queue();
    assert_eq!(queue.hog(), None, "nothing waits");
    for mouse in 0..100 {
        fill(&mut queue, mouse, 2);
    }
    assert_eq!(queue.hog(), None, "nobody has much more than others");
    assert!(!queue.is_long(&LIMITS));
    fill(&mut queue, 1000, 600);
    assert_eq!(queue.hog(), Some(1000));
    assert!(queue.is_long(&LIMITS), "800 of 1000 packets");
    while queue.next(&LIMITS).is_some() {}
    assert_eq!(queue.hog(), None, "all gone");
}

#[test]
fn memory_makes_a_queue_long_as_well() {
    let mut queue = queue();
    let packet = Pkt {
        flow: 5,
        bytes: 65_536,
        memory: 900_000,
        number: 0,
    };
    queue.enqueue(5, packet, KNOWN, &LIMITS, |_, _| panic!("shed"));
    assert!(queue.is_long(&LIMITS));
    assert_eq!(queue.hog(), Some(5));
}
