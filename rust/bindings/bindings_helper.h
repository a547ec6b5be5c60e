/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Header that bindgen reads: C APIs this module uses and kernel::bindings lacks.
 * What is taken from it is listed in `generate`.
 */
#include <linux/cpuhotplug.h>
#include <linux/kobject.h>
#include <linux/kthread.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/skbuff.h>
#include <linux/smp.h>
#include <linux/sysfs.h>
#include <net/dropreason.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "helpers.h"
