/* SPDX-License-Identifier: MIT */
/*
 * System V shared memory: shmget, shmat, shmdt, shmctl. A segment is one of mm's shared objects, mapped like any other; mm tells
 * of each mapping that comes or goes. A removed segment lives until nobody has it attached.
 * Lock: shm_table.mutex, inside mmap_lock.
 */
#include "ipc.h"
#include <kernel/mm.h>
#include <kernel/mman.h>

#define SHM_RDONLY 010000
#define SHM_RND 020000
#define SHM_REMAP 040000
#define SHM_EXEC 0100000
#define SHM_DEST 01000u
#define SHM_LOCKED 02000u
#define SHM_LOCK 11
#define SHM_UNLOCK 12
#define SHM_STAT 13
#define SHM_INFO 14
#define SHM_STAT_ANY 15
#define SHMMNI 4096
#define SHMMAX (~0UL - (1UL << 24))

struct shm_segment {
	struct ipc_object ipc;
	struct shm_object *object;
	size_t size;
	s64 atime, dtime, ctime;
	pid_t cpid, lpid;
	unsigned long nattch;
};

struct shmid_user { /* struct shmid64_ds */
	struct ipc_perm_user perm;
	u64 segsz;
	s64 atime, dtime, ctime;
	int cpid, lpid;
	u64 nattch, unused[2];
};
struct shminfo_user {
	u64 shmmax, shmmin, shmmni, shmseg, shmall, unused[4];
};
struct shm_info_user {
	int used_ids;
	u64 shm_tot, shm_rss, shm_swp, swap_attempts, swap_successes;
};

static void segment_free(struct ipc_object *o)
{
	struct shm_segment *s = container_of(o, struct shm_segment, ipc);

	shm_object_put(s->object);
	kfree(s);
}

static IPC_TABLE(shm_table, SHMMNI, segment_free);
static unsigned long total_pages; /* of all segments */

static struct shm_segment *segment(int id)
{
	struct ipc_object *o = ipc_find(&shm_table, id);

	return o ? container_of(o, struct shm_segment, ipc) : NULL;
}

/* mutex held. */
static void end_if_unused(struct shm_segment *s)
{
	if ((s->ipc.mode & SHM_DEST) && !s->nattch && !s->ipc.gone) {
		total_pages -= PAGE_ALIGN(s->size) >> PAGE_SHIFT;
		ipc_remove(&shm_table, &s->ipc);
	}
}

static void attached(void *owner, int by)
{
	struct shm_segment *s = owner;

	mutex_lock(&shm_table.mutex);
	s->nattch += (unsigned long)(long)by;
	s->lpid = current->tgid;
	*(by > 0 ? &s->atime : &s->dtime) = ktime_get_real_seconds();
	if (by > 0)
		ipc_get(&s->ipc);
	else
		end_if_unused(s);
	mutex_unlock(&shm_table.mutex);
	if (by < 0)
		ipc_put(&shm_table, &s->ipc); /* each mapping holds one; the object itself is still the VMA's */
}

static int new_segment(int key, size_t size, int flags)
{
	struct shm_segment *s;
	int id;

	if (size < 1 || size > SHMMAX)
		return -EINVAL;
	s = kzalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	s->object = shm_object_create(PAGE_ALIGN(size) >> PAGE_SHIFT);
	if (!s->object) {
		kfree(s);
		return -ENOMEM;
	}
	shm_object_own(s->object, attached, s);
	s->size = size;
	s->cpid = current->tgid;
	s->ctime = ktime_get_real_seconds();
	id = ipc_add(&shm_table, &s->ipc, key, flags);
	if (id < 0)
		segment_free(&s->ipc);
	else
		total_pages += PAGE_ALIGN(size) >> PAGE_SHIFT;
	return id;
}

long sys_shmget(int key, size_t size, int flags)
{
	struct ipc_object *o;
	long r;

	mutex_lock(&shm_table.mutex);
	o = key == IPC_PRIVATE ? NULL : ipc_find_key(&shm_table, key);
	if (!o)
		r = key == IPC_PRIVATE || (flags & IPC_CREAT) ? new_segment(key, size, flags) : -ENOENT;
	else if ((flags & IPC_CREAT) && (flags & IPC_EXCL))
		r = -EEXIST;
	else if (container_of(o, struct shm_segment, ipc)->size < size)
		r = -EINVAL;
	else
		r = ipc_may(o, (unsigned)flags & 0777);
	if (!r && o)
		r = o->id;
	mutex_unlock(&shm_table.mutex);
	return r;
}

long sys_shmat(int id, unsigned long addr, int flags)
{
	unsigned long prot = PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) | (flags & SHM_EXEC ? PROT_EXEC : 0);
	unsigned want = 0444 | (flags & SHM_RDONLY ? 0u : 0222u) | (flags & SHM_EXEC ? 0111u : 0u);
	struct shm_segment *s;
	unsigned long r;
	int err;

	if (addr & ~PAGE_MASK) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		addr &= PAGE_MASK;
	}
	if (!addr && (flags & SHM_REMAP))
		return -EINVAL;
	mutex_lock(&shm_table.mutex);
	s = segment(id);
	err = s ? ipc_may(&s->ipc, want) : -EINVAL;
	if (!err)
		ipc_get(&s->ipc);
	mutex_unlock(&shm_table.mutex);
	if (err)
		return err;
	r = vm_mmap_object(s->object, addr, PAGE_ALIGN(s->size), prot,
			   MAP_SHARED | (addr ? flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE : 0));
	ipc_put(&shm_table, &s->ipc);
	return r == (unsigned long)-EEXIST ? -EINVAL : (long)r;
}

static bool is_segment(const struct vma *v) { return shm_vma_owner(v) != NULL; }

long sys_shmdt(unsigned long addr) { return addr & ~PAGE_MASK ? -EINVAL : vm_unmap_object(addr, is_segment); }

static void fill(const struct shm_segment *s, struct shmid_user *u)
{
	*u = (struct shmid_user){ .segsz = s->size, .atime = s->atime, .dtime = s->dtime, .ctime = s->ctime, .cpid = s->cpid,
				  .lpid = s->lpid, .nattch = s->nattch };
	ipc_fill(&s->ipc, &u->perm);
}

/* mutex held. */
static long control(struct shm_segment *s, int cmd, struct shmid_user *u)
{
	long r;

	switch (cmd) {
	case IPC_STAT: case SHM_STAT: case SHM_STAT_ANY:
		r = cmd == SHM_STAT_ANY ? 0 : ipc_may(&s->ipc, 0444);
		if (!r)
			fill(s, u);
		return r ? r : cmd == IPC_STAT ? 0 : s->ipc.id;
	case SHM_LOCK: case SHM_UNLOCK:
		if (!capable(CAP_IPC_LOCK) && current_euid() != s->ipc.uid && current_euid() != s->ipc.cuid)
			return -EPERM;
		s->ipc.mode = (s->ipc.mode & ~SHM_LOCKED) | (cmd == SHM_LOCK ? SHM_LOCKED : 0); /* nothing is ever swapped */
		return 0;
	}
	if (!ipc_owner(&s->ipc))
		return -EPERM;
	s->ctime = ktime_get_real_seconds();
	if (cmd == IPC_SET)
		return ipc_set(&s->ipc, &u->perm);
	s->ipc.key = IPC_PRIVATE; /* nobody finds it any more */
	s->ipc.mode |= SHM_DEST;
	end_if_unused(s);
	return 0;
}

static long info(int cmd, void __user *u)
{
	struct shminfo_user i = { .shmmax = SHMMAX, .shmmin = 1, .shmmni = SHMMNI, .shmseg = SHMMNI, .shmall = SHMMAX };
	struct shm_info_user n = { .shm_tot = total_pages };
	long last;

	mutex_lock(&shm_table.mutex);
	for (unsigned k = 0; k < shm_table.used; k++)
		if (shm_table.slot[k]) {
			n.used_ids++;
			n.shm_rss += shm_object_pages(container_of(shm_table.slot[k], struct shm_segment, ipc)->object);
		}
	last = shm_table.used ? (long)shm_table.used - 1 : 0;
	mutex_unlock(&shm_table.mutex);
	if (cmd == IPC_INFO ? copy_to_user(u, &i, sizeof(i)) : copy_to_user(u, &n, sizeof(n)))
		return -EFAULT;
	return last;
}

long sys_shmctl(int id, int cmd, void *ubuf)
{
	struct shmid_user u = { 0 };
	struct ipc_object *o;
	long r;

	if (cmd < 0 || id < 0)
		return -EINVAL;
	if (cmd == IPC_INFO || cmd == SHM_INFO)
		return info(cmd, ubuf);
	if (cmd > SHM_STAT_ANY || (cmd > IPC_STAT && cmd < SHM_LOCK))
		return -EINVAL;
	if (cmd == IPC_SET && copy_from_user(&u, ubuf, sizeof(u)))
		return -EFAULT;
	mutex_lock(&shm_table.mutex);
	o = cmd == SHM_STAT || cmd == SHM_STAT_ANY ? ipc_at(&shm_table, id) : ipc_find(&shm_table, id);
	r = o ? control(container_of(o, struct shm_segment, ipc), cmd, &u) : -EINVAL;
	mutex_unlock(&shm_table.mutex);
	if (r >= 0 && (cmd == IPC_STAT || cmd == SHM_STAT || cmd == SHM_STAT_ANY) && copy_to_user(ubuf, &u, sizeof(u)))
		return -EFAULT;
	return r;
}
