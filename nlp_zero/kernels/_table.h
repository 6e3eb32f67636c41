/* What the kernels of windows, grams and runs share: ascending rows of code points, with a count each. */
#ifndef NLP_ZERO_TABLE_H
#define NLP_ZERO_TABLE_H
#include "_buffers.h"
#include <stdint.h>
#include <string.h>

#define MAX_WINDOW 9
#define POINT 3       /* bytes of a code point */
#define TURN 1000000  /* rows between two looks for Ctrl-C */

/* Rows of the caller; `counts` is NULL for rows alone. */
typedef struct {
    Py_buffer rows_view, counts_view;
    const uint8_t *rows;
    const uint8_t *counts;  /* uint64, aligned or not */
    size_t count, size;
} table;

static inline int
check_size(Py_ssize_t size)
{
    if (size >= POINT && size <= POINT * MAX_WINDOW && size % POINT == 0)
        return 0;
    PyErr_Format(PyExc_ValueError, "size: expected a multiple of %d up to %d, got %zd", POINT, POINT * MAX_WINDOW, size);
    return -1;
}

static inline int
rows_open(table *t, PyObject *rows, Py_ssize_t size)
{
    if (check_size(size) < 0 || get_items(rows, &t->rows_view, 1, "rows") < 0)
        return -1;
    if (t->rows_view.len % size) {
        PyErr_Format(PyExc_ValueError, "rows: expected a multiple of %zd bytes, got %zd", size, t->rows_view.len);
        PyBuffer_Release(&t->rows_view);
        return -1;
    }
    t->rows = t->rows_view.buf;
    t->counts = NULL;
    t->size = (size_t)size;
    t->count = (size_t)(t->rows_view.len / size);
    return 0;
}

static inline int
table_open(table *t, PyObject *rows, PyObject *counts, Py_ssize_t size)
{
    if (rows_open(t, rows, size) < 0)
        return -1;
    if (get_items(counts, &t->counts_view, 8, "counts") < 0) {
        PyBuffer_Release(&t->rows_view);
        return -1;
    }
    t->counts = t->counts_view.buf;
    if ((size_t)t->counts_view.len / 8 == t->count)
        return 0;
    PyErr_Format(PyExc_ValueError, "counts: expected %zu items, got %zd", t->count, t->counts_view.len / 8);
    PyBuffer_Release(&t->counts_view);
    PyBuffer_Release(&t->rows_view);
    return -1;
}

static inline void
table_close(table *t)
{
    PyBuffer_Release(&t->counts_view);
    PyBuffer_Release(&t->rows_view);
}

static inline const uint8_t *
row_at(const table *t, size_t row)
{
    return t->rows + row * t->size;
}

static inline uint64_t
count_at(const table *t, size_t row)
{
    uint64_t count;
    memcpy(&count, t->counts + row * 8, 8);
    return count;
}

static inline uint32_t
point_at(const uint8_t *point)
{
    return (uint32_t)point[0] << 16 | (uint32_t)point[1] << 8 | point[2];
}

#endif
