// SPDX-License-Identifier: GPL-2.0
#define CREATE_TRACE_POINTS
#include "flowbucket_trace.h"

void fb_trace_bucket_move(u32 bucket, u32 from, u32 to)
{
	trace_bucket_move(bucket, from, to);
}

void fb_trace_bucket_moved(u32 bucket, u32 from, u32 to, u32 held, u64 ns)
{
	trace_bucket_moved(bucket, from, to, held, ns);
}

void fb_trace_drop(const struct sk_buff *skb, u32 bucket, u32 reason)
{
	trace_drop(skb, bucket, reason);
}
