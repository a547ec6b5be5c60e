// SPDX-License-Identifier: GPL-2.0
#include <linux/kthread.h>

struct task_struct *fb_kthread_run(int (*fn)(void *data), void *data, const char *name)
{
	struct task_struct *task = kthread_run(fn, data, "%s", name);

	return IS_ERR(task) ? NULL : task;
}

/* Sleeps for @ms, less if the thread is woken. False: it is to end. */
bool fb_kthread_sleep(unsigned int ms)
{
	set_current_state(TASK_IDLE);
	if (!kthread_should_stop())
		schedule_timeout(msecs_to_jiffies(ms));
	__set_current_state(TASK_RUNNING);
	return !kthread_should_stop();
}
