/* SPDX-License-Identifier: MIT */
/* The first process of the differential run: runs every case in a child and prints "case NAME: what it showed", then
 * powers the machine off. Started by a case with an argument, it is a small program instead (see helper()). The text of a
 * case is in memory shared with its children, so that a killed one loses nothing. */
#include "case.h"
#include <stdarg.h>
#include <sys/reboot.h>
#include <termios.h>

extern const struct test __start_cases[], __stop_cases[];

static struct { int used; char text[4000]; } *page;

void say(const char *format, ...)
{
    int saved = errno, room = (int)sizeof(page->text) - page->used;
    va_list args;

    va_start(args, format);
    int length = vsnprintf(page->text + page->used, (size_t)room, format, args);
    va_end(args);
    page->used += length < room ? length : room - 1;
    errno = saved;
}

void show(long value)
{
    if (value == -1 && strerrorname_np(errno))
        say(" %s", strerrorname_np(errno));
    else
        say(" %ld", value);
}

void show_status(int status)
{
    if (WIFEXITED(status))
        say(" exit%d", WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        say(" sig%d", WTERMSIG(status));
    else if (WIFSTOPPED(status))
        say(" stop%d", WSTOPSIG(status));
    else
        say(" status%x", (unsigned)status);
}

int reap(int pid)
{
    int status = 0, got = waitpid(pid, &status, 0);

    if (got == pid)
        show_status(status);
    else
        show(-1);
    return status;
}

int make(const char *path, const char *text)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);

    if (fd < 0 || write(fd, text, strlen(text)) != (long)strlen(text) || lseek(fd, 0, SEEK_SET))
        say(" make-%s-failed", path);
    return fd;
}

void unprivileged(void)
{
    if (syscall(SYS_setgroups, 0, NULL) || setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
        say(" unprivileged-failed");
}

void nap(int ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

    while (nanosleep(&t, &t) && errno == EINTR)
        ;
}

static int helper(int argc, char **argv)
{
    if (!strcmp(argv[1], "exit"))
        return argc > 2 ? atoi(argv[2]) : 0;
    if (!strcmp(argv[1], "argc"))
        return argc;
    if (!strcmp(argv[1], "sleep")) {
        nap(atoi(argv[2]));
        return 0;
    }
    if (!strcmp(argv[1], "fd"))         /* is this descriptor open? */
        return fcntl(atoi(argv[2]), F_GETFD) >= 0;
    if (!strcmp(argv[1], "blocked")) {
        sigset_t set;
        sigprocmask(SIG_BLOCK, NULL, &set);
        return sigismember(&set, atoi(argv[2]));
    }
    if (!strcmp(argv[1], "ignored")) {
        struct sigaction act;
        sigaction(atoi(argv[2]), NULL, &act);
        return act.sa_handler == SIG_IGN ? 1 : act.sa_handler == SIG_DFL ? 0 : 2;
    }
    if (!strcmp(argv[1], "euid"))
        return geteuid() == 0 ? 7 : (int)(geteuid() % 100);
    if (!strcmp(argv[1], "env"))
        return getenv("X") ? atoi(getenv("X")) : 99;
    return 98;
}

static void one(const struct test *test)
{
    char dir[128];
    int status = 0, waited = 0, got = 0;

    page->used = 0;
    page->text[0] = 0;
    snprintf(dir, sizeof(dir), "/tmp/%s", test->name);
    int pid = fork();
    if (!pid) {
        setsid();
        umask(022);
        if (mkdir(dir, 0777) || chmod(dir, 0777) || chdir(dir))
            say(" no-directory");
        int null = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3; fd++)
            dup2(null, fd);
        if (null > 2)
            close(null);
        test->run();
        _exit(0);
    }
    while ((got = waitpid(pid, &status, WNOHANG)) == 0 && waited++ < 300)
        nap(waited < 20 ? 1 : 5);
    if (got == 0) {
        say(" [hangs]");
        kill(pid, SIGKILL);
        for (waited = 0; waited < 100 && waitpid(pid, &status, WNOHANG) == 0; waited++)
            nap(10);
        status = 0;
    }
    kill(-pid, SIGKILL);
    for (waited = 0; waited < 3; waited++)
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    if (status) {
        say(" case:");
        show_status(status);
    }
    printf("case %s:%s\n", test->name, page->text);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (getpid() != 1)
        return argc > 1 ? helper(argc, argv) : 97;
    mkdir("/dev", 0755), mkdir("/proc", 0755), mkdir("/tmp", 0777), mkdir("/sys", 0755);
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    mkdir("/dev/pts", 0755);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sys", "/sys", "sysfs", 0, NULL);
    if (mount("tmp", "/tmp", "tmpfs", 0, "mode=1777"))
        printf("no tmpfs: %m\n");
    if (mount("pts", "/dev/pts", "devpts", 0, "mode=620,ptmxmode=666"))
        printf("no devpts: %m\n");
    page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        printf("no shared memory: %m\n");
    setvbuf(stdout, NULL, _IOFBF, 8192);
    printf("\ndiff: %ld cases\n", (long)(__stop_cases - __start_cases));
    for (const struct test *test = __start_cases; test < __stop_cases; test++)
        one(test);
    printf("diff: finished\n");
    fflush(stdout);
    tcdrain(1);
    reboot(RB_POWER_OFF);
    for (;;)
        pause();
}
