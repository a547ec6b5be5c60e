// SPDX-License-Identifier: GPL-2.0

//! What the operator has chosen, and how a choice takes effect.
//!
//! Every change is checked as a whole before anything of it is done. Lock order:
//! CPU hotplug, then the settings, then nothing.

use super::steer::Engine;
use super::table::Table;
use crate::kapi::{bh::BhGuard, cpus, napi::Napis, param, random};
use crate::model::{
    hash::{siphash, toeplitz, Algorithm, Hasher},
    map::{deal_evenly, tail::Tail, text::Assignments, text::MapError, Buckets},
    names::{Names, NamesError},
};
use kernel::{
    cpu::nr_cpu_ids,
    cpumask::{Cpumask, CpumaskVar},
    prelude::*,
    sync::{new_mutex, Arc, Mutex},
};

/// The operator's choices.
pub(super) struct Settings {
    /// CPUs that may own buckets; those of them that are online do.
    pub(super) cpus: KBox<CpumaskVar>,
    pub(super) algorithm: Algorithm,
    pub(super) toeplitz_key: toeplitz::Key,
    pub(super) buckets: Buckets,
    /// A line of `map` that is being written.
    map_tail: Tail,
}

impl Settings {
    /// The defaults and the module's parameters.
    ///
    /// Errors: `EINVAL` for a hash that does not exist, `ERANGE` for a number of
    /// buckets that is not a power of two from 64 to 65,536.
    pub(super) fn from_params() -> Result<Self> {
        let count = crate::module_parameters::buckets.value();
        let buckets = Buckets::new(count).ok_or_else(|| {
            pr_err!("buckets={}: must be a power of two, 64 to 65536\n", count);
            ERANGE
        })?;
        let algorithm = match param::hash() {
            None => Algorithm::SipHash,
            Some(name) => Algorithm::parse(name.to_bytes()).ok_or_else(|| {
                pr_err!("hash={}: must be skb, siphash, crc32c or toeplitz\n", name);
                EINVAL
            })?,
        };
        Ok(Self {
            cpus: cpus::housekeeping()?,
            algorithm,
            toeplitz_key: toeplitz::DEFAULT_KEY,
            buckets,
            map_tail: Tail::NONE,
        })
    }

    fn hasher(&self) -> Result<Hasher<KBox<toeplitz::Table>>> {
        Ok(match self.algorithm {
            Algorithm::Skb => Hasher::Skb,
            Algorithm::SipHash => Hasher::SipHash(siphash::Key::new(random::bytes())),
            Algorithm::Crc32c => Hasher::Crc32c,
            Algorithm::Toeplitz => {
                let mut table: KBox<toeplitz::Table> =
                    KBox::init(pin_init::init_zeroed(), GFP_KERNEL)?;
                for (index, words) in table.iter_mut().enumerate() {
                    *words = toeplitz::word_table(&self.toeplitz_key, index);
                }
                Hasher::Toeplitz(table)
            }
        })
    }

    /// A table with the buckets dealt evenly to the CPUs of now.
    pub(super) fn table(&self) -> Result<KBox<Table>> {
        let owners = owners(&self.cpus)?;
        Table::new(self.hasher()?, self.buckets.count() as usize, |bucket| {
            dealt(&owners, self.buckets, bucket)
        })
    }
}

/// The CPUs that own buckets now: the chosen ones that are online or, so that
/// traffic goes on, all that are online when none of them is.
fn owners(chosen: &Cpumask) -> Result<KVec<u32>> {
    let mut owners = KVec::new();
    for cpu in cpus::possible().filter(|&cpu| cpus::is_online(cpu) && cpus::has(chosen, cpu)) {
        owners.push(cpu, GFP_KERNEL)?;
    }
    if owners.is_empty() {
        for cpu in cpus::possible().filter(|&cpu| cpus::is_online(cpu)) {
            owners.push(cpu, GFP_KERNEL)?;
        }
    }
    Ok(owners)
}

/// The CPU that gets a bucket when all are dealt evenly to `owners`.
fn dealt(owners: &[u32], buckets: Buckets, bucket: usize) -> u32 {
    let place = deal_evenly(buckets, owners.len() as u32, bucket as u32);
    owners.get(place as usize).copied().unwrap_or(0)
}

/// The settings and what they apply to.
#[pin_data]
pub(super) struct Control {
    pub(super) engine: Arc<Napis<Engine>>,
    #[pin]
    settings: Mutex<Settings>,
}

impl Control {
    /// Takes the settings that `engine` was made with.
    pub(super) fn new(engine: Arc<Napis<Engine>>, settings: Settings) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                engine,
                settings <- new_mutex!(settings),
            }),
            GFP_KERNEL,
        )
    }

    /// Begins to steer, if the module's parameters say so.
    pub(super) fn start(&self) -> Result {
        let _hotplug = cpus::HotplugGuard::new();
        let settings = self.settings.lock();
        // CPUs may have come or gone since the table was made.
        self.deal(&owners(&settings.cpus)?, settings.buckets);
        let on = crate::module_parameters::enabled.value();
        self.engine.enabled.set_release(usize::from(on));
        pr_info!(
            "{} buckets, hash {}, {}\n",
            settings.buckets.count(),
            settings.algorithm.name(),
            if on { "on" } else { "off" }
        );
        Ok(())
    }

    /// Stops steering, and returns when no packet waits any more.
    pub(super) fn stop(&self) {
        let _settings = self.settings.lock();
        self.engine.pause();
    }

    /// Switches steering on or off.
    pub(super) fn set_enabled(&self, on: bool) {
        let _settings = self.settings.lock();
        if on {
            self.engine.enabled.set_release(1);
        } else {
            self.engine.pause();
        }
    }

    /// Runs `f` on the settings.
    pub(super) fn with_settings<R>(&self, f: impl FnOnce(&Settings) -> R) -> R {
        f(&self.settings.lock())
    }

    /// Chooses the CPUs that may own buckets, and deals all buckets anew.
    ///
    /// Errors: `EINVAL` for an empty set, `ENODEV` if one of them is not online.
    pub(super) fn set_cpus(&self, mask: KBox<CpumaskVar>) -> Result {
        let _hotplug = cpus::HotplugGuard::new();
        let mut settings = self.settings.lock();
        if mask.empty() {
            return Err(EINVAL);
        }
        if (0..nr_cpu_ids()).any(|cpu| cpus::has(&mask, cpu) && !cpus::is_online(cpu)) {
            return Err(ENODEV);
        }
        let owners = owners(&mask)?;
        settings.cpus = mask;
        self.deal(&owners, settings.buckets);
        Ok(())
    }

    fn deal(&self, owners: &[u32], buckets: Buckets) {
        let bh = BhGuard::new();
        let table = self.engine.table.read(&bh);
        for bucket in 0..table.len() {
            table.assign(bucket, dealt(owners, buckets, bucket));
        }
    }

    /// Chooses the interfaces to steer; an empty list means all but loopback.
    ///
    /// Errors: `EINVAL` for what cannot be a name, `ERANGE` for more than 16.
    pub(super) fn set_interfaces(&self, text: &[u8]) -> Result {
        let names = Names::parse(text).map_err(|e| match e {
            NamesError::Invalid => EINVAL,
            NamesError::TooMany => ERANGE,
        })?;
        let new = KBox::new(names, GFP_KERNEL)?;
        let _settings = self.settings.lock();
        self.engine.interfaces.replace(new);
        Ok(())
    }

    /// Chooses another hash. Flows change buckets: steering pauses until all
    /// waiting packets have gone.
    pub(super) fn set_hash(&self, algorithm: Algorithm) -> Result {
        self.rebuild(true, |settings| settings.algorithm = algorithm)
    }

    /// Sets the key of the Toeplitz hash.
    pub(super) fn set_toeplitz_key(&self, key: toeplitz::Key) -> Result {
        self.rebuild(true, |settings| settings.toeplitz_key = key)
    }

    /// Chooses another number of buckets, dealt evenly.
    pub(super) fn set_buckets(&self, buckets: Buckets) -> Result {
        self.rebuild(false, |settings| settings.buckets = buckets)
    }

    /// Changes settings that need a new table; with `keep_map`, its map is the old.
    fn rebuild(&self, keep_map: bool, change: impl FnOnce(&mut Settings)) -> Result {
        let _hotplug = cpus::HotplugGuard::new();
        let mut settings = self.settings.lock();
        let mut new = Settings {
            cpus: KBox::new(CpumaskVar::try_clone(&settings.cpus)?, GFP_KERNEL)?,
            ..*settings
        };
        change(&mut new);
        let table = new.table()?;
        if keep_map {
            let bh = BhGuard::new();
            let old = self.engine.table.read(&bh);
            for bucket in 0..old.len() {
                table.assign(bucket, old.home(bucket));
                table.lend(bucket, old.owner(bucket));
            }
        }
        let on = self.engine.enabled.relaxed();
        self.engine.pause();
        self.engine.table.replace(table);
        self.engine.enabled.set_release(on);
        *settings = new;
        Ok(())
    }

    /// Gives buckets to CPUs as `text`, written at `offset` of the file, says (see
    /// `model::map::text`), all or none.
    ///
    /// Errors: `EINVAL` for a malformed line, `ERANGE` for a bucket that does not
    /// exist, `ENODEV` for a CPU that is not online.
    pub(super) fn write_map(&self, offset: usize, text: &[u8]) -> Result {
        let _hotplug = cpus::HotplugGuard::new();
        let mut settings = self.settings.lock();
        let piece = settings.map_tail.take(offset, text).ok_or(EINVAL)?;
        settings.map_tail = Tail::NONE;
        if !piece.tail.is_sane() {
            return Err(EINVAL);
        }
        let of = |lines| Assignments::new(lines, settings.buckets);
        let items = || piece.lines().into_iter().flat_map(of);
        for item in items() {
            let item = item.map_err(|e| match e {
                MapError::Syntax => EINVAL,
                MapError::Range => ERANGE,
            })?;
            if !cpus::is_online(item.cpu) {
                return Err(ENODEV);
            }
        }
        let bh = BhGuard::new();
        let table = self.engine.table.read(&bh);
        // What may be a last line without newline takes effect at once; if it goes
        // on, that can only change its CPU, and it will be assigned again.
        let last = of(piece.tail.line()).flatten();
        let last = last.filter(|item| cpus::is_online(item.cpu));
        for item in Iterator::chain(items().flatten(), last) {
            for bucket in item.first..=item.last {
                table.assign(bucket as usize, item.cpu);
            }
        }
        drop(bh);
        settings.map_tail = piece.tail;
        Ok(())
    }

    /// Gives the buckets of a CPU that goes to the others, evenly.
    pub(super) fn lend_from(&self, gone: u32) {
        let settings = self.settings.lock();
        let others = owners(&settings.cpus).and_then(|mut cpus| {
            cpus.retain(|cpu| *cpu != gone);
            if cpus.is_empty() {
                // It was the last of the chosen ones: any other will do.
                for cpu in cpus::possible().filter(|&cpu| cpu != gone && cpus::is_online(cpu)) {
                    cpus.push(cpu, GFP_KERNEL)?;
                }
            }
            Ok(cpus)
        });
        let bh = BhGuard::new();
        let table = self.engine.table.read(&bh);
        let any = cpus::possible().find(|&cpu| cpu != gone && cpus::is_online(cpu));
        let lost = (0..table.len()).filter(|&bucket| table.owner(bucket) == gone);
        for (turn, bucket) in lost.enumerate() {
            let to = match &others {
                Ok(cpus) if !cpus.is_empty() => cpus.get(turn % cpus.len()).copied(),
                // No memory for a list.
                _ => any,
            };
            if let Some(cpu) = to {
                table.lend(bucket, cpu);
            }
        }
    }

    /// Gives a CPU that came back the buckets whose home it is.
    pub(super) fn return_to(&self, back: u32) {
        let _settings = self.settings.lock();
        let bh = BhGuard::new();
        let table = self.engine.table.read(&bh);
        for bucket in (0..table.len()).filter(|&bucket| table.home(bucket) == back) {
            table.lend(bucket, back);
        }
    }
}
