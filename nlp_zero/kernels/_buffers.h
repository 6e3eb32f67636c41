/* What nearly every kernel needs: the buffer of an argument, a look for Ctrl-C, memory in large pages. */
#ifndef NLP_ZERO_BUFFERS_H
#define NLP_ZERO_BUFFERS_H
#if defined(__linux__) && !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE
#endif
#include "_module.h"
#include <stdint.h>
#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

/* A buffer of items of one size; 0, or -1 with an error set. */
static inline int
get_items(PyObject *object, Py_buffer *view, Py_ssize_t itemsize, const char *what)
{
    if (PyObject_GetBuffer(object, view, PyBUF_ND | PyBUF_FORMAT) < 0)
        return -1;
    if (view->itemsize != itemsize || view->ndim > 1) {
        PyErr_Format(PyExc_TypeError, "%s: expected items of %zd bytes, got %zd", what, itemsize, view->itemsize);
        PyBuffer_Release(view);
        return -1;
    }
    return 0;
}

/* Looks for Ctrl-C from a loop that runs without the GIL; 1 with an error set. */
static inline int
interrupted(PyThreadState **state)
{
    PyEval_RestoreThread(*state);
    int raised = PyErr_CheckSignals() < 0;
    *state = PyEval_SaveThread();
    return raised;
}

/* Asks for large pages under fresh memory: fewer faults, and less to look up where it is visited out of order. */
static inline void
prefer_large_pages(void *memory, size_t size)
{
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    uintptr_t page = (uintptr_t)1 << 21, start = ((uintptr_t)memory + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)memory + size) / page * page;
    if (end > start)
        (void)madvise((void *)start, end - start, MADV_HUGEPAGE);  /* if refused, it works all the same */
#else
    (void)memory; (void)size;
#endif
}

/* Memory in large pages, where the system has them. free() returns it. */
static inline void *
large_pages(size_t size)
{
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    const size_t page = (size_t)1 << 21;
    if (size >= 2 * page) {
        size = (size + page - 1) / page * page;
        void *memory = aligned_alloc(page, size);
        if (memory)
            prefer_large_pages(memory, size);
        return memory;
    }
#endif
    return malloc(size ? size : 1);
}

#endif
