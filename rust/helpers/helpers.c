// SPDX-License-Identifier: GPL-2.0
/* One translation unit of all helper files, as the kernel's own rust/helpers. */
#include "helpers.h"

#include "cpu.c"
#include "cputime.c"
#include "kthread.c"
#include "moduleparam.c"
#include "netdevice.c"
#include "netfilter.c"
#include "percpu.c"
#include "prefetch.c"
#include "proc.c"
#include "skbuff.c"
#include "smp.c"
#include "smpboot.c"
#include "tcp.c"
#include "time.c"
#include "trace.c"
