// SPDX-License-Identifier: GPL-2.0
#include <linux/kernel_stat.h>
#include <linux/topology.h>

void fb_cpu_times(unsigned int cpu, struct fb_cpu_times *times)
{
	struct kernel_cpustat stat;

	kcpustat_cpu_fetch(&stat, cpu);
	times->user = stat.cpustat[CPUTIME_USER];
	times->nice = stat.cpustat[CPUTIME_NICE];
	times->system = stat.cpustat[CPUTIME_SYSTEM];
	times->softirq = stat.cpustat[CPUTIME_SOFTIRQ];
	times->irq = stat.cpustat[CPUTIME_IRQ];
	times->steal = stat.cpustat[CPUTIME_STEAL];
}

u32 fb_cpu_to_node(unsigned int cpu)
{
	return max(cpu_to_node(cpu), 0);
}
