// SPDX-License-Identifier: GPL-2.0
/*
 * Receives pktgen's datagrams on a port and checks that those of a flow come in
 * the order of pktgen's numbers. Written in C to keep up with pktgen.
 *
 * usage: seqcheck 4|6 PORT
 *
 * A flow is a source port and the last four bits of the source address, so that
 * what several pktgen threads send can be told apart. Prints, after each line that
 * it reads on its input, one line: RECEIVED REORDERED FLOWS. After the line "new"
 * numbers begin anew, as in each of pktgen's runs. Ends with its input.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PKTGEN_MAGIC 0xbe9be955u
#define BATCH 256
#define FLOWS (1u << 20)

static uint32_t last[FLOWS];
static unsigned long received, reordered, flows;

static void check(const unsigned char *data, ssize_t len, unsigned int flow)
{
	uint32_t magic, number;

	if (len < 8)
		return;
	memcpy(&magic, data, 4);
	memcpy(&number, data + 4, 4);
	if (ntohl(magic) != PKTGEN_MAGIC)
		return;
	/* 0 is no flow yet. */
	number = ntohl(number) + 1;
	received++;
	if (!last[flow])
		flows++;
	if (number <= last[flow])
		reordered++;
	else
		last[flow] = number;
}

static unsigned int flow_of(const struct sockaddr_in6 *from)
{
	const struct sockaddr_in *from4 = (const void *)from;

	if (from->sin6_family == AF_INET)
		return (ntohl(from4->sin_addr.s_addr) & 15) << 16 | ntohs(from4->sin_port);
	return (from->sin6_addr.s6_addr[15] & 15u) << 16 | ntohs(from->sin6_port);
}

static void take(int fd)
{
	static unsigned char data[BATCH][64];
	static struct sockaddr_in6 from[BATCH];
	static struct iovec iov[BATCH];
	static struct mmsghdr messages[BATCH];
	int i, n;

	do {
		for (i = 0; i < BATCH; i++) {
			iov[i] = (struct iovec){ data[i], sizeof(data[i]) };
			messages[i].msg_hdr = (struct msghdr){
				.msg_name = &from[i], .msg_namelen = sizeof(from[i]),
				.msg_iov = &iov[i], .msg_iovlen = 1,
			};
		}
		n = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
		for (i = 0; i < n; i++)
			check(data[i], messages[i].msg_len, flow_of(&from[i]));
	} while (n == BATCH);
}

int main(int argc, char **argv)
{
	int family = argc > 2 && !strcmp(argv[1], "6") ? AF_INET6 : AF_INET;
	int fd = socket(family, SOCK_DGRAM, 0), size = 1 << 28, on = 1;
	struct sockaddr_in6 at = { .sin6_family = family };
	char line[64];

	if (argc < 3 || fd < 0)
		return 1;
	/* The port is at the same place for both. */
	at.sin6_port = htons(atoi(argv[2]));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(at))) {
		perror("bind");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct pollfd fds[] = { { fd, POLLIN, 0 }, { 0, POLLIN, 0 } };

		poll(fds, 2, -1);
		if (fds[0].revents)
			take(fd);
		if (fds[1].revents) {
			if (read(0, line, sizeof(line)) <= 0)
				return 0;
			if (!strncmp(line, "new", 3)) {
				memset(last, 0, sizeof(last));
				flows = 0;
			}
			printf("%lu %lu %lu\n", received, reordered, flows);
			fflush(stdout);
		}
	}
}
