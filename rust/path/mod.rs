// SPDX-License-Identifier: GPL-2.0

//! The module proper, in safe code: what happens to a packet, and who decides.
//!
//! In the order in which a packet meets them: [`steer`] looks it up in [`table`]
//! and hands it to its owner's [`lane`], where [`poll`] takes it up, within
//! [`limits`]. [`moves`] gives buckets to other CPUs, and [`handoff`] is what those do
//! about it; [`balancer`] decides which, by what it finds in [`measure`]; [`checks`] can
//! watch that nothing overtakes. A packet that goes on is noted in [`conns`] by [`track`],
//! through which each CPU's thread ([`timers`]) goes in [`round`]s. [`control`] is the
//! operator's side, shown by [`files`]; [`drain`] and [`hotplug`] see to it that nothing is
//! left behind.

mod balance_dir;
mod balancer;
mod checks;
mod conns;
mod conns_dir;
mod control;
mod cpu_dir;
mod drain;
mod dump;
mod files;
mod handoff;
mod hotplug;
mod lane;
mod limits;
mod map_file;
mod measure;
mod moves;
mod moves_dir;
mod owners;
mod poll;
mod round;
mod settings;
mod sockets;
mod stats;
mod steer;
mod table;
mod timers;
mod track;

use crate::kapi::{
    cpuhp, kthread::Thread, napi::Napis, netdev, netfilter::Hooks, procfs::ProcFile,
    smpboot::Threads,
};
use control::Control;
use kernel::{prelude::*, sync::Arc};
use steer::Engine;

/// The module. Fields are dropped in this order: the operator's way in, then the
/// hooks, and only when no packet waits any more what watches over those that do.
pub(crate) struct Flowbucket {
    _files: files::Files,
    _dump: ProcFile<Control>,
    _balancer: Thread<Control>,
    _timers: Threads<Control>,
    _hooks: StoppedHooks,
    _hotplug: cpuhp::Registration<Control>,
    _devices: netdev::Notifier<drain::DeviceWatch>,
}

/// The hooks, which are removed when no packet waits any more.
struct StoppedHooks {
    _hooks: Hooks<Napis<Engine>>,
    control: Arc<Control>,
}

impl kernel::Module for Flowbucket {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        if cfg!(CONFIG_PREEMPT_RT) {
            // There softirqs are preempted: data of one CPU is no longer its own.
            pr_err!("PREEMPT_RT kernels are not supported\n");
            return Err(Error::from_errno(-(crate::bindings::EOPNOTSUPP as i32)));
        }
        let params = settings::Settings::from_params()?;
        let engine = Napis::new(Engine::new(&params)?)?;
        let control = Control::new(engine.clone(), params)?;
        // Packets of a device may wait only while its going away is watched, and
        // those for a CPU while its going away is.
        let hotplug = cpuhp::Registration::new(control.clone())?;
        let devices = netdev::Notifier::new(drain::DeviceWatch(control.clone()))?;
        let hooks = StoppedHooks {
            _hooks: Hooks::new(engine)?,
            control: control.clone(),
        };
        let files = files::Files::new(control.clone())?;
        control.start()?;
        let dump = ProcFile::new(c"flowbucket", control.clone())?;
        let timers = Threads::new(control.clone())?;
        let balancer = Thread::new(c"flowbucket", control)?;
        Ok(Self {
            _files: files,
            _dump: dump,
            _balancer: balancer,
            _timers: timers,
            _hooks: hooks,
            _hotplug: hotplug,
            _devices: devices,
        })
    }
}

impl Drop for StoppedHooks {
    fn drop(&mut self) {
        self.control.stop();
    }
}
