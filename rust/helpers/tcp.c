// SPDX-License-Identifier: GPL-2.0
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/l3mdev.h>
#include <net/tcp.h>

/*
 * The local socket of an established connection, with a reference, or NULL. Addresses
 * are as on the wire, ports in host order. Caller is under RCU.
 */
struct sock *fb_tcp_find(u32 net_number, bool v6, const u8 *remote, u16 remote_port,
			 const u8 *local, u16 local_port, int interface)
{
	struct net *net = fb_net_find(net_number);
	int master, dif, sdif;
	struct sock *sk;

	if (!net)
		return NULL;
	master = l3mdev_master_ifindex_by_index(net, interface);
	dif = master ?: interface;
	sdif = master ? interface : 0;
	if (v6) {
#if IS_ENABLED(CONFIG_IPV6)
		sk = __inet6_lookup_established(net, (const struct in6_addr *)remote,
						htons(remote_port),
						(const struct in6_addr *)local, local_port,
						dif, sdif);
#else
		sk = NULL;
#endif
	} else {
		__be32 from, to;

		memcpy(&from, remote, sizeof(from));
		memcpy(&to, local, sizeof(to));
		sk = __inet_lookup_established(net, from, htons(remote_port), to, local_port, dif,
					       sdif);
	}
	/* The kernel's own sockets do not keep their namespace. */
	if (sk && (!sk_fullsock(sk) || sk->sk_protocol != IPPROTO_TCP ||
		   (!sk->sk_net_refcnt && !net_eq(net, &init_net)))) {
		sock_gen_put(sk);
		return NULL;
	}
	return sk;
}

void fb_tcp_put(struct sock *sk)
{
	sock_gen_put(sk);
}

static void fb_tcp_send_ack(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	/* As tcp_mstamp_refresh(), which modules cannot call. */
	tp->tcp_clock_cache = tcp_clock_ns();
	tp->tcp_mstamp = div_u64(tp->tcp_clock_cache, NSEC_PER_USEC);
	__tcp_send_ack(sk, tp->rcv_nxt, 0);
}

/* For how long the socket has heard nothing from its peer. */
u32 fb_tcp_silent_ms(const struct sock *sk)
{
	return jiffies_to_msecs(keepalive_time_elapsed(tcp_sk(sk)));
}

/*
 * Sends a keep-alive probe, if nothing was received for @idle_ms, or tells without @send
 * whether it would. As tcp_keepalive_timer() does it, for a socket that has not asked for it.
 */
enum fb_probe fb_tcp_probe(struct sock *sk, u32 idle_ms, bool send)
{
	struct tcp_sock *tp = tcp_sk(sk);
	enum fb_probe done = FB_PROBE_BUSY;
	u32 snd_nxt;

	bh_lock_sock(sk);
	if (sock_owned_by_user(sk))
		goto out;
	done = FB_PROBE_NOT_OURS;
	if (sock_flag(sk, SOCK_KEEPOPEN) ||
	    !((1 << sk->sk_state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT)))
		goto out;
	/* What was sent is sent again until it is acknowledged, or given up: alive without. */
	done = FB_PROBE_BUSY;
	if (tp->packets_out || !tcp_write_queue_empty(sk) ||
	    keepalive_time_elapsed(tp) < msecs_to_jiffies(idle_ms))
		goto out;
	done = FB_PROBE_SENT;
	if (!send)
		goto out;
	/*
	 * A sequence number that was acknowledged already makes the peer answer. Nothing
	 * is out: the next one and the first unacknowledged one are the same.
	 */
	snd_nxt = tp->snd_nxt;
	WRITE_ONCE(tp->snd_nxt, tp->snd_una - 1);
	fb_tcp_send_ack(sk);
	WRITE_ONCE(tp->snd_nxt, snd_nxt);
	NET_INC_STATS(sock_net(sk), LINUX_MIB_TCPKEEPALIVE);
out:
	bh_unlock_sock(sk);
	return done;
}

/* Ends a connection whose peer does not answer. May sleep. */
bool fb_tcp_abort(struct sock *sk)
{
	return !tcp_abort(sk, ETIMEDOUT);
}

/*
 * Sends the delayed acknowledgment, if its timer would fire within @ms. As
 * tcp_delack_timer_handler() does it.
 */
enum fb_ack fb_tcp_ack(struct sock *sk, u32 ms)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	enum fb_ack done = FB_ACK_NONE;

	bh_lock_sock(sk);
	if (((1 << sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN)) ||
	    !(icsk->icsk_ack.pending & ICSK_ACK_TIMER) || !inet_csk_ack_scheduled(sk))
		goto out;
	done = FB_ACK_WAITS;
	/* A socket that a program is at work on is left to the kernel. */
	if (sock_owned_by_user(sk) || tcp_sk(sk)->compressed_ack ||
	    !time_before(icsk_delack_timeout(icsk), jiffies + msecs_to_jiffies(ms)))
		goto out;
	icsk->icsk_ack.pending &= ~ICSK_ACK_TIMER;
	fb_tcp_send_ack(sk);
	/* If that failed it was armed again, for another try. */
	if (!(icsk->icsk_ack.pending & ICSK_ACK_TIMER))
		sk_stop_timer(sk, &icsk->icsk_delack_timer);
	NET_INC_STATS(sock_net(sk), LINUX_MIB_DELAYEDACKS);
	done = FB_ACK_SENT;
out:
	bh_unlock_sock(sk);
	return done;
}
