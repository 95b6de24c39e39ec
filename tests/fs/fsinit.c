/* SPDX-License-Identifier: MIT */
/* The first process of the file-system tests: fstest=WHAT on the command line chooses, seed=N makes its choices. It prints
 * "fs: ..." lines, at the end "fs: done, N checks, M wrong", and powers off. Contents of files are words that the host can
 * make too: word k of stream s is (s + k) * 0x9e3779b97f4a7c15. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static int checks, wrong;
static uint64_t seed = 1;
static unsigned bs;
static char buf[1 << 20] __attribute__((aligned(4096)));

static unsigned rnd(unsigned n)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(seed >> 33) % n;
}

static int check(int good, const char *format, ...)
{
    va_list args;

    checks++;
    if (good)
        return 1;
    wrong++;
    int saved = errno;
    printf("fs: WRONG ");
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf(" (%s)\n", strerrorname_np(saved) ? strerrorname_np(saved) : "0");
    return 0;
}

static void fill(uint64_t stream, uint64_t at, size_t n)
{
    for (size_t i = 0; i < n / 8; i++)
        ((uint64_t *)buf)[i] = (stream + at / 8 + i) * 0x9e3779b97f4a7c15ull;
}

/* Writes [at, at + n) of the stream; bytes written, and errno when short. */
static long put(int fd, uint64_t stream, uint64_t at, long n)
{
    long done = 0;

    while (done < n) {
        long part = n - done < (long)sizeof(buf) ? n - done : (long)sizeof(buf);
        fill(stream, at + (uint64_t)done, (size_t)(part + 7) & ~7ul);
        long r = pwrite(fd, buf, (size_t)part, (long)at + done);
        if (r <= 0)
            break;
        done += r;
    }
    return done;
}

static int same(int fd, uint64_t stream, uint64_t at, long n)
{
    static char got[1 << 20];

    while (n > 0) {
        long part = n < (long)sizeof(got) ? n : (long)sizeof(got);
        if (pread(fd, got, (size_t)part, (long)at) != part)
            return 0;
        fill(stream, at, (size_t)(part + 7) & ~7ul);
        if (memcmp(got, buf, (size_t)part))
            return 0;
        at += (uint64_t)part;
        n -= part;
    }
    return 1;
}

/* --- a full disk ------------------------------------------------------------------------------------------------------ */

static int enough(long r) { return r >= 0 || errno == ENOSPC; }

static sigjmp_buf fault;
static void on_bus(int sig) { (void)sig; siglongjmp(fault, 1); }

static void one_with(int big, long *size, unsigned free_blocks)
{
    struct stat st;
    long spans[] = { 0, 11, 12, 13, 12 + bs / 4, 12 + bs / 4 + 1, 12 + bs / 4 + bs / 4 * (bs / 4), 12 + 2 * (bs / 4) - 1 };
    char name[256], text[200];

    for (unsigned i = 0; i < sizeof(spans) / sizeof(*spans); i++) {
        fsync(big);
        ftruncate(big, *size);
        sync();
        ftruncate(big, *size - (long)free_blocks * bs);
        int fd = open("sparse", O_RDWR | O_CREAT | O_TRUNC, 0644);
        if (fd < 0) {
            check(errno == ENOSPC, "create of sparse");
            continue;
        }
        fill(7, 0, 64);
        check(enough(pwrite(fd, buf, 64, spans[i] * bs)), "write at block %ld with %u free", spans[i], free_blocks);
        /* a hole inside the file, then one through a mapping */
        if (!ftruncate(fd, (spans[i] + 4) * bs)) {
            check(enough(pwrite(fd, buf, 64, spans[i] * bs)), "write into a hole at %ld", spans[i]);
            signal(SIGBUS, on_bus);
            char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, spans[i] * bs & ~4095l);
            if (p != MAP_FAILED && !sigsetjmp(fault, 1))
                p[spans[i] * bs & 4095] = 1;
            munmap(p, 4096);
        }
        fsync(fd);
        check(fstat(fd, &st) == 0 && st.st_blocks <= (free_blocks + 4l) * (bs / 512), "%ld blocks of 512 with %u free", (long)st.st_blocks, free_blocks);
        close(fd);
        check(enough(mkdir("dir", 0755)), "mkdir");
        memset(text, 't', 150);
        text[150] = 0;
        check(enough(symlink(text, "slow")), "symlink");
        check(enough(link("sparse", "hard")), "link");
        check(enough(rename("hard", "dir/moved")) || errno == ENOENT || errno == ENOTDIR, "rename");
        snprintf(name, sizeof(name), "%0200d", i);
        check(enough(rename("sparse", name)), "rename to a long name");
        check(enough(mknod("fifo", S_IFIFO | 0600, 0)), "mknod");
        setxattr(name, "user.test", text, 150, 0);
        unlink(name), unlink("sparse"), unlink("hard"), unlink("slow"), unlink("fifo"), unlink("dir/moved"), rmdir("dir");
        put(big, 1, (uint64_t)(*size - (long)free_blocks * bs), (long)free_blocks * bs);
    }
}

static void test_full(void)
{
    struct statfs s;
    long size = 0, n;
    char name[256];
    int big = open("big", O_RDWR | O_CREAT, 0644), count = 0;

    statfs(".", &s);
    bs = (unsigned)s.f_bsize;
    while ((n = put(big, 1, (uint64_t)size, 37 * 1024)) > 0)
        size += n;
    check(errno == ENOSPC, "the end of the disk");
    fsync(big);
    statfs(".", &s);
    check(s.f_bfree <= 2, "%ld blocks left on a full disk", (long)s.f_bfree);
    printf("fs: full at %ld bytes\n", size);
    size &= -(long)bs;
    for (unsigned left = 0; left < 8; left++)
        one_with(big, &size, left);
    /* directories grow until nothing is left: direct blocks, then indirect ones */
    ftruncate(big, size - 40l * bs);
    mkdir("many", 0755);
    for (count = 0; count < 5000; count++) {
        snprintf(name, sizeof(name), "many/%0220d", count);
        int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0644);
        if (fd < 0)
            break;
        close(fd);
    }
    check(errno == ENOSPC, "files in a directory end at %d", count);
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "many/s%0220d", i);
        if (symlink("short", name))
            break;
    }
    check(errno == ENOSPC, "links in a directory end");
    check(same(big, 1, 0, size - 40l * bs), "contents of the big file");
    for (int i = 0; i < count; i += 2) {
        snprintf(name, sizeof(name), "many/%0220d", i);
        check(unlink(name) == 0, "unlink on a full disk");
    }
    close(big);
}

/* --- the power goes -------------------------------------------------------------------------------------------------- */

#define NAMES 40
static int write_synced(const char *name, uint64_t stream, long size)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

    if (fd < 0 || put(fd, stream, 0, size) != size || fsync(fd)) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    close(fd);
    return 1;
}

static int sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY), r = fsync(fd);

    close(fd);
    return !r;
}

static long a_size(void) { return rnd(4) ? rnd(60000) + 1 : rnd(900000) + 1; }

static void noise(void)
{
    char name[64], other[64];
    int fd;

    snprintf(name, sizeof(name), "d%u/n%u", rnd(4), rnd(30));
    snprintf(other, sizeof(other), "d%u/n%u", rnd(4), rnd(30));
    switch (rnd(8)) {
    case 0: unlink(name); break;
    case 1: rename(name, other); break;
    case 2: truncate(name, rnd(400000)); break;
    case 3: link(name, other); break;
    case 4: strcat(name, "dir"), mkdir(name, 0755); break;
    case 5: strcat(name, "dir"), rmdir(name); break;
    default:
        fd = open(name, O_WRONLY | O_CREAT, 0644);
        if (fd >= 0) {
            put(fd, rnd(1 << 30), rnd(500000) & ~7u, a_size());
            close(fd);
        }
    }
}

static void test_cut(void)
{
    char name[64], temp[64], dir[16];
    int there[NAMES] = { 0 };

    for (int i = 0; i < 4; i++) {
        snprintf(dir, sizeof(dir), "d%d", i);
        mkdir(dir, 0755);
    }
    sync();
    printf("fs: begin\n");
    for (uint64_t step = 1;; step++) {
        int i = (int)rnd(NAMES);
        uint64_t stream = (step << 32) + rnd(1 << 30);
        long size = a_size();

        for (unsigned k = rnd(12); k; k--)
            noise();
        snprintf(dir, sizeof(dir), "d%d", i % 4);
        snprintf(name, sizeof(name), "%s/s%d", dir, i);
        if (there[i] && !rnd(6)) {
            printf("fs: deleting %s\n", name);
            unlink(name);
            there[i] = 0;
            continue;
        }
        printf("fs: replacing %s %ld %lu\n", name, size, (unsigned long)stream);
        snprintf(temp, sizeof(temp), "%s/tmp%d", dir, i);
        if (write_synced(temp, stream, size) && !rename(temp, name) && sync_dir(dir)) {
            printf("fs: synced %s %ld %lu\n", name, size, (unsigned long)stream);
            there[i] = 1;
        } else {
            printf("fs: failed %s (%s)\n", name, strerrorname_np(errno));
            unlink(temp);
            for (int k = 0; k < 30; k++) { /* full: make room */
                snprintf(temp, sizeof(temp), "d%u/n%d", rnd(4), k);
                unlink(temp);
            }
        }
    }
}

/* --- a failing device -------------------------------------------------------------------------------------------------- */

#define MARK "ZAZEN-FAIL-WRITE"

static void test_error(void)
{
    int a = open("file", O_RDWR | O_CREAT, 0644), b = open("file", O_RDWR), c, d;

    put(a, 5, 0, 65536);
    check(!fsync(a) && !fsync(b), "fsync of good data");
    pwrite(a, MARK, 16, 8192);
    check(fsync(a) == -1 && errno == EIO, "fsync sees the error");
    check(fsync(a) == 0, "once");
    check(fsync(b) == -1 && errno == EIO, "the other open file sees it too");
    check(fsync(b) == 0, "once");
    c = open("file", O_RDWR);
    check(fsync(c) == 0, "a later one does not");
    fill(5, 8192, 16);
    pwrite(a, buf, 16, 8192);
    check(fsync(a) == 0 && fsync(c) == 0, "good data again");
    /* by write-back, without anybody asking: the error waits for the next one */
    d = open("other", O_RDWR | O_CREAT, 0644);
    fsync(d);
    pwrite(d, MARK, 16, 0);
    sync();
    check(fsync(d) == -1 && errno == EIO, "the error of a write-back");
    close(d);
    d = open("other", O_RDWR);
    pwrite(d, MARK, 16, 0);
    sync();
    c = open("other", O_RDWR);
    check(fsync(c) == -1 && errno == EIO, "an error nobody has seen reaches a later opener");
    pwrite(d, "good data.......", 16, 0);
    fsync(d);
    /* O_SYNC and O_DIRECT */
    int s = open("file", O_RDWR | O_SYNC);
    check(pwrite(s, MARK, 16, 4096) == -1 && errno == EIO, "O_SYNC");
    int o = open("file", O_RDWR | O_DIRECT);
    memset(buf, 0, 4096);
    memcpy(buf, MARK, 16);
    check(pwrite(o, buf, 4096, 16384) == -1 && errno == EIO, "O_DIRECT");
    char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, a, 0);
    memcpy(p + 32768, MARK, 16);
    check(msync(p, 65536, MS_SYNC) == -1 && errno == EIO, "msync");
    munmap(p, 65536);
    put(a, 5, 0, 65536);
    fsync(a);
    check(fsync(a) == 0, "good data at last");
    /* metadata: a directory block that cannot be written */
    mkdir("dir", 0755);
    int e = open("dir", O_RDONLY);
    fsync(e);
    close(open("dir/" MARK, O_CREAT | O_WRONLY, 0644));
    check(fsync(e) == -1 && errno == EIO, "fsync of a directory");
    unlink("dir/" MARK);
    for (int i = 0; i < 20; i++) { /* other names over the one that is marked */
        char n[32];
        snprintf(n, sizeof(n), "dir/name-of-%02d-length", i);
        close(open(n, O_CREAT | O_WRONLY, 0644));
    }
    sync();
    check(fsync(e) == 0, "the directory again");
}

/* --- more dirty data than memory ------------------------------------------------------------------------------------------ */

static void writer(int no, long mib)
{
    char name[16];

    snprintf(name, sizeof(name), "w%d", no);
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (no % 2) { /* through a mapping */
        ftruncate(fd, mib << 20);
        for (long m = 0; m < mib; m++) {
            char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, m << 20);
            fill((uint64_t)no, (uint64_t)m << 20, 1 << 20);
            memcpy(p, buf, 1 << 20);
            munmap(p, 1 << 20);
        }
    } else if (put(fd, (uint64_t)no, 0, mib << 20) != mib << 20) {
        _exit(1);
    }
    if (fsync(fd))
        _exit(2);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    _exit(same(fd, (uint64_t)no, 0, mib << 20) ? 0 : 3);
}

/* Through the page cache of a loop device whose file lies on the same disk. */
static void loop_writer(long mib)
{
    int back = open("image", O_RDWR | O_CREAT | O_TRUNC, 0644), loop = open("/dev/loop0", O_RDWR);

    ftruncate(back, mib << 20);
    if (ioctl(loop, LOOP_SET_FD, back))
        _exit(4);
    if (put(loop, 99, 0, mib << 20) != mib << 20 || fsync(loop))
        _exit(5);
    posix_fadvise(loop, 0, 0, POSIX_FADV_DONTNEED);
    if (!same(loop, 99, 0, mib << 20))
        _exit(6);
    close(back);
    _exit(ioctl(loop, LOOP_CLR_FD, 0) ? 7 : 0);
}

static void test_dirty(void)
{
    int status, pids[5];

    for (int i = 0; i < 4; i++)
        if (!(pids[i] = fork()))
            writer(i, 24);
    if (!(pids[4] = fork()))
        loop_writer(32);
    for (int i = 0; i < 5; i++) {
        waitpid(pids[i], &status, 0);
        check(status == 0, "writer %d ended with %x", i, status);
    }
}

/* A crash of this program is a finding too: where, and what it touched. */
static void on_segv(int sig, siginfo_t *info, void *context)
{
    ucontext_t *c = context;

    printf("fs: WRONG signal %d at %llx, address %p, error %llx, sp %llx\n", sig, c->uc_mcontext.gregs[REG_RIP], info->si_addr,
           c->uc_mcontext.gregs[REG_ERR], c->uc_mcontext.gregs[REG_RSP]);
    fflush(stdout);
    _exit(1);
}

/* --- running ------------------------------------------------------------------------------------------------------------ */

#include "fsmore.h"

static const struct { const char *name; void (*run)(void); } tests[] = {
    { "full", test_full }, { "cut", test_cut }, { "error", test_error }, { "dirty", test_dirty },
    { "attr", test_attr }, { "loop", test_loop }, { "fork", test_fork },
};

int main(void)
{
    char line[512] = "", *p, what[16] = "";
    int fd;

    mkdir("/proc", 0755), mkdir("/dev", 0755), mkdir("/m", 0755);
    mount("none", "/proc", "proc", 0, NULL);
    mount("none", "/dev", "devtmpfs", 0, NULL);
    fd = open("/dev/console", O_RDWR);
    for (int i = 0; i < 3; i++)
        dup2(fd, i);
    setvbuf(stdout, NULL, _IOLBF, 0);
    fd = open("/proc/cmdline", O_RDONLY);
    if (read(fd, line, sizeof(line) - 1) < 0)
        line[0] = 0;
    close(fd);
    struct sigaction segv = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &segv, NULL);
    if ((p = strstr(line, "seed=")))
        seed = strtoull(p + 5, NULL, 10);
    if ((p = strstr(line, "fstest=")))
        sscanf(p + 7, "%15[a-z]", what);
    check(!mount("/dev/sda", "/m", "ext2", 0, NULL), "mount");
    chdir("/m");
    for (unsigned i = 0; i < sizeof(tests) / sizeof(*tests); i++)
        if (!strcmp(what, tests[i].name))
            tests[i].run();
    chdir("/");
    for (int i = 3; i < 100; i++)
        close(i);
    check(!umount("/m"), "umount");
    printf("fs: done, %d checks, %d wrong\n", checks, wrong);
    sync();
    reboot(RB_POWER_OFF);
    return 0;
}
