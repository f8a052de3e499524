/* types.h - fixed-width integers, wire integers and the few macros that everything uses.
 * SPDX-License-Identifier: MIT */
#ifndef TYPES_H
#define TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Programs outside may be C++ (qure.h). */
#ifdef __cplusplus
#define _Static_assert static_assert
#endif

typedef uint8_t  u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t   s8;
typedef int16_t  s16;
typedef int32_t  s32;
typedef int64_t  s64;

/* Words wherever they lie, in the machine's byte order. */
typedef u32 __attribute__((aligned(1), may_alias)) u32_any;
typedef u16 __attribute__((aligned(1), may_alias)) u16_any;

/* The struct that holds `member` at address `p`. */
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* A stack canary for a function whose arrays are not of bytes (those of bytes have theirs by themselves, see GUARD in the Makefile). */
#define CANARY __attribute__((stack_protect))

/* A function beside the packet path in a file of it: built for size. */
#define COLD __attribute__((noinline, cold))

#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

static inline u32 min_u32(u32 a, u32 b) { return a < b ? a : b; }
static inline u32 max_u32(u32 a, u32 b) { return a > b ? a : b; }

#endif
