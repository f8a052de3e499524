/* fmt.c - bounded formatted text without a libc: integers, strings, addresses. No floating point.
 * SPDX-License-Identifier: MIT */
#include "fmt.h"
#include "addr.h"
#include "mem.h"

struct out { char *dst; size_t room, len; };

static void put(struct out *o, char c)
{
        if (o->len + 1 < o->room)
                o->dst[o->len] = c;
        o->len++;
}

struct spec { bool left, zero, plus; int width, prec; int longs; };

static void put_padded(struct out *o, const struct spec *s, const char *text, int n)
{
        int pad = s->width > n ? s->width - n : 0;
        if (!s->left)
                for (; pad > 0; pad--)
                        put(o, ' ');
        for (int i = 0; i < n; i++)
                put(o, text[i]);
        for (; pad > 0; pad--)
                put(o, ' ');
}

/* Divides the 64-bit *v by a small base with 32-bit steps and returns the remainder. */
static u32 div_small(u64 *v, u32 base)
{
        u32 hi = (u32)(*v >> 32), lo = (u32)*v, rem = hi % base;
        hi /= base;
        u32 q;
        __asm__("div %3" : "=a"(q), "+d"(rem) : "0"(lo), "r"(base) : "cc");
        *v = (u64)hi << 32 | q;
        return rem;
}

static void put_number(struct out *o, struct spec *s, u64 v, bool negative, u32 base, bool upper)
{
        char buf[72];
        int i = sizeof buf;
        int digits = 0;
        do {
                u32 d = div_small(&v, base);
                buf[--i] = (char)(d < 10 ? '0' + d : (upper ? 'A' : 'a') + d - 10);
                digits++;
        } while (v && i > 1);
        int sign = negative || s->plus;
        int want = s->prec >= 0 ? s->prec : (s->zero && !s->left ? s->width - sign : 0);
        while (digits < want && i > 1) {
                buf[--i] = '0';
                digits++;
        }
        if (sign)
                buf[--i] = negative ? '-' : '+';
        put_padded(o, s, buf + i, (int)sizeof buf - i);
}

static void put_ip(struct out *o, struct spec *s, const ipaddr *a)
{
        char text[16];
        int n = fmt(text, sizeof text, "%u.%u.%u.%u", a->v4.b[0], a->v4.b[1], a->v4.b[2], a->v4.b[3]);
        put_padded(o, s, text, n);
}

static void put_mac(struct out *o, struct spec *s, const macaddr *m)
{
        char text[18];
        int n = fmt(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", m->b[0], m->b[1], m->b[2], m->b[3], m->b[4], m->b[5]);
        put_padded(o, s, text, n);
}

static void put_string(struct out *o, struct spec *s, const char *text)
{
        int n = 0;
        if (!text)
                text = "(null)";
        while ((s->prec < 0 || n < s->prec) && text[n])
                n++;
        put_padded(o, s, text, n);
}

/* As the shell takes it for one word (doc/shell.md): in quotes where that takes them. */
static void put_word(struct out *o, struct spec *s, const char *text)
{
        bool bare = *text && *text != '#';
        for (const char *c = text; *c; c++)
                bare &= (u8)*c > ' ';
        if (!bare)
                put(o, '"');
        put_string(o, s, text);
        if (!bare)
                put(o, '"');
}

static int number(const char **f)
{
        int n = 0;
        while (**f >= '0' && **f <= '9')
                n = n * 10 + *(*f)++ - '0';
        return n;
}

/* Parses flags, width, precision and length between '%' and the conversion letter. */
static struct spec parse_spec(const char **f, va_list *ap)
{
        struct spec s = {.prec = -1};
        for (;; (*f)++) {
                if (**f == '-')
                        s.left = true;
                else if (**f == '0')
                        s.zero = true;
                else if (**f == '+')
                        s.plus = true;
                else
                        break;
        }
        if (**f == '*') {
                s.width = va_arg(*ap, int);
                (*f)++;
        } else {
                s.width = number(f);
        }
        if (**f == '.') {
                (*f)++;
                if (**f == '*') {
                        s.prec = va_arg(*ap, int);
                        (*f)++;
                } else {
                        s.prec = number(f);
                }
        }
        for (; **f == 'l' || **f == 'z'; (*f)++)
                s.longs += **f == 'l';
        return s;
}

static u64 arg_unsigned(const struct spec *s, va_list *ap)
{
        return s->longs >= 2 ? va_arg(*ap, u64) : va_arg(*ap, u32);
}

static void convert(struct out *o, char c, struct spec *s, va_list *ap)
{
        switch (c) {
        case 'd':
        case 'i': {
                s64 v = s->longs >= 2 ? va_arg(*ap, s64) : va_arg(*ap, s32);
                put_number(o, s, v < 0 ? 0 - (u64)v : (u64)v, v < 0, 10, false);
                break;
        }
        case 'u': s->plus = false; put_number(o, s, arg_unsigned(s, ap), false, 10, false); break;
        case 'x':
        case 'X': s->plus = false; put_number(o, s, arg_unsigned(s, ap), false, 16, c == 'X'); break;
        case 'o': s->plus = false; put_number(o, s, arg_unsigned(s, ap), false, 8, false); break;
        case 'p': s->zero = true; s->width = 8; put_number(o, s, va_arg(*ap, u32), false, 16, false); break;
        case 'c': { char ch = (char)va_arg(*ap, int); put_padded(o, s, &ch, 1); break; }
        case 's': put_string(o, s, va_arg(*ap, const char *)); break;
        case 'w': put_word(o, s, va_arg(*ap, const char *)); break;
        case 'I': put_ip(o, s, va_arg(*ap, const ipaddr *)); break;
        case 'M': put_mac(o, s, va_arg(*ap, const macaddr *)); break;
        default: put(o, '%'); put(o, c);
        }
}

int fmt_v(char *dst, size_t n, const char *f, va_list args)
{
        struct out o = {dst, n, 0};
        va_list ap;
        va_copy(ap, args);
        while (*f) {
                if (*f != '%') {
                        put(&o, *f++);
                        continue;
                }
                f++;
                if (*f == '%') {
                        put(&o, *f++);
                        continue;
                }
                struct spec s = parse_spec(&f, &ap);
                if (!*f)
                        break;
                convert(&o, *f++, &s, &ap);
        }
        va_end(ap);
        if (n)
                dst[o.len < n ? o.len : n - 1] = 0;
        return (int)o.len;
}

int fmt(char *dst, size_t n, const char *f, ...)
{
        va_list ap;
        va_start(ap, f);
        int len = fmt_v(dst, n, f, ap);
        va_end(ap);
        return len;
}
