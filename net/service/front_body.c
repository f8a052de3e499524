/* front_body.c - how far a message goes: Content-Length, chunked, or to the end of the connection (RFC 9112 6.3, 7.1).
 * Bytes are only looked at where the framing is; nothing is decoded. What two readers could take differently is refused.
 * SPDX-License-Identifier: MIT */
#include "front_impl.h"

/* Where in a chunked body the next byte stands. */
enum chunk_step {
        SIZE_FIRST, SIZE, EXTENSION, SIZE_LF, /* 1a;name=value CR LF */
        DATA, DATA_CR, DATA_LF,
        TRAILER_FIRST, TRAILER, TRAILER_LF,   /* lines behind the last chunk */
        END_LF,                               /* of the empty line */
};

static int hex(u8 c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_text(u8 c) { return (c >= 0x20 && c != 0x7f) || c == '\t'; }

/* A byte of a chunk's size: a digit, or what ends it. Blanks before the extension are allowed for old peers' sake (7.1.1). */
static u8 size_byte(struct front_body *b, u8 c)
{
        int d = hex(c);

        if (d >= 0) {
                if (b->left >> 56)
                        b->kind = BODY_BAD;
                b->left = b->left << 4 | (u32)d;
                return SIZE;
        }
        if (b->step == SIZE_FIRST)
                b->kind = BODY_BAD;
        if (c == '\r')
                return SIZE_LF;
        if (c != ';' && c != ' ' && c != '\t')
                b->kind = BODY_BAD;
        return EXTENSION;
}

static u8 must_be(struct front_body *b, u8 c, u8 want, u8 step)
{
        if (c != want)
                b->kind = BODY_BAD;
        return step;
}

/* In a line of text up to its CR. */
static u8 text_byte(struct front_body *b, u8 c, u8 stay, u8 leave)
{
        if (c == '\r')
                return leave;
        if (!is_text(c))
                b->kind = BODY_BAD;
        return stay;
}

static void chunk_byte(struct front_body *b, u8 c)
{
        bool trailer = b->step >= TRAILER_FIRST;

        if (++b->line > (trailer ? FRONT_TRAILERS : FRONT_CHUNK_LINE)) {
                b->kind = BODY_BAD;
                return;
        }
        switch (b->step) {
        case SIZE_FIRST: case SIZE: b->step = size_byte(b, c); break;
        case EXTENSION: b->step = text_byte(b, c, EXTENSION, SIZE_LF); break;
        case SIZE_LF:
                b->step = must_be(b, c, '\n', b->left ? DATA : TRAILER_FIRST);
                b->line = 0;
                break;
        case DATA_CR: b->step = must_be(b, c, '\r', DATA_LF); break;
        case DATA_LF:
                b->step = must_be(b, c, '\n', SIZE_FIRST);
                b->line = 0;
                break;
        case TRAILER_FIRST: b->step = text_byte(b, c, TRAILER, END_LF); break;
        case TRAILER: b->step = text_byte(b, c, TRAILER, TRAILER_LF); break;
        case TRAILER_LF: b->step = must_be(b, c, '\n', TRAILER_FIRST); break;
        case END_LF:
                must_be(b, c, '\n', END_LF);
                if (b->kind == BODY_CHUNKED)
                        b->kind = BODY_DONE;
                break;
        }
}

static u32 least(u64 left, u32 n) { return left < n ? (u32)left : n; }

static u32 chunked_pass(struct front_body *b, const u8 *p, u32 n)
{
        u32 i = 0;

        while (i < n && b->kind == BODY_CHUNKED) {
                if (b->step == DATA) {
                        u32 k = least(b->left, n - i);

                        i += k;
                        b->left -= k;
                        if (!b->left)
                                b->step = DATA_CR;
                } else {
                        chunk_byte(b, p[i]);
                        i += b->kind != BODY_BAD;
                }
        }
        return i;
}

u32 front_body_pass(struct front_body *b, const u8 *p, u32 n)
{
        u32 head = min_u32(b->head, n), k = 0;

        b->head -= head;
        if (b->head)
                return head;
        n -= head;
        switch (b->kind) {
        case BODY_LENGTH:
                k = least(b->left, n);
                b->left -= k;
                if (!b->left)
                        b->kind = BODY_DONE;
                break;
        case BODY_CHUNKED: k = chunked_pass(b, p + head, n); break;
        case BODY_CLOSE: k = n; break;
        default: break;
        }
        return head + k;
}
