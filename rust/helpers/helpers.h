/* SPDX-License-Identifier: GPL-2.0 */
/*
 * C inline functions and macros made callable from Rust. bindgen reads these
 * prototypes; the bodies are in one file per C header beside this one.
 */
#ifndef _FLOWBUCKET_HELPERS_H
#define _FLOWBUCKET_HELPERS_H

#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <linux/smp.h>

/* linux/percpu.h */
void __percpu *fb_alloc_percpu(size_t size, size_t align);
void *fb_per_cpu_ptr(void __percpu *ptr, unsigned int cpu);
void *fb_this_cpu_ptr(void __percpu *ptr);

/* linux/bottom_half.h */
void fb_local_bh_disable(void);
void fb_local_bh_enable(void);

/* linux/cpumask.h, linux/sched/isolation.h */
bool fb_cpu_online(unsigned int cpu);
bool fb_cpu_possible(unsigned int cpu);
bool fb_cpu_housekeeping(unsigned int cpu);
void fb_cpus_read_lock(void);
void fb_cpus_read_unlock(void);

/* linux/kernel_stat.h, linux/topology.h */
struct fb_cpu_times {
	u64 user, nice, system, softirq, irq, steal;
};

void fb_cpu_times(unsigned int cpu, struct fb_cpu_times *times);
u32 fb_cpu_to_node(unsigned int cpu);

/* linux/kthread.h */
struct task_struct *fb_kthread_run(int (*fn)(void *data), void *data, const char *name);
bool fb_kthread_sleep(unsigned int ms);

/* linux/prefetch.h */
void fb_prefetch(const void *what, size_t size);

/* linux/proc_fs.h, linux/seq_file.h, linux/workqueue.h */
struct proc_dir_entry *fb_proc_create(const char *name,
				      int (*show)(void *ctx, struct seq_file *to, u64 piece),
				      u64 (*count)(void *ctx), void *ctx);
void fb_proc_remove(struct proc_dir_entry *entry);
long fb_on_cpu(unsigned int cpu, long (*fn)(void *data), void *data);

/* linux/smpboot.h */
int fb_timers_start(void (*round)(void *ctx, unsigned int cpu, bool begins), void *ctx);
void fb_timers_stop(void);
bool fb_timer_sleep(u64 ns);
bool fb_timer_yield(void);

/* net/tcp.h */
enum fb_probe { FB_PROBE_SENT, FB_PROBE_BUSY, FB_PROBE_NOT_OURS };
enum fb_ack { FB_ACK_NONE, FB_ACK_WAITS, FB_ACK_SENT };

struct sock *fb_tcp_find(u32 net_number, bool v6, const u8 *remote, u16 remote_port,
			 const u8 *local, u16 local_port, int interface);
void fb_tcp_put(struct sock *sk);
u32 fb_tcp_silent_ms(const struct sock *sk);
enum fb_probe fb_tcp_probe(struct sock *sk, u32 idle_ms, bool send);
bool fb_tcp_abort(struct sock *sk);
enum fb_ack fb_tcp_ack(struct sock *sk, u32 ms);

/* net/net_namespace.h */
u32 fb_net_number(const struct net *net);
struct net *fb_net_find(u32 number);
u32 fb_net_inode(u32 number);

/* linux/timekeeping.h */
u32 fb_coarse_ms(void);

/* linux/smp.h */
void fb_csd_init(call_single_data_t *csd, smp_call_func_t func, void *info);

/* linux/netdevice.h */
void fb_netif_napi_add(struct net_device *dev, struct napi_struct *napi,
		       int (*poll)(struct napi_struct *napi, int budget));
void fb_netif_napi_del(struct napi_struct *napi);
struct net_device *fb_netdev_notifier_dev(void *info);
bool fb_netdev_has_rps(const struct net_device *dev);
struct net *fb_dev_net(const struct net_device *dev);
u32 fb_dev_net_number(const struct net_device *dev);
u32 fb_dev_index(const struct net_device *dev);

/* linux/preempt.h */
bool fb_in_softirq(void);

/* linux/netfilter.h */
const struct nf_hook_entries *fb_nf_pre_routing(struct net *net, u8 pf);

/* linux/skbuff.h, net/sock.h */
u32 fb_skb_get_hash(struct sk_buff *skb);
bool fb_skb_can_wait(const struct sk_buff *skb, const struct nf_hook_state *state);
bool fb_skb_leave_rcu(struct sk_buff *skb);
void fb_skb_enter_rcu(struct sk_buff *skb);
void fb_prefetch_skb(const struct sk_buff *skb);
void fb_prefetch_data(const struct sk_buff *skb);

/* flowbucket_trace.h */
void fb_trace_bucket_move(u32 bucket, u32 from, u32 to);
void fb_trace_bucket_moved(u32 bucket, u32 from, u32 to, u32 held, u64 ns);
void fb_trace_drop(const struct sk_buff *skb, u32 bucket, u32 reason);

/* linux/moduleparam.h */
u32 fb_param_buckets(void);
bool fb_param_enabled(void);
const char *fb_param_hash(void);

#endif
