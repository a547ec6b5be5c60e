// SPDX-License-Identifier: GPL-2.0
#include <linux/moduleparam.h>

/* The kernel crate's module! has no string parameters yet. */
static char *hash;
module_param(hash, charp, 0444);
MODULE_PARM_DESC(hash, "Hash at load: skb, siphash, crc32c or toeplitz (default siphash)");

const char *fb_param_hash(void)
{
	return hash;
}
