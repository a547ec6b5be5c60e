// SPDX-License-Identifier: GPL-2.0

//! /proc/flowbucket: all connections, bucket by bucket; see Documentation/admin-guide.rst.
//!
//! A bucket's connections are copied on the CPU that owns it, so each bucket is told as it is
//! at one moment. It may move on the way there; then it is looked for again.

use super::control::Control;
use crate::kapi::{
    bh::BhGuard,
    cpus, netns,
    procfs::{on_cpu, Pieces},
    time,
};
use crate::model::conn::{key::End, Conn, Key, Ms};
use crate::model::packet::{TCP, UDP, UDP_LITE};
use core::net::{Ipv4Addr, Ipv6Addr};
use kernel::{
    fmt,
    prelude::*,
    seq_file::SeqFile,
    time::{delay::fsleep, Delta},
};

/// How often a bucket is looked for that moves meanwhile, and after which time again.
const TRIES: u32 = 1000;
const AGAIN: Delta = Delta::from_millis(1);

impl Pieces for Control {
    fn count(&self) -> u64 {
        let bh = BhGuard::new();
        self.engine.table.read(&bh).len() as u64
    }

    fn show(&self, piece: u64, to: &SeqFile) -> Result {
        let bucket = piece as usize;
        let mut conns = KVVec::new();
        let mut tries = 0;
        loop {
            match self.copy(bucket, &mut conns)? {
                Found::All => break,
                _ if tries == TRIES => return Err(EAGAIN),
                Found::More(count) => conns.reserve(count, GFP_KERNEL)?,
                Found::Moved => fsleep(AGAIN),
            }
            tries += 1;
        }
        let now = time::coarse_ms();
        for conn in &conns {
            kernel::seq_file::seq_print!(to, "{}\n", Line { bucket, now, conn });
        }
        Ok(())
    }
}

enum Found {
    All,
    /// There are more than there was room for: about so many.
    More(usize),
    Moved,
}

impl Control {
    /// Copies a bucket's connections, as far as there is room.
    fn copy(&self, bucket: usize, to: &mut KVVec<Conn>) -> Result<Found> {
        let owner = {
            let bh = BhGuard::new();
            self.engine.table.read(&bh).owner(bucket)
        };
        let mut found = Found::Moved;
        // If the CPU has just gone, the bucket has, too.
        let _ = on_cpu(owner, || {
            let bh = BhGuard::new();
            let table = self.engine.table.read(&bh);
            let owner = table.buckets.owner(bucket);
            if owner.cpu() != cpus::current(&bh) || !owner.has_arrived() {
                return;
            }
            to.clear();
            let (lane, _) = self.engine.lanes.local(&bh);
            let tracker = self.engine.tracking.tracker(lane, time::coarse_ms());
            let all = table.conns.with(bucket, &tracker, &bh, |conns| {
                let copied = (0..conns.len())
                    .filter_map(|at| conns.get(at))
                    .all(|conn| to.push_within_capacity(*conn).is_ok());
                match copied {
                    true => Found::All,
                    false => Found::More(conns.len() + conns.len() / 8 + 8),
                }
            });
            // No table is no connection.
            found = all.unwrap_or(Found::All);
        });
        Ok(found)
    }
}

/// One connection in one line.
struct Line<'a> {
    bucket: usize,
    now: Ms,
    conn: &'a Conn,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let conn = self.conn;
        let key = &conn.key;
        let (first, other) = match conn.first_is_low() {
            true => (key.low(), key.high()),
            false => (key.high(), key.low()),
        };
        write!(f, "{} ", self.bucket)?;
        match key.proto() {
            TCP => f.write_str("tcp")?,
            UDP => f.write_str("udp")?,
            UDP_LITE => f.write_str("udplite")?,
            proto => write!(f, "{proto}")?,
        }
        for end in [first, other] {
            f.write_str(" ")?;
            address(f, key, end)?;
            write!(f, " {}", end.port)?;
        }
        let idle = self.now.wrapping_sub(conn.seen);
        write!(
            f,
            " {} {} {} {idle} {} {}",
            conn.state().name(),
            conn.packets,
            conn.bytes,
            netns::inode(conn.net),
            conn.interface
        )
    }
}

fn address(f: &mut fmt::Formatter<'_>, key: &Key, end: End) -> fmt::Result {
    let [high, low] = end.addr;
    if key.is_v6() {
        let bits = u128::from(high) << 64 | u128::from(low);
        write!(f, "{}", Ipv6Addr::from(bits))
    } else {
        write!(f, "{}", Ipv4Addr::from(low as u32))
    }
}
