// SPDX-License-Identifier: GPL-2.0
#include <linux/smp.h>

void fb_csd_init(call_single_data_t *csd, smp_call_func_t func, void *info)
{
	INIT_CSD(csd, func, info);
}
