// SPDX-License-Identifier: GPL-2.0
#include <linux/netfilter.h>
#include <linux/preempt.h>
#include <net/net_namespace.h>

/* Whether bottom halves are off. */
bool fb_in_softirq(void)
{
	return in_softirq();
}

/* The hooks at PRE_ROUTING of @pf in @net, or NULL. Caller is under RCU. */
const struct nf_hook_entries *fb_nf_pre_routing(struct net *net, u8 pf)
{
	if (pf == NFPROTO_IPV6)
		return rcu_dereference(net->nf.hooks_ipv6[NF_INET_PRE_ROUTING]);
	return rcu_dereference(net->nf.hooks_ipv4[NF_INET_PRE_ROUTING]);
}
