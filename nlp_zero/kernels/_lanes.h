/* What the kernels of numbers share: optional buffers, checks of lists of rows, and four doubles at a time.

   Lanes never mix: lane j of a result is made of lanes j alone, in the order of the loop. So the bits are those of
   plain code, whatever instructions the compiler picks. */
#ifndef NLP_ZERO_LANES_H
#define NLP_ZERO_LANES_H
#include "_text.h"

#if defined(__GNUC__) || defined(__clang__)
typedef double lanes __attribute__((vector_size(32), aligned(8), may_alias));
typedef int64_t lane_flags __attribute__((vector_size(32), aligned(8), may_alias));
#define LANES 4
#else
typedef double lanes;
#define LANES 1
#endif

/* A function that is compiled twice, the second time for wider registers; the processor decides which one runs. */
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

/* The columns of a row, with room to whole lanes. */
#define PADDED(width) (((width) + LANES - 1) / LANES * LANES)
#define MAX_WIDTH (1 << 20)

/* As open_items; a buffer without items is welcome whatever its type. */
static inline Py_ssize_t
open_numbers(buffers *all, PyObject *object, Py_ssize_t itemsize, int writable, const char *what, void *items)
{
    Py_buffer *view = &all->views[all->held];
    if (PyObject_GetBuffer(object, view, PyBUF_ND | PyBUF_FORMAT) < 0)
        return -1;
    all->held++;
    if ((view->itemsize != itemsize && view->len) || view->ndim > 1) {
        PyErr_Format(PyExc_TypeError, "%s: expected items of %zd bytes, got %zd", what, itemsize, view->itemsize);
        return -1;
    }
    if (writable && view->readonly) {
        PyErr_SetString(PyExc_BufferError, "Object is not writable.");
        return -1;
    }
    *(void **)items = view->buf;
    return view->len / itemsize;
}

/* As open_numbers, of a known number of items. */
static inline int
open_exactly(buffers *all, PyObject *object, Py_ssize_t itemsize, int writable, Py_ssize_t size, const char *what,
             void *items)
{
    Py_ssize_t found = open_numbers(all, object, itemsize, writable, what, items);
    if (found < 0)
        return -1;
    if (found == size)
        return 0;
    PyErr_Format(PyExc_ValueError, "%s: expected %zd items, got %zd", what, size, found);
    return -1;
}

/* As open_exactly, or no items, and then NULL. */
static inline int
open_optional(buffers *all, PyObject *object, Py_ssize_t itemsize, Py_ssize_t size, const char *what, void *items)
{
    Py_ssize_t found = open_numbers(all, object, itemsize, 0, what, items);
    if (found < 0)
        return -1;
    if (!found)
        *(void **)items = NULL;
    if (!found || found == size)
        return 0;
    PyErr_Format(PyExc_ValueError, "%s: expected %zd items, got %zd", what, size, found);
    return -1;
}

static inline int
check_range(Py_ssize_t begin, Py_ssize_t end, Py_ssize_t size)
{
    if (0 <= begin && begin <= end && end <= size)
        return 0;
    PyErr_Format(PyExc_ValueError, "range: expected 0 <= begin <= end <= %zd, got %zd and %zd", size, begin, end);
    return -1;
}

static inline int
check_width(Py_ssize_t width)
{
    if (0 < width && width < MAX_WIDTH)
        return 0;
    PyErr_Format(PyExc_ValueError, "width: expected 1 to %d, got %zd", MAX_WIDTH - 1, width);
    return -1;
}

/* The rows from begin to end lie one after another within the items. */
static inline int
check_rows(const char *name, const int64_t *rows, Py_ssize_t begin, Py_ssize_t end, Py_ssize_t size)
{
    int64_t before = 0;
    for (Py_ssize_t place = begin; place <= end; before = rows[place++])
        if (rows[place] < before || rows[place] > size) {
            PyErr_Format(PyExc_ValueError, "%s: expected numbers that rise to %zd at most, got %lld at %zd", name, size,
                         (long long)rows[place], place);
            return -1;
        }
    return 0;
}

static inline int
check_numbers(const char *name, const int32_t *items, Py_ssize_t begin, Py_ssize_t end, Py_ssize_t size)
{
    uint32_t most = 0;
    for (Py_ssize_t place = begin; place < end; place++)
        most = (uint32_t)items[place] > most ? (uint32_t)items[place] : most;
    if (begin >= end || (Py_ssize_t)most < size)
        return 0;
    Py_ssize_t place = begin;
    while (items[place] >= 0 && items[place] < size)
        place++;
    PyErr_Format(PyExc_ValueError, "%s: expected numbers from 0 to %zd, got %d at %zd", name, size - 1,
                 (int)items[place], place);
    return -1;
}

#endif
