/* SPDX-License-Identifier: MIT */
/* Terminal ioctls: attributes, window size, flushing, flow control, modem lines. Lock: tty->lock. */
#include "core.h"

static long get_attributes(struct tty *t, void __user *u, bool two)
{
	struct termios2 m = { 0 };
	unsigned long f;

	spin_lock_irqsave(&t->lock, f);
	memcpy(&m, &t->ld.t, sizeof(struct termios));
	spin_unlock_irqrestore(&t->lock, f);
	m.c_ispeed = m.c_ospeed = (m.c_cflag & CBAUD) == B115200 ? 115200 : (m.c_cflag & CBAUD) == B9600 ? 9600 : 38400;
	return copy_to_user(u, &m, two ? sizeof(m) : sizeof(struct termios)) ? -EFAULT : 0;
}

/* System V's form (TCGETA): the low halves of the flags and the first eight characters. */
struct termio {
	u16 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line, c_cc[8];
};

static void read_termios(struct tty *t, struct termios *m)
{
	unsigned long f;

	spin_lock_irqsave(&t->lock, f);
	*m = t->ld.t;
	spin_unlock_irqrestore(&t->lock, f);
}

static long get_termio(struct tty *t, void __user *u)
{
	struct termio o = { 0 };
	struct termios m;

	read_termios(t, &m);
	o = (struct termio){ .c_iflag = (u16)m.c_iflag, .c_oflag = (u16)m.c_oflag, .c_cflag = (u16)m.c_cflag,
			     .c_lflag = (u16)m.c_lflag, .c_line = m.c_line };
	memcpy(o.c_cc, m.c_cc, sizeof(o.c_cc));
	return copy_to_user(u, &o, sizeof(o)) ? -EFAULT : 0;
}

/* What TCSETA and friends would set: the rest stays. */
static int termio_from(struct tty *t, const void __user *u, struct termios *n)
{
	struct termio o;

	if (copy_from_user(&o, u, sizeof(o)))
		return -EFAULT;
	read_termios(t, n);
	n->c_iflag = (n->c_iflag & ~0xffffu) | o.c_iflag;
	n->c_oflag = (n->c_oflag & ~0xffffu) | o.c_oflag;
	n->c_cflag = (n->c_cflag & ~0xffffu) | o.c_cflag;
	n->c_lflag = (n->c_lflag & ~0xffffu) | o.c_lflag;
	n->c_line = o.c_line;
	memcpy(n->c_cc, o.c_cc, sizeof(o.c_cc));
	return 0;
}

/* ioctl_tty(2), TIOCSLCKTRMIOS: what is set in the lock stays as it was. */
static void keep_locked(struct termios *n, const struct termios *old, const struct termios *lck)
{
	n->c_iflag = (n->c_iflag & ~lck->c_iflag) | (old->c_iflag & lck->c_iflag);
	n->c_oflag = (n->c_oflag & ~lck->c_oflag) | (old->c_oflag & lck->c_oflag);
	n->c_cflag = (n->c_cflag & ~lck->c_cflag) | (old->c_cflag & lck->c_cflag);
	n->c_lflag = (n->c_lflag & ~lck->c_lflag) | (old->c_lflag & lck->c_lflag);
	if (lck->c_line)
		n->c_line = old->c_line;
	for (unsigned i = 0; i < NCCS; i++)
		if (lck->c_cc[i])
			n->c_cc[i] = old->c_cc[i];
}

static long termios_lock(struct tty *t, unsigned cmd, void __user *u)
{
	struct termios m;
	unsigned long f;

	if (cmd == TIOCGLCKTRMIOS) {
		spin_lock_irqsave(&t->lock, f);
		m = t->lck;
		spin_unlock_irqrestore(&t->lock, f);
		return copy_to_user(u, &m, sizeof(m)) ? -EFAULT : 0;
	}
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (copy_from_user(&m, u, sizeof(m)))
		return -EFAULT;
	spin_lock_irqsave(&t->lock, f);
	t->lck = m;
	spin_unlock_irqrestore(&t->lock, f);
	return 0;
}

static long set_attributes(struct tty *t, const void __user *u, bool wait, bool flush, bool old_form)
{
	struct termios n, old;
	unsigned long f;
	long r = tty_check_change(t, SIGTTOU);

	if (r)
		return r;
	if (old_form ? termio_from(t, u, &n) != 0 : copy_from_user(&n, u, sizeof(n)) != 0)
		return -EFAULT;
	if (wait) {
		r = tty_wait_drained(t);
		if (r)
			return r;
	}
	spin_lock_irqsave(&t->lock, f);
	old = t->ld.t;
	keep_locked(&n, &old, &t->lck);
	if (flush)
		n_tty_flush_in(&t->ld);
	n_tty_set_termios(&t->ld, &n);
	tty_unlock(t, f);
	if (t->drv->ops->set_termios)
		t->drv->ops->set_termios(t, &old);
	wake_up_all_poll(&t->read_wait, POLLIN); /* a reader may now be satisfied */
	return 0;
}

static long set_winsize(struct tty *t, const struct winsize __user *u)
{
	struct winsize w;
	unsigned long f;

	if (copy_from_user(&w, u, sizeof(w)))
		return -EFAULT;
	spin_lock_irqsave(&t->lock, f);
	if (memcmp(&w, &t->ws, sizeof(w)))
		t->signals |= 1U << SIGWINCH;
	t->ws = w;
	tty_unlock(t, f);
	return 0;
}

static long flush(struct tty *t, unsigned long what)
{
	unsigned long f;
	long r = tty_check_change(t, SIGTTOU);

	if (r)
		return r;
	if (what > TCIOFLUSH)
		return -EINVAL;
	spin_lock_irqsave(&t->lock, f);
	if (what != TCOFLUSH)
		n_tty_flush_in(&t->ld);
	if (what != TCIFLUSH)
		t->otail = t->ohead;
	/* What the master reads in packet mode (ioctl_tty(2)). */
	t->pkt_status |= (what != TCOFLUSH ? TIOCPKT_FLUSHREAD : 0) | (what != TCIFLUSH ? TIOCPKT_FLUSHWRITE : 0);
	tty_unlock(t, f);
	return 0;
}

static long flow_control(struct tty *t, unsigned long what)
{
	unsigned long f;
	long r = tty_check_change(t, SIGTTOU);
	u8 c;

	if (r)
		return r;
	switch (what) {
	case TCOOFF:
	case TCOON:
		spin_lock_irqsave(&t->lock, f);
		t->tcooff = what == TCOOFF;
		tty_unlock(t, f);
		return 0;
	case TCIOFF:
	case TCION:
		c = t->ld.t.c_cc[what == TCIOFF ? VSTOP : VSTART];
		spin_lock_irqsave(&t->lock, f);
		if (c)
			tty_out(&t->ld, &c, 1);
		tty_unlock(t, f);
		return 0;
	default:
		return -EINVAL;
	}
}

static long push_input(struct tty *t, u8 __user *u)
{
	u8 c;

	if (READ_ONCE(current->signal->tty) != t && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (get_user(c, u))
		return -EFAULT;
	tty_receive(t, &c, 1);
	return 0;
}

static long modem(struct tty *t, unsigned cmd, int __user *u)
{
	int v;

	if (!t->drv->ops->get_modem || !t->drv->ops->set_modem)
		return -EINVAL;
	if (cmd == TIOCMGET)
		return put_user(t->drv->ops->get_modem(t), u) ? -EFAULT : 0;
	if (get_user(v, u))
		return -EFAULT;
	if (cmd == TIOCMBIS)
		t->drv->ops->set_modem(t, (unsigned)v, 0);
	else if (cmd == TIOCMBIC)
		t->drv->ops->set_modem(t, 0, (unsigned)v);
	else
		t->drv->ops->set_modem(t, (unsigned)v, ~(unsigned)v);
	return 0;
}

/* struct serial_struct: type and line matter to those who ask; 72 bytes in all. */
static long get_serial(struct tty *t, void __user *u)
{
	struct {
		int type, line;
		u8 rest[64];
	} s = { .type = 4 /* 16550A */, .line = (int)t->index };

	if (t->drv->major != TTY_MAJOR)
		return -ENOTTY;
	return copy_to_user(u, &s, sizeof(s)) ? -EFAULT : 0;
}

static long send_break(struct tty *t, unsigned ms)
{
	long r = tty_check_change(t, SIGTTOU);

	if (!r)
		r = tty_wait_drained(t);
	if (r || !t->drv->ops->set_break)
		return r;
	t->drv->ops->set_break(t, true);
	msleep(ms);
	t->drv->ops->set_break(t, false);
	return 0;
}

/* What both ends of a pty, and all other terminals, have. */
long tty_common_ioctl(struct tty *t, struct file *f, unsigned cmd, unsigned long arg)
{
	void __user *u = (void __user *)arg;
	unsigned long fl;
	int n;

	(void)f;
	switch (cmd) {
	case TCGETS:
		return get_attributes(t, u, false);
	case TCGETS2:
		return get_attributes(t, u, true);
	case TCSETS:
	case TCSETS2:
		return set_attributes(t, u, false, false, false);
	case TCSETSW:
	case TCSETSW2:
		return set_attributes(t, u, true, false, false);
	case TCSETSF:
	case TCSETSF2:
		return set_attributes(t, u, true, true, false);
	case TIOCGLCKTRMIOS:
	case TIOCSLCKTRMIOS:
		return termios_lock(t, cmd, u);
	case TCGETA:
		return get_termio(t, u);
	case TCSETA:
		return set_attributes(t, u, false, false, true);
	case TCSETAW:
		return set_attributes(t, u, true, false, true);
	case TCSETAF:
		return set_attributes(t, u, true, true, true);
	case TIOCGWINSZ:
		return copy_to_user(u, &t->ws, sizeof(t->ws)) ? -EFAULT : 0;
	case TIOCSWINSZ:
		return set_winsize(t, u);
	case TCFLSH:
		return flush(t, arg);
	case TIOCOUTQ:
		return put_user((int)(t->ohead - t->otail), (int __user *)u) ? -EFAULT : 0;
	case TIOCEXCL:
	case TIOCNXCL:
		t->exclusive = cmd == TIOCEXCL;
		return 0;
	case TIOCGEXCL:
		return put_user((int)t->exclusive, (int __user *)u) ? -EFAULT : 0;
	case TIOCGETD:
		return put_user(0, (int __user *)u) ? -EFAULT : 0;
	case TIOCSETD:
		if (get_user(n, (int __user *)u))
			return -EFAULT;
		return n ? -EINVAL : 0;
	case TIOCGDEV:
		return put_user((u32)dev_to_user(t->dev), (u32 __user *)u) ? -EFAULT : 0;
	case FIONREAD:
		spin_lock_irqsave(&t->lock, fl);
		n = (int)n_tty_available(&t->ld);
		spin_unlock_irqrestore(&t->lock, fl);
		return put_user(n, (int __user *)u) ? -EFAULT : 0;
	default:
		return -ENOIOCTLCMD;
	}
}

long tty_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct tty *t = file_tty(f);
	long r;

	if (file_hung_up(f))
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	r = tty_job_ioctl(t, cmd, arg, false);
	if (r == -ENOIOCTLCMD)
		r = tty_common_ioctl(t, f, cmd, arg);
	if (r != -ENOIOCTLCMD)
		return r;
	switch (cmd) {
	case TCXONC:
		return flow_control(t, arg);
	case TIOCSTI:
		return push_input(t, (u8 __user *)arg);
	case TCSBRK:
		return arg ? tty_wait_drained(t) : send_break(t, 250);
	case TCSBRKP:
		return send_break(t, arg ? (unsigned)min(arg, 50UL) * 100 : 250);
	case TIOCMGET:
	case TIOCMSET:
	case TIOCMBIS:
	case TIOCMBIC:
		return modem(t, cmd, (int __user *)arg);
	case TIOCGSERIAL:
		return get_serial(t, (void __user *)arg);
	case TIOCVHANGUP:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		tty_do_hangup(t);
		return 0;
	case TIOCCONS:
		return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
	default:
		return -ENOTTY;
	}
}
