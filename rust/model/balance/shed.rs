// SPDX-License-Identifier: GPL-2.0

//! One CPU that has too much gives a bucket away, or exchanges one.

use super::{Board, Cpu};
use core::cmp::Reverse;
use core::ops::Range;

/// What is less than this part of a goal makes no difference: a bucket that is so much
/// heavier than what fits is taken for fitting, two are not exchanged for so little.
const SLACK: u64 = 256;

impl Board<'_> {
    /// Moves one bucket from a CPU to one that has room: the heaviest that fits, or the
    /// lightest that does not, whichever leaves the lower load on the higher loaded of the
    /// two. If neither helps much (`slack` is the load that makes no CPU give), exchanges two if `left` moves allow it. Returns the number of
    /// moves, 0 if nothing helps.
    pub(super) fn shed(&mut self, from: u16, slack: u64, left: usize) -> usize {
        self.sort(from);
        let Some((giver, to, taker)) = self.pair(from) else {
            return 0;
        };
        let fits = giver.over().min(taker.room()) + giver.goal / SLACK;
        let after = |load: u64| giver.load.saturating_sub(load).max(taker.load + load);
        // One that is closed has to give in any case.
        // The others must not get so much that they would be the next to give.
        let most = taker.goal + giver.over().max(slack) / 2;
        let helps = |&(_, load): &(u16, u64)| {
            giver.closed || (after(load) < giver.load && taker.load + load <= most)
        };
        let [lighter, heavier] = self.around(&giver, fits).map(|found| found.filter(helps));
        let best = match (lighter, heavier) {
            (Some(fit), Some(over)) if after(over.1) < after(fit.1) => Some(over),
            (fit, over) => fit.or(over),
        };
        match best {
            Some((bucket, _)) => {
                self.give(bucket, to);
                1
            }
            None if left > 1 && !giver.closed => match self.exchange(from, to, slack, true) {
                0 => self.exchange(from, to, slack, false),
                moved => moved,
            },
            None => 0,
        }
    }

    /// A CPU, and to which it should give.
    fn pair(&self, from: u16) -> Option<(Cpu, u16, Cpu)> {
        let giver = *self.cpus.get(usize::from(from))?;
        let (mut near, mut any) = (None, None);
        for (at, cpu) in (0..=u16::MAX).zip(self.cpus.iter()) {
            let room = cpu.room();
            let more = |found: &Option<(u16, u64)>| found.is_none_or(|(_, most)| room > most);
            if room > 0 && more(&any) {
                any = Some((at, room));
            }
            if room > 0 && cpu.node == giver.node && more(&near) {
                near = Some((at, room));
            }
        }
        let (to, most) = any?;
        // In its own memory node, if there is a good part of the room that could be used.
        let enough = giver.over().min(most) / 2;
        let (to, _) = near.filter(|near| near.1 >= enough).unwrap_or((to, most));
        let taker = *self.cpus.get(usize::from(to))?;
        Some((giver, to, taker))
    }

    fn load_of(&self, bucket: u16) -> u64 {
        self.buckets
            .get(usize::from(bucket))
            .map_or(0, |bucket| u64::from(bucket.load))
    }

    fn range(cpu: &Cpu) -> Range<usize> {
        cpu.first as usize..cpu.end as usize
    }

    /// Sorts a CPU's buckets, the heaviest first, unless that was done; and leaves those
    /// at the front behind that are settled.
    fn sort(&mut self, at: u16) {
        let (Some(cpu), buckets) = (self.cpus.get_mut(usize::from(at)), &*self.buckets) else {
            return;
        };
        let get = |bucket: u16| buckets.get(usize::from(bucket));
        let group = self.order.get_mut(Self::range(cpu)).unwrap_or_default();
        if !cpu.sorted {
            group.sort_unstable_by_key(|&bucket| Reverse(get(bucket).map_or(0, |b| b.load)));
            cpu.sorted = true;
        }
        let settled = |bucket: &&u16| get(**bucket).is_none_or(|b| b.fixed);
        cpu.first += group.iter().take_while(settled).count() as u32;
    }

    /// Of a CPU's buckets that may move and have a load, the heaviest of at most this load
    /// and the lightest of more.
    fn around(&self, cpu: &Cpu, load: u64) -> [Option<(u16, u64)>; 2] {
        let group = self.order.get(Self::range(cpu)).unwrap_or_default();
        let more = group.partition_point(|&bucket| self.load_of(bucket) > load);
        let (more, less) = group.split_at_checked(more).unwrap_or_default();
        let get = |&bucket: &u16| {
            let found = self.buckets.get(usize::from(bucket))?;
            let load = u64::from(found.load);
            (!found.fixed && load > 0).then_some((bucket, load, found.rests))
        };
        [
            first_rested(&mut less.iter().filter_map(get)),
            first_rested(&mut more.iter().rev().filter_map(get)),
        ]
    }

    /// Exchanges a bucket for a lighter one of another CPU, so that both come as near to
    /// each other as can be; `rested`: none that moved not long ago. Returns the number of moves.
    fn exchange(&mut self, from: u16, to: u16, slack: u64, rested: bool) -> usize {
        self.sort(to);
        let (Some(giver), Some(taker)) = (
            self.cpus.get(usize::from(from)),
            self.cpus.get(usize::from(to)),
        ) else {
            return 0;
        };
        let gap = giver.load.saturating_sub(taker.load);
        let mut best: Option<(u64, u16, u16)> = None;
        let may = |bucket: &&u16| {
            self.buckets
                .get(usize::from(**bucket))
                .is_some_and(|b| b.load > 0 && !(b.fixed || rested && b.rests))
        };
        let group = |cpu| {
            self.order
                .get(Self::range(cpu))
                .unwrap_or_default()
                .iter()
                .filter(may)
        };
        // Both fall: for a lighter one here, the partner is no heavier.
        let mut partners = group(taker).peekable();
        let mut before = None;
        for &mine in group(giver) {
            let Some(most) = self.load_of(mine).checked_sub(gap / 2) else {
                break;
            };
            // The lightest that is still too heavy, then the heaviest that is not.
            while let Some(&its) = partners.next_if(|&&its| self.load_of(its) > most) {
                before = Some(its);
            }
            let after = partners.peek().map(|&&its| its);
            for its in before.into_iter().chain(after) {
                let Some(shift) = self.load_of(mine).checked_sub(self.load_of(its)) else {
                    continue;
                };
                let off = shift.abs_diff(gap / 2);
                if best.is_none_or(|(least, _, _)| off < least) {
                    best = Some((off, mine, its));
                }
            }
        }
        // What it gains: half the gap, less what it is off.
        let gain = |off: u64| (gap / 2).saturating_sub(off);
        match best.filter(|&(off, _, _)| gain(off) > (giver.goal / SLACK).max(slack / 2)) {
            Some((_, mine, its)) => {
                self.give(mine, to);
                self.give(its, from);
                2
            }
            None => 0,
        }
    }
}

/// The first bucket; or, if that moved not long ago, the first that did not, unless it has a
/// quite different load.
fn first_rested(all: &mut dyn Iterator<Item = (u16, u64, bool)>) -> Option<(u16, u64)> {
    let (first, load, rests) = all.next()?;
    let near = |other: u64| other.abs_diff(load) <= load - load / 4;
    let other = match rests {
        true => (all.take_while(|at| near(at.1))).find(|at| !at.2),
        false => None,
    };
    Some(other.map_or((first, load), |at| (at.0, at.1)))
}
