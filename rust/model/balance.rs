// SPDX-License-Identifier: GPL-2.0

//! Balancing: from a snapshot of loads to a list of moves.
//!
//! A load is CPU time per time, in nanoseconds per second: a billion is one CPU that
//! does nothing else. What belongs to buckets can be moved, by whole buckets; the rest,
//! applications and interrupts, stays where it is and counts ([`Cpu::other`]).
//!
//! A policy changes [`Bucket::cpu`] on a [`Board`] that the caller has filled in; what
//! differs from [`Bucket::from`] then is its plan. Nothing here has a memory: what must be
//! remembered from period to period is in [`smooth`], [`rest`] and [`active`].

pub mod active;
mod heavy;
mod level;
mod load;
pub mod proportional;
pub mod rate;
pub mod rest;
mod shed;
pub mod smooth;
mod step;

/// The load of a CPU that does nothing else.
pub const FULL: u64 = 1_000_000_000;

/// How moves are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Never.
    Static,
    /// Each CPU gets a number of buckets by its utilization ([`proportional::shares`]).
    Proportional,
    /// One bucket from the most to the least loaded CPU.
    Step,
    /// The lowest highest load, by measured loads of buckets, with few moves.
    Load,
}

impl Policy {
    const ALL: [Self; 4] = [Self::Static, Self::Proportional, Self::Step, Self::Load];

    /// Its name in sysfs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Proportional => "proportional",
            Self::Step => "step",
            Self::Load => "load",
        }
    }

    /// By its name; `None` for any other text.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let name = text.trim_ascii();
        (Self::ALL.into_iter()).find(|policy| policy.name().as_bytes() == name)
    }
}

/// What the policies are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Knobs {
    /// How much a CPU may be loaded above its goal before anything moves, in thousandths
    /// of the highest goal.
    pub hysteresis: u32,
    /// The most buckets that move in one plan.
    pub max_moves: u32,
}

impl Knobs {
    /// What `make sim` shows to be good.
    pub const DEFAULT: Self = Self {
        hysteresis: 12,
        max_moves: 1024,
    };
}

/// A CPU that may own buckets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu {
    /// Its NUMA node.
    pub node: u32,
    /// Load that is not of buckets.
    pub other: u64,
    /// It is to have no buckets now, see [`active`].
    pub closed: bool,
    /// All its load, that of its buckets included.
    load: u64,
    /// What its load should be.
    goal: u64,
    /// The part of it that is of heavy buckets, and not of buckets; see [`heavy`].
    heavy: u64,
    /// A bucket that alone exceeds a fair share is here, and nothing else should be.
    pinned: bool,
    /// By [`proportional::shares`]: how many buckets it should have, and what was rounded off.
    wanted: u32,
    rest: u64,
    /// Its buckets are `order[first..end]`, in falling order of load if `sorted`.
    first: u32,
    end: u32,
    sorted: bool,
    /// It has nothing that could go anywhere.
    stuck: bool,
}

impl Cpu {
    /// A CPU of a NUMA node, with load that is not of buckets.
    pub fn new(node: u32, other: u64) -> Self {
        Self {
            node,
            other,
            ..Self::default()
        }
    }

    /// All its load, as of the last plan.
    pub fn load(&self) -> u64 {
        self.load
    }

    /// By how much its load exceeds what it should be.
    fn over(&self) -> u64 {
        self.load.saturating_sub(self.goal)
    }

    /// How much more it may get.
    fn room(&self) -> u64 {
        self.goal.saturating_sub(self.load)
    }
}

/// A bucket.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket {
    /// Its load. More than four CPUs are not told apart.
    pub load: u32,
    /// The place among the CPUs of its owner, as it is and as it is planned.
    pub from: u16,
    /// See `from`.
    pub cpu: u16,
    /// It moved not long ago: others go first.
    rests: bool,
    /// Its place is settled for this plan.
    fixed: bool,
}

impl Bucket {
    /// A bucket of the CPU at this place.
    pub fn new(cpu: u16, load: u32) -> Self {
        Self {
            load,
            from: cpu,
            cpu,
            rests: false,
            fixed: false,
        }
    }

    /// The same, with a note whether it moved not long ago: others go first then.
    pub fn resting(self, rests: bool) -> Self {
        Self { rests, ..self }
    }

    /// A bucket that is to go to the CPU at this place, or any other, from one that is not
    /// on the board.
    pub fn homeless(cpu: u16, load: u32) -> Self {
        Self {
            from: u16::MAX,
            ..Self::new(cpu, load)
        }
    }
}

/// All that a policy looks at.
#[derive(Debug)]
pub struct Board<'a> {
    /// The CPUs that may own buckets: at least one, at most 65,535.
    pub cpus: &'a mut [Cpu],
    /// All buckets: at most 65,536.
    pub buckets: &'a mut [Bucket],
    /// To work with: as many as there are buckets.
    pub order: &'a mut [u16],
}

impl Board<'_> {
    /// Plans by a policy. Returns the number of moves.
    pub fn plan(&mut self, policy: Policy, knobs: &Knobs) -> u32 {
        self.count();
        match policy {
            // Nor those that somebody put on a CPU which is not on the board.
            Policy::Static => return 0,
            Policy::Proportional => proportional::plan(self, knobs),
            Policy::Step => step::plan(self),
            Policy::Load => load::plan(self, knobs),
        }
        self.moves().count() as u32
    }

    /// The planned moves: a bucket, and the place of the CPU it goes to.
    pub fn moves(&self) -> impl Iterator<Item = (usize, u16)> + '_ {
        let moved = |(at, bucket): (usize, &Bucket)| {
            (bucket.cpu != bucket.from).then_some((at, bucket.cpu))
        };
        self.buckets.iter().enumerate().filter_map(moved)
    }

    /// The highest load of a CPU in thousandths of the mean, of those that are not closed:
    /// 1,000 is perfect. As planned, or before that as counted.
    pub fn imbalance(&self) -> u32 {
        let open = || self.cpus.iter().filter(|cpu| !cpu.closed);
        let total: u64 = open().map(|cpu| cpu.load).sum();
        let highest = open().map(|cpu| cpu.load).max().unwrap_or(0);
        let count = open().count() as u64;
        let scaled = highest.saturating_mul(count).saturating_mul(1000);
        let imbalance = scaled.checked_div(total).unwrap_or(1000);
        u32::try_from(imbalance).unwrap_or(u32::MAX)
    }

    /// The highest load of a CPU.
    pub fn highest(&self) -> u64 {
        self.cpus.iter().map(|cpu| cpu.load).max().unwrap_or(0)
    }

    /// Adds up the loads of all CPUs.
    pub fn count(&mut self) {
        for cpu in self.cpus.iter_mut() {
            *cpu = Cpu {
                closed: cpu.closed,
                load: cpu.other,
                ..Cpu::new(cpu.node, cpu.other)
            };
        }
        for bucket in self.buckets.iter_mut() {
            bucket.fixed = false;
            if let Some(cpu) = self.cpus.get_mut(usize::from(bucket.cpu)) {
                cpu.load += u64::from(bucket.load);
            }
        }
    }

    /// Plans a bucket to go to another CPU.
    fn give(&mut self, bucket: u16, to: u16) {
        let Some(bucket) = self.buckets.get_mut(usize::from(bucket)) else {
            return;
        };
        let load = u64::from(bucket.load);
        if let Some(from) = self.cpus.get_mut(usize::from(bucket.cpu)) {
            from.load = from.load.saturating_sub(load);
        }
        bucket.cpu = to;
        bucket.fixed = true;
        if let Some(to) = self.cpus.get_mut(usize::from(to)) {
            to.load += load;
        }
    }

    /// Orders the buckets by their CPUs.
    fn group(&mut self) {
        let mut first = 0;
        for cpu in self.cpus.iter_mut() {
            cpu.end = 0;
        }
        for bucket in self.buckets.iter() {
            if let Some(cpu) = self.cpus.get_mut(usize::from(bucket.cpu)) {
                cpu.end += 1;
            }
        }
        for cpu in self.cpus.iter_mut() {
            let count = cpu.end;
            (cpu.first, cpu.end) = (first, first);
            first += count;
        }
        for (at, bucket) in (0..=u16::MAX).zip(self.buckets.iter()) {
            let Some(cpu) = self.cpus.get_mut(usize::from(bucket.cpu)) else {
                continue;
            };
            if let Some(place) = self.order.get_mut(cpu.end as usize) {
                *place = at;
                cpu.end += 1;
            }
        }
    }
}
