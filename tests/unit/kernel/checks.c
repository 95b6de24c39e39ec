/* SPDX-License-Identifier: MIT */
/* Random operations on the kernel's trees against plain arrays. */
#include <kernel/kernel.h>
#include <kernel/mem_internal.h>
#include <kernel/radix.h>
#include <kernel/rbtree.h>
#include "checks.h"

#define CHECK(c) do { if (!(c)) return __LINE__; } while (0)

static unsigned state;
static unsigned rnd(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

struct item {
	struct rb_node node;
	unsigned key;
	bool in;
};

/* Black height of a subtree, -1 on a broken rule. */
static int black_height(const struct rb_node *n)
{
	if (!n)
		return 1;
	if (n->red && ((n->left && n->left->red) || (n->right && n->right->red)))
		return -1;
	if ((n->left && n->left->parent != n) || (n->right && n->right->parent != n))
		return -1;
	int l = black_height(n->left), r = black_height(n->right);
	return l < 0 || l != r ? -1 : l + !n->red;
}

int check_rbtree(unsigned seed)
{
	static struct item items[300];
	struct rb_root root = RB_ROOT;
	unsigned live = 0;
	state = seed | 1;
	memset(items, 0, sizeof(items));
	for (int step = 0; step < 20000; step++) {
		struct item *it = &items[rnd() % ARRAY_SIZE(items)];
		if (it->in) {
			rb_erase(&it->node, &root);
			it->in = false;
			live--;
		} else {
			struct rb_node **l = &root.node, *p = NULL;
			it->key = rnd() % 1000;
			while (*l) {
				p = *l;
				l = it->key < rb_entry(p, struct item, node)->key ? &p->left : &p->right;
			}
			rb_link_node(&it->node, p, l);
			rb_insert_color(&it->node, &root);
			it->in = true;
			live++;
		}
		if (step % 37)
			continue;
		CHECK(black_height(root.node) > 0);
		unsigned n = 0, last = 0;
		for (struct rb_node *x = rb_first(&root); x; x = rb_next(x), n++) {
			CHECK(rb_entry(x, struct item, node)->key >= last);
			last = rb_entry(x, struct item, node)->key;
		}
		CHECK(n == live);
		n = 0;
		for (struct rb_node *x = rb_last(&root); x; x = rb_prev(x))
			n++;
		CHECK(n == live);
	}
	return 0;
}

int check_radix(unsigned seed)
{
	enum { N = 3000 };
	static char have[N], dirty[N];
	struct radix_tree t;
	void *items[32];
	unsigned long idx[32];
	state = seed | 1;
	memset(have, 0, N);
	memset(dirty, 0, N);
	radix_init(&t, GFP_KERNEL);
	for (int step = 0; step < 30000; step++) {
		unsigned k = rnd() % N;
		unsigned long key = k < 2000 ? k : (unsigned long)k << 40; /* sparse ones force tall trees */
		if (rnd() % 3 == 0 && have[k]) {
			CHECK(radix_delete(&t, key) == &have[k]);
			have[k] = dirty[k] = 0;
		} else if (!have[k]) {
			CHECK(radix_insert(&t, key, &have[k]) == 0);
			CHECK(radix_insert(&t, key, &have[k]) == -EEXIST);
			have[k] = 1;
		} else if (rnd() % 2) {
			radix_tag_set(&t, key, 0);
			dirty[k] = 1;
		} else {
			radix_tag_clear(&t, key, 0);
			dirty[k] = 0;
		}
		CHECK(radix_lookup(&t, key) == (have[k] ? &have[k] : NULL));
		CHECK(radix_tag_get(&t, key, 0) == (dirty[k] != 0));
	}
	unsigned long next = 0, seen = 0, tagged = 0, want = 0, want_tagged = 0;
	unsigned n;
	while ((n = radix_gang_lookup(&t, items, idx, next, 32))) {
		seen += n;
		next = idx[n - 1] + 1;
	}
	next = 0;
	while ((n = radix_gang_lookup_tag(&t, items, idx, next, 7, 0))) {
		tagged += n;
		next = idx[n - 1] + 1;
	}
	for (unsigned k = 0; k < N; k++) {
		want += have[k] != 0;
		want_tagged += dirty[k] != 0;
	}
	CHECK(seen == want && tagged == want_tagged);
	for (unsigned k = 0; k < N; k++)
		if (have[k])
			radix_delete(&t, k < 2000 ? k : (unsigned long)k << 40);
	CHECK(radix_empty(&t));
	return 0;
}

/* One byte per page says which flags it is mapped with. */
int check_vma(unsigned seed)
{
	enum { PAGES = 400 };
	static unsigned char map[PAGES];
	struct mm mm = { .vmas = RB_ROOT };
	INIT_LIST_HEAD(&mm.vma_list);
	state = seed | 1;
	memset(map, 0, PAGES);
	for (int step = 0; step < 4000; step++) {
		unsigned a = rnd() % PAGES, b = a + 1 + rnd() % 20;
		/* Kinds 3 and 4 have the same flags, but 4 is another part of the file: they never merge. */
		unsigned kind = 1 + rnd() % 4;
		if (b > PAGES)
			b = PAGES;
		unsigned long s = 0x100000 + a * PAGE_SIZE, e = 0x100000 + b * PAGE_SIZE;
		/* unmap [s, e) */
		struct vma *v = vma_lookup(&mm, s);
		if (v && v->start < s)
			CHECK(vma_split(&mm, v, s) == 0);
		v = vma_lookup(&mm, e);
		if (v && v->start < e)
			CHECK(vma_split(&mm, v, e) == 0);
		while ((v = find_vma_intersection(&mm, s, e))) {
			vma_unlink(&mm, v);
			vma_free(v);
		}
		memset(map + a, 0, b - a);
		if (rnd() % 3) {
			v = vma_alloc(&mm);
			v->start = s;
			v->end = e;
			v->flags = min(kind, 3U);
			v->pgoff = (s >> PAGE_SHIFT) + (kind == 4 ? 1000 : 0);
			vma_link(&mm, v);
			vma_try_merge(&mm, v);
			memset(map + a, (int)kind, b - a);
		}
		unsigned runs = 0, n = 0;
		for (unsigned i = 0; i < PAGES; i++) {
			v = vma_lookup(&mm, 0x100000 + i * PAGE_SIZE);
			CHECK((v ? v->flags + (v->pgoff != v->start >> PAGE_SHIFT) : 0) == map[i]);
			runs += map[i] && (!i || map[i] != map[i - 1]);
		}
		unsigned long last = 0;
		list_for_each_entry(v, &mm.vma_list, list) {
			CHECK(v->start >= last && (v->pgoff - (v->start >> PAGE_SHIFT)) % 1000 == 0);
			last = v->end;
			n++;
		}
		CHECK(n == runs && (int)n == mm.map_count); /* merged as far as possible */
		unsigned want = 1 + rnd() % 8;
		unsigned long g = find_gap_top_down(&mm, want * PAGE_SIZE, 0x100000, 0x100000 + PAGES * PAGE_SIZE);
		int best = -1;
		for (int i = 0; i + (int)want <= PAGES; i++) {
			bool free = true;
			for (unsigned k = 0; k < want; k++)
				free &= !map[i + (int)k];
			if (free)
				best = i;
		}
		CHECK(g == (best < 0 ? 0 : 0x100000 + (unsigned long)best * PAGE_SIZE));
	}
	struct vma *v, *n;
	list_for_each_entry_safe(v, n, &mm.vma_list, list)
		vma_free(v);
	return 0;
}

int check_format(void)
{
	char b[64];
	CHECK(snprintf(b, sizeof(b), "%d|%5u|%-5d|%05d|%x|%#lx|%s|%c|%%", -7, 42u, 3, -12, 255u, 0x1234UL, "ab", 'z') == 37);
	CHECK(!strcmp(b, "-7|   42|3    |-0012|ff|0x1234|ab|z|%"));
	CHECK(snprintf(b, 4, "%s", "abcdef") == 6 && !strcmp(b, "abc"));
	CHECK(snprintf(b, sizeof(b), "%.3s|%8.3s|%lld", "abcdef", "xyzuvw", -5LL) == 15 && !strcmp(b, "abc|     xyz|-5"));
	unsigned long u;
	long l;
	CHECK(kstrtoul("0x1f\n", 0, &u) == 0 && u == 31);
	CHECK(kstrtoul("18446744073709551616", 10, &u) == -ERANGE);
	CHECK(kstrtoul("12x", 10, &u) == -EINVAL && kstrtoul("", 10, &u) == -EINVAL);
	CHECK(kstrtol("-9223372036854775808", 10, &l) == 0 && l == (long)(1UL << 63));
	CHECK(memparse("512M", NULL) == 512UL << 20);
	return 0;
}
