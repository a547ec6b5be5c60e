// SPDX-License-Identifier: GPL-2.0
#include <linux/hrtimer.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/smpboot.h>

/*
 * A thread for each CPU, in rounds: it is asked to sleep in a round, and between two
 * rounds it is parked if its CPU goes, or ends.
 */
static DEFINE_PER_CPU(struct task_struct *, fb_timer_task);
static DEFINE_PER_CPU(bool, fb_timer_begins);
static void (*fb_timer_round)(void *ctx, unsigned int cpu, bool begins);
static void *fb_timer_ctx;

static int fb_timer_should_run(unsigned int cpu)
{
	return 1;
}

static void fb_timer_fn(unsigned int cpu)
{
	bool begins = __this_cpu_xchg(fb_timer_begins, false);

	fb_timer_round(fb_timer_ctx, cpu, begins);
}

static void fb_timer_setup(unsigned int cpu)
{
	/* Little to do, but in time, also where a CPU is busy. */
	set_user_nice(current, MIN_NICE);
	__this_cpu_write(fb_timer_begins, true);
}

/* Its CPU goes. (There is no unpark without it.) */
static void fb_timer_park(unsigned int cpu)
{
	__this_cpu_write(fb_timer_begins, true);
}

static struct smp_hotplug_thread fb_timer_threads = {
	.store = &fb_timer_task,
	.thread_should_run = fb_timer_should_run,
	.thread_fn = fb_timer_fn,
	.setup = fb_timer_setup,
	.park = fb_timer_park,
	.thread_comm = "flowbucket/%u",
};

/* Starts the threads. One user at a time. */
int fb_timers_start(void (*round)(void *ctx, unsigned int cpu, bool begins), void *ctx)
{
	fb_timer_round = round;
	fb_timer_ctx = ctx;
	return smpboot_register_percpu_thread(&fb_timer_threads);
}

/* Ends them. */
void fb_timers_stop(void)
{
	smpboot_unregister_percpu_thread(&fb_timer_threads);
}

/*
 * In such a thread: sleeps for @ns. False: the round is to end. Not in jiffies: a kernel
 * with 100 of them a second would be two of them late, 20 ms.
 */
bool fb_timer_sleep(u64 ns)
{
	ktime_t time = ns_to_ktime(ns);

	set_current_state(TASK_IDLE);
	if (!kthread_should_stop() && !kthread_should_park())
		schedule_hrtimeout_range(&time, 100 * NSEC_PER_USEC, HRTIMER_MODE_REL);
	__set_current_state(TASK_RUNNING);
	return !kthread_should_stop() && !kthread_should_park();
}

/* In such a thread, between two pieces of work: others may run. False as above. */
bool fb_timer_yield(void)
{
	cond_resched();
	return !kthread_should_stop() && !kthread_should_park();
}
