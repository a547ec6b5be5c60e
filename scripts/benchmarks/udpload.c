// SPDX-License-Identifier: GPL-2.0
/*
 * An open-loop load of UDP datagrams, and what became of it.
 *
 * usage: udpload send ADDRESS PORT RATE SECONDS SOURCE_PORT...
 *        udpload recv PORT SKIP SECONDS
 *        udpload hold PORT
 *
 * send: sends RATE datagrams a second of 64 bytes, from all source ports in turn, some at
 * a time, each with its time and its number. What cannot be sent in time is left out, not
 * sent later.
 * recv: leaves out what comes in the first SKIP seconds, then prints one line:
 * RECEIVED P50 P99 REORDERED; latencies from sending to receiving in nanoseconds.
 * hold: has a socket that it never reads. Prints a line when there is one.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define BATCH 16
#define FLOWS 256
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

static void send_all(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(atoi(argv[3])) };
	double rate = atof(argv[4]), seconds = atof(argv[5]);
	uint64_t start, due, sent = 0, left_out = 0;
	int flows = argc - 6, sockets[FLOWS], i;
	uint32_t numbers[FLOWS] = { 0 }, turn = 0;
	struct datagram batch[BATCH] = { 0 };
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH] = { 0 };

	for (i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){ &batch[i], sizeof(batch[i]) };
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	if (inet_pton(AF_INET, argv[2], &to.sin_addr) != 1 || flows < 1 || flows > FLOWS)
		die("arguments");
	for (i = 0; i < flows; i++) {
		struct sockaddr_in from = { .sin_family = AF_INET, .sin_port = htons(atoi(argv[6 + i])) };

		sockets[i] = socket(AF_INET, SOCK_DGRAM, 0);
		if (sockets[i] < 0 || bind(sockets[i], (struct sockaddr *)&from, sizeof(from)) ||
		    connect(sockets[i], (struct sockaddr *)&to, sizeof(to)))
			die("socket");
	}
	start = now();
	for (;;) {
		uint64_t passed = now() - start;

		if (passed >= seconds * 1e9)
			break;
		due = passed * (rate / 1e9);
		if (due <= sent + left_out) {
			usleep(50);
			continue;
		}
		/* More than 10 ms late: somebody else had the CPU. */
		if (due - sent - left_out > rate / 100)
			left_out = due - sent - 1;
		/* Few system calls: they are dear in user-mode Linux. */
		for (i = 0; i < BATCH && sent + left_out + i < due; i++) {
			batch[i].sent = now();
			batch[i].flow = turn;
			batch[i].number = ++numbers[turn];
		}
		sendmmsg(sockets[turn], messages, i, 0);
		sent += i;
		turn = (turn + 1) % flows;
	}
	printf("%lu\n", (unsigned long)sent);
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
	uint64_t begin = now() + atof(argv[3]) * 1e9, end = begin + atof(argv[4]) * 1e9;
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
	printf("%lu %lu %lu %lu\n", (unsigned long)received, (unsigned long)rank(classes, received, 0.5),
	       (unsigned long)rank(classes, received, 0.99), (unsigned long)reordered);
}

static void hold(char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(atoi(argv[2])) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)))
		die("socket");
	puts("ready");
	fflush(stdout);
	pause();
}

int main(int argc, char **argv)
{
	if (argc >= 7 && !strcmp(argv[1], "send"))
		send_all(argc, argv);
	else if (argc == 5 && !strcmp(argv[1], "recv"))
		receive(argv);
	else if (argc == 3 && !strcmp(argv[1], "hold"))
		hold(argv);
	else
		return fprintf(stderr, "see the source for usage\n"), 2;
	return 0;
}
