// SPDX-License-Identifier: GPL-2.0
#include <linux/netdevice.h>
#include <net/netdev_rx_queue.h>
#include <net/rps.h>

void fb_netif_napi_add(struct net_device *dev, struct napi_struct *napi,
		       int (*poll)(struct napi_struct *napi, int budget))
{
	/* The _tx variant keeps it out of the busy-poll hash: no socket polls it. */
	netif_napi_add_tx(dev, napi, poll);
}

void fb_netif_napi_del(struct napi_struct *napi)
{
	netif_napi_del(napi);
}

struct net_device *fb_netdev_notifier_dev(void *info)
{
	return netdev_notifier_info_to_dev(info);
}

/* Whether any receive queue of @dev has an RPS mask. Caller is under RCU. */
bool fb_netdev_has_rps(const struct net_device *dev)
{
#ifdef CONFIG_RPS
	unsigned int i;

	if (!static_branch_unlikely(&rps_needed))
		return false;
	for (i = 0; i < READ_ONCE(dev->real_num_rx_queues); i++)
		if (rcu_access_pointer(dev->_rx[i].rps_map))
			return true;
#endif
	return false;
}

/* The number of its network namespace. */
u32 fb_dev_net_number(const struct net_device *dev)
{
	return fb_net_number(dev_net(dev));
}

u32 fb_dev_index(const struct net_device *dev)
{
	return dev->ifindex;
}

struct net *fb_dev_net(const struct net_device *dev)
{
	return dev_net(dev);
}
