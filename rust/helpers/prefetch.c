// SPDX-License-Identifier: GPL-2.0
#include <linux/cache.h>
#include <linux/prefetch.h>

/* Has @size bytes brought into the cache. */
void fb_prefetch(const void *what, size_t size)
{
	const char *p = what;
	size_t i;

	for (i = 0; i < size; i += L1_CACHE_BYTES)
		prefetch(p + i);
}
