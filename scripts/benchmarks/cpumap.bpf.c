// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own steering by XDP: a cpumap, and buckets that are dealt evenly, as flowbucket's
 * are at first. TCP and UDP over IPv4 by addresses and ports, other packets where they came in.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define BUCKETS 4096

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} cpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BUCKETS);
	__type(key, __u32);
	__type(value, __u32);
} buckets SEC(".maps");

/* The finalizer of MurmurHash3: each bit depends on all. */
static __u32 mixed(__u32 hash)
{
	hash ^= hash >> 16;
	hash *= 0x85ebca6b;
	hash ^= hash >> 13;
	hash *= 0xc2b2ae35;
	return hash ^ hash >> 16;
}

SEC("xdp")
int steer(struct xdp_md *context)
{
	void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;
	struct ethhdr *ethernet = data;
	struct iphdr *ip = (void *)(ethernet + 1);
	__u32 *ports = (void *)(ip + 1), bucket, *cpu;

	if ((void *)(ports + 1) > end || ethernet->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->ihl != 5 || (ip->protocol != IPPROTO_UDP && ip->protocol != IPPROTO_TCP))
		return XDP_PASS;
	bucket = mixed(mixed(mixed(ip->saddr) ^ ip->daddr) ^ *ports) % BUCKETS;
	cpu = bpf_map_lookup_elem(&buckets, &bucket);
	return cpu ? bpf_redirect_map(&cpus, *cpu, 0) : XDP_PASS;
}

char gpl[] SEC("license") = "GPL";
