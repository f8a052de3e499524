/* conf.c (test) - the configuration language: places of errors, taking lines back, settings printed as lines that
 * run again, the sample file.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "conf.h"
#include "fat.h"
#include "fatimg.h"
#include "plat.h"
#include "route.h"
#include "shell.h"
#include "wire.h"

static struct wire *w;
static struct fatimg *img;

static const char conf_text[] = "\xef\xbb\xbfhostname alpha\nbogus 1\n\n# nothing\nroute default via 10.0.0.9\nhostname bad_name";

static int begin(void **state)
{
        w = wire_new(NULL, 0);
        plat_reset(w);
        img = fatimg_new(300, 512);
        fatimg_add(img, 0, "qure.conf", conf_text, sizeof(conf_text) - 1);
        fatimg_add(img, 0, "www", NULL, 0);
        plat.volume = img->b;
        plat.volume_size = img->size;
        return 0;
}

static int end(void **state)
{
        wire_discard(w);
        fatimg_free(img);
        return 0;
}

static const char *run(const char *line)
{
        plat.n_written = 0;
        plat.written[0] = 0;
        conf_line(line, NULL, 1);
        return plat.written;
}

static void says(const char *line, const char *want)
{
        const char *got = run(line);

        if (strcmp(got, want) != 0)
                fail_msg("'%s' said '%s', not '%s'", line, got, want);
}

static void prints(const char *line, const char *part)
{
        const char *got = run(line);

        if (!strstr(got, part))
                fail_msg("'%s' said '%s' without '%s'", line, got, part);
}

static void errors_name_the_place_and_what_was_expected(void **state)
{
        says("frobnicate", "column 1: expected a command (help lists them), found 'frobnicate'\n");
        says("no", "column 3: expected a command to take back, but the line ends here\n");
        says("no ping", "column 1: 'ping' cannot be taken back\n");
        says("route default 10.0.0.2", "column 15: expected via, found '10.0.0.2'\n");
        says("route default via 10.0.0", "column 19: expected an address a.b.c.d, found '10.0.0'\n");
        says("route default via", "column 18: expected an address a.b.c.d, but the line ends here\n");
        says("route 10.1.2.3/16 via 10.0.0.2",
             "column 7: expected a network: no bits behind the prefix length, found '10.1.2.3/16'\n");
        says("host 300.1.1.1", "column 6: expected an address (four numbers up to 255) or a name (its last part not a number), found '300.1.1.1'\n");
        says("ping www.300.", "column 6: expected an address (four numbers up to 255) or a name (its last part not a number), found 'www.300.'\n");
        says("host 3com.example", "no nameserver is configured\n");
        says("interface eth7 dhcp", "column 11: expected an interface (eth0), found 'eth7'\n");
        says("interface eth0 fly", "column 16: expected dhcp, address, link-local, vlan, up or down, found 'fly'\n");
        says("interface eth0 address 10.0.0.1/33",
             "column 24: expected an address with prefix length, a.b.c.d/0 to /32, found '10.0.0.1/33'\n");
        says("forwarding maybe", "column 12: expected on or off, found 'maybe'\n");
        says("intercept tcp 80", "column 1: nothing passes through: `forwarding on` must come first\n");
        says("intercept udp 80", "column 11: expected tcp, found 'udp'\n");
        says("interface eth0 vlan 4095", "column 21: expected a VLAN number from 1 to 4094, found '4095'\n");
        says("listen http 0", "column 13: expected a port from 1 to 65535, found '0'\n");
        says("listen http 80 optional-syn maybe", "column 29: expected on or off, found 'maybe'\n");
        says("listen http 80 optional-syn", "column 28: expected on or off, but the line ends here\n");
        says("no conversation", "column 16: expected kind, but the line ends here\n");
        says("listen smtp 25", "column 8: expected http, tcp, echo or discard, found 'smtp'\n");
        says("hostname a b", "column 12: expected the end of the line, found 'b'\n");
        says("hostname \"a b", "column 10: this quote is not closed\n");
        says("date 2026-02-30 10:00:00", "column 6: expected a day that exists, YYYY-MM-DD, found '2026-02-30'\n");
        says("date 2026-02-28 24:00:00", "column 17: expected hh:mm:ss, found '24:00:00'\n");
        says("arp 10.0.0.2 02:00:00:00:00", "column 14: expected a link address xx:xx:xx:xx:xx:xx, found '02:00:00:00:00'\n");
        says("show", "column 5: expected config, but the line ends here\n");
        says("   # only a comment", "");
        says("", "");
}

static void a_file_runs_on_behind_its_errors(void **state)
{
        plat.n_written = 0;
        assert_int_equal(conf_run_volume(), 2);
        assert_string_equal(plat.written, "qure.conf:2:1: expected a command (help lists them), found 'bogus'\n"
                                          "qure.conf:6:10: expected a host name: letters, digits, '-' and '.', up to 63, "
                                          "found 'bad_name'\n");
        assert_string_equal(conf_hostname(), "alpha");
        prints("show config", "route default via 10.0.0.9\n");
        says("no route default", "");
}

static void console_commands_are_refused_in_a_file(void **state)
{
        plat.n_written = 0;
        assert_int_equal(conf_line("ping 10.0.0.2", "qure.conf", 9), -1);
        assert_string_equal(plat.written, "qure.conf:9:1: 'ping' is for the console only\n");
        conf_line("reboot", "qure.conf", 9);
        assert_int_equal(plat.reboots, 0);
}

/* Every kind of line, its effect in `show config`, and its `no`: short, and with the whole line behind it. */
static void lines_are_shown_and_taken_back(void **state)
{
        static const struct { const char *line, *shown, *back; } t[] = {
                {"interface eth0 address 10.9.0.1/16", "interface eth0 address 10.9.0.1/16\n",
                 "no interface eth0 address 10.9.0.1/16"},
                {"ifconfig eth0 10.8.0.1/24", "interface eth0 address 10.8.0.1/24\n", "no ifconfig eth0 10.8.0.1/24"},
                {"forwarding on", "forwarding on\n", "no forwarding"},
                {"interface eth0 vlan 7", "interface eth0 vlan 7\n", "no interface eth0 vlan"},
                {"interface eth0 down", "interface eth0 down\n", "no interface eth0 down"},
                {"interface eth0 dhcp", "interface eth0 dhcp\n", "no interface eth0 dhcp"},
                {"interface eth0 link-local", "interface eth0 link-local\n", "no interface eth0 link-local"},
                {"route 10.5.0.0/16 via 10.0.0.2", "route 10.5.0.0/16 via 10.0.0.2\n", "no route 10.5.0.0/16"},
                {"nameserver 10.0.0.3", "nameserver 10.0.0.3\n", "no nameserver 10.0.0.3"},
                {"arp 10.0.0.77 02:00:00:00:00:77", "arp 10.0.0.77 02:00:00:00:00:77\n", "no arp 10.0.0.77"},
                {"panic reboot 10", "panic reboot 10\n", "no panic"},
                {"hostname beta", "hostname beta\n", "no hostname"},
                {"site default /www", "site default /www\n", "no site default"},
                {"site WWW.Example.com www", "site www.example.com www\n", "no site www.example.com"},
                {"site shop.example /www redirect-when-closed http://a.example/", "site shop.example /www redirect-when-closed http://a.example/\n",
                 "no site shop.example"},
                {"conversation kind 253", "conversation kind 253\n", "no conversation kind"},
                {"listen http 80", "listen http 80\n", "no listen http 80"},
                {"listen http 81 address 10.0.0.1", "listen http 81 address 10.0.0.1\n", "no listen http 81 address 10.0.0.1"},
                {"listen echo 7", "listen echo 7\n", "no listen echo 7"},
                {"listen discard 9", "listen discard 9\n", "no listen discard 9"},
                {"backend a relay 10.0.0.9:80 10.0.0.8:81", "backend a relay 10.0.0.9:80 10.0.0.8:81\n", "no backend a"},
                {"rule local path /x source 10.1.2.3/16 port 80", "rule local path /x source 10.1.0.0/16 port 80\n",
                 "no rule local path /x source 10.1.0.0/16 port 80"},
                {"rule local cookie a=b* etag n1", "rule local cookie a=b* etag n1\n", "no rule local cookie a=b* etag n1"},
                {"rule local host WWW.Example.com", "rule local host www.example.com\n", "no rule local host www.example.com"},
                {"rule local path \"/two words\" cookie \"a= #\"", "rule local path \"/two words\" cookie \"a= #\"\n",
                 "no rule local path \"/two words\" cookie \"a= #\""},
                {"rule local host \"#x\"", "rule local host \"#x\"\n", "no rule local host \"#x\""},
                {"backend \"a b\" relay 10.0.0.9:80", "backend \"a b\" relay 10.0.0.9:80\n", "no backend \"a b\""},
                {"cluster name \"two words\"", "cluster name \"two words\"\n", "no cluster name"},
                {"front forwarded-for off", "front forwarded-for off\n", "no front forwarded-for off"}};

        run("no hostname");
        for (u32 i = 0; i < COUNT_OF(t); i++) {
                char before[4096];

                strcpy(before, run("show config"));
                says(t[i].line, "");
                prints("show config", t[i].shown);
                says(t[i].back, "");
                says("show config", before);
                run(t[i].line);
                char whole[128] = "no ", *end = stpcpy(whole + 3, t[i].shown);
                end[-1] = 0; /* the newline */
                says(whole, "");
                says("show config", before);
        }
}

/* Settings that need others come behind them. */
static void shown_settings_run_again_in_their_order(void **state)
{
        static const char *const lines[] = {"interface eth0 address 10.9.0.1/16", "arp 10.9.0.77 02:00:00:00:00:77", "route 10.5.0.0/16 via 10.9.0.2"};
        char shown[4096], again[4096];

        for (u32 i = 0; i < COUNT_OF(lines); i++)
                says(lines[i], "");
        strcpy(again, strcpy(shown, run("show config")));
        for (u32 turn = 0; turn < 2; turn++) {
                says("no route 10.5.0.0/16", "");
                says("no arp 10.9.0.77", "");
                says("no interface eth0 address 10.9.0.1/16", "");
                if (turn)
                        return;
                for (char *line = strtok(again, "\n"); line; line = strtok(NULL, "\n"))
                        run(line);
                says("show config", shown);
        }
}

static void the_front_says_what_is_wrong(void **state)
{
        says("backend \"\" relay 10.0.0.9:80", "column 1: the name '' is empty or too long: at most 31 letters\n");
        says("rule local path \"\"", "column 1: '' is empty or too long: at most 63 characters\n");
        says("backend local relay 10.0.0.9:80", "column 1: local has a meaning of its own in rules; choose another\n");
        says("backend a balance 10.0.0.9:80", "column 11: expected relay or handoff, found 'balance'\n");
        says("backend a relay 10.0.0.9", "column 17: expected a target ADDRESS:PORT, found '10.0.0.9'\n");
        says("backend a relay 10.0.0.9:0", "column 17: expected a target ADDRESS:PORT, found '10.0.0.9:0'\n");
        says("backend a relay", "column 16: expected a target ADDRESS:PORT, but the line ends here\n");
        says("rule a path /", "column 1: there is no backend a; its `backend` line must come before its rules\n");
        says("listen tcp 5432 backend a", "column 1: there is no backend a; its `backend` line must come first\n");
        says("listen tcp 5432", "column 16: expected backend NAME, but the line ends here\n");
        says("backend a relay 10.0.0.9:80", "");
        says("rule a", "column 7: expected path, host, cookie, etag, source or port (each once), but the line ends here\n");
        says("rule a path /a path /b",
             "column 16: expected path, host, cookie, etag, source or port (each once), found 'path'\n");
        says("rule a cookie x", "column 15: expected KEY=VALUE, found 'x'\n");
        says("rule a port 0", "column 13: expected a port from 1 to 65535, found '0'\n");
        says("rule a path /a", "");
        says("rule a path /a", "column 1: this rule is there already\n");
        says("listen tcp 5432 backend a", "");
        says("listen tcp 5432 backend a", "column 1: port 5432: it is taken; take its `listen` line back first (`show config` has it)\n");
        prints("show config", "listen tcp 5432 backend a\n");
        prints("front", "rule a path /a\n");
        says("no backend a", "column 1: a rule or `listen tcp` names a; take that back first (`front` shows them)\n");
        says("no rule a path /a", "");
        says("no rule a path /a", "column 1: there is no such rule (`front` shows them)\n");
        says("no listen tcp 5432 backend a", "");
        says("no listen tcp 5432", "column 1: tcp port 5432 is not relayed\n");
        says("no backend a", "");
        says("no backend a", "column 1: there is no backend a\n");
}

static void what_cannot_be_done_is_said(void **state)
{
        says("site default /nowhere", "column 1: the volume has no folder /nowhere\n");
        says("site default /www redirect-when-closed \"http://a b/\"", "column 1: http://a b/ is too long, or no URL\n");
        says("no site default", "column 1: there is no site default\n");
        says("cluster name lab", "");
        says("cluster name 0123456789abcdef0123456789abcdef", "column 1: the name is too long: at most 31 letters\n");
        prints("show config", "cluster name lab\n");
        says("no cluster name", "");
        says("no listen http 80", "column 1: http does not listen on port 80\n");
        says("no route 10.77.0.0/16", "column 1: there is no such route\n");
        says("route 10.77.0.0/16 via 203.0.113.1",
             "column 1: no interface is in the network of 203.0.113.1: give it an address first\n");
        says("interface eth0 address 224.0.0.1/24", "column 1: 224.0.0.1 cannot be an interface's address\n");
        says("interface eth0 address 10.0.0.0/8", "column 1: 10.0.0.0/8 names the network (or all of it): give an address between\n");
        says("interface eth0 address 10.9.0.255/24", "column 1: 10.9.0.255/24 names the network (or all of it): give an address between\n");
        says("dhcp eth0 renew", "column 1: eth0 does not use DHCP (interface eth0 dhcp starts it)\n");
        says("cat /www", "column 1: /www is a folder: ls shows what is in it\n");
        says("listen http 80", "");
        says("listen http 80 optional-syn on", "column 1: port 80: it is taken; take its `listen` line back first (`show config` has it)\n");
        says("listen echo 80", "column 1: port 80: it is taken; take its `listen` line back first (`show config` has it)\n");
        prints("show config", "listen http 80\n");
        says("listen http 81", "");
        says("listen http 82", "");
        says("listen http 83", "");
        says("listen http 84", "column 1: port 84: that is one too many; take another `listen` line back first\n");
        says("no listen http 83", "");
        says("no listen http 82", "");
        says("no listen http 81", "");
        says("no listen http 80", "");
        says("cat /nothing", "column 1: /nothing: there is no such file\n");
}

static void save_says_that_nothing_is_kept(void **state)
{
        prints("save", "hostname ");
        prints("save", "Nothing was kept");
}

static void every_command_prints_something_or_is_quiet(void **state)
{
        static const char *const lines[] = {"arp", "cat qure.conf", "date", "dhcp", "dmesg", "help", "ifconfig", "ls", "mem",
                                            "netstat", "netstat -s",
                                            "netstat -i", "netstat -r", "ps", "route", "show config", "uptime", "hostname",
                                                    "help route"};

        for (u32 i = 0; i < COUNT_OF(lines); i++)
                if (strstr(run(lines[i]), "expected") || !plat.n_written)
                        fail_msg("%s: %s", lines[i], plat.written);
        prints("cat qure.conf", "bogus 1\n");
        prints("ls", "www/\n");
        prints("ls", "1994-11-06 08:49  qure.conf\n");
        prints("date", "Sun 1994-11-06 08:49:37 UTC");
        says("date 2026-11-20 10:00:00", "");
        prints("date", "Fri 2026-11-20 10:00:00 UTC");
        prints("uptime", "up 0 days 00:00:");
        prints("ps", "net");
}

/* The screen has 80 columns, and wraps in the middle of a word; of its 25 lines the next prompt takes one. Either list has what the
 * other has not. */
static void help_fits_the_screen(void **state)
{
        static const char *const lists[] = {"help", "help settings"};
        u32 listed = 0;

        for (u32 i = 0; i < COUNT_OF(lists); i++) {
                u32 lines = 0;

                run(lists[i]);
                for (char *line = strtok(plat.written, "\n"), name[16]; line; line = strtok(NULL, "\n")) {
                        if (strlen(line) > 79 || ++lines > 24)
                                fail_msg("line %u, %zu columns: %s", lines, strlen(line), line);
                        sscanf(line, "%15s", name);
                        listed += command_find(name) != NULL;
                }
        }
        assert_int_equal(listed, n_commands);
        says("help settings now", "column 15: expected the end of the line, found 'now'\n");
}

static char *file_text(const char *path)
{
        FILE *f = fopen(path, "r");
        char *s = calloc(1, 65536);

        assert_non_null(f);
        assert_true(fread(s, 1, 65535, f) > 0);
        fclose(f);
        return s;
}

/* The sample holds every command that may stand in a file; its lines, active or commented, all parse. */
static void the_sample_file_is_complete_and_right(void **state)
{
        char *s = file_text("boot/volume/qure.conf"), *doc = file_text("doc/shell.md"), want[64];

        for (u32 i = 0; i < n_commands; i++) {
                snprintf(want, sizeof(want), "%s", commands[i].name);
                if (!strstr(s, want))
                        fail_msg("the sample does not know %s", want);
                snprintf(want, sizeof(want), "`%s", commands[i].name);
                if (!strstr(doc, want))
                        fail_msg("doc/shell.md does not know %s", want);
        }
        for (char *line = strtok(s, "\n"); line; line = strtok(NULL, "\n")) {
                char *word = line + (strncmp(line, "# ", 2) == 0 ? 2 : 0), name[32] = "";

                sscanf(word, "%31s", name);
                if (!command_find(name) || strstr(word, "eth1"))
                        continue;
                if (strstr(run(word), "expected"))
                        fail_msg("%s: %s", word, plat.written);
        }
        free(s);
        free(doc);
}

static void names_and_literals_complete(void **state)
{
        static const struct { const char *typed, *completed; } t[] = {
                {"netst", "netstat "}, {"interface e", "interface eth0 "}, {"interface eth0 dh", "interface eth0 dhcp "},
                        {"no rou", "no route "},
                {"cat qu", "cat qure.conf "}, {"ls w", "ls www/"}, {"ls qu", "ls qu"}, {"site default w", "site default www/"},
                        {"help upt", "help uptime "}, {"help se", "help se"}, {"help set", "help settings "}, {"x", "x"},
                        {"interf", "interface "}, {"i", "i"}};

        for (u32 i = 0; i < COUNT_OF(t); i++) {
                char line[64];
                u32 len = (u32)strlen(t[i].typed), at = len;

                strcpy(line, t[i].typed);
                edit_complete(line, &len, &at, sizeof(line));
                line[len] = 0;
                assert_string_equal(line, t[i].completed);
                assert_int_equal(at, len);
        }
}

static void keys_are(const char *keys, const char *want)
{
        char line[64];

        plat.keys = keys;
        assert_int_equal(edit_line("> ", line, sizeof(line)), strlen(want));
        assert_string_equal(line, want);
}

static void keys_edit_the_line(void **state)
{
        keys_are("abc\r", "abc");
        keys_are("abc\177\177x\r", "ax");
        keys_are("abc\033[D\033[DX\r", "aXbc");
        keys_are("abc\001X\005Y\r", "XabcY");
        keys_are("one two\027x\r", "one x");
        keys_are("one two\033[D\033[D\013\r", "one t");
        keys_are("one two\033[D\033[D\025\r", "wo");
        keys_are("abc\033[H\033[3~\033[F.\r", "bc.");
        keys_are("abc\033OD-\r", "ab-c");
        keys_are("first\r", "first");
        keys_are("second\r", "second");
        keys_are("\033[A\r", "second");
        keys_are("\033[A\033[A\r", "first");
        keys_are("\033[A\033[A\033[B!\r", "first!");
        keys_are("01234567890123456789012345678901234567890123456789012345678901234567890123456789\r",
                 "012345678901234567890123456789012345678901234567890123456789012");
        plat.keys = "abc\003";
        char line[64];
        assert_int_equal(edit_line("> ", line, sizeof(line)), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_file_runs_on_behind_its_errors),
                cmocka_unit_test(errors_name_the_place_and_what_was_expected),
                cmocka_unit_test(console_commands_are_refused_in_a_file),
                cmocka_unit_test(lines_are_shown_and_taken_back),
                cmocka_unit_test(shown_settings_run_again_in_their_order),
                cmocka_unit_test(the_front_says_what_is_wrong),
                cmocka_unit_test(what_cannot_be_done_is_said),
                cmocka_unit_test(save_says_that_nothing_is_kept),
                cmocka_unit_test(every_command_prints_something_or_is_quiet),
                cmocka_unit_test(help_fits_the_screen),
                cmocka_unit_test(the_sample_file_is_complete_and_right),
                cmocka_unit_test(names_and_literals_complete),
                cmocka_unit_test(keys_edit_the_line),
        };
        return cmocka_run_group_tests(tests, begin, end);
}
