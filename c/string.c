/* string.c - the memory and string functions that the compiler and the kernel expect; no locale, no wide characters.
 * SPDX-License-Identifier: MIT */
#include "mem.h"

void *memcpy(void *d, const void *s, size_t n)
{
        void *to = d;
        size_t words = n >> 2;
        __asm__ volatile("rep {movsl|movsd}" : "+D"(to), "+S"(s), "+c"(words) :: "memory");
        n &= 3;
        __asm__ volatile("rep movsb" : "+D"(to), "+S"(s), "+c"(n) :: "memory");
        return d;
}

void *memmove(void *d, const void *s, size_t n)
{
        if ((uintptr_t)d - (uintptr_t)s >= n) /* also when d < s: copying upward reads each byte before it is overwritten */
                return memcpy(d, s, n);
        u8 *to = (u8 *)d + n - 1;
        const u8 *from = (const u8 *)s + n - 1;
        __asm__ volatile("std\n\trep movsb\n\tcld" : "+D"(to), "+S"(from), "+c"(n) :: "memory");
        return d;
}

void *memset(void *d, int c, size_t n)
{
        void *to = d;
        u32 four = (u8)c * 0x01010101u;
        size_t words = n >> 2;
        __asm__ volatile("rep {stosl|stosd}" : "+D"(to), "+c"(words) : "a"(four) : "memory");
        n &= 3;
        __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(four) : "memory");
        return d;
}

int memcmp(const void *a, const void *b, size_t n)
{
        const u8 *x = a, *y = b;
        for (; n; n--, x++, y++)
                if (*x != *y)
                        return *x - *y;
        return 0;
}

size_t strlen(const char *s)
{
        const char *p = s;
        while (*p)
                p++;
        return (size_t)(p - s);
}

int strcmp(const char *a, const char *b)
{
        for (; *a && *a == *b; a++, b++)
                ;
        return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
        for (; n && *a && *a == *b; n--, a++, b++)
                ;
        return n ? (u8)*a - (u8)*b : 0;
}
