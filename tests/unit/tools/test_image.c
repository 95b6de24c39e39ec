/* SPDX-License-Identifier: MIT */
/*
 * Kernel images, layout, start_info, ACPI tables. With an argument: a bzImage that must parse (Debian's
 * cloud kernel), whole, and be refused when cut short or damaged.
 */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <zazen/acpi.h>
#include <zx/build.h>

static const char *kernel_path;
static struct zx_err err;

/* A little kernel: two segments, one note. */
struct tiny {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[3];
	struct { Elf64_Nhdr h; char name[4]; uint64_t entry; } note;
	uint8_t code[4096];
};

static void tiny(struct tiny *t)
{
	memset(t, 0, sizeof(*t));
	memcpy(t->eh.e_ident, ELFMAG, SELFMAG);
	t->eh.e_ident[EI_CLASS] = ELFCLASS64;
	t->eh.e_ident[EI_DATA] = ELFDATA2LSB;
	t->eh.e_machine = EM_X86_64;
	t->eh.e_phoff = offsetof(struct tiny, ph);
	t->eh.e_phentsize = sizeof(Elf64_Phdr);
	t->eh.e_phnum = 3;
	t->ph[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_offset = offsetof(struct tiny, code), .p_paddr = 0x100000,
				 .p_vaddr = 0xffffffff80100000, .p_filesz = 4096, .p_memsz = 4096 };
	t->ph[1] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_offset = 0, .p_paddr = 0x200000, .p_filesz = 0, .p_memsz = 0x5001 };
	t->ph[2] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = offsetof(struct tiny, note), .p_filesz = sizeof(t->note) };
	t->note.h = (Elf64_Nhdr){ .n_namesz = 4, .n_descsz = 8, .n_type = 18 };
	memcpy(t->note.name, "Xen", 4);
	t->note.entry = 0x100010;
	for (size_t i = 0; i < sizeof(t->code); i++)
		t->code[i] = (uint8_t)(i * 7 ^ i >> 4);
}

static void test_elf(void **state)
{
	struct zx_image img;
	struct tiny t;

	(void)state;
	tiny(&t);
	assert_int_equal(zx_image_parse(&t, sizeof(t), &img, &err), 0);
	assert_int_equal(img.entry, 0x100010);
	assert_int_equal(img.nsegments, 2);
	assert_int_equal(img.start, 0x100000);
	assert_int_equal(img.end, 0x205001);
	zx_image_free(&img);

#define BAD(change, expect) do { \
		tiny(&t); change; \
		assert_int_not_equal(zx_image_parse(&t, sizeof(t), &img, &err), 0); \
		if (!strstr(err.text, expect)) fail_msg("'%s' instead of '%s'", err.text, expect); \
	} while (0)
	BAD(t.eh.e_ident[0] = 0, "neither");
	BAD(t.eh.e_ident[EI_CLASS] = 9, "neither 32- nor 64-bit");
	BAD(t.eh.e_ident[EI_DATA] = ELFDATA2MSB, "little-endian");
	BAD(t.eh.e_machine = EM_386, "not x86-64");
	BAD(t.eh.e_phoff = UINT64_MAX - 8, "program header");
	BAD(t.eh.e_phnum = 65535, "program header");
	BAD(t.eh.e_phentsize = 8, "program header");
	BAD(t.eh.e_phnum = 0, "nothing to load");
	BAD(t.note.h.n_type = 17, "no Xen note PHYS32_ENTRY");
	BAD(t.note.h.n_descsz = 0xfffffff0, "PHYS32_ENTRY");
	BAD(t.note.h.n_namesz = 0xffffffff, "PHYS32_ENTRY");
	BAD(t.note.entry = 0x12345678, "in no segment");
	BAD(t.note.entry = 1ull << 40, "PHYS32_ENTRY");
	BAD(t.ph[0].p_offset = UINT64_MAX, "outside the file");
	BAD(t.ph[0].p_filesz = UINT64_MAX, "outside the file");
	BAD(t.ph[0].p_filesz = 5000, "outside the file");
	BAD(t.ph[0].p_paddr = UINT64_MAX - 4095, "below 4 GiB");
	BAD(t.ph[1].p_memsz = UINT64_MAX, "below 4 GiB");
	BAD(t.ph[1].p_paddr = 0x100800, "overlap");
	assert_int_not_equal(zx_image_parse("\177ELF", 4, &img, &err), 0);
	assert_int_not_equal(zx_image_parse("", 0, &img, &err), 0);
}

static void test_elf32(void **state)
{
	struct {
		Elf32_Ehdr eh;
		Elf32_Phdr ph[2];
		struct { Elf32_Nhdr h; char name[4]; uint32_t entry; } note;
	} t = { 0 };
	struct zx_image img;

	(void)state;
	memcpy(t.eh.e_ident, ELFMAG, SELFMAG);
	t.eh.e_ident[EI_CLASS] = ELFCLASS32;
	t.eh.e_ident[EI_DATA] = ELFDATA2LSB;
	t.eh.e_machine = EM_386;
	t.eh.e_phoff = sizeof(t.eh);
	t.eh.e_phentsize = sizeof(Elf32_Phdr);
	t.eh.e_phnum = 2;
	t.ph[0] = (Elf32_Phdr){ .p_type = PT_LOAD, .p_paddr = 0x1000, .p_filesz = sizeof(t), .p_memsz = 8192 };
	t.ph[1] = (Elf32_Phdr){ .p_type = PT_NOTE, .p_offset = (uint32_t)((char *)&t.note - (char *)&t),
				.p_filesz = sizeof(t.note) };
	t.note.h = (Elf32_Nhdr){ 4, 4, 18 };
	memcpy(t.note.name, "Xen", 4);
	t.note.entry = 0x1100;
	assert_int_equal(zx_image_parse(&t, sizeof(t), &img, &err), 0);
	assert_int_equal(img.entry, 0x1100);
}

/* A bzImage around a payload. */
static uint8_t *bzimage(const uint8_t *payload, size_t n, size_t *size)
{
	size_t off = 5 * 512;
	uint8_t *f = calloc(1, off + 16 + n);
	uint32_t v;

	f[0x1f1] = 4;
	f[0x1fe] = 0x55;
	f[0x1ff] = 0xaa;
	memcpy(f + 0x202, "HdrS", 4);
	f[0x206] = 0x0f;
	f[0x207] = 2;
	v = 16;
	memcpy(f + 0x248, &v, 4);
	v = (uint32_t)n;
	memcpy(f + 0x24c, &v, 4);
	memcpy(f + off + 16, payload, n);
	*size = off + 16 + n;
	return f;
}

/* Every format: as it is, cut, and with a byte changed. */
static void check_packed(const uint8_t *payload, size_t n, const char *kind)
{
	struct zx_image img;
	size_t size;
	uint8_t *f = bzimage(payload, n, &size);

	if (zx_image_parse(f, size, &img, &err))
		fail_msg("%s: %s", kind, err.text);
	assert_string_equal(img.packing, kind);
	assert_int_equal(img.entry, 0x100010);
	zx_image_free(&img);
	assert_int_not_equal(zx_image_parse(f, size - 1, &img, &err), 0);
	for (int i = 0; i < 300; i++) {
		size_t at = 5 * 512 + 16 + (size_t)rand() % n;
		uint8_t old = f[at];

		f[at] ^= (uint8_t)(1 + rand() % 255);
		if (zx_image_parse(f, size, &img, &err) == 0)
			zx_image_free(&img);    /* no checksum in some formats: damage may pass, memory errors may not */
		f[at] = old;
	}
	/* Sizes that lie. */
	for (uint32_t lie = 0; lie < 5; lie++) {
		static const uint32_t sizes[] = { 0, 1, 5000, 0x7fffffff, 0xffffffff };

		memcpy(f + size - 4, &sizes[lie], 4);
		assert_int_not_equal(zx_image_parse(f, size, &img, &err), 0);
	}
	free(f);
}

static void test_bzimage(void **state)
{
	uint32_t raw = sizeof(struct tiny), blk;
	uint8_t out[3 * sizeof(struct tiny)];
	z_stream z = { 0 };
	struct zx_image img;
	struct tiny t;
	size_t n = 0;
	uint8_t *f;

	(void)state;
	tiny(&t);
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, 0), Z_OK);
	z.next_in = (uint8_t *)&t;
	z.avail_in = sizeof(t);
	z.next_out = out;
	z.avail_out = sizeof(out);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	n = z.total_out;
	deflateEnd(&z);
	check_packed(out, n, "bzImage/gzip");

	n = 0;
	assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, (uint8_t *)&t, sizeof(t), out, &n, sizeof(out)),
			 LZMA_OK);
	memcpy(out + n, &raw, 4);
	check_packed(out, n + 4, "bzImage/xz");

	memcpy(out, "\x02\x21\x4c\x18", 4);
	blk = (uint32_t)LZ4_compress_default((char *)&t, (char *)out + 8, sizeof(t), sizeof(out) - 16);
	memcpy(out + 4, &blk, 4);
	memcpy(out + 8 + blk, &raw, 4);
	check_packed(out, 12 + blk, "bzImage/lz4");

	n = ZSTD_compress(out, sizeof(out), &t, sizeof(t), 3);
	memcpy(out + n, &raw, 4);
	check_packed(out, n + 4, "bzImage/zstd");

	memset(out, 0, 64);
	memcpy(out, "BZh9", 4);
	memcpy(out + 60, &raw, 4);
	f = bzimage(out, 64, &n);
	assert_int_not_equal(zx_image_parse(f, n, &img, &err), 0);
	assert_non_null(strstr(err.text, "bzip2: not supported"));
	f[0x206] = 7;
	assert_int_not_equal(zx_image_parse(f, n, &img, &err), 0);
	assert_non_null(strstr(err.text, "older than 2.08"));
	f[0x206] = 15;
	memset(f + 0x248, 0xff, 8);
	assert_int_not_equal(zx_image_parse(f, n, &img, &err), 0);
	assert_non_null(strstr(err.text, "outside the file"));
	free(f);
}

/* Random damage to headers: refused or parsed into something that lies inside the file. */
static void test_random(void **state)
{
	const char *env = getenv("SEED");
	unsigned int seed = env ? (unsigned int)strtoul(env, NULL, 0) : (unsigned int)time(NULL);
	struct zx_image img;
	struct tiny t;

	(void)state;
	print_message("seed %u (SEED= repeats it)\n", seed);
	srand(seed);
	for (int i = 0; i < 200000; i++) {
		size_t size = rand() % 8 ? sizeof(t) : (size_t)rand() % sizeof(t);

		tiny(&t);
		for (int k = rand() % 4; k >= 0; k--)
			((uint8_t *)&t)[(size_t)rand() % offsetof(struct tiny, code)] = (uint8_t)rand();
		if (zx_image_parse(&t, size, &img, &err))
			continue;
		for (unsigned int s = 0; s < img.nsegments; s++)
			assert_true(img.segment[s].offset + img.segment[s].filesz <= size);
		zx_image_free(&img);
	}
}

static void test_debian(void **state)
{
	struct zx_image img;
	size_t size;
	uint8_t *f;
	FILE *in;

	(void)state;
	if (!kernel_path) {
		print_message("no kernel given\n");
		skip();
	}
	in = fopen(kernel_path, "rb");
	assert_non_null(in);
	fseek(in, 0, SEEK_END);
	size = (size_t)ftell(in);
	rewind(in);
	f = malloc(size);
	assert_int_equal(fread(f, 1, size, in), size);
	fclose(in);
	if (zx_image_parse(f, size, &img, &err))
		fail_msg("%s", err.text);
	print_message("%s: %s, entry %#x, %u segments %#llx-%#llx, os %s\n", kernel_path, img.packing, img.entry,
		      img.nsegments, (unsigned long long)img.start, (unsigned long long)img.end, img.guest_os);
	assert_string_equal(img.guest_os, "linux");
	assert_true(img.rsdp_anywhere);
	assert_int_equal(img.start, 0x1000000);
	zx_image_free(&img);
	assert_int_not_equal(zx_image_parse(f, size / 2, &img, &err), 0);
	f[size / 2] ^= 0xff;
	f[size / 3] ^= 0xff;
	if (zx_image_parse(f, size, &img, &err) == 0)
		zx_image_free(&img);
	free(f);
}

static void test_layout(void **state)
{
	struct zx_image img = { .start = 0x1000000, .end = 0x4a00001, .nsegments = 1 };
	const struct hvm_modlist_entry *mod;
	const struct hvm_start_info *si;
	struct zx_buf b = { 0 };
	struct zx_layout l;

	(void)state;
	assert_int_equal(zx_layout(&img, 256 << 10, 1000, 10, &l, &err), 0);
	assert_int_equal(l.low_end, 256 << 20);
	assert_int_equal(l.high_end, 0);
	assert_int_equal(l.initrd, 0x4a01000);
	assert_int_equal(l.start_info, 0x4a02000);
	assert_int_equal(l.nmap, 3);
	assert_int_equal(zx_start_info(&l, "console=hvc0", 0xfc000000, &b), 0);
	si = (const void *)b.data;
	assert_int_equal(si->magic, 0x336ec578);
	assert_int_equal(si->nr_modules, 1);
	mod = (const void *)(b.data + (si->modlist_paddr - l.start_info));
	assert_int_equal(mod->paddr, 0x4a01000);
	assert_int_equal(mod->size, 1000);
	assert_string_equal(b.data + (si->cmdline_paddr - l.start_info), "console=hvc0");
	assert_memory_equal(b.data + (si->memmap_paddr - l.start_info), l.map, l.nmap * sizeof(l.map[0]));
	/* More than fits below the hole goes above 4 GiB. */
	assert_int_equal(zx_layout(&img, 8 << 20, 0, 0, &l, &err), 0);
	assert_int_equal(l.low_end, ZX_HOLE_START);
	assert_int_equal(l.high_end, (8ull << 30) + (1ull << 32) - ZX_HOLE_START);
	assert_int_equal(l.nmap, 4);
	assert_int_not_equal(zx_layout(&img, 64 << 10, 0, 0, &l, &err), 0);
	assert_non_null(strstr(err.text, "the kernel needs memory"));
	assert_int_not_equal(zx_layout(&img, 128 << 10, 1ull << 31, 0, &l, &err), 0);
	assert_non_null(strstr(err.text, "initrd"));
	assert_int_not_equal(zx_layout(&img, 1, 0, 0, &l, &err), 0);
	assert_int_not_equal(zx_layout(&img, UINT64_MAX, 0, 0, &l, &err), 0);
	zx_buf_free(&b);
}

static const void *at(const uint8_t *buf, uint64_t base, uint64_t addr)
{
	assert_true(addr >= base && addr < base + ZX_ACPI_BYTES);
	return buf + (addr - base);
}

static void test_acpi(void **state)
{
	static uint8_t buf[ZX_ACPI_BYTES] __attribute__((aligned(64)));
	static const unsigned int cpus[] = { 1, 2, 128 };

	(void)state;
	for (size_t i = 0; i < ZX_ARRAY_SIZE(cpus); i++) {
		const struct acpi_header *h;
		const struct acpi_rsdp *r;
		uint64_t rsdp, t[2];

		assert_int_equal(zx_acpi(buf, sizeof(buf), ZX_ACPI_BASE, cpus[i], 1, &rsdp), 0);
		r = at(buf, ZX_ACPI_BASE, rsdp);
		assert_memory_equal(r->signature, "RSD PTR ", 8);
		assert_int_equal(acpi_checksum(r, 20), 0);
		assert_int_equal(acpi_checksum(r, sizeof(*r)), 0);
		h = at(buf, ZX_ACPI_BASE, r->xsdt_addr);
		assert_memory_equal(h->signature, "XSDT", 4);
		assert_int_equal(acpi_checksum(h, h->length), 0);
		memcpy(t, h + 1, sizeof(t));
		h = at(buf, ZX_ACPI_BASE, t[0]);
		assert_memory_equal(h->signature, "FACP", 4);
		assert_int_equal(acpi_checksum(h, h->length), 0);
		h = at(buf, ZX_ACPI_BASE, ((const struct acpi_fadt *)h)->x_dsdt);
		assert_memory_equal(h->signature, "DSDT", 4);
		assert_int_equal(acpi_checksum(h, h->length), 0);
		h = at(buf, ZX_ACPI_BASE, t[1]);
		assert_memory_equal(h->signature, "APIC", 4);
		assert_int_equal(acpi_checksum(h, h->length), 0);
		assert_int_equal(h->length, sizeof(struct acpi_madt) + 8 * cpus[i]);
		if (i == 2 && getenv("ACPI_DUMP")) {
			FILE *f = fopen(getenv("ACPI_DUMP"), "wb");

			h = at(buf, ZX_ACPI_BASE, ((const struct acpi_fadt *)at(buf, ZX_ACPI_BASE, t[0]))->x_dsdt);
			fwrite(h, 1, h->length, f);
			fclose(f);
		}
	}
	assert_int_not_equal(zx_acpi(buf, 512, ZX_ACPI_BASE, 64, 1, &(uint64_t){ 0 }), 0);
	assert_int_not_equal(zx_acpi(buf, sizeof(buf), ZX_ACPI_BASE, 129, 1, &(uint64_t){ 0 }), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elf), cmocka_unit_test(test_elf32), cmocka_unit_test(test_bzimage),
		cmocka_unit_test(test_random), cmocka_unit_test(test_debian), cmocka_unit_test(test_layout),
		cmocka_unit_test(test_acpi),
	};

	kernel_path = argc > 1 ? argv[1] : NULL;
	return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
