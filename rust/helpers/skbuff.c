// SPDX-License-Identifier: GPL-2.0
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/prefetch.h>
#include <linux/skbuff.h>
#include <net/dst.h>
#include <net/ip.h>
#include <net/sock.h>

/*
 * The module keeps its own state of a waiting packet in the last 24 bytes of
 * skb->cb: at PRE_ROUTING the IP layers use the first 24 only.
 */
static_assert(sizeof(struct inet_skb_parm) <= 24);
static_assert(sizeof(struct inet6_skb_parm) <= 24);
static_assert(sizeof_field(struct sk_buff, cb) == 48);

u32 fb_skb_get_hash(struct sk_buff *skb)
{
	return skb_get_hash(skb);
}

/*
 * Makes a packet's borrowed references its own, so that it may outlive the RCU
 * read-side section it was received in: the route it may carry already, and a
 * socket that a BPF program assigned to it. As nf_queue() does it. False: one of
 * them is going away and the packet must be dropped.
 */
bool fb_skb_leave_rcu(struct sk_buff *skb)
{
	if (skb_sk_is_prefetched(skb)) {
		struct sock *sk = skb->sk;

		if (!sk_is_refcounted(sk)) {
			if (!refcount_inc_not_zero(&sk->sk_refcnt))
				return false;
			skb->destructor = sock_edemux;
		}
	}
	return !skb_dst(skb) || skb_dst_force(skb);
}

void fb_prefetch(const void *p)
{
	prefetch(p);
}
