// SPDX-License-Identifier: GPL-2.0
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter_bridge.h>
#include <linux/prefetch.h>
#include <linux/skbuff.h>
#include <net/dst.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/request_sock.h>
#include <net/sock.h>
#include <net/xfrm.h>

/*
 * The module keeps its own state of a waiting packet in skb->cb behind the first
 * 24 bytes: at PRE_ROUTING the IP layers use the first 24 only.
 */
static_assert(sizeof(struct inet_skb_parm) <= 24);
static_assert(sizeof(struct inet6_skb_parm) <= 24);
static_assert(sizeof_field(struct sk_buff, cb) == 48);

u32 fb_skb_get_hash(struct sk_buff *skb)
{
	return skb_get_hash(skb);
}

/*
 * Whether a packet may be taken from this pass through PRE_ROUTING and go on later:
 * it comes in on its own device, in that device's namespace, as it will be said to
 * when it goes on; not on loopback; and not:
 * - on an L3 master (VRF), whose okfn frees what comes back late;
 * - after IPsec, with the addresses of the inner packet;
 * - on a bridge with br_netfilter, in its own pass, since that module may go before
 *   the packet goes on, and after it;
 * - on a device that is going: a bond gets packets from its ports even after notifiers
 *   were told. Before they are, a grace period waits for whoever sees it registered here;
 * - from memory for emergencies, which must be given back soon;
 * - with a request of BPF's syncookies, which borrows its listener.
 */
bool fb_skb_can_wait(const struct sk_buff *skb, const struct nf_hook_state *state)
{
	const struct net_device *dev = skb->dev;

	if (state->in != dev || state->net != dev_net(dev) || state->out || state->sk)
		return false;
	if (READ_ONCE(dev->reg_state) != NETREG_REGISTERED || skb_pfmemalloc(skb))
		return false;
#if IS_ENABLED(CONFIG_SYN_COOKIES)
	if (skb->sk && skb->sk->sk_state == TCP_NEW_SYN_RECV && inet_reqsk(skb->sk)->syncookie)
		return false;
#endif
	return !(dev->flags & IFF_LOOPBACK) && !netif_is_l3_master(dev) && !secpath_exists(skb) &&
	       !nf_bridge_info_exists(skb);
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

/*
 * Undoes that for a socket that a BPF program assigned, which is looked at anew: there may
 * be others of its group. Caller is under RCU until the packet is done.
 */
void fb_skb_enter_rcu(struct sk_buff *skb)
{
	struct sock *sk = skb->sk;

	if (likely(!sk) || skb->destructor != sock_edemux || !sk_fullsock(sk) ||
	    !sock_flag(sk, SOCK_RCU_FREE))
		return;
	skb->destructor = sock_pfree;
	/* It is freed after a grace period only. */
	sock_gen_put(sk);
}

/* Brings all of a packet's sk_buff, which another CPU wrote, into the cache. */
void fb_prefetch_skb(const struct sk_buff *skb)
{
	fb_prefetch(skb, sizeof(*skb));
}

/* The same for its headers, and for what freeing it looks at. */
void fb_prefetch_data(const struct sk_buff *skb)
{
	prefetch(skb->data);
	prefetch(skb_shinfo(skb));
}
