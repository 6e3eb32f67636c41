/* Large pages of memory, where the system has them; to be included first. */
#ifndef NLP_ZERO_PAGES_H
#define NLP_ZERO_PAGES_H
#if defined(__linux__) && !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE
#endif
#include <stdint.h>
#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

#define LARGE_PAGE ((size_t)1 << 21)

/* Memory for tables that are visited out of order: in large pages, where the system has them, there is less to look up.
   free() returns it. */
static inline void *
large_pages(size_t size)
{
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (size >= 2 * LARGE_PAGE) {
        size = (size + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
        void *memory = aligned_alloc(LARGE_PAGE, size);
        if (memory)
            madvise(memory, size, MADV_HUGEPAGE);
        return memory;
    }
#endif
    return malloc(size ? size : 1);
}

/* Asks for large pages inside of memory that is there already but was not touched yet. */
static inline void
prefer_large_pages(void *memory, size_t size)
{
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    uintptr_t start = ((uintptr_t)memory + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
    uintptr_t end = ((uintptr_t)memory + size) / LARGE_PAGE * LARGE_PAGE;
    if (start < end)
        madvise((void *)start, end - start, MADV_HUGEPAGE);
#else
    (void)memory;
    (void)size;
#endif
}

#endif
