// SPDX-License-Identifier: GPL-2.0
/*
 * Datagrams that measure latency.
 *
 * usage: probe send DEVICE MAC FROM TO PORT RATE SECONDS SOURCE_PORT...
 *        probe recv PORT RATE SKIP SECONDS
 *
 * send: sends RATE frames a second with 64 bytes of UDP, from all source ports in turn, each with
 * its number and a time: that of sending or, if it is late, when it should have been sent.
 * So what holds up the sender is not left out.
 * recv: leaves out what comes in the first SKIP seconds, then prints one line:
 * RECEIVED LOST P50 P99 REORDERED; latencies from sending to receiving in nanoseconds. One that
 * is lost counts as 200 ms, the least time after which TCP would send again.
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define FLOWS 256
#define LOST 200000000ull
/* Latencies: 16 classes per power of two. */
#define CLASSES (64 * 16)

struct datagram {
	uint64_t sent;
	uint32_t flow, number;
	char rest[48];
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint16_t ip_checksum(const void *header, int words)
{
	const uint16_t *word = header;
	uint32_t sum = 0;

	while (words--)
		sum += *word++;
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

static void send_all(int argc, char **argv)
{
	struct __attribute__((packed)) {
		struct ethhdr ether;
		struct iphdr ip;
		struct udphdr udp;
		struct datagram data;
	} frame = { .ether.h_proto = htons(ETH_P_IP) };
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(argv[2]) };
	uint64_t start = now(), due = start, end, step = 1e9 / atof(argv[7]);
	uint32_t numbers[FLOWS] = { 0 };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), flows = argc - 9, turn = 0;

	if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof(to)))
		die("socket");
	if (!ether_aton_r(argv[3], (struct ether_addr *)frame.ether.h_dest) || flows < 1 || flows > FLOWS)
		die("arguments");
	frame.ip = (struct iphdr){ .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP };
	frame.ip.tot_len = htons(sizeof(frame) - sizeof(frame.ether));
	frame.ip.saddr = inet_addr(argv[4]);
	frame.ip.daddr = inet_addr(argv[5]);
	frame.ip.check = ip_checksum(&frame.ip, sizeof(frame.ip) / 2);
	frame.udp.dest = htons(atoi(argv[6]));
	frame.udp.len = htons(sizeof(frame.udp) + sizeof(frame.data));
	end = start + atof(argv[8]) * 1e9;
	for (; due < end; due += step) {
		uint64_t early = now();

		frame.data = (struct datagram){ .sent = due, .flow = turn, .number = ++numbers[turn] };
		if (early < due) {
			usleep((due - early) / 1000);
			frame.data.sent = now();
		}
		frame.udp.source = htons(atoi(argv[9 + turn]));
		send(fd, &frame, sizeof(frame), 0);
		turn = (turn + 1) % flows;
	}
}

static unsigned int class_of(uint64_t ns)
{
	int bits = 63 - __builtin_clzll(ns | 16);

	return (bits - 4) * 16 + (ns >> (bits - 4)) % 16;
}

static uint64_t rank(const uint64_t *classes, uint64_t count, double share)
{
	uint64_t seen = 0;
	unsigned int i;

	for (i = 0; i < CLASSES; i++) {
		seen += classes[i];
		if (seen >= share * count)
			return (uint64_t)(16 + i % 16) << (i / 16);
	}
	return 0;
}

static void receive(char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(atoi(argv[2])) };
	uint64_t begin = now() + atof(argv[4]) * 1e9, end = begin + atof(argv[5]) * 1e9;
	uint64_t expected = atof(argv[3]) * atof(argv[5]), lost;
	static uint64_t classes[CLASSES];
	uint64_t received = 0, reordered = 0, t = 0;
	static uint32_t last[FLOWS];
	struct timeval wait = { .tv_usec = 10000 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 1 << 22;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)))
		die("socket");
	while (t < end) {
		struct datagram d;

		if (recv(fd, &d, sizeof(d), 0) != sizeof(d)) {
			t = now();
			continue;
		}
		t = now();
		if (d.flow >= FLOWS)
			continue;
		if (d.number < last[d.flow])
			reordered++;
		last[d.flow] = d.number;
		if (t < begin || t >= end)
			continue;
		received++;
		classes[class_of(t - d.sent)]++;
	}
	lost = received < expected ? expected - received : 0;
	classes[class_of(LOST)] += lost;
	printf("%lu %lu %lu %lu %lu\n", (unsigned long)received, (unsigned long)lost,
	       (unsigned long)rank(classes, received + lost, 0.5),
	       (unsigned long)rank(classes, received + lost, 0.99), (unsigned long)reordered);
}

int main(int argc, char **argv)
{
	if (argc >= 10 && !strcmp(argv[1], "send"))
		send_all(argc, argv);
	else if (argc == 6 && !strcmp(argv[1], "recv"))
		receive(argv);
	else
		return fprintf(stderr, "see the source for usage\n"), 2;
	return 0;
}
