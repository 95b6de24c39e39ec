/* SPDX-License-Identifier: MIT */
/* Pseudo-terminals: defaults, canonical and raw input, signals, hang-up, sessions, sizes. */
#include "case.h"
#include <termios.h>

static int master, slave;
static void both(void) { int z = 0; int n = 0; master = open("/dev/ptmx", O_RDWR | O_NOCTTY); if (master < 0 || ioctl(master, TIOCSPTLCK, &z) || ioctl(master, TIOCGPTN, &n)) { R(-1); return; } char p[32]; sprintf(p, "/dev/pts/%d", n); slave = open(p, O_RDWR | O_NOCTTY); if (slave < 0) R(-1); fcntl(slave, F_SETFL, O_NONBLOCK | O_RDWR); }
static void raw(void) { struct termios t; tcgetattr(slave, &t); cfmakeraw(&t); tcsetattr(slave, TCSANOW, &t); }
static void in(const char *s) { R(write(master, s, strlen(s))); nap(20); }
static void out(int fd) { char b[64]; nap(20); long n = read(fd, b, 64); R(n); S(" \""); for (long i = 0; i < n; i++) if (b[i] >= ' ' && b[i] < 127) S("%c", b[i]); else S("\\%o", (unsigned char)b[i]); S("\""); }
static void nb(void) { fcntl(master, F_SETFL, O_NONBLOCK | O_RDWR); }

CASE(pty_defaults, both(); struct termios t; R(tcgetattr(slave, &t)); S(" %o %o %o %o", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag); for (int i = 0; i < 17; i++) S(" %d", t.c_cc[i]); struct winsize w; R(ioctl(slave, TIOCGWINSZ, &w)); S(" %dx%d", w.ws_row, w.ws_col))
CASE(pty_canonical, both(); nb(); in("ab"); out(slave); in("c\n"); out(slave); out(master); in("xy\177z\r"); out(slave); out(master); in("word two\027x\n"); out(slave); in("kill\025k\n"); out(slave))
CASE(pty_eof, both(); nb(); in("ab\004"); out(slave); in("\004"); out(slave); in("q\n\004"); out(slave); out(slave))
CASE(pty_raw, both(); raw(); nb(); in("a\r\003"); out(slave); out(master); R(write(slave, "x\ny", 3)); out(master); out(slave))
CASE(pty_output, both(); nb(); R(write(slave, "a\nb\tc", 5)); out(master); struct termios t; tcgetattr(slave, &t); t.c_oflag = 0; tcsetattr(slave, TCSANOW, &t); R(write(slave, "a\nb", 3)); out(master))
CASE(pty_partial_line, both(); nb(); in("hello\nworld\n"); char b[8]; R(read(slave, b, 3)); R(read(slave, b, 8)); int n; R(ioctl(slave, FIONREAD, &n)); R(n); R(read(slave, b, 8)); R(read(slave, b, 8)))
CASE(pty_hangup, both(); close(slave); char b; R(read(master, &b, 1)); struct pollfd p = { master, POLLIN | POLLOUT, 0 }; R(poll(&p, 1, 0)); S("/%x", p.revents))
CASE(pty_master_gone, both(); close(master); char b; R(read(slave, &b, 1)); R(write(slave, "x", 1)); struct pollfd p = { slave, POLLIN | POLLOUT, 0 }; R(poll(&p, 1, 0)); S("/%x", p.revents); struct termios t; R(tcgetattr(slave, &t)))
CASE(pty_locked, int m = open("/dev/ptmx", O_RDWR | O_NOCTTY); int n = 0; R(ioctl(m, TIOCGPTN, &n)); char p[32]; sprintf(p, "/dev/pts/%d", n); R(open(p, O_RDWR | O_NOCTTY)); struct stat st; R(stat(p, &st)); S(" %o", st.st_mode); close(m); R(stat(p, &st)))
CASE(pty_winsize, both(); struct winsize w = { 24, 80, 0, 0 }; R(ioctl(master, TIOCSWINSZ, &w)); memset(&w, 0, sizeof(w)); R(ioctl(slave, TIOCGWINSZ, &w)); S(" %dx%d", w.ws_row, w.ws_col); R(ioctl(slave, TIOCGWINSZ, 8)))
CASE(pty_controlling, both(); R(open("/dev/tty", O_RDWR)); R(ioctl(slave, TIOCSCTTY, 0)); int t = open("/dev/tty", O_RDWR); R(t >= 0); R(tcgetpgrp(slave) == getpgrp()); R(tcgetsid(slave) == getsid(0)); R(tcsetpgrp(slave, 999999)); CHILD(R(ioctl(slave, TIOCNOTTY, 0)); R(open("/dev/tty", O_RDWR))); signal(SIGHUP, SIG_IGN); R(ioctl(slave, TIOCNOTTY, 0)); R(open("/dev/tty", O_RDWR)))
CASE(pty_interrupt, both(); ioctl(slave, TIOCSCTTY, 0); signal(SIGINT, SIG_IGN); int pid = fork(); if (!pid) { setpgid(0, 0); signal(SIGTTOU, SIG_IGN); tcsetpgrp(slave, getpid()); signal(SIGINT, SIG_DFL); nap(2000); _exit(0); } nap(80); in("\003"); reap(pid); out(master))
CASE(pty_background, both(); ioctl(slave, TIOCSCTTY, 0); int pid = fork(); if (!pid) { setpgid(0, 0); char b; fcntl(slave, F_SETFL, O_RDWR); R(read(slave, &b, 1)); _exit(0); } int st; nap(60); R(waitpid(pid, &st, WUNTRACED) == pid); show_status(st); kill(pid, SIGKILL); reap(pid); pid = fork(); if (!pid) { setpgid(0, 0); signal(SIGTTIN, SIG_IGN); char b; R(read(slave, &b, 1)); _exit(0); } reap(pid))
CASE(pty_ttou, both(); ioctl(slave, TIOCSCTTY, 0); int pid = fork(); if (!pid) { setpgid(0, 0); struct termios t; tcgetattr(slave, &t); tcsetattr(slave, TCSANOW, &t); _exit(0); } int st; R(waitpid(pid, &st, WUNTRACED) == pid); show_status(st); kill(pid, SIGKILL); reap(pid))
CASE(pty_leader_exit, both(); int pid = fork(); if (!pid) { setsid(); ioctl(slave, TIOCSCTTY, 0); int c = fork(); if (!c) { nap(2000); _exit(0); } tcsetpgrp(slave, getpid()); nap(40); _exit(0); } reap(pid); char b; R(read(slave, &b, 1)); R(write(slave, "x", 1)))
CASE(pty_errors, both(); int f = make("f", ""); R(ioctl(f, TIOCGPTN, &f)); R(ioctl(slave, TIOCGPTN, &f)); R(ioctl(slave, TIOCSPTLCK, &f)); R(tcsetattr(slave, 99, (void *)8)); R(ioctl(slave, TCSETS, 8)); R(ioctl(slave, 0x54ff, 0)); R(tcflush(slave, 99)); R(tcflush(slave, TCIOFLUSH)); R(tcgetsid(slave)); R(tcgetpgrp(slave)); R(lseek(slave, 0, 0)); R(isatty(slave)); R(isatty(f)))
CASE(pty_vmin_vtime, both(); raw(); struct termios t; tcgetattr(slave, &t); t.c_cc[VMIN] = 0; t.c_cc[VTIME] = 1; tcsetattr(slave, TCSANOW, &t); fcntl(slave, F_SETFL, O_RDWR); char b[8]; R(read(slave, b, 8)); in("ab"); R(read(slave, b, 8)); t.c_cc[VMIN] = 3; t.c_cc[VTIME] = 0; tcsetattr(slave, TCSANOW, &t); in("abc"); R(read(slave, b, 8)))
CASE(pty_termio, both(); unsigned short o[9] = { 0 }; R(ioctl(slave, 0x5405, o)); S(" %o %o %o %o", o[0], o[1], o[2], o[3]); o[3] = 0; R(ioctl(slave, 0x5406, o)); struct termios t; tcgetattr(slave, &t); S(" %o", t.c_lflag); R(ioctl(slave, 0x5408, 8)))
CASE(pty_packet, both(); nb(); int on = 1; R(ioctl(master, TIOCPKT, &on)); R(write(slave, "hi", 2)); out(master); R(tcflush(slave, TCIOFLUSH)); out(master))
