/* edit.c - the line editor: cursor keys, history, the usual control keys. Works on any terminal that knows
 * carriage return, backspace and ESC [ K; a line longer than the window scrolls sideways.
 * SPDX-License-Identifier: MIT */
#include "conf.h"
#include "mem.h"

enum { HISTORY = 16, WINDOW = 78, IDLE_MS = 1000, ESC_MS = 30 };
enum { CTRL = 0x1f, KEY_UP = 256, KEY_DOWN, KEY_RIGHT, KEY_LEFT, KEY_HOME, KEY_END, KEY_DELETE, KEY_NONE };

static char history[HISTORY][LINE_MAX];
static u32 n_history; /* lines ever entered; the last HISTORY are kept */

struct editor { const char *prompt; char *line; u32 len, at, size, shown, prompt_len; };

static int key_wait(u32 ms)
{
        int c = key_get();

        for (u32 waited = 0; c < 0 && waited < ms; waited += ESC_MS) {
                plat_wait(ESC_MS);
                c = key_get();
        }
        return c;
}

/* ESC [ A, ESC O A, ESC [ 3 ~ and relatives as one key. */
static int key_escape(void)
{
        static const struct { char final; short key; } plain[] = {
                {'A', KEY_UP}, {'B', KEY_DOWN}, {'C', KEY_RIGHT}, {'D', KEY_LEFT}, {'H', KEY_HOME}, {'F', KEY_END}};
        int c = key_wait(ESC_MS), number = 0;

        if (c != '[' && c != 'O')
                return KEY_NONE;
        while ((c = key_wait(ESC_MS)) >= '0' && c <= '?')
                number = c <= '9' ? number * 10 + c - '0' : 0;
        for (u32 i = 0; i < COUNT_OF(plain); i++)
                if (c == plain[i].final)
                        return plain[i].key;
        if (c != '~')
                return KEY_NONE;
        return number == 1 || number == 7 ? KEY_HOME : number == 4 || number == 8 ? KEY_END : number == 3 ? KEY_DELETE : KEY_NONE;
}

/* Draws the line anew, such that the cursor is inside the window. */
static void draw(struct editor *e)
{
        u32 room = WINDOW - e->prompt_len, n;

        if (e->at < e->shown || e->at - e->shown > room)
                e->shown = e->at > room / 2 ? e->at - room / 2 : 0;
        n = min_u32(e->len - e->shown, room);
        out("\r%s", e->prompt);
        out_bytes(e->line + e->shown, n);
        out("\033[K");
        for (u32 i = e->shown + n; i > e->at; i--)
                out_bytes("\b", 1);
}

static void erase(struct editor *e, u32 from, u32 to)
{
        memmove(e->line + from, e->line + to, e->len - to);
        e->len -= to - from;
        e->at = from;
}

/* Puts a character in. True when it stands at the end of the line and is shown already. */
static bool insert(struct editor *e, char c)
{
        bool at_end = e->at == e->len && e->at - e->shown < WINDOW - e->prompt_len;

        if (e->len + 1 >= e->size)
                return true;
        memmove(e->line + e->at + 1, e->line + e->at, e->len - e->at);
        e->line[e->at++] = c;
        e->len++;
        if (at_end)
                out_bytes(&c, 1);
        return at_end;
}

/* Shows the history line `n` (n_history = the new one, empty). */
static void recall(struct editor *e, u32 n)
{
        e->len = e->at = 0;
        if (n < n_history) {
                e->len = e->at = min_u32((u32)strlen(history[n % HISTORY]), e->size - 1);
                memcpy(e->line, history[n % HISTORY], e->len);
        }
}

/* Lines with the cluster's secret are not kept. */
static bool secret(const struct editor *e)
{
        static const char word[] = "secret";

        for (u32 i = 0; i + sizeof(word) - 1 <= e->len; i++)
                if (memcmp(e->line + i, word, sizeof(word) - 1) == 0)
                        return true;
        return false;
}

static void remember(const struct editor *e)
{
        const char *last = n_history ? history[(n_history - 1) % HISTORY] : "";

        if (!e->len || secret(e) || (strlen(last) == e->len && memcmp(last, e->line, e->len) == 0))
                return;
        char *slot = history[n_history++ % HISTORY];
        memcpy(slot, e->line, e->len);
        slot[e->len] = 0;
}

static u32 word_begin(const struct editor *e)
{
        u32 i = e->at;

        while (i && e->line[i - 1] == ' ')
                i--;
        while (i && e->line[i - 1] != ' ')
                i--;
        return i;
}

/* One editing key; false when it is none. */
static bool edit_key(struct editor *e, int c)
{
        switch (c) {
        case KEY_LEFT: case CTRL & 'B': e->at -= e->at > 0; return true;
        case KEY_RIGHT: case CTRL & 'F': e->at += e->at < e->len; return true;
        case KEY_HOME: case CTRL & 'A': e->at = 0; return true;
        case KEY_END: case CTRL & 'E': e->at = e->len; return true;
        case KEY_DELETE: case CTRL & 'D': if (e->at < e->len) erase(e, e->at, e->at + 1); return true;
        case 0x7f: case '\b': if (e->at) erase(e, e->at - 1, e->at); return true;
        case CTRL & 'K': e->len = e->at; return true;
        case CTRL & 'U': erase(e, 0, e->at); return true;
        case CTRL & 'W': erase(e, word_begin(e), e->at); return true;
        case CTRL & 'L': out("\033[H\033[2J"); return true;
        default: return false;
        }
}

u32 edit_line(const char *prompt, char *dst, u32 size)
{
        struct editor e = {.prompt = prompt, .line = dst, .size = size, .prompt_len = (u32)strlen(prompt)};
        u32 place = n_history, oldest = n_history > HISTORY ? n_history - HISTORY : 0;

        draw(&e);
        for (;;) {
                int c = key_get();

                if (c < 0) {
                        plat_wait(IDLE_MS);
                        continue;
                }
                if (c == 27)
                        c = key_escape();
                if (c == '\r' || c == '\n')
                        break;
                if (c == (CTRL & 'C')) {
                        out("^C\n");
                        return 0;
                }
                if ((c == KEY_UP && place > oldest) || (c == KEY_DOWN && place < n_history))
                        recall(&e, c == KEY_UP ? --place : ++place);
                else if (c == '\t')
                        edit_complete(dst, &e.len, &e.at, size);
                else if (!edit_key(&e, c) && c >= 32 && c < 256 && c != 0x7f && insert(&e, (char)c))
                        continue; /* the character itself was all there is to draw */
                draw(&e);
        }
        if (e.at < e.len) {
                e.at = e.len;
                draw(&e);
        }
        out("\n");
        dst[e.len] = 0;
        remember(&e);
        return e.len;
}
