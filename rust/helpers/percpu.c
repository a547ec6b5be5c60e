// SPDX-License-Identifier: GPL-2.0
#include <linux/percpu.h>

void __percpu *fb_alloc_percpu(size_t size, size_t align)
{
	return __alloc_percpu(size, align);
}

void *fb_per_cpu_ptr(void __percpu *ptr, unsigned int cpu)
{
	return per_cpu_ptr(ptr, cpu);
}

void *fb_this_cpu_ptr(void __percpu *ptr)
{
	return raw_cpu_ptr(ptr);
}
