/* virtio_ring.c (test) - split queues against a device written from VIRTIO 1.0 2.4: order, wrap-around, event index,
 * and a device that answers nonsense.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../drivers/virtio.h"

enum { SIZE = 8 };
static struct virtq q;
static u16 bell;
static u16 device_seen; /* entries of the available ring that the device took */
static void *blocks[8];
static u32 n_blocks;

void *mem_boot(size_t n, size_t align);
void *mem_boot(size_t n, size_t align) { return blocks[n_blocks++] = calloc(1, n); }

static int make(void **state, bool event_idx)
{
        void *mem = aligned_alloc(4096, (virtq_bytes(SIZE) + 4095) & ~4095u);
        memset(mem, 0, virtq_bytes(SIZE));
        blocks[n_blocks++] = mem;
        assert_true(virtq_init(&q, 3, SIZE, mem, event_idx));
        bell = 0xffff;
        q.doorbell = &bell;
        device_seen = 0;
        return 0;
}
static int plain(void **state) { return make(state, false); }
static int events(void **state) { return make(state, true); }
static int away(void **state)
{
        while (n_blocks)
                free(blocks[--n_blocks]);
        return 0;
}

/* What a device does with the next available chain: its head and its bytes to read and write. */
static int device_next(u32 *readable, u32 *writable)
{
        if (device_seen == q.avail->idx)
                return -1;
        u16 head = q.avail->ring[device_seen++ % SIZE];
        *readable = *writable = 0;
        for (u16 i = head;; i = q.desc[i].next) {
                if (q.desc[i].flags & 2)
                        *writable += q.desc[i].len;
                else
                        *readable += q.desc[i].len;
                if (!(q.desc[i].flags & 1))
                        return head;
        }
}
static void device_done(u32 id, u32 len)
{
        q.used->ring[q.used->idx % SIZE].id = id;
        q.used->ring[q.used->idx % SIZE].len = len;
        q.used->idx++;
}

static void chains_come_back_in_the_devices_order_through_many_wraps(void **state)
{
        static u8 mem[64];
        static char cookie[SIZE];
        u32 r, w, len;
        for (u32 round = 0; round < 70000; round++) {
                struct piece a[3] = {{mem, 1 + round % 5}, {mem + 8, 2}, {mem + 16, 30}}, b = {mem + 32, 7};
                assert_true(virtq_add(&q, a, 2, 1, &cookie[0]));
                assert_true(virtq_add(&q, &b, 0, 1, &cookie[1]));
                assert_null(virtq_take(&q, &len, NULL));
                int first = device_next(&r, &w);
                assert_int_equal(r, 3 + round % 5);
                assert_int_equal(w, 30);
                int second = device_next(&r, &w);
                assert_int_equal(w, 7);
                device_done((u32)second, 5);
                device_done((u32)first, 29);
                assert_ptr_equal(virtq_take(&q, &len, NULL), &cookie[1]);
                assert_int_equal(len, 5);
                assert_ptr_equal(virtq_take(&q, &len, NULL), &cookie[0]);
                assert_int_equal(len, 29);
                assert_int_equal(q.n_free, SIZE);
        }
}

static void a_full_queue_refuses_and_changes_nothing(void **state)
{
        static u8 mem[8];
        struct piece p[3] = {{mem, 1}, {mem, 1}, {mem, 1}};
        assert_true(virtq_add(&q, p, 3, 0, mem));
        assert_true(virtq_add(&q, p, 3, 0, mem));
        u16 idx = q.avail->idx;
        assert_false(virtq_add(&q, p, 3, 0, mem));
        assert_int_equal(q.avail->idx, idx);
        assert_int_equal(q.n_free, 2);
        assert_true(virtq_add(&q, p, 2, 0, mem));
        assert_false(virtq_add(&q, p, 1, 0, mem));
        assert_false(virtq_add(&q, p, 0, 0, mem));
}

static void nonsense_from_the_device_is_counted_and_passed_over(void **state)
{
        static u8 mem[8];
        struct piece p = {mem, 8};
        u32 broken = 0, len;
        assert_true(virtq_add(&q, &p, 0, 1, mem));
        device_done(SIZE, 1);           /* no such descriptor */
        device_done(0xffffffff, 1);
        device_done(5, 1);              /* not in flight */
        device_done(0, 8);
        assert_ptr_equal(virtq_take(&q, &len, &broken), mem);
        assert_int_equal(broken, 3);
        device_done(0, 8);              /* a second time */
        assert_null(virtq_take(&q, &len, &broken));
        assert_int_equal(broken, 4);
        assert_int_equal(q.n_free, SIZE);
}

static void without_events_the_flag_silences_the_bell(void **state)
{
        static u8 mem[8];
        struct piece p = {mem, 8};
        virtq_kick(&q);
        assert_int_equal(bell, 0xffff); /* nothing new */
        virtq_add(&q, &p, 0, 1, mem);
        virtq_kick(&q);
        assert_int_equal(bell, 3);
        bell = 0xffff;
        q.used->flags = 1;
        virtq_add(&q, &p, 0, 1, mem);
        virtq_kick(&q);
        assert_int_equal(bell, 0xffff);
        assert_false(virtq_irq_on(&q));
        assert_int_equal(q.avail->flags, 0);
        device_done(0, 8);
        assert_true(virtq_irq_on(&q));
        virtq_irq_off(&q);
        assert_int_equal(q.avail->flags, 1);
}

static void with_events_the_bell_rings_only_when_asked_for(void **state)
{
        static u8 mem[8];
        struct piece p = {mem, 8};
        *q.avail_event = 1; /* wake me when entry 1 is there */
        virtq_add(&q, &p, 0, 1, mem);
        virtq_kick(&q);
        assert_int_equal(bell, 0xffff);
        virtq_add(&q, &p, 0, 1, mem);
        virtq_kick(&q);
        assert_int_equal(bell, 3);
        bell = 0xffff;
        virtq_add(&q, &p, 0, 1, mem);
        virtq_kick(&q);
        assert_int_equal(bell, 0xffff);
        *q.avail_event = 3; /* passed in one go with others */
        virtq_add(&q, &p, 0, 1, mem);
        virtq_add(&q, &p, 0, 1, mem);
        virtq_kick(&q);
        assert_int_equal(bell, 3);
}

static void with_events_interrupts_are_asked_for_at_the_next_entry(void **state)
{
        static u8 mem[8];
        struct piece p = {mem, 8};
        u32 len;
        for (u32 i = 0; i < 3; i++)
                virtq_add(&q, &p, 0, 1, mem);
        assert_false(virtq_irq_on(&q));
        assert_int_equal(*q.used_event, 0);
        device_done(0, 1);
        assert_ptr_equal(virtq_take(&q, &len, NULL), mem);
        virtq_irq_off(&q);
        assert_int_equal(*q.used_event, 0); /* just passed: the next 65,535 are silent */
        assert_false(virtq_irq_on(&q));
        assert_int_equal(*q.used_event, 1);
        device_done(1, 1);
        assert_true(virtq_irq_on(&q));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(chains_come_back_in_the_devices_order_through_many_wraps, plain, away),
                cmocka_unit_test_setup_teardown(a_full_queue_refuses_and_changes_nothing, plain, away),
                cmocka_unit_test_setup_teardown(nonsense_from_the_device_is_counted_and_passed_over, plain, away),
                cmocka_unit_test_setup_teardown(without_events_the_flag_silences_the_bell, plain, away),
                cmocka_unit_test_setup_teardown(with_events_the_bell_rings_only_when_asked_for, events, away),
                cmocka_unit_test_setup_teardown(with_events_interrupts_are_asked_for_at_the_next_entry, events, away),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
