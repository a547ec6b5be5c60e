// SPDX-License-Identifier: GPL-2.0
#include <linux/timekeeping.h>

/* Milliseconds of the monotonic clock, as of the last timer tick. They wrap. */
u32 fb_coarse_ms(void)
{
	struct timespec64 now;

	ktime_get_coarse_ts64(&now);
	return (u32)now.tv_sec * MSEC_PER_SEC + (u32)now.tv_nsec / NSEC_PER_MSEC;
}
