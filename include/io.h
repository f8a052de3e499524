/* io.h - x86 port and memory-mapped device access.
 * SPDX-License-Identifier: MIT */
#ifndef IO_H
#define IO_H

#include "types.h"

static inline void outb(u16 port, u8 v)  { __asm__ volatile("out %0, %1" :: "Nd"(port), "a"(v)); }
static inline void outw(u16 port, u16 v) { __asm__ volatile("out %0, %1" :: "Nd"(port), "a"(v)); }
static inline void outl(u16 port, u32 v) { __asm__ volatile("out %0, %1" :: "Nd"(port), "a"(v)); }
static inline u8  inb(u16 port) { u8 v;  __asm__ volatile("in %0, %1" : "=a"(v) : "Nd"(port)); return v; }
static inline u16 inw(u16 port) { u16 v; __asm__ volatile("in %0, %1" : "=a"(v) : "Nd"(port)); return v; }
static inline u32 inl(u16 port) { u32 v; __asm__ volatile("in %0, %1" : "=a"(v) : "Nd"(port)); return v; }
static inline void insw(u16 port, void *dst, u32 n)
{
        __asm__ volatile("rep insw" : "+D"(dst), "+c"(n) : "d"(port) : "memory");
}
static inline void outsw(u16 port, const void *src, u32 n)
{
        __asm__ volatile("rep outsw" : "+S"(src), "+c"(n) : "d"(port) : "memory");
}

static inline u32 mmio_read32(const volatile void *a) { return *(const volatile u32 *)a; }
static inline void mmio_write32(volatile void *a, u32 v) { *(volatile u32 *)a = v; }

/* Keeps the compiler from moving memory accesses across; x86 keeps stores and loads in order itself, but for store->load. */
static inline void barrier(void) { __asm__ volatile("" ::: "memory"); }
static inline void fence(void) { __asm__ volatile("lock; add dword ptr [esp], 0" ::: "memory", "cc"); }

#endif
