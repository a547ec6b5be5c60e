// SPDX-License-Identifier: GPL-2.0
/*
 * Steers what a device receives by cpumap.bpf.c, until its input ends.
 *
 * usage: cpumap OBJECT DEVICE CPU...
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* As many packets as flowbucket lets wait on a CPU. */
#define QUEUE 4096

static void die(const char *what)
{
	perror(what);
	exit(1);
}

int main(int count, char **words)
{
	struct bpf_cpumap_val queue = { .qsize = QUEUE };
	struct bpf_object *object;
	struct bpf_map *buckets;
	int cpus, device, program;
	char ended;
	__u32 cpu;

	if (count < 4) {
		fprintf(stderr, "usage: cpumap OBJECT DEVICE CPU...\n");
		return 2;
	}
	device = if_nametoindex(words[2]);
	if (!device)
		die(words[2]);
	object = bpf_object__open_file(words[1], NULL);
	if (!object)
		die(words[1]);
	/* The kernel refuses one with more than it can have. */
	bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "cpus"), libbpf_num_possible_cpus());
	if (bpf_object__load(object))
		die(words[1]);
	cpus = bpf_object__find_map_fd_by_name(object, "cpus");
	buckets = bpf_object__find_map_by_name(object, "buckets");
	for (int at = 3; at < count; at++) {
		cpu = atoi(words[at]);
		if (bpf_map_update_elem(cpus, &cpu, &queue, 0))
			die("cpumap");
	}
	for (__u32 bucket = 0; bucket < bpf_map__max_entries(buckets); bucket++) {
		cpu = atoi(words[3 + bucket % (count - 3)]);
		if (bpf_map_update_elem(bpf_map__fd(buckets), &bucket, &cpu, 0))
			die("buckets");
	}
	program = bpf_program__fd(bpf_object__find_program_by_name(object, "steer"));
	if (bpf_xdp_attach(device, program, XDP_FLAGS_SKB_MODE, NULL))
		die("XDP");
	printf("on\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &ended, 1) > 0)
		;
	return bpf_xdp_detach(device, XDP_FLAGS_SKB_MODE, NULL) ? 1 : 0;
}
