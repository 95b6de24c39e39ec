/* SPDX-License-Identifier: MIT */
/* More of fsinit.c: extended attributes, loop devices, direct reads beside forks. */

static int has_attr(const char *file, const char *name, const char *value)
{
    char got[4096];
    long n = getxattr(file, name, got, sizeof(got));

    return n == (long)strlen(value) && !memcmp(got, value, (size_t)n);
}

/* A directory that goes gives its block and inode back at once, whatever names in it were asked for. */
static void test_rmdir_frees(void)
{
    struct statfs a, b;

    mkdir("warm", 0755), rmdir("warm");
    sync(), statfs(".", &a);
    for (int i = 0; i < 20; i++) {
        mkdir("x", 0755), mkdir("y", 0755);
        access("x/none", F_OK), access("x/nor/this", F_OK), access("y/none", F_OK);
        if (i % 2)
            rename("x", "y");
        rmdir("x"), rmdir("y");
    }
    sync(), statfs(".", &b);
    check(a.f_bfree == b.f_bfree && a.f_ffree == b.f_ffree, "%ld blocks, %ld inodes free before; %ld, %ld after", (long)a.f_bfree,
          (long)a.f_ffree, (long)b.f_bfree, (long)b.f_ffree);
}

static void test_attr(void)
{
    test_rmdir_frees();
    char name[64], value[64], list[4096], big[2000];
    int count = 0, n;

    close(open("f", O_RDWR | O_CREAT, 0644));
    mkdir("d", 0755);
    symlink("f", "l");
    mknod("p", S_IFIFO | 0644, 0);
    check(!setxattr("f", "user.a", "one", 3, 0) && has_attr("f", "user.a", "one"), "set and get");
    check(!setxattr("f", "user.a", "two!", 4, XATTR_REPLACE) && has_attr("f", "user.a", "two!"), "replace");
    check(setxattr("f", "user.a", "x", 1, XATTR_CREATE) == -1 && errno == EEXIST, "create what is there");
    check(setxattr("f", "user.b", "x", 1, XATTR_REPLACE) == -1 && errno == ENODATA, "replace what is not there");
    check(getxattr("f", "user.b", list, 10) == -1 && errno == ENODATA, "get what is not there");
    check(getxattr("f", "user.a", list, 2) == -1 && errno == ERANGE, "no room");
    check(getxattr("f", "user.a", list, 0) == 4, "size");
    check(setxattr("f", "user.", "x", 1, 0) == -1 && errno == EINVAL, "an empty name");
    check(setxattr("f", "strange.a", "x", 1, 0) == -1 && errno == EOPNOTSUPP, "an unknown space");
    check(setxattr("f", "system.posix_acl_access", "x", 1, 0) == -1 && errno == EOPNOTSUPP, "an ACL");
    check(lsetxattr("l", "user.a", "x", 1, 0) == -1 && errno == EPERM, "user. on a link");
    check(setxattr("p", "user.a", "x", 1, 0) == -1 && errno == EPERM, "user. on a FIFO");
    check(!lsetxattr("l", "trusted.a", "on a link", 9, 0), "trusted. on a link");
    check(!setxattr("d", "security.selinux", "label", 5, 0) && has_attr("d", "security.selinux", "label"), "security. on a directory");
    check(!setxattr("l", "user.c", "", 0, 0) && has_attr("f", "user.c", ""), "an empty value, through a link");
    n = (int)listxattr("f", list, sizeof(list));
    check(n == 14 && memmem(list, (size_t)n, "user.a", 7) && memmem(list, (size_t)n, "user.c", 7), "list of %d bytes", n);
    check(listxattr("f", list, 3) == -1 && errno == ERANGE, "a list without room");
    check(!removexattr("f", "user.c") && removexattr("f", "user.c") == -1 && errno == ENODATA, "remove");
    int pid = fork();
    if (!pid) {
        int bad = 0;
        if (setgid(1000) || setuid(1000))
            _exit(9);
        bad |= !has_attr("f", "user.a", "two!");
        bad |= setxattr("f", "user.z", "x", 1, 0) != -1 || errno != EACCES ? 2 : 0;
        bad |= setxattr("f", "trusted.z", "x", 1, 0) != -1 || errno != EPERM ? 4 : 0;
        bad |= lgetxattr("l", "trusted.a", list, 10) != -1 || errno != ENODATA ? 8 : 0;
        bad |= llistxattr("l", list, 100) != 0 ? 16 : 0;
        bad |= setxattr("f", "security.z", "x", 1, 0) != -1 || errno != EPERM ? 32 : 0;
        _exit(bad);
    }
    waitpid(pid, &n, 0);
    check(n == 0, "as an ordinary user: %x", n);
    /* until the block is full; then all are there */
    for (;; count++) {
        snprintf(name, sizeof(name), "user.number-%d", count);
        snprintf(value, sizeof(value), "value %d of many", count * 7919);
        if (setxattr("d", name, value, strlen(value), 0))
            break;
    }
    check(errno == ENOSPC && count > 10, "%d attributes", count);
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "user.number-%d", i);
        snprintf(value, sizeof(value), "value %d of many", i * 7919);
        check(has_attr("d", name, value), "%s", name);
    }
    memset(big, 'b', sizeof(big));
    check(setxattr("f", "user.big", big, sizeof(big), 0) == -1 && errno == ENOSPC, "a value larger than a block");
    check(has_attr("f", "user.a", "two!"), "nothing lost by that");
    rename("f", "d/g");
    check(has_attr("d/g", "user.a", "two!"), "after a rename");
    chdir("/");
    check(!umount("/m") && !mount("/dev/sda", "/m", "ext2", 0, NULL) && !chdir("/m"), "mounted again");
    check(has_attr("d/g", "user.a", "two!") && has_attr("d", "user.number-3", "value 23757 of many"), "after mounting again");
}

/* Blocks of 512 bytes that a file holds. */
static long held(int fd)
{
    struct stat st;

    fsync(fd);
    return fstat(fd, &st) ? -1 : (long)st.st_blocks;
}

static int read_sector(const char *dev, long sector, void *out)
{
    int fd = open(dev, O_RDONLY), r = fd < 0 ? -1 : (int)pread(fd, out, 512, sector * 512);

    close(fd);
    return r == 512;
}

static void test_loop(void)
{
    static struct loop_config c = { .info.lo_flags = LO_FLAGS_PARTSCAN };
    int back = open("image", O_RDWR | O_CREAT, 0644), loop, tries;
    unsigned char mbr[512] = { 0 }, got[512];
    uint64_t range[2];
    long before;

    ftruncate(back, 8 << 20);
    /* two partitions: 2048 + 4096 sectors, 6144 + 10240 sectors */
    static const unsigned char entries[32] = { 0, 0, 0, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0x82, 0, 0, 0, 0, 24, 0, 0, 0, 40, 0, 0 };
    memcpy(mbr + 446, entries, 32);
    mbr[510] = 0x55, mbr[511] = 0xaa;
    pwrite(back, mbr, 512, 0);
    pwrite(back, "first partition", 15, 2048 * 512);
    fsync(back);
    loop = open("/dev/loop3", O_RDWR);
    c.fd = (unsigned)back;
    check(!ioctl(loop, LOOP_CONFIGURE, &c), "LOOP_CONFIGURE");
    check(read_sector("/dev/loop3p1", 0, got) && !memcmp(got, "first partition", 15), "the first partition");
    check(read_sector("/dev/loop3p2", 0, got), "the second partition");
    int part = open("/dev/loop3p2", O_RDWR);
    check(pwrite(part, "second!", 7, 512) == 7 && !fsync(part), "write to a partition");
    close(part);
    check(read_sector("/dev/loop3", 6145, got) && !memcmp(got, "second!", 7), "seen through the whole device");
    check(ioctl(loop, 0x125f /* BLKRRPART */) == 0, "BLKRRPART");
    /* fill, then discard: the file gives its blocks back, and they read as zeroes */
    put(loop, 3, 2 << 20, 4 << 20);
    fsync(loop);
    before = held(back);
    check(before >= (4 << 20) / 512, "%ld blocks held", before);
    range[0] = (2 << 20) + 512, range[1] = (2 << 20);
    check(!ioctl(loop, 0x1277 /* BLKDISCARD */, range), "BLKDISCARD");
    check(held(back) <= before - (2 << 20) / 512 + 16, "%ld blocks after the discard, %ld before", held(back), before);
    check(same(loop, 3, 2 << 20, 512), "what is before it");
    check(same(loop, 3, (4 << 20) + 1024, (2 << 20) - 1024), "what is behind it");
    pread(loop, buf, 4096, 3 << 20);
    for (tries = 0; tries < 4096 && !buf[tries]; tries++)
        ;
    check(tries == 4096, "zeroes in between");
    put(loop, 5, 3 << 20, 65536);
    check(!fsync(loop) && same(loop, 5, 3 << 20, 65536), "written again");
    range[0] = 5 << 20, range[1] = 1 << 20;
    check(!ioctl(loop, 0x127f /* BLKZEROOUT */, range), "BLKZEROOUT");
    pread(loop, buf, 4096, 5 << 20);
    for (tries = 0; tries < 4096 && !buf[tries]; tries++)
        ;
    check(tries == 4096, "zeroes there");
    check(fallocate(back, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == -1 && errno == ETXTBSY, "not behind its back");
    check(ftruncate(back, 0) == -1 && errno == ETXTBSY, "nor cut short");
    ioctl(loop, LOOP_CLR_FD, 0);
    close(loop);
    for (tries = 0; tries < 100 && !access("/dev/loop3p1", F_OK); tries++)
        usleep(10000);
    check(tries < 100, "the partitions go");
    /* the same file again, without a scan */
    loop = open("/dev/loop3", O_RDWR);
    c.info.lo_flags = 0;
    check(!ioctl(loop, LOOP_CONFIGURE, &c) && access("/dev/loop3p1", F_OK) == -1, "no scan unless asked for");
    ioctl(loop, LOOP_CLR_FD, 0);
    /* holes of files */
    int f = open("sparse", O_RDWR | O_CREAT, 0644);
    put(f, 8, 0, 300000);
    before = held(f);
    check(!fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1000, 200000), "punch");
    check(held(f) < before - 380, "%ld blocks of %ld", held(f), before);
    check(same(f, 8, 0, 1000) && same(f, 8, 201000, 99000), "around the hole");
    pread(f, buf, 200000, 1000);
    for (tries = 0; tries < 200000 && !buf[tries]; tries++)
        ;
    check(tries == 200000, "the hole reads as zeroes: %d", tries);
    check(lseek(f, 0, SEEK_HOLE) == 1024 && lseek(f, 2000, SEEK_DATA) == 200704, "SEEK_HOLE %ld, SEEK_DATA %ld",
          (long)lseek(f, 0, SEEK_HOLE), (long)lseek(f, 2000, SEEK_DATA));
    check(fallocate(f, 0, 0, 1000) == -1 && errno == EOPNOTSUPP, "no preallocation");
}

/* --- direct reads beside forks ---------------------------------------------------------------------------------------- */

#define DIRECT_PAGES 32
static char *direct_area;
static volatile int direct_go, direct_done;
static int direct_fd;

/* A sector into each page, in one call. */
static void *direct_reader(void *arg)
{
    struct iovec v[DIRECT_PAGES];

    (void)arg;
    for (int turn = 1;; turn++) {
        while (direct_go < turn)
            ;
        if (direct_go > 1000)
            return NULL;
        for (int i = 0; i < DIRECT_PAGES; i++)
            v[i] = (struct iovec){ direct_area + i * 4096, 512 };
        check(preadv(direct_fd, v, DIRECT_PAGES, 0) == DIRECT_PAGES * 512, "direct read");
        direct_done = turn;
    }
}

/* A fork while the device writes to memory must not leave the data in the child's copy (nbd.py answers reads late). */
static void test_fork(void)
{
    pthread_t thread;
    int bad = 0, pids[4];

    direct_fd = open("data", O_RDWR | O_CREAT, 0644);
    put(direct_fd, 21, 0, DIRECT_PAGES * 512);
    fsync(direct_fd);
    close(direct_fd);
    direct_fd = open("data", O_RDONLY | O_DIRECT);
    direct_area = mmap(NULL, DIRECT_PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_create(&thread, NULL, direct_reader, NULL);
    for (int turn = 1; turn <= 40; turn++) {
        memset(direct_area, 0, DIRECT_PAGES * 4096);
        direct_go = turn;
        int n = 0;
        for (; n < 4 && direct_done < turn; n++) {
            if (!(pids[n] = fork()))
                for (;;)
                    pause();
            for (int i = 0; i < DIRECT_PAGES; i++) /* breaks the sharing of a page that is being filled */
                direct_area[i * 4096 + 2048] = (char)n;
        }
        while (direct_done < turn)
            ;
        while (n--) {
            kill(pids[n], SIGKILL);
            waitpid(pids[n], NULL, 0);
        }
        for (int i = 0; i < DIRECT_PAGES; i++) {
            fill(21, (uint64_t)i * 512, 512);
            bad += memcmp(direct_area + i * 4096, buf, 512) != 0;
        }
    }
    direct_go = 2000;
    pthread_join(thread, NULL);
    check(bad == 0, "%d sectors went into somebody else's page", bad);
}
