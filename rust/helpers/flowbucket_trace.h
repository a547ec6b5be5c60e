/* SPDX-License-Identifier: GPL-2.0 */
/* Tracepoints: /sys/kernel/tracing/events/flowbucket. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM flowbucket

#if !defined(_FLOWBUCKET_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _FLOWBUCKET_TRACE_H

#include <linux/skbuff.h>
#include <linux/tracepoint.h>

/* A bucket begins to move. */
TRACE_EVENT(bucket_move,
	TP_PROTO(u32 bucket, u32 from, u32 to),
	TP_ARGS(bucket, from, to),
	TP_STRUCT__entry(
		__field(u32, bucket)
		__field(u32, from)
		__field(u32, to)
	),
	TP_fast_assign(
		__entry->bucket = bucket;
		__entry->from = from;
		__entry->to = to;
	),
	TP_printk("bucket=%u from=%u to=%u",
		  __entry->bucket, __entry->from, __entry->to)
);

/*
 * A bucket has arrived: @held packets came with it or waited for it there, @ns
 * nanoseconds after it began to move.
 */
TRACE_EVENT(bucket_moved,
	TP_PROTO(u32 bucket, u32 from, u32 to, u32 held, u64 ns),
	TP_ARGS(bucket, from, to, held, ns),
	TP_STRUCT__entry(
		__field(u32, bucket)
		__field(u32, from)
		__field(u32, to)
		__field(u32, held)
		__field(u64, ns)
	),
	TP_fast_assign(
		__entry->bucket = bucket;
		__entry->from = from;
		__entry->to = to;
		__entry->held = held;
		__entry->ns = ns;
	),
	TP_printk("bucket=%u from=%u to=%u held=%u ns=%llu",
		  __entry->bucket, __entry->from, __entry->to, __entry->held, __entry->ns)
);

/* A packet of @bucket is dropped, for the kernel's drop reason @reason. */
TRACE_EVENT(drop,
	TP_PROTO(const struct sk_buff *skb, u32 bucket, u32 reason),
	TP_ARGS(skb, bucket, reason),
	TP_STRUCT__entry(
		__field(const void *, skbaddr)
		__field(u32, len)
		__field(u32, bucket)
		__field(u32, reason)
	),
	TP_fast_assign(
		__entry->skbaddr = skb;
		__entry->len = skb->len;
		__entry->bucket = bucket;
		__entry->reason = reason;
	),
	TP_printk("skbaddr=%p len=%u bucket=%u reason=%u",
		  __entry->skbaddr, __entry->len, __entry->bucket, __entry->reason)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE flowbucket_trace
#include <trace/define_trace.h>
