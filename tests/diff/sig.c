/* SPDX-License-Identifier: MIT */
/* Signals: masks, dispositions, queues, waiting, interrupted calls, alternate stacks, permissions, descriptors of them. */
#include "case.h"
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

static volatile int hits, last, order[16];
static char stack[65536];

static void hit(int sig) { last = sig; order[hits++ & 15] = sig; }
static void hit_info(int sig, siginfo_t *info, void *context) { (void)context; S(" s%d/c%d/v%d", sig, info->si_code, info->si_value.sival_int); }
static void hit_fault(int sig, siginfo_t *info, void *context) { (void)context; S(" s%d/c%d/%s", sig, info->si_code, info->si_addr ? "addr" : "null"); _exit(0); }
static void hit_stack(int sig) { char here; (void)sig; S(" %s", &here >= stack && &here < stack + sizeof(stack) ? "alternate" : "normal"); stack_t s; sigaltstack(NULL, &s); S(" f%d", s.ss_flags); R(sigaltstack(&s, NULL)); }
static void hit_mask(int sig) { sigset_t set; sigprocmask(SIG_SETMASK, NULL, &set); S(" in%d:%d%d%d", sig, sigismember(&set, SIGUSR1), sigismember(&set, SIGUSR2), sigismember(&set, SIGHUP)); }
static void hit_nest(int sig) { int n = ++hits; if (n < 3) raise(sig); S(" %d", n); }
static void on(int sig, void (*f)(int), int flags) { struct sigaction a = { .sa_handler = f, .sa_flags = flags }; R(sigaction(sig, &a, NULL)); }
static void on_info(int sig, void (*f)(int, siginfo_t *, void *)) { struct sigaction a = { .sa_sigaction = f, .sa_flags = SA_SIGINFO }; sigaction(sig, &a, NULL); }
static sigset_t set_of(int a, int b) { sigset_t s; sigemptyset(&s); if (a) sigaddset(&s, a); if (b) sigaddset(&s, b); return s; }
static void block(int a, int b) { sigset_t s = set_of(a, b); sigprocmask(SIG_BLOCK, &s, NULL); }
static void unblock(int a, int b) { sigset_t s = set_of(a, b); sigprocmask(SIG_UNBLOCK, &s, NULL); }
static void soon(int flags) { struct sigaction a = { .sa_handler = hit, .sa_flags = flags }; sigaction(SIGALRM, &a, NULL); struct itimerval t = { { 0, 0 }, { 0, 60000 } }; setitimer(ITIMER_REAL, &t, NULL); }
static void fault(void *where, int write) { on_info(SIGSEGV, hit_fault); on_info(SIGBUS, hit_fault); if (write) *(volatile char *)where = 1; else (void)*(volatile char *)where; }

CASE(sigaction_errors, struct sigaction a = { .sa_handler = hit }; R(sigaction(0, &a, NULL)); R(sigaction(65, &a, NULL)); R(sigaction(SIGKILL, &a, NULL)); R(sigaction(SIGSTOP, &a, NULL)); R(sigaction(SIGKILL, NULL, &a)); R(sigaction(-1, NULL, &a)); R(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4)); R(syscall(SYS_rt_sigaction, SIGUSR1, 8, NULL, 8)))
CASE(sigprocmask_matrix, sigset_t s = set_of(SIGUSR1, SIGKILL); R(sigprocmask(SIG_BLOCK, &s, NULL)); R(sigprocmask(SIG_BLOCK, NULL, &s)); R(sigismember(&s, SIGUSR1)); R(sigismember(&s, SIGKILL)); R(syscall(SYS_rt_sigprocmask, 9, &s, NULL, 8)); R(syscall(SYS_rt_sigprocmask, 9, NULL, NULL, 8)); R(syscall(SYS_rt_sigprocmask, 0, &s, NULL, 4)); R(syscall(SYS_rt_sigprocmask, 0, 8, NULL, 8)))
CASE(kill_errors, R(kill(getpid(), 0)); R(kill(getpid(), 65)); R(kill(getpid(), -1)); R(kill(999999, 0)); R(kill(-999999, 0)); R(syscall(SYS_tgkill, getpid(), getpid(), 0)); R(syscall(SYS_tgkill, 0, getpid(), 0)); R(syscall(SYS_tgkill, 999999, getpid(), 0)); R(syscall(SYS_tkill, -1, 0)); R(kill(1, SIGKILL)))
CASE(kill_permission, int pid = fork(); if (!pid) { pause(); _exit(0); } CHILD(unprivileged(); R(kill(pid, 0)); R(kill(pid, SIGTERM)); R(kill(1, 0)); R(kill(pid, 65)); R(kill(0, 0)); R(syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, 8))); kill(pid, SIGKILL); reap(pid))
CASE(kill_saved_uid, int pid = fork(); if (!pid) { setresuid(1000, 1000, 2000); nap(5000); _exit(0); } nap(60); CHILD(R(setresuid(2000, 2000, 2000)); R(kill(pid, 0))); CHILD(R(setresuid(1000, 3000, 3000)); R(kill(pid, 0))); CHILD(R(setresuid(3000, 3000, 1000)); R(kill(pid, 0))); kill(pid, SIGKILL); reap(pid))
CASE(raise_default_matrix, int l[] = { SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGCHLD, SIGCONT, SIGURG, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPWR, SIGSYS, SIGRTMIN, SIGRTMAX }; for (unsigned i = 0; i < sizeof(l) / sizeof(*l); i++) { struct rlimit z = { 0, 0 }; CHILD(setrlimit(RLIMIT_CORE, &z); kill(getpid(), l[i])); })
CASE(signal_core_flag, int s; CHILD(kill(getpid(), SIGTERM)); struct rlimit z = { 0, 0 }; int pid = fork(); if (!pid) { setrlimit(RLIMIT_CORE, &z); abort(); } waitpid(pid, &s, 0); R(WTERMSIG(s)))
CASE(realtime_order, on(SIGRTMIN, hit, 0); on(SIGRTMIN + 1, hit, 0); on(SIGUSR1, hit, 0); block(SIGRTMIN, SIGRTMIN + 1); block(SIGUSR1, 0); raise(SIGRTMIN + 1); raise(SIGRTMIN); raise(SIGUSR1); raise(SIGRTMIN); raise(SIGUSR1); sigset_t s = set_of(SIGRTMIN, SIGRTMIN + 1); sigaddset(&s, SIGUSR1); sigprocmask(SIG_UNBLOCK, &s, NULL); R(hits); for (int i = 0; i < hits; i++) R(order[i]))
CASE(queue_values, on_info(SIGRTMIN, hit_info); block(SIGRTMIN, 0); for (int i = 0; i < 3; i++) { union sigval v = { .sival_int = i }; R(sigqueue(getpid(), SIGRTMIN, v)); } unblock(SIGRTMIN, 0); union sigval v = { 0 }; R(sigqueue(999999, SIGUSR1, v)); R(sigqueue(getpid(), 0, v)); R(sigqueue(getpid(), 99, v)))
CASE(queue_limit, struct rlimit l = { 2, 2 }; unprivileged(); R(setrlimit(RLIMIT_SIGPENDING, &l)); block(SIGRTMIN, 0); union sigval v = { 0 }; R(sigqueue(getpid(), SIGRTMIN, v)); R(sigqueue(getpid(), SIGRTMIN, v)); R(sigqueue(getpid(), SIGRTMIN, v)))
CASE(si_codes, on_info(SIGUSR1, hit_info); on_info(SIGALRM, hit_info); kill(getpid(), SIGUSR1); raise(SIGUSR1); struct itimerval t = { { 0, 0 }, { 0, 1000 } }; setitimer(ITIMER_REAL, &t, NULL); pause())
CASE(pending_matrix, block(SIGUSR1, SIGUSR2); raise(SIGUSR1); sigset_t p; R(sigpending(&p)); R(sigismember(&p, SIGUSR1)); R(sigismember(&p, SIGUSR2)); signal(SIGUSR1, SIG_IGN); sigpending(&p); R(sigismember(&p, SIGUSR1)); CHILD(sigset_t q; raise(SIGUSR2); sigpending(&q); R(sigismember(&q, SIGUSR2))); sigpending(&p); R(sigismember(&p, SIGUSR2)))
CASE(fork_pending, block(SIGUSR1, 0); raise(SIGUSR1); CHILD(sigset_t q; sigpending(&q); R(sigismember(&q, SIGUSR1)); sigprocmask(SIG_BLOCK, NULL, &q); R(sigismember(&q, SIGUSR1))))
CASE(sa_nodefer, on(SIGUSR1, hit_nest, SA_NODEFER); raise(SIGUSR1))
CASE(sa_defer, on(SIGUSR1, hit_nest, 0); raise(SIGUSR1))
CASE(sa_resethand, on(SIGUSR1, hit, SA_RESETHAND); raise(SIGUSR1); R(hits); struct sigaction a; sigaction(SIGUSR1, NULL, &a); R(a.sa_handler == SIG_DFL); CHILD(raise(SIGUSR1)))
CASE(sa_mask, struct sigaction a = { .sa_handler = hit_mask, .sa_mask = set_of(SIGUSR2, 0) }; sigaction(SIGUSR1, &a, NULL); raise(SIGUSR1); sigset_t s; sigprocmask(SIG_BLOCK, NULL, &s); R(sigismember(&s, SIGUSR2)))
CASE(sa_onstack, stack_t s = { .ss_sp = stack, .ss_size = sizeof(stack) }; R(sigaltstack(&s, NULL)); on(SIGUSR1, hit_stack, SA_ONSTACK); raise(SIGUSR1); on(SIGUSR1, hit_stack, 0); raise(SIGUSR1))
CASE(altstack_errors, stack_t s = { .ss_sp = stack, .ss_size = 100 }; R(sigaltstack(&s, NULL)); s.ss_flags = 99; s.ss_size = sizeof(stack); R(sigaltstack(&s, NULL)); s.ss_flags = SS_DISABLE; R(sigaltstack(&s, NULL)); R(syscall(SYS_sigaltstack, 8, NULL)); R(sigaltstack(NULL, &s)); R(s.ss_flags); s.ss_flags = SS_ONSTACK; s.ss_sp = stack; s.ss_size = sizeof(stack); R(sigaltstack(&s, NULL)))
CASE(altstack_fork, stack_t s = { .ss_sp = stack, .ss_size = sizeof(stack) }; sigaltstack(&s, NULL); CHILD(stack_t q; sigaltstack(NULL, &q); R(q.ss_flags); R(q.ss_sp == stack)))
CASE(sigsuspend_matrix, on(SIGUSR1, hit, 0); block(SIGUSR1, 0); raise(SIGUSR1); sigset_t s = set_of(0, 0); R(sigsuspend(&s)); R(hits); sigprocmask(SIG_BLOCK, NULL, &s); R(sigismember(&s, SIGUSR1)); R(syscall(SYS_rt_sigsuspend, &s, 4)); R(syscall(SYS_rt_sigsuspend, 8, 8)))
CASE(sigtimedwait_matrix, block(SIGUSR1, SIGRTMIN); sigset_t s = set_of(SIGUSR1, SIGRTMIN); struct timespec z = { 0, 0 }; siginfo_t i; R(sigtimedwait(&s, &i, &z)); raise(SIGRTMIN); raise(SIGUSR1); R(sigtimedwait(&s, &i, &z)); R(i.si_code); R(sigtimedwait(&s, &i, &z)); z.tv_nsec = 1000000000; R(sigtimedwait(&s, &i, &z)); z.tv_nsec = 20000000; R(sigtimedwait(&s, &i, &z)); z.tv_nsec = -1; R(sigtimedwait(&s, &i, &z)); R(syscall(SYS_rt_sigtimedwait, &s, NULL, NULL, 4)))
CASE(sigtimedwait_eintr, soon(0); sigset_t s = set_of(SIGUSR1, 0); struct timespec z = { 2, 0 }; R(sigtimedwait(&s, NULL, &z)); R(hits))
CASE(eintr_pause, soon(SA_RESTART); R(pause()))
CASE(eintr_nanosleep, soon(SA_RESTART); struct timespec t = { 2, 0 }; R(nanosleep(&t, &t)); R(t.tv_sec == 1); soon(0); t = (struct timespec){ 2, 0 }; R(clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t)); R(t.tv_sec))
CASE(eintr_read_pipe, int p[2]; pipe(p); char b; soon(0); R(read(p[0], &b, 1)); R(hits))
CASE(restart_read_pipe, int p[2]; pipe(p); char b; soon(SA_RESTART); CHILD(nap(200); write(p[1], "x", 1)); int pid = fork(); if (!pid) { nap(200); write(p[1], "y", 1); _exit(0); } R(read(p[0], &b, 1)); R(read(p[0], &b, 1)); reap(pid))
CASE(eintr_poll, struct pollfd f = { -1, 0, 0 }; soon(SA_RESTART); R(poll(&f, 1, 2000)); soon(SA_RESTART); struct timeval t = { 2, 0 }; R(select(0, NULL, NULL, NULL, &t)))
CASE(eintr_epoll, int e = epoll_create1(0); struct epoll_event v; soon(SA_RESTART); R(epoll_wait(e, &v, 1, 2000)))
CASE(eintr_wait, int pid = fork(); if (!pid) { nap(300); _exit(5); } soon(0); R(wait(NULL)); soon(SA_RESTART); reap(pid); R(hits))
CASE(eintr_flock, int f = make("f", "x"); int g = open("f", O_RDWR); flock(f, LOCK_EX); soon(0); R(flock(g, LOCK_EX)); CHILD(struct flock l = { .l_type = F_WRLCK }; int pid = getpid(); (void)pid; R(fcntl(f, F_SETLK, &l))))
CASE(eintr_fcntl_lock, int f = make("f", "x"); struct flock l = { .l_type = F_WRLCK }; R(fcntl(f, F_SETLK, &l)); CHILD(soon(0); R(fcntl(f, F_SETLKW, &l))))
CASE(eintr_futex, int v = 0; soon(0); R(syscall(SYS_futex, &v, 0, 0, NULL)); R(hits); soon(SA_RESTART); struct timespec t = { 0, 200000000 }; R(syscall(SYS_futex, &v, 0, 0, &t)))
CASE(eintr_socket, int p[2]; socketpair(AF_UNIX, SOCK_STREAM, 0, p); char b; soon(0); R(recv(p[0], &b, 1, 0)); struct timeval t = { 2, 0 }; R(setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t))); soon(SA_RESTART); R(recv(p[0], &b, 1, 0)))
CASE(eintr_fifo_open, mkfifo("p", 0644); soon(0); R(open("p", O_RDONLY)); soon(0); R(open("p", O_WRONLY)))
CASE(eintr_msg_sem, int q = msgget(IPC_PRIVATE, 0600); char b[32]; soon(SA_RESTART); R(msgrcv(q, b, 8, 0, 0)); R(msgctl(q, IPC_RMID, NULL)); int s = semget(IPC_PRIVATE, 1, 0600); struct sembuf o = { 0, -1, 0 }; soon(SA_RESTART); R(semop(s, &o, 1)); R(semctl(s, 0, IPC_RMID)))
CASE(eintr_write_pipe, int p[2]; pipe(p); static char b[70000]; soon(0); R(write(p[1], b, 70000)); soon(0); R(write(p[1], b, 10)))
CASE(sigchld_ignored, signal(SIGCHLD, SIG_IGN); int pid = fork(); if (!pid) _exit(3); R(waitpid(pid, NULL, 0)); R(wait(NULL)))
CASE(sigchld_nocldwait, on(SIGCHLD, hit, SA_NOCLDWAIT); int pid = fork(); if (!pid) _exit(3); while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) ; R(-1); R(hits))
CASE(sigchld_info, on_info(SIGCHLD, hit_info); block(SIGCHLD, 0); int pid = fork(); if (!pid) _exit(3); sigset_t s = set_of(SIGCHLD, 0); siginfo_t i; R(sigwaitinfo(&s, &i)); S(" c%d st%d p%d u%d", i.si_code, i.si_status, i.si_pid == pid, i.si_uid); reap(pid); pid = fork(); if (!pid) raise(SIGKILL); R(sigwaitinfo(&s, &i)); S(" c%d st%d", i.si_code, i.si_status); reap(pid))
CASE(sigchld_nocldstop, on(SIGCHLD, hit, SA_NOCLDSTOP); int pid = fork(); if (!pid) { raise(SIGSTOP); _exit(1); } int st; R(waitpid(pid, &st, WUNTRACED) == pid); show_status(st); R(hits); kill(pid, SIGCONT); while (waitpid(pid, &st, 0) < 0) ; show_status(st); R(hits))
CASE(stop_continue, int pid = fork(); if (!pid) { raise(SIGSTOP); nap(100); _exit(4); } int st; R(waitpid(pid, &st, WUNTRACED) == pid); show_status(st); R(waitpid(pid, &st, WNOHANG)); kill(pid, SIGCONT); R(waitpid(pid, &st, WCONTINUED) == pid); S(" %x", st); reap(pid))
CASE(stop_kill, int pid = fork(); if (!pid) { raise(SIGSTOP); _exit(4); } int st; waitpid(pid, &st, WUNTRACED); kill(pid, SIGTERM); nap(30); R(waitpid(pid, &st, WNOHANG)); kill(pid, SIGKILL); reap(pid))
CASE(signal_ignored_exec, signal(SIGUSR1, SIG_IGN); signal(SIGUSR2, hit); block(SIGHUP, 0); CHILD(execl("/init", "x", "ignored", "10", NULL)); CHILD(execl("/init", "x", "ignored", "12", NULL)); CHILD(execl("/init", "x", "blocked", "1", NULL)); CHILD(execl("/init", "x", "blocked", "2", NULL)))
CASE(fault_null_read, CHILD(fault(NULL, 0)))
CASE(fault_null_write, CHILD(fault(NULL, 1)))
CASE(fault_text_write, CHILD(fault((void *)fault, 1)))
CASE(fault_noncanonical, CHILD(fault((void *)0x8000000000000000, 0)))
CASE(fault_kernel, CHILD(fault((void *)0xffffffff81000000, 0)))
CASE(fault_default, CHILD(*(volatile int *)0 = 1); CHILD(__builtin_trap()); CHILD(volatile int z = 0; z = 1 / z); CHILD(__asm__ volatile("int3")); CHILD(__asm__ volatile("hlt")); CHILD(__asm__ volatile("int $0x50")))
CASE(fault_codes, CHILD(on_info(SIGFPE, hit_fault); volatile int z = 0; z = 1 / z); CHILD(on_info(SIGILL, hit_fault); __asm__ volatile("ud2")); CHILD(on_info(SIGTRAP, hit_fault); __asm__ volatile("int3")); CHILD(on_info(SIGSEGV, hit_fault); __asm__ volatile("cli")); CHILD(on_info(SIGSEGV, hit_fault); __asm__ volatile("int $0x50")))
CASE(fault_blocked, CHILD(block(SIGSEGV, 0); on_info(SIGSEGV, hit_fault); *(volatile int *)0 = 1); CHILD(signal(SIGSEGV, SIG_IGN); *(volatile int *)0 = 1))
CASE(fault_stack_overflow, CHILD(stack_t s = { .ss_sp = stack, .ss_size = sizeof(stack) }; sigaltstack(&s, NULL); struct rlimit l = { 1 << 20, 1 << 20 }; setrlimit(RLIMIT_STACK, &l); struct sigaction a = { .sa_sigaction = hit_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK }; sigaction(SIGSEGV, &a, NULL); volatile char *p = (char *)&s; for (;;) *--p = 0))
CASE(signalfd_matrix, sigset_t s = set_of(SIGUSR1, SIGRTMIN); sigprocmask(SIG_BLOCK, &s, NULL); int f = signalfd(-1, &s, SFD_NONBLOCK); R(f); struct signalfd_siginfo i[4]; R(read(f, i, sizeof(i))); raise(SIGRTMIN); raise(SIGUSR1); struct pollfd p = { f, POLLIN, 0 }; R(poll(&p, 1, 0)); R(read(f, i, sizeof(i))); R(i[0].ssi_signo); R(i[1].ssi_signo); R(read(f, i, 5)); R(signalfd(0, &s, 0)); R(signalfd(77, &s, 0)); R(signalfd(-1, &s, 1)); R(signalfd(f, &s, 0)); R(write(f, i, 8)); R(syscall(SYS_signalfd4, -1, &s, 4, 0)))
CASE(itimer_matrix, struct itimerval t = { { 0, 0 }, { 0, 1000000 } }; R(setitimer(ITIMER_REAL, &t, NULL)); R(setitimer(9, &t, NULL)); R(getitimer(9, &t)); t.it_value = (struct timeval){ 5, 0 }; R(setitimer(ITIMER_REAL, &t, NULL)); R(alarm(0)); R(alarm(7)); R(alarm(0)); R(syscall(SYS_setitimer, 0, 8, NULL)); R(syscall(SYS_getitimer, 0, 8)))
CASE(timer_errors, timer_t t; struct sigevent e = { .sigev_notify = 99 }; R(timer_create(CLOCK_MONOTONIC, &e, &t)); e.sigev_notify = SIGEV_SIGNAL; e.sigev_signo = 99; R(timer_create(CLOCK_MONOTONIC, &e, &t)); R(timer_create(99, NULL, &t)); e.sigev_signo = SIGRTMIN; block(SIGRTMIN, 0); int id; R(syscall(SYS_timer_create, CLOCK_MONOTONIC, &e, &id)); struct itimerspec v = { { 0, 0 }, { 0, 1000000000 } }; R(syscall(SYS_timer_settime, id, 0, &v, NULL)); R(syscall(SYS_timer_gettime, 77, &v)); R(syscall(SYS_timer_getoverrun, id)); R(syscall(SYS_timer_delete, id)); R(syscall(SYS_timer_delete, id)))
CASE(timer_signal, int id; struct sigevent e = { .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 42 }; on_info(SIGRTMIN, hit_info); R(syscall(SYS_timer_create, CLOCK_MONOTONIC, &e, &id)); struct itimerspec v = { { 0, 0 }, { 0, 10000000 } }; R(syscall(SYS_timer_settime, id, 0, &v, NULL)); pause(); R(syscall(SYS_timer_gettime, id, &v)); R(v.it_value.tv_nsec))
CASE(vtalrm_signal, on(SIGVTALRM, hit, 0); struct itimerval t = { { 0, 0 }, { 0, 20000 } }; R(setitimer(ITIMER_VIRTUAL, &t, NULL)); while (!hits) ; R(last); on(SIGPROF, hit, 0); R(setitimer(ITIMER_PROF, &t, NULL)); while (hits < 2) ; R(last))
CASE(pidfd_signal, int f = syscall(SYS_pidfd_open, getpid(), 0); R(f); R(syscall(SYS_pidfd_send_signal, f, 0, NULL, 0)); R(syscall(SYS_pidfd_send_signal, 0, 0, NULL, 0)); R(syscall(SYS_pidfd_open, 999999, 0)); R(syscall(SYS_pidfd_open, getpid(), 99)); R(syscall(SYS_pidfd_open, -1, 0)); int pid = fork(); if (!pid) { nap(50); _exit(2); } int g = syscall(SYS_pidfd_open, pid, 0); struct pollfd p = { g, POLLIN, 0 }; R(poll(&p, 1, 2000)); reap(pid); R(syscall(SYS_pidfd_send_signal, g, 0, NULL, 0)))
