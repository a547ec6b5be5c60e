// SPDX-License-Identifier: GPL-2.0

//! How a choice of the operator takes effect.
//!
//! Every change is checked as a whole before anything of it is done. Lock order:
//! CPU hotplug, then the settings, then the balancer's state.

use super::balancer::Balancer;
use super::owners;
use super::settings::Settings;
use super::steer::Engine;
use crate::kapi::{cpus, napi::Napis, param};
use crate::model::{
    hash::{toeplitz, Algorithm},
    map::Buckets,
    names::{Names, NamesError},
};
use kernel::{
    cpu::nr_cpu_ids,
    prelude::*,
    sync::{new_mutex, Arc, Mutex},
};

/// The settings and what they apply to.
#[pin_data]
pub(super) struct Control {
    pub(super) engine: Arc<Napis<Engine>>,
    #[pin]
    pub(super) settings: Mutex<Settings>,
    #[pin]
    pub(super) balancer: Balancer,
}

impl Control {
    /// Takes the settings that `engine` was made with.
    pub(super) fn new(engine: Arc<Napis<Engine>>, settings: Settings) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                engine,
                settings <- new_mutex!(settings),
                balancer <- Balancer::new(),
            }),
            GFP_KERNEL,
        )
    }

    /// Begins to steer, if the module's parameters say so.
    pub(super) fn start(&self) -> Result {
        let _hotplug = cpus::HotplugGuard::new();
        let settings = self.settings.lock();
        // CPUs may have come or gone since the table was made. Nothing is steered yet, unless
        // somebody has been very quick with the files.
        self.engine.pause();
        self.engine.table.replace(settings.table()?);
        let on = param::enabled();
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
    pub(super) fn set_cpus(&self, mask: cpus::Set) -> Result {
        let _hotplug = cpus::HotplugGuard::new();
        let mut settings = self.settings.lock();
        if mask.empty() {
            return Err(EINVAL);
        }
        if (0..nr_cpu_ids()).any(|cpu| cpus::has(&mask, cpu) && !cpus::is_online(cpu)) {
            return Err(ENODEV);
        }
        let owners = owners::online_of(&mask)?;
        settings.cpus = mask;
        self.deal(&owners, settings.buckets);
        Ok(())
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

    /// Switches the check of the order on or off; see [`super::checks`].
    pub(super) fn set_check_order(&self, on: bool) -> Result {
        let _settings = self.settings.lock();
        self.engine.checks.set(on)
    }

    /// Sets the key of the Toeplitz hash; without effect on others.
    pub(super) fn set_toeplitz_key(&self, key: toeplitz::Key) -> Result {
        {
            let mut settings = self.settings.lock();
            if settings.algorithm != Algorithm::Toeplitz {
                settings.toeplitz_key = key;
                return Ok(());
            }
        }
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
            cpus: settings.cpus.try_clone()?,
            ..*settings
        };
        change(&mut new);
        let table = if keep_map {
            self.same_map(&new)?
        } else {
            new.table()?
        };
        let on = self.engine.enabled.relaxed();
        self.engine.pause();
        self.engine.table.replace(table);
        self.balancer.state.lock().memory.forget();
        self.engine.enabled.set_release(on);
        *settings = new;
        Ok(())
    }
}
