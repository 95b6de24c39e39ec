/* SPDX-License-Identifier: MIT */
/*
 * xl without a hypervisor: sizes, the verb table, how it answers wrong use, and the xenstore layout of a domain
 * against our daemon (its path is the argument). All of xl is linked; its main is renamed.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../tools/lib/xs_internal.h"
#include "../../../tools/xl/create.h"

int xl_main(int argc, char **argv);

static const char *daemon_path;
static char dir[] = "/tmp/zx-xl-XXXXXX", sock[64], pidfile[64];
static pid_t child;

static int start(void **state)
{
	struct xs *h = NULL;
	struct zx_err e;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(sock, sizeof(sock), "%s/socket", dir);
	snprintf(pidfile, sizeof(pidfile), "%s/pid", dir);
	setenv("XENSTORED_PATH", sock, 1);
	child = fork();
	if (child == 0) {
		execl(daemon_path, "xenstored", "--no-fork", "--no-domains", "--pid-file", pidfile, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 100 && !(h = xs_open(&e)); i++)
		usleep(50000);
	xs_close(h);
	return h ? 0 : -1;
}

static int end(void **state)
{
	char ro[80];
	int status;

	(void)state;
	xl_forked(); /* closes the connection */
	kill(child, SIGTERM);
	waitpid(child, &status, 0);
	snprintf(ro, sizeof(ro), "%s_ro", sock);
	unlink(sock);
	unlink(ro);
	unlink(pidfile);
	rmdir(dir);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static void test_sizes(void **state)
{
	static const struct { const char *text; uint64_t kib; } good[] = {
		{ "128", 131072 }, { "0", 0 }, { "1k", 1 }, { "64m", 65536 }, { "64MB", 65536 }, { "2g", 2097152 },
		{ "2G", 2097152 }, { "1t", 1073741824 }, { "4096b", 4 }, { "1kb", 1 },
	};
	static const char *const bad[] = { "", "m", "-1", "+1", " 1", "1.5g", "1x", "1mm", "1 m", "0x10", "99999999999999999999",
					   "9999999999999999t" };
	uint64_t kib;

	(void)state;
	for (size_t i = 0; i < ZX_ARRAY_SIZE(good); i++) {
		assert_true(xl_parse_memory(good[i].text, &kib));
		assert_int_equal(kib, good[i].kib);
	}
	for (size_t i = 0; i < ZX_ARRAY_SIZE(bad); i++)
		assert_false(xl_parse_memory(bad[i], &kib));
}

/* Each single-letter option that the help explains is in the usage line, too. */
static void test_verbs(void **state)
{
	size_t n = 0;

	(void)state;
	for (const struct verb *v = xl_verbs; v->name; v++, n++) {
		assert_ptr_equal(xl_find_verb(v->name), v);
		assert_non_null(v->run);
		assert_true(*v->summary && strlen(v->summary) < 80);
		assert_int_equal(v->takes_domain, strstr(v->usage, "DOM") || strstr(v->usage, " NAME") || !strcmp(v->usage, "NAME"));
		for (const char *line = v->options; line && *line; line = strchr(line, '\n') + 1) {
			char option[16] = { 0 };

			assert_true(!strncmp(line, "  ", 2) && strchr(line, '\n'));
			if (line[2] != '-')
				continue; /* about the operands */
			snprintf(option, sizeof(option), "%.*s", (int)strcspn(line + 2, " ,"), line + 2);
			if (!strstr(v->usage, option))
				fail_msg("%s: %s is not in its usage", v->name, option);
		}
	}
	assert_true(n > 20);
	assert_null(xl_find_verb("frob"));
}

static int run(const char *a, const char *b, const char *c)
{
	char *argv[] = { (char *)"xl", (char *)a, (char *)b, (char *)c, NULL };
	int argc = !a ? 1 : !b ? 2 : !c ? 3 : 4;

	optind = 0; /* getopt from the beginning */
	return xl_main(argc, argv);
}

static void test_wrong_use(void **state)
{
	(void)state;
	assert_int_equal(run(NULL, NULL, NULL), 2);
	assert_int_equal(run("--help", NULL, NULL), 0);
	assert_int_equal(run("help", "create", NULL), 0);
	assert_int_equal(run("help", "frob", NULL), 1);
	assert_int_equal(run("frob", NULL, NULL), 2);
	assert_int_equal(run("create", NULL, NULL), 2);
	assert_int_equal(run("create", "-z", "f"), 2);
	assert_int_equal(run("create", "-n", "/nonexistent.xml"), 1);
	assert_int_equal(run("create", "--dry-run", "/nonexistent.xml"), 1);
	assert_int_equal(run("create", "--quiet", "/nonexistent.xml"), 1);
	assert_int_equal(run("destroy", NULL, NULL), 2);
	assert_int_equal(run("shutdown", NULL, NULL), 2);
	assert_int_equal(run("shutdown", "-a", "d"), 2);
	assert_int_equal(run("mem-set", "d", NULL), 2);
	assert_int_equal(run("rename", "d", "1234"), 1);
	assert_int_equal(run("rename", "d", "a/b"), 1);
	assert_int_equal(run("domname", "x", NULL), 2);
	assert_int_equal(run("sched-credit2", "-w", "5"), 2);
	assert_int_equal(run("sched-credit2", "-w", "0"), 2);
	assert_int_equal(run("exits", NULL, NULL), 2);
	assert_int_equal(run("dmesg", "-x", NULL), 2);
	/* An option that no verb has is wrong use everywhere, never a domain's name. */
	for (const struct verb *v = xl_verbs; v->name; v++) {
		assert_int_equal(run(v->name, "--no-such-option", NULL), 2);
		assert_int_equal(run(v->name, "d", "--no-such-option"), 2);
	}
	assert_int_equal(run("block-attach", "d", "nonsense"), 1);
	assert_int_equal(run("block-detach", "d", "hda"), 1);
	assert_int_equal(run("vcpu-set", "d", "0"), 1);
	assert_int_equal(run("vcpu-pin", "d", "0"), 2);
	assert_int_equal(run("trigger", "d", "frob"), 1);
	assert_int_equal(run("sysrq", "d", "hh"), 1);
	assert_int_equal(run("console", "-t", "serial"), 2);
}

static void test_disk_spec(void **state)
{
	static const struct { const char *spec, *source; uint32_t vdev; bool readonly, cdrom; } good[] = {
		{ "/a.img,raw,xvdb,w", "/a.img", 51728, false, false },
		{ "/a.img,,xvdb,r", "/a.img", 51728, true, false },
		{ "/a.img,raw,xvdb", "/a.img", 51728, false, false },
		{ "phy:/dev/sda1,xvda1,r", "/dev/sda1", 51713, true, false },
		{ "file:/a,xvdq,w", "/a", (1u << 28) | 16 << 8, false, false },
		{ "vdev=xvdc,access=ro,target=/a,b=c", "/a,b=c", 51744, true, false },
		{ "format=raw,vdev=xvdc,devtype=cdrom,target=/a", "/a", 51744, true, true },
		{ "/a.img,raw,xvdb,w,no-discard", "/a.img", 51728, false, false },
	};
	static const char *const bad[] = { "", ",", "/a", "/a,raw", "/a,qcow2,xvdb,w", "a,raw,xvdb,w", "/a,raw,hda,w", "/a,raw,xvdb,x",
		"/a,raw,xvdb,w,w", "/a,raw,xvdb,w,script=x", "vdev=xvdb", "target=", "vdev=xvdb,target=a", "xvdb,target=/a,", "/a,raw,xvd1,w",
		"/a,raw,xvda16,w", "/a,raw,xvda01,w" };
	struct domain_disk d;

	(void)state;
	for (size_t i = 0; i < ZX_ARRAY_SIZE(good); i++) {
		if (!disk_spec_parse(good[i].spec, &d))
			fail_msg("%s", good[i].spec);
		assert_string_equal(d.source, good[i].source);
		assert_int_equal(d.vdev, good[i].vdev);
		assert_int_equal(d.readonly, good[i].readonly);
		assert_int_equal(d.cdrom, good[i].cdrom);
		free(d.source);
		free(d.target);
	}
	for (size_t i = 0; i < ZX_ARRAY_SIZE(bad); i++) {
		if (disk_spec_parse(bad[i], &d))
			fail_msg("%s", bad[i]);
		free(d.source);
		free(d.target);
	}
}

static void test_convert(void **state)
{
	static const char cfg[] =
		"# a guest\nname = 'c1'; type=\"pvh\"\nmemory = 128\nmaxmem = 256\nvcpus=2\nmaxvcpus = 4\n"
		"kernel = '/k'\nramdisk = \"/i\"\nroot = \"/dev/xvda\"\nextra = 'console=hvc0 a=\"b\"'\n"
		"disk = [ 'phy:/dev/sda3,xvda,w',\n  # its data\n  '/d.img,raw,xvdb,r', ]\n"
		"on_crash = 'coredump-restart'\ncpu_weight = 512\ncap = 200\ncpus = \"0-1\"\nvif = [ ]\nacpi = 1\n"
		"uuid = '12345678-9abc-def0-1234-56789abcdef0'\n";
	static const struct { const char *cfg, *why; } wrong[] = {
		{ "name = 'a'\n", "no kernel" }, { "name = 'a b'\nkernel='/k'\nmemory=64\n", "name" },
		{ "name = 'a'\nkernel='k'\nmemory=64\n", "relative" }, { "type = 'hvm'\nname='a'\nkernel='/k'\nmemory=64\n", "hvm" },
		{ "name = 'a\nkernel='/k'\n", "no end" }, { "disk = [ 'x' \n", "list" }, { "name", "no value" }, { "= 3", "no name" },
		{ "vif = [ 'bridge=b' ]\nname='a'\nkernel='/k'\nmemory=64\n", "network" }, { "pci = [ '1' ]\n", "unknown" },
		{ "name = [ 'a' ]\n", "list" }, { "memory = 'x'\nname='a'\nkernel='/k'\n", "number" }, { "name='a' kernel='/k'\n", "two" },
	};
	struct zx_buf xml = { 0 }, errors = { 0 }, notes = { 0 };
	struct domain_config c;

	(void)state;
	assert_int_equal(cfg_to_xml("test.cfg", cfg, &xml), 0);
	assert_int_equal(domxml_parse("made", xml.data, xml.len, &c, &errors, &notes), 0);
	assert_string_equal(c.name, "c1");
	assert_int_equal(c.memory_kib, 256 << 10);
	assert_int_equal(c.current_kib, 128 << 10);
	assert_int_equal(c.vcpus, 2);
	assert_int_equal(c.vcpus_max, 4);
	assert_string_equal(c.cmdline, "root=/dev/xvda console=hvc0 a=\"b\"");
	assert_int_equal(c.ndisks, 2);
	assert_true(c.disk[0].block && !c.disk[0].readonly && !c.disk[1].block && c.disk[1].readonly);
	assert_int_equal(c.on_crash, ACTION_COREDUMP_RESTART);
	assert_int_equal(c.weight, 512);
	assert_int_equal(domain_config_cap(&c), 200);
	assert_true(c.has_cpuset && c.has_uuid && c.cpuset[0] == 3);
	domain_config_free(&c);
	for (size_t i = 0; i < ZX_ARRAY_SIZE(wrong); i++) {
		xml.len = 0;
		if (!cfg_to_xml("wrong.cfg", wrong[i].cfg, &xml))
			fail_msg("%s", wrong[i].why);
	}
	zx_buf_free(&xml);
	zx_buf_free(&errors);
	zx_buf_free(&notes);
}

static void expect(const char *path, const char *value)
{
	char *have = xs_get(xl_xs(), 0, path);

	if (!have || strcmp(have, value))
		fail_msg("%s is \"%s\", not \"%s\"", path, have ? have : "(absent)", value);
	free(have);
}

static struct started domain(struct domain_config *c)
{
	struct started s = { .domid = 5, .cfg = c };

	domain_config_init(c);
	c->name = zx_strdup("d");
	c->memory_kib = 65536;
	c->current_kib = 32768;
	c->vcpus_max = 2;
	c->vcpus = 1;
	memset(c->uuid, 0xab, sizeof(c->uuid));
	c->ndisks = 2;
	c->disk[0] = (struct domain_disk){ .target = zx_strdup("xvda"), .source = zx_strdup("/i"), .vdev = 51712 };
	c->disk[1] = (struct domain_disk){ .target = zx_strdup("xvdb"), .source = zx_strdup("/c"), .vdev = 51728, .readonly = true,
					   .cdrom = true };
	s.built = (struct zx_built){ .domid = 5, .store_port = 1, .console_port = 2, .store_gfn = ZX_STORE_GFN,
				     .console_gfn = ZX_CONSOLE_GFN };
	s.ndisks = 2;
	s.disk[0] = (struct disk_dev){ .params = zx_strdup("/i"), .loop = "/dev/loop-none", .major = 7, .minor = 12 };
	s.disk[1] = (struct disk_dev){ .params = zx_strdup("/c"), .major = 8, .minor = 1 };
	return s;
}

static void test_layout(void **state)
{
	struct domain_config c;
	struct started s = domain(&c);
	struct zx_err e;
	char **names = NULL;

	(void)state;
	xs_put(xl_xs(), 0, "/local/domain/5/stale", "x");
	assert_int_equal(store_write_domain(xl_xs(), &s, &e), 0);
	assert_null(xs_get(xl_xs(), 0, "/local/domain/5/stale"));
	expect("/local/domain/5/name", "d");
	expect("/local/domain/5/vm", "/vm/abababab-abab-abab-abab-abababababab");
	expect("/vm/abababab-abab-abab-abab-abababababab/name", "d");
	expect("/local/domain/5/domid", "5");
	expect("/local/domain/5/memory/static-max", "65536");
	expect("/local/domain/5/memory/target", "32768");
	expect("/local/domain/5/cpu/0/availability", "online");
	expect("/local/domain/5/cpu/1/availability", "offline");
	expect("/local/domain/5/control/platform-feature-xs_reset_watches", "1");
	expect("/local/domain/5/store/ring-ref", "1044476");
	expect("/local/domain/5/console/ring-ref", "1044479");
	expect("/local/domain/5/console/port", "2");
	expect("/local/domain/5/console/type", "xenconsoled");
	expect("/local/domain/5/device/vbd/51712/device-type", "disk");
	expect("/local/domain/5/device/vbd/51712/backend", "/local/domain/0/backend/vbd/5/51712");
	expect("/local/domain/5/device/vbd/51728/device-type", "cdrom");
	expect("/local/domain/0/backend/vbd/5/51712/physical-device", "7:c");
	expect("/local/domain/0/backend/vbd/5/51712/mode", "w");
	expect("/local/domain/0/backend/vbd/5/51728/mode", "r");
	expect("/local/domain/0/backend/vbd/5/51712/state", "1");
	expect("/libxl/5/type", "pvh");
	expect("/libxl/5/device/vbd/51712/loop", "/dev/loop-none");

	/* Again, as after a crash of the toolstack: the same tree. Then all of it goes. */
	assert_int_equal(store_write_domain(xl_xs(), &s, &e), 0);
	expect("/local/domain/5/name", "d");
	/* The back ends that nobody serves here close at once: the test is their kernel. */
	xs_put(xl_xs(), 0, "/local/domain/0/backend/vbd/5/51712/state", "6");
	xs_put(xl_xs(), 0, "/local/domain/0/backend/vbd/5/51728/state", "6");
	store_close_devices(5);
	assert_int_equal(xs_directory(xl_xs(), 0, "/local/domain/5/device/vbd", &names), 0);
	assert_int_equal(xs_directory(xl_xs(), 0, "/local/domain/0/backend/vbd", &names), 0);
	assert_int_equal(xs_directory(xl_xs(), 0, "/local/domain/0/backend/console", &names), 0);
	store_remove(5, c.uuid);
	assert_int_equal(xs_directory(xl_xs(), 0, "/local/domain/5", &names), -ENOENT);
	assert_int_equal(xs_directory(xl_xs(), 0, "/libxl/5", &names), -ENOENT);
	assert_int_equal(xs_directory(xl_xs(), 0, "/vm", &names), 0);
	domain_started_free(&s);
	domain_config_free(&c);
}

static void test_disk_check(void **state)
{
	char file[] = "/tmp/zx-xl-disk-XXXXXX";
	struct domain_disk d = { .source = file, .target = (char *)"xvda", .vdev = 51712 };
	struct zx_err e;
	int fd = mkstemp(file);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(disk_check(&d, &e), -EINVAL); /* empty */
	assert_non_null(strstr(e.text, "holds no sector"));
	assert_int_equal(ftruncate(fd, 1024), 0);
	assert_int_equal(disk_check(&d, &e), 0);
	d.block = true;
	assert_int_equal(disk_check(&d, &e), -ENOTBLK);
	d.block = false;
	close(fd);
	unlink(file);
	assert_int_equal(disk_check(&d, &e), -ENOENT);
	d.source = (char *)"/dev/null";
	assert_int_equal(disk_check(&d, &e), -EINVAL);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes), cmocka_unit_test(test_verbs), cmocka_unit_test(test_wrong_use), cmocka_unit_test(test_disk_spec), cmocka_unit_test(test_convert),
		cmocka_unit_test(test_layout), cmocka_unit_test(test_disk_check),
	};

	if (argc != 2)
		return 2;
	daemon_path = argv[1];
	return cmocka_run_group_tests(tests, start, end);
}
