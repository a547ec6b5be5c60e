// SPDX-License-Identifier: GPL-2.0
#include <net/net_namespace.h>

/*
 * A namespace's number: not that of another one, as its inode's may be when it has gone, and
 * not 0. The lower half is enough until there have been four billion namespaces, of all kinds.
 */
u32 fb_net_number(const struct net *net)
{
	return net->net_cookie;
}

/* The namespace with this number. Caller is under RCU. */
struct net *fb_net_find(u32 number)
{
	struct net *net;

	if (fb_net_number(&init_net) == number)
		return &init_net;
	for_each_net_rcu(net)
		if (fb_net_number(net) == number)
			return net;
	return NULL;
}

/* The inode of the namespace with this number, for people; 0 if it has gone. */
u32 fb_net_inode(u32 number)
{
	struct net *net;
	u32 inode = 0;

	rcu_read_lock();
	net = fb_net_find(number);
	if (net)
		inode = net->ns.inum;
	rcu_read_unlock();
	return inode;
}
