// SPDX-License-Identifier: GPL-2.0
#include <linux/bottom_half.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/sched/isolation.h>

void fb_local_bh_disable(void)
{
	local_bh_disable();
}

void fb_local_bh_enable(void)
{
	local_bh_enable();
}

bool fb_cpu_online(unsigned int cpu)
{
	return cpu < nr_cpu_ids && cpu_online(cpu);
}

bool fb_cpu_possible(unsigned int cpu)
{
	return cpu < nr_cpu_ids && cpu_possible(cpu);
}

bool fb_cpu_housekeeping(unsigned int cpu)
{
	return housekeeping_cpu(cpu, HK_TYPE_DOMAIN) && housekeeping_cpu(cpu, HK_TYPE_WQ);
}

void fb_cpus_read_lock(void)
{
	cpus_read_lock();
}

void fb_cpus_read_unlock(void)
{
	cpus_read_unlock();
}
