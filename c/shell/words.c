/* words.c - cuts a line into words and takes them as arguments, with an exact place in every complaint.
 * SPDX-License-Identifier: MIT */
#include "conf.h"
#include "fmt.h"
#include "mem.h"

bool text_is(const char *a, const char *b) { return strcmp(a, b) == 0; }

/* Says what is wrong at a column of the line: of a file in the log, where it can be found later. */
static int complain(struct words *w, u32 col, const char *text)
{
        char line[224];

        if (!w->file) {
                out("column %u: %s\n", col, text);
                return -1;
        }
        fmt(line, sizeof(line), "%s:%u:%u: %s", w->file, w->line, col, text);
        plat_log(line);
        return -1;
}

int words_fail(struct words *w, const char *expected)
{
        char text[160];
        bool at_end = w->at > w->n;

        if (at_end)
                fmt(text, sizeof(text), "expected %s, but the line ends here", expected);
        else
                fmt(text, sizeof(text), "expected %s, found '%s'", expected, w->word[w->at ? w->at - 1 : 0]);
        return complain(w, at_end ? w->end : w->col[w->at ? w->at - 1 : 0], text);
}

int words_miss(struct words *w, const char *expected)
{
        w->at++;
        return words_fail(w, expected);
}

int words_refuse(struct words *w, const char *format, ...)
{
        char text[160];
        va_list ap;

        va_start(ap, format);
        fmt_v(text, sizeof(text), format, ap);
        va_end(ap);
        return complain(w, w->n ? w->col[0] : 1, text);
}

int words_cut(struct words *w, const char *text)
{
        u32 i = 0, o = 0;

        w->n = w->at = 0;
        w->end = 1;
        for (;;) {
                while (text[i] == ' ' || text[i] == '\t' || text[i] == '\r')
                        i++;
                if (!text[i] || text[i] == '#')
                        return 0;
                if (w->n == WORDS_MAX)
                        return complain(w, i + 1, "too many words in a line");
                w->word[w->n] = w->text + o;
                w->col[w->n++] = (u16)(i + 1);
                bool quoted = false;
                u32 open = 0;
                for (; text[i] && (quoted || (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')); i++) {
                        if (text[i] == '"') {
                                quoted = !quoted;
                                open = i + 1;
                                continue;
                        }
                        if (o + 2 > LINE_MAX)
                                return complain(w, i + 1, "the line is too long");
                        w->text[o++] = text[i];
                }
                if (quoted)
                        return complain(w, open, "this quote is not closed");
                if (o + 2 > LINE_MAX)
                        return complain(w, i + 1, "the line is too long");
                w->text[o++] = 0;
                w->end = (u16)(i + 1);
        }
}

bool words_more(const struct words *w) { return w->at < w->n; }

bool take_if(struct words *w, const char *literal)
{
        bool is = words_more(w) && text_is(w->word[w->at], literal);

        w->at += is;
        return is;
}

bool take_word(struct words *w, const char *what, const char **out_word)
{
        if (w->at++ >= w->n) {
                words_fail(w, what);
                return false;
        }
        *out_word = w->word[w->at - 1];
        return true;
}

bool text_u32(const char *s, u32 hi, u32 *out_n)
{
        u32 n = 0;

        if (!*s)
                return false;
        for (; *s; s++) {
                u32 digit = (u32)(*s - '0');

                if (digit > 9 || n > (hi - min_u32(digit, hi)) / 10 || n * 10 + digit > hi)
                        return false;
                n = n * 10 + digit;
        }
        *out_n = n;
        return true;
}

bool take_u32(struct words *w, const char *what, u32 lo, u32 hi, u32 *out_n)
{
        const char *s;
        char expected[96];

        fmt(expected, sizeof(expected), "%s from %u to %u", what, lo, hi);
        if (!take_word(w, expected, &s))
                return false;
        if (text_u32(s, hi, out_n) && *out_n >= lo)
                return true;
        words_fail(w, expected);
        return false;
}

bool text_addr(const char *s, ipaddr *out_addr)
{
        ipaddr a;

        for (u32 i = 0; i < 4; i++) {
                u32 n = 0, digits = 0;

                for (; *s >= '0' && *s <= '9' && digits < 4; s++, digits++)
                        n = n * 10 + (u32)(*s - '0');
                if (!digits || digits > 3 || n > 255 || *s != (i < 3 ? '.' : 0))
                        return false;
                a.v4.b[i] = (u8)n;
                s++;
        }
        *out_addr = a;
        return true;
}

bool take_addr(struct words *w, ipaddr *out_addr)
{
        const char *s, *what = "an address a.b.c.d";

        if (!take_word(w, what, &s))
                return false;
        if (!text_addr(s, out_addr))
                words_fail(w, what);
        return text_addr(s, out_addr);
}

bool take_prefix(struct words *w, ipaddr *net, u8 *plen)
{
        const char *s, *what = "an address with prefix length, a.b.c.d/0 to /32";
        char addr[16];
        u32 i = 0, n;

        if (!take_word(w, what, &s))
                return false;
        while (s[i] && s[i] != '/' && i < sizeof(addr) - 1) {
                addr[i] = s[i];
                i++;
        }
        addr[i] = 0;
        if (s[i] != '/' || !text_u32(s + i + 1, 32, &n) || !text_addr(addr, net)) {
                words_fail(w, what);
                return false;
        }
        *plen = (u8)n;
        return true;
}

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool take_mac(struct words *w, macaddr *out_mac)
{
        const char *s, *what = "a link address xx:xx:xx:xx:xx:xx";

        if (!take_word(w, what, &s))
                return false;
        for (u32 i = 0; i < 6; i++, s += 3) {
                int hi = hex_digit(s[0]), lo = hi < 0 ? -1 : hex_digit(s[1]);

                if (lo < 0 || s[2] != (i < 5 ? ':' : 0)) {
                        words_fail(w, what);
                        return false;
                }
                out_mac->b[i] = (u8)(hi << 4 | lo);
        }
        return true;
}

struct netif *nif_named(const char *name)
{
        struct stack *st = plat_stack();

        for (u32 i = 0; i < st->n_nifs; i++)
                if (text_is(st->nif[i]->name, name))
                        return st->nif[i];
        return NULL;
}

bool take_nif(struct words *w, struct netif **out_nif)
{
        struct stack *st = plat_stack();
        char what[96];
        int n = fmt(what, sizeof(what), "an interface (%s", st->n_nifs ? "" : "there is none");
        const char *s;

        for (u32 i = 0; i < st->n_nifs; i++)
                n += fmt(what + n, sizeof(what) - (size_t)n, "%s%s", i ? " " : "", st->nif[i]->name);
        fmt(what + n, sizeof(what) - (size_t)n, ")");
        if (!take_word(w, what, &s))
                return false;
        *out_nif = nif_named(s);
        if (!*out_nif)
                words_fail(w, what);
        return *out_nif != NULL;
}

bool take_end(struct words *w)
{
        if (!words_more(w))
                return true;
        words_miss(w, "the end of the line");
        return false;
}
