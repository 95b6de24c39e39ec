/* SPDX-License-Identifier: MIT */
/* Domain XML: what is honoured, what is noted, what is refused and where; hostile documents; round trip. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <zx/domxml.h>

static struct domain_config c;
static struct zx_buf errors, notes;

static int parse(const char *text)
{
	return domxml_parse("t.xml", text, strlen(text), &c, &errors, &notes);
}

#define HEAD "<domain type='xen'>\n<name>g</name>\n<memory unit='MiB'>128</memory>\n"
#define OS "<os><type arch='x86_64' machine='xenpvh'>xenpvh</type><kernel>/k</kernel></os>\n"

/* Must be refused, with this text somewhere in the errors. */
static void refused(const char *text, const char *expect)
{
	int rc = parse(text);

	if (!rc || !strstr(errors.data, expect))
		fail_msg("expected '%s', got %d '%s' for: %.200s", expect, rc, rc ? errors.data : "", text);
	assert_null(c.name);
}

static void with_device(const char *device, const char *expect)
{
	char *text = zx_asprintf(HEAD OS "<devices>%s</devices></domain>", device);

	refused(text, expect);
	free(text);
}

static void test_minimal(void **state)
{
	(void)state;
	assert_int_equal(parse(HEAD OS "</domain>"), 0);
	assert_string_equal(c.name, "g");
	assert_int_equal(c.memory_kib, 131072);
	assert_int_equal(c.current_kib, 131072);
	assert_int_equal(c.vcpus, 1);
	assert_string_equal(c.kernel, "/k");
	assert_false(c.console);
	assert_int_equal(c.on_reboot, ACTION_RESTART);
	assert_int_equal(notes.len, 0);
	domain_config_free(&c);
}

static void test_full(void **state)
{
	static const char full[] =
		"<?xml version='1.0'?><!-- comment --><domain type='xen' id='3'><name>web.1</name>"
		"<uuid>e1bcb2e0-e55e-11f1-9648-5dc20f9bc896</uuid><title>A &amp; B</title><description>x</description>"
		"<memory unit='GiB'>1</memory><currentMemory unit='KiB'>524288</currentMemory>"
		"<vcpu placement='static' cpuset='0-3,^1' current='2'>4</vcpu>"
		"<cputune><shares>512</shares><period>100000</period><quota>25000</quota><vcpupin vcpu='2' cpuset='1,^3'/>"
		"<vcpupin vcpu='0' cpuset='0-1'/></cputune>"
		"<os><type arch='x86_64' machine='xenpvh'>xenpvh</type><kernel>/boot/k</kernel><initrd>/boot/i</initrd>"
		"<cmdline>root=/dev/xvda \"quoted\" &lt;x&gt;</cmdline></os>"
		"<features><acpi/><apic/></features><clock offset='utc'/>"
		"<on_poweroff>preserve</on_poweroff><on_reboot>rename-restart</on_reboot><on_crash>coredump-restart</on_crash>"
		"<devices><emulator>/usr/bin/qemu</emulator>"
		"<disk type='block' device='disk'><driver name='phy' type='raw'/><source dev='/dev/sdb'/>"
		"<target dev='xvda' bus='xen'/></disk>"
		"<disk type='file' device='cdrom'><source file='/c d.iso'/><target dev='xvdq'/><address type='drive'/></disk>"
		"<console type='pty'><target type='xen' port='0'/></console><memballoon model='none'/></devices></domain>";
	struct zx_buf first = { 0 }, second = { 0 };

	(void)state;
	assert_int_equal(parse(full), 0);
	assert_true(c.has_uuid);
	assert_int_equal(c.uuid[0], 0xe1);
	assert_int_equal(c.memory_kib, 1048576);
	assert_int_equal(c.current_kib, 524288);
	assert_int_equal(c.vcpus_max, 4);
	assert_int_equal(c.vcpus, 2);
	assert_int_equal(c.cpuset[0], 0xd);
	assert_int_equal(c.weight, 512);
	assert_true(c.pinned[0] && !c.pinned[1] && c.pinned[2] && c.pin[0][0] == 3 && c.pin[2][0] == 2);
	assert_int_equal(domain_config_cap(&c), 100);
	assert_string_equal(c.cmdline, "root=/dev/xvda \"quoted\" <x>");
	assert_int_equal(c.on_crash, ACTION_COREDUMP_RESTART);
	assert_int_equal(c.ndisks, 2);
	assert_true(c.disk[0].block);
	assert_int_equal(c.disk[0].vdev, 51712);
	assert_int_equal(c.disk[1].vdev, 1 << 28 | 16 << 8);
	assert_true(c.disk[1].readonly && c.disk[1].cdrom);
	assert_true(c.console);
	assert_false(c.balloon);
	/* One line of notes with everything that has no effect. */
	assert_non_null(strstr(notes.data, "<features>, <clock>, <emulator>, <address>"));
	assert_ptr_equal(strchr(notes.data, '\n'), notes.data + strlen(notes.data) - 1);
	/* What is written is read again, and written the same. */
	assert_int_equal(domxml_write(&c, 3, &first), 0);
	domain_config_free(&c);
	if (getenv("WRITE_TO")) {
		FILE *f = fopen(getenv("WRITE_TO"), "w");

		assert_non_null(f);
		fputs(first.data, f);
		fclose(f);
	}
	assert_int_equal(parse(first.data), 0);
	assert_int_equal(notes.len, 0);
	assert_string_equal(c.title, "A & B");
	assert_int_equal(domxml_write(&c, 3, &second), 0);
	assert_string_equal(first.data, second.data);
	domain_config_free(&c);
	zx_buf_free(&first);
	zx_buf_free(&second);
}

static void test_refused(void **state)
{
	(void)state;
	refused("", "empty");
	refused("name = 'x'\nmemory = 128\n", "xl.cfg");
	refused("<domain", "t.xml:1: XML:");
	refused("<network/>", "<network> is not a domain");
	refused("<domain type='kvm'><name>g</name></domain>", "write <domain type='xen'>");
	refused("<domain type='xen'>" OS "</domain>", "<name> is missing");
	refused("<domain type='xen'><name>g</name>" OS "</domain>", "<memory unit='MiB'> is missing");
	refused(HEAD "</domain>", "<os><type");
	refused(HEAD "<os><type machine='xenpvh'>xenpvh</type></os></domain>", "<kernel> is missing");
	refused(HEAD "<os><type>hvm</type><kernel>/k</kernel></os></domain>", "only PVH");
	refused(HEAD "<os><type machine='xenpv'>linux</type><kernel>/k</kernel></os></domain>", "machine='xenpvh'");
	refused(HEAD "<os><type machine='xenpvh'>xenpvh</type><kernel>k</kernel></os></domain>", "absolute path");
	refused(HEAD "\n\n<frob/>" OS "</domain>", "t.xml:6: <frob> in <domain> is not supported");
	refused(HEAD "<name>h</name>" OS "</domain>", "there twice");
	refused(HEAD "<vcpu>0</vcpu>" OS "</domain>", "1 to 128");
	refused(HEAD "<vcpu current='3'>2</vcpu>" OS "</domain>", "1 to 2");
	refused(HEAD "<vcpu cpuset='3-1'>2</vcpu>" OS "</domain>", "cpuset");
	refused(HEAD "<vcpu cpuset='0-99999999'>2</vcpu>" OS "</domain>", "cpuset");
	refused(HEAD "<currentMemory>999999999</currentMemory>" OS "</domain>", "exceeds");
	refused(HEAD "<on_reboot>explode</on_reboot>" OS "</domain>", "write destroy");
	refused(HEAD "<uuid>zz</uuid>" OS "</domain>", "<uuid>");
	refused(HEAD "<bootloader>/usr/bin/pygrub</bootloader>" OS "</domain>", "write <os>");
	refused(HEAD "<cputune><vcpupin vcpu='1' cpuset='1'/></cputune>" OS "</domain>", "from 0 on");
	refused(HEAD "<cputune><vcpupin vcpu='0' cpuset='x'/></cputune>" OS "</domain>", "0-3,^2");
	refused(HEAD "<cputune><vcpupin cpuset='1'/></cputune>" OS "</domain>", "from 0");
	refused(HEAD "<cputune><vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='0' cpuset='1'/></cputune>" OS "</domain>", "twice");
	refused("<domain type='xen'><name>123</name></domain>", "not a domain name");
	refused("<domain type='xen'><name>a/b</name></domain>", "not a domain name");
	refused("<domain type='xen'><name>g</name><memory unit='parsec'>1</memory></domain>", "<memory>");
	refused("<domain type='xen'><name>g</name><memory>99999999999999999999</memory></domain>", "<memory>");
	with_device("<interface type='bridge'/>", "no network");
	with_device("<graphics type='vnc'/>", "xl console");
	with_device("<disk type='network'/>", "type='file'");
	with_device("<disk type='file'><target dev='xvda'/></disk>", "needs <source>");
	with_device("<disk type='file'><source file='rel'/><target dev='xvda'/></disk>", "absolute/path");
	with_device("<disk type='file'><source file='/a'/><target dev='sda' bus='scsi'/></disk>", "dev='xvda'");
	with_device("<disk type='file'><source file='/a'/><target dev='xvda' bus='virtio'/></disk>", "bus='xen'");
	with_device("<disk type='file'><driver type='qcow2'/><source file='/a'/><target dev='xvda'/></disk>", "raw");
	with_device("<disk type='file'><source file='/a'/><target dev='xvda'/></disk>"
		    "<disk type='file'><source file='/b'/><target dev='xvda'/></disk>", "two disks");
	with_device("<disk type='file' frob='1'><source file='/a'/><target dev='xvda'/></disk>", "attribute frob");
	with_device("<console type='file'/>", "type='pty'");
	with_device("<console type='pty'/><console type='pty'/>", "second console");
	with_device("<memballoon model='virtio'/>", "model='xen'");
	with_device("<x:y xmlns:x='http://e'/>", "not part of libvirt's domain XML");
}

static void test_hostile(void **state)
{
	struct zx_buf b = { 0 };

	(void)state;
	refused("<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><domain type='xen'><name>&e;</name></domain>",
		"t.xml:");
	refused("<!DOCTYPE d SYSTEM 'http://127.0.0.1:1/x.dtd'><domain type='xen'/>", "DOCTYPE");
	/* Entities that blow up. */
	refused("<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'><!ENTITY c "
		"'&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;'>]><domain type='xen'><name>&d;</name>"
		"</domain>", "t.xml:");
	/* Deep nesting. */
	for (int i = 0; i < 20000; i++)
		zx_buf_add(&b, "<a>", 3);
	zx_buf_add(&b, "", 1);
	refused(b.data, "t.xml:");
	/* Thousands of errors become twenty and a count. */
	b.len = 0;
	zx_buf_addf(&b, "%s", HEAD OS);
	for (int i = 0; i < 5000; i++)
		zx_buf_addf(&b, "<bad%d/>", i);
	zx_buf_addf(&b, "</domain>");
	zx_buf_add(&b, "", 1);
	refused(b.data, "more errors");
	assert_true(errors.len < 8192);
	/* Too large. */
	b.len = 0;
	for (unsigned int i = 0; i <= DOMXML_FILE_MAX / 16; i++)
		zx_buf_add(&b, "                ", 16);
	zx_buf_add(&b, "", 1);
	refused(b.data, "larger than");
	/* Long values. */
	b.len = 0;
	zx_buf_addf(&b, HEAD "<os><type machine='xenpvh'>xenpvh</type><kernel>/k</kernel><cmdline>");
	for (int i = 0; i < 5000; i++)
		zx_buf_add(&b, "x", 1);
	zx_buf_addf(&b, "</cmdline></os></domain>");
	zx_buf_add(&b, "", 1);
	refused(b.data, "longer than 4095");
	zx_buf_free(&b);
}

/* Random damage to a good document: parsed or refused, never a crash, never a half-filled result. */
static void test_random(void **state)
{
	static const char good[] = HEAD OS "<devices><disk type='file'><source file='/a'/><target dev='xvda' bus='xen'/>"
		"</disk><console type='pty'><target type='xen' port='0'/></console></devices></domain>";
	const char *env = getenv("SEED");
	unsigned int seed = env ? (unsigned int)strtoul(env, NULL, 0) : (unsigned int)time(NULL);

	(void)state;
	print_message("seed %u (SEED= repeats it)\n", seed);
	srand(seed);
	for (int i = 0; i < 3000; i++) {
		char text[sizeof(good)];
		size_t len = sizeof(good) - 1;

		memcpy(text, good, sizeof(good));
		for (int k = rand() % 4; k >= 0; k--)
			text[(size_t)rand() % len] = "<>/'=& ax\t\x01\xff"[rand() % 12];
		if (rand() % 4 == 0)
			len = (size_t)rand() % len;
		if (domxml_parse("r.xml", text, len, &c, &errors, &notes) == 0) {
			assert_non_null(c.name);
			assert_non_null(c.kernel);
		} else {
			assert_true(errors.len > 1);
			assert_null(c.name);
		}
		domain_config_free(&c);
	}
}

static void test_examples(void **state)
{
	static const char *const files[] = { "tools/etc/xen/guest1.xml", "tools/etc/xen/guest2.xml" };

	(void)state;
	for (size_t i = 0; i < ZX_ARRAY_SIZE(files); i++) {
		if (domxml_load(files[i], &c, &errors, &notes))
			fail_msg("%s", errors.data);
		assert_int_equal(notes.len, 0);
		assert_int_equal(c.ndisks, 1);
		assert_int_equal(c.disk[0].vdev, 51712);
		assert_string_equal(c.kernel, "/usr/lib/zazen/guest-kernel.elf");
		domain_config_free(&c);
	}
	assert_int_not_equal(domxml_load("/nonexistent.xml", &c, &errors, &notes), 0);
	assert_non_null(strstr(errors.data, "No such file"));
}

/* What Debian's virt-install wrote (virt-install/make.sh): accepted with at most one line of notes, or refused by line. */
static void test_virt_install(void **state)
{
	static const struct { const char *name, *note; unsigned int ndisks; } good[] = {
		{ "plain", "emulator", 1 }, { "full", "emulator", 2 }, { "extras", "watchdog", 0 }, { "osinfo", "metadata", 0 },
	};
	static const struct { const char *name; unsigned int line; const char *says; } bad[] = {
		{ "refused-network", 13, "virt-install --network none" }, { "refused-graphics", 15, "virt-install --graphics none" },
		{ "refused-pv", 8, "machine='xenpvh'" }, { "refused-qcow2", 14, "only raw images" },
	};
	char file[80], at[120];

	(void)state;
	for (size_t i = 0; i < ZX_ARRAY_SIZE(good); i++) {
		snprintf(file, sizeof(file), "tests/unit/tools/virt-install/%s.xml", good[i].name);
		if (domxml_load(file, &c, &errors, &notes))
			fail_msg("%s", errors.data);
		assert_string_equal(c.name, good[i].name);
		assert_int_equal(c.ndisks, good[i].ndisks);
		if (!notes.len || !strstr(notes.data, good[i].note) || strchr(notes.data, '\n') != notes.data + strlen(notes.data) - 1)
			fail_msg("%s: notes are \"%s\"", file, notes.len ? notes.data : "");
		if (!strcmp(good[i].name, "full")) {
			assert_int_equal(c.memory_kib, 524288);
			assert_int_equal(c.current_kib, 262144);
			assert_int_equal(c.vcpus_max, 4);
			assert_int_equal(c.vcpus, 2);
			assert_int_equal(c.weight, 300);
			assert_true(c.pinned[1] && c.pin[1][0] == 1);
			assert_int_equal(domain_config_cap(&c), 200);
			assert_true(c.has_cpuset && c.disk[1].readonly && !c.disk[0].readonly && c.balloon);
			assert_int_equal(c.on_crash, ACTION_PRESERVE);
			assert_string_equal(c.description, "words & more");
		} else if (!strcmp(good[i].name, "extras")) {
			assert_false(c.balloon);
		}
		domain_config_free(&c);
	}
	for (size_t i = 0; i < ZX_ARRAY_SIZE(bad); i++) {
		snprintf(file, sizeof(file), "tests/unit/tools/virt-install/%s.xml", bad[i].name);
		assert_int_not_equal(domxml_load(file, &c, &errors, &notes), 0);
		snprintf(at, sizeof(at), "%s:%u: ", file, bad[i].line);
		if (!strstr(errors.data, at) || !strstr(errors.data, bad[i].says))
			fail_msg("%s", errors.data);
	}
}

static int cleanup(void **state)
{
	(void)state;
	zx_buf_free(&errors);
	zx_buf_free(&notes);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_minimal), cmocka_unit_test(test_full), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_random), cmocka_unit_test(test_examples),
		cmocka_unit_test(test_virt_install),
	};

	return cmocka_run_group_tests_name("domxml", tests, NULL, cleanup);
}
