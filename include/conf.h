/* conf.h - inside the shell: words of a line, commands, and output. Only c/shell/ reads this.
 * A command takes its words one by one with take_*; each of these reports file, line, column and what was
 * expected when the word does not fit, and then the command returns -1 at once.
 * SPDX-License-Identifier: MIT */
#ifndef CONF_H
#define CONF_H

#include "addr.h"
#include "platform.h"

enum { LINE_MAX = 256, WORDS_MAX = 24 };

struct words {
        const char *file;             /* NULL = typed */
        u32         line, n, at;      /* at = the next word to take */
        char       *word[WORDS_MAX];
        u16         col[WORDS_MAX];   /* from 1 */
        u16         end;              /* column behind the last word */
        char        text[LINE_MAX];   /* the words, cut apart */
};

enum cmd_flag {
        CMD_CONF  = 1, /* a configuration line: `show config` prints it back */
        CMD_TYPED = 2, /* only at the console: waits for a person */
};

struct cmd {
        const char *name;
        const char *syntax;             /* arguments: lower-case words are literal, | separates choices, [] is optional,
                                           and IF FILE COMMAND (which completion knows) or other capitals stand for values */
        const char *help;               /* one sentence */
        int       (*run)(struct words *w);
        int       (*no)(struct words *w); /* takes the line back; NULL = cannot */
        void      (*show)(void);        /* prints the lines that make the present settings; NULL = none */
        u8          flags;
};

extern const struct cmd commands[];
extern const u32 n_commands;
const struct cmd *command_find(const char *name);

/* Cuts text into words: blanks separate, "..." joins, # begins a comment. -1 (reported) when too long or a quote is open. */
int words_cut(struct words *w, const char *text);
/* Reports `expected ...` at the last taken word (or at the end of the line when there was none to take); always -1. */
int words_fail(struct words *w, const char *expected);
/* The same at the next word, which no take_if() wanted. */
int words_miss(struct words *w, const char *expected);
/* Reports that the line is well-formed but cannot be done; always -1. */
int words_refuse(struct words *w, const char *format, ...);

bool words_more(const struct words *w);
/* Takes the next word when it is exactly this one; no report. */
bool take_if(struct words *w, const char *literal);
/* These return false after a report. `what` names the argument: "a host name". */
bool take_word(struct words *w, const char *what, const char **out);
bool take_u32(struct words *w, const char *what, u32 lo, u32 hi, u32 *out);
bool take_addr(struct words *w, ipaddr *out);
bool take_prefix(struct words *w, ipaddr *net, u8 *plen);  /* A/B */
bool take_mac(struct words *w, macaddr *out);
bool take_nif(struct words *w, struct netif **out);
bool take_end(struct words *w);                            /* nothing may follow */

bool text_addr(const char *s, ipaddr *out);                /* a.b.c.d and nothing else */
bool text_u32(const char *s, u32 hi, u32 *out);            /* decimal digits only, at most hi */
bool text_is(const char *a, const char *b);                /* equal strings */
struct netif *nif_named(const char *name);

/* Output of commands, to the console. */
void out(const char *format, ...);                         /* as fmt.h */
void out_bytes(const char *s, size_t n);

/* Input. stop_pressed: Ctrl-C came since the command began (lets the system run meanwhile). */
bool stop_pressed(void);
/* Waits until *done, Ctrl-C or ms; true when *done. */
bool wait_for(const volatile bool *done, u32 ms);
/* Waits ms; false when Ctrl-C cut it short. */
bool wait_ms(u32 ms);
/* The next byte of input, those that stop_pressed read ahead first; -1 when there is none. */
int key_get(void);
/* Forgets input read ahead and a Ctrl-C: at the beginning of a command. */
void key_reset(void);

/* Line editor: shows prompt, returns the length of the line in dst; 0 for none or Ctrl-C. */
u32 edit_line(const char *prompt, char *dst, u32 size);
/* Completes the word that ends at *at, or shows the choices. */
void edit_complete(char *line, u32 *len, u32 *at, u32 size);

#endif
