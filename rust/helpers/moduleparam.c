// SPDX-License-Identifier: GPL-2.0
#include <linux/moduleparam.h>

static uint buckets = 4096;
module_param(buckets, uint, 0444);
MODULE_PARM_DESC(buckets, "Number of buckets at load: a power of two, 64 to 65536 (default 4096)");

static bool enabled = true;
module_param(enabled, bool, 0444);
MODULE_PARM_DESC(enabled, "Whether to steer from load on (default Y)");

static char *hash;
module_param(hash, charp, 0444);
MODULE_PARM_DESC(hash, "Hash at load: skb, siphash, crc32c or toeplitz (default siphash)");

u32 fb_param_buckets(void)
{
	return buckets;
}

bool fb_param_enabled(void)
{
	return enabled;
}

const char *fb_param_hash(void)
{
	return hash;
}
