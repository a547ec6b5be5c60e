// SPDX-License-Identifier: GPL-2.0
#include <linux/cpu.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/workqueue.h>

/*
 * A file that is shown piece by piece, by number, until there is none. One user.
 */
static struct fb_proc_user {
	int (*show)(void *ctx, struct seq_file *to, u64 piece);
	u64 (*count)(void *ctx);
	void *ctx;
} fb_proc;

static void *fb_proc_at(loff_t at)
{
	return at < fb_proc.count(fb_proc.ctx) ? (void *)(uintptr_t)(at + 1) : NULL;
}

static void *fb_proc_start(struct seq_file *to, loff_t *at)
{
	return fb_proc_at(*at);
}

static void *fb_proc_next(struct seq_file *to, void *piece, loff_t *at)
{
	return fb_proc_at(++*at);
}

static void fb_proc_stop(struct seq_file *to, void *piece)
{
}

static int fb_proc_show(struct seq_file *to, void *piece)
{
	return fb_proc.show(fb_proc.ctx, to, (uintptr_t)piece - 1);
}

static const struct seq_operations fb_proc_ops = {
	.start = fb_proc_start,
	.next = fb_proc_next,
	.stop = fb_proc_stop,
	.show = fb_proc_show,
};

/* Makes it. NULL: there is no memory, or there is such a file. */
struct proc_dir_entry *fb_proc_create(const char *name,
				      int (*show)(void *ctx, struct seq_file *to, u64 piece),
				      u64 (*count)(void *ctx), void *ctx)
{
	fb_proc = (struct fb_proc_user){ show, count, ctx };
	return proc_create_seq(name, 0400, NULL, &fb_proc_ops);
}

/* Takes it away when nobody reads it any more. */
void fb_proc_remove(struct proc_dir_entry *entry)
{
	proc_remove(entry);
}

/* Runs @fn on a CPU, in a thread, and returns what it does; -ENODEV if the CPU is offline. */
long fb_on_cpu(unsigned int cpu, long (*fn)(void *data), void *data)
{
	long err = -ENODEV;

	cpus_read_lock();
	if (cpu_online(cpu))
		err = work_on_cpu(cpu, fn, data);
	cpus_read_unlock();
	return err;
}
