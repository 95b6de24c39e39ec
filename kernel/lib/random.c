/* SPDX-License-Identifier: MIT */
/* Random numbers: ChaCha20 (RFC 8439) with fast key erasure; re-keyed with RDRAND, TSC and what callers add.
 * Lock: lock (irq-safe). Entry points: get_random_bytes, add_entropy. */
#include <kernel/kernel.h>
#include <kernel/random.h>
#include <kernel/spinlock.h>
#include <kernel/cpu.h>

static DEFINE_SPINLOCK(lock);
static u32 key[8];
static u32 pool_pos;
static u64 counter;

static u32 rol(u32 v, int n) { return v << n | v >> (32 - n); }

static void quarter(u32 *s, int a, int b, int c, int d)
{
	s[a] += s[b]; s[d] = rol(s[d] ^ s[a], 16);
	s[c] += s[d]; s[b] = rol(s[b] ^ s[c], 12);
	s[a] += s[b]; s[d] = rol(s[d] ^ s[a], 8);
	s[c] += s[d]; s[b] = rol(s[b] ^ s[c], 7);
}

static void chacha_block(u32 out[16])
{
	u32 in[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
	memcpy(in + 4, key, 32);
	in[12] = (u32)counter;
	in[13] = (u32)(counter >> 32);
	counter++;
	memcpy(out, in, 64);
	for (int i = 0; i < 10; i++) {
		quarter(out, 0, 4, 8, 12);
		quarter(out, 1, 5, 9, 13);
		quarter(out, 2, 6, 10, 14);
		quarter(out, 3, 7, 11, 15);
		quarter(out, 0, 5, 10, 15);
		quarter(out, 1, 6, 11, 12);
		quarter(out, 2, 7, 8, 13);
		quarter(out, 3, 4, 9, 14);
	}
	for (int i = 0; i < 16; i++)
		out[i] += in[i];
}

static void stir(void)
{
	u32 b[16];
	u64 t = rdtsc();
	key[pool_pos++ % 8] ^= (u32)t ^ (u32)(t >> 32);
	if (cpu_has_rdrand) {
		for (int i = 0; i < 8; i++)
			key[i] ^= (u32)rdrand();
	}
	chacha_block(b);
	memcpy(key, b, 32); /* the old key is gone: earlier output cannot be recomputed */
}

void add_entropy(const void *p, size_t n)
{
	unsigned long f;
	const u8 *s = p;
	spin_lock_irqsave(&lock, f);
	for (size_t i = 0; i < n; i++)
		((u8 *)key)[i % 32] ^= s[i];
	stir();
	spin_unlock_irqrestore(&lock, f);
}

void get_random_bytes(void *p, size_t n)
{
	unsigned long f;
	u32 b[16];
	while (n) {
		spin_lock_irqsave(&lock, f);
		stir();
		chacha_block(b);
		spin_unlock_irqrestore(&lock, f);
		size_t k = min(n, sizeof(b));
		memcpy(p, b, k);
		p = (char *)p + k;
		n -= k;
	}
	memset(b, 0, sizeof(b));
}

u32 get_random_u32(void)
{
	u32 v;
	get_random_bytes(&v, sizeof(v));
	return v;
}

u64 get_random_u64(void)
{
	u64 v;
	get_random_bytes(&v, sizeof(v));
	return v;
}

bool random_ready(void)
{
	return true;
}
