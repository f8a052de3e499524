/* keymap.c - US keyboard, scan code set 1. Cursor keys become ANSI escape sequences; Num Lock is taken to be off.
 * SPDX-License-Identifier: MIT */
#include "keymap.h"
#include "mem.h"

enum {
        CTRL = 0x1d, SHIFT_L = 0x2a, SHIFT_R = 0x36, ALT = 0x38, CAPS = 0x3a,
        HOME = 0x47, UP = 0x48, PGUP = 0x49, LEFT = 0x4b, RIGHT = 0x4d, END = 0x4f, DOWN = 0x50, PGDN = 0x51, DELETE = 0x53,
        SLASH = 0x35, ENTER = 0x1c, RELEASE = 0x80, EXTENDED = 0xe0, EXTENDED_PAUSE = 0xe1,
};

/* Index is the scan code, 0x00 to 0x39. */
static const char plain[]   = "\0\0331234567890-=\177\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] = "\0\033!@#$%^&*()_+\177\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";
_Static_assert(sizeof(plain) == 0x3a + 1 && sizeof(shifted) == sizeof(plain), "one character a scan code");

static const struct { u8 code; const char *text; } sequences[] = {
        { UP, "\033[A" }, { DOWN, "\033[B" }, { RIGHT, "\033[C" }, { LEFT, "\033[D" },
        { HOME, "\033[H" }, { END, "\033[F" }, { DELETE, "\033[3~" }, { PGUP, "\033[5~" }, { PGDN, "\033[6~" },
};

static bool modifier(struct keymap *k, u8 key, bool down)
{
        if (key == SHIFT_L || key == SHIFT_R)
                k->shift = down;
        else if (key == CTRL)
                k->ctrl = down;
        else if (key == ALT)
                k->alt = down;
        else if (key == CAPS)
                k->caps ^= down;
        else
                return false;
        return true;
}

static int character(const struct keymap *k, u8 key, char out[KEYMAP_BYTES])
{
        if (key >= sizeof(plain) - 1 || !plain[key])
                return 0;
        bool letter = plain[key] >= 'a' && plain[key] <= 'z';
        char c = (k->shift ^ (letter && k->caps)) ? shifted[key] : plain[key];
        if (k->ctrl)
                c &= 0x1f;
        out[0] = c;
        return 1;
}

int keymap_take(struct keymap *k, u8 code, char out[KEYMAP_BYTES])
{
        if (code == EXTENDED || code == EXTENDED_PAUSE) {
                k->extended = true;
                return 0;
        }
        bool extended = k->extended, down = !(code & RELEASE);
        u8 key = code & ~RELEASE;
        k->extended = false;
        if (extended && (key == SHIFT_L || key == SHIFT_R))     /* made up by the keyboard around cursor keys */
                return 0;
        if (modifier(k, key, down) || !down)
                return 0;
        if (k->shift && key == PGUP)
                return KEYMAP_SCROLL_UP;
        if (k->shift && key == PGDN)
                return KEYMAP_SCROLL_DOWN;
        for (u32 i = 0; i < COUNT_OF(sequences); i++)
                if (sequences[i].code == key) {
                        u32 n = strlen(sequences[i].text);
                        memcpy(out, sequences[i].text, n);
                        return (int)n;
                }
        if (extended && key != SLASH && key != ENTER)
                return 0;
        return character(k, key, out);
}
