/* Gram kernels: the copy of grams.py, which is the specification. */
#include "_table.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CUT 0xFFFFFF              /* the rest of a window was left out */
#define MOST ((uint64_t)1 << 40)  /* what a count stays below, so that its logarithm in 2**-16 bits fits into 64 bits */

enum { DONE = 0, NO_MEMORY = -1, INTERRUPTED = -2, OVERFLOWED = -3, UNORDERED = -4, LARGE = -5 };

/* ---- errors ------------------------------------------------------------------------------------------------------- */

static int
type_error(const char *what, const char *expected, PyObject *got)
{
    PyObject *name = PyObject_GetAttrString((PyObject *)Py_TYPE(got), "__name__");
    if (name)
        PyErr_Format(PyExc_TypeError, "%s: expected %s, got %S", what, expected, name);
    Py_XDECREF(name);
    return -1;
}

/* An array('Q') that can be written to: the type is asked by its format, which bytes or lists do not have. */
static int
get_sums(PyObject *object, Py_buffer *view)
{
    if (PyObject_GetBuffer(object, view, PyBUF_ND | PyBUF_FORMAT | PyBUF_WRITABLE) < 0) {
        PyErr_Clear();
        return type_error("sums", "an array('Q')", object);
    }
    if (view->itemsize != 8 || view->ndim > 1 || !view->format || strcmp(view->format, "Q")) {
        PyBuffer_Release(view);
        return type_error("sums", "an array('Q')", object);
    }
    return 0;
}

static inline uint64_t
number_at(const uint8_t *numbers, size_t place)
{
    uint64_t number;
    memcpy(&number, numbers + place * 8, 8);
    return number;
}

/* c log2 c in units of 2**-16 bits, to the nearest. */
static inline uint64_t
count_log(uint64_t count)
{
    return count < 2 ? 0 : (uint64_t)floor((double)count * log2((double)count) * 65536.0 + 0.5);
}

static PyObject *
set_failure(int status, size_t row)
{
    if (status == OVERFLOWED)
        PyErr_SetString(PyExc_OverflowError, "counts: expected sums below 2**64");
    else if (status == LARGE)
        PyErr_SetString(PyExc_OverflowError, "counts: expected counts below 2**40");
    else if (status == UNORDERED)
        PyErr_Format(PyExc_ValueError, "rows: expected strictly ascending rows, got row %zu not above", row);
    else if (status == NO_MEMORY)
        PyErr_NoMemory();
    return NULL;
}

/* ---- growing columns ------------------------------------------------------------------------------------------------- */

/* Names of one width, with one or two numbers each. */
typedef struct {
    uint8_t *names, *first, *second;
    size_t count, room;
} columns;

static void
columns_free(columns *c)
{
    free(c->names); free(c->first); free(c->second);
}

static int
columns_room(columns *c, size_t width)
{
    if (c->count < c->room)
        return DONE;
    size_t room = c->room ? c->room * 2 : 256;
    uint8_t *grown;
#define GROW(name, bytes) if (!(grown = realloc(c->name, room * (bytes)))) return NO_MEMORY; c->name = grown;
    GROW(names, width) GROW(first, 8) GROW(second, 8)
#undef GROW
    c->room = room;
    return DONE;
}

static PyObject *
bytes_of(const uint8_t *data, size_t size)
{
    return PyBytes_FromStringAndSize((const char *)data, (Py_ssize_t)size);
}

/* ---- the open nodes -------------------------------------------------------------------------------------------------- */

typedef struct walk walk;
struct walk {
    Py_buffer last_view, sums_view;
    uint8_t *last;
    uint64_t *sums, *others;  /* of the nodes by length - 1 */
    size_t size, points;
    uint64_t least;
    columns grams[MAX_WINDOW];  /* by length - 1; of trimmed windows the first */
    int (*close)(walk *, const uint8_t *row, size_t length, uint64_t count, uint64_t other);
};

static int
walk_open(walk *w, Py_ssize_t size, PyObject *last, PyObject *sums)
{
    if (check_size(size) < 0)
        return -1;
    if (!PyByteArray_Check(last))
        return type_error("last", "a bytearray", last);
    if (get_sums(sums, &w->sums_view) < 0)
        return -1;
    if (get_items(last, &w->last_view, 1, "last") < 0)
        goto no_last;
    w->size = (size_t)size;
    w->points = w->size / POINT;
    if (w->last_view.len == size && (size_t)w->sums_view.len / 8 == 2 * w->points) {
        w->last = w->last_view.buf;
        w->sums = w->sums_view.buf;
        w->others = w->sums + w->points;
        return 0;
    }
    PyErr_Format(PyExc_ValueError, "state: expected %zd bytes and %zu sums, got %zd, %zd", size, 2 * w->points,
                 w->last_view.len, w->sums_view.len / 8);
    PyBuffer_Release(&w->last_view);
no_last:
    PyBuffer_Release(&w->sums_view);
    return -1;
}

static void
walk_close(walk *w)
{
    for (size_t i = 0; i < MAX_WINDOW; i++)
        columns_free(&w->grams[i]);
    PyBuffer_Release(&w->last_view);
    PyBuffer_Release(&w->sums_view);
}

/* Closes the nodes of a row that are longer than `depth`. */
static int
end_nodes(walk *w, const uint8_t *row, size_t depth)
{
    for (size_t length = w->points; length > depth; length--) {
        uint64_t count = w->sums[length - 1], other = w->others[length - 1];
        w->sums[length - 1] = w->others[length - 1] = 0;
        if (!count)
            continue;
        if (length > 1 && (w->sums[length - 2] += count) < count)
            return OVERFLOWED;
        int status = w->close(w, row, length, count, other);
        if (status != DONE)
            return status;
    }
    return DONE;
}

static int
walk_rows(walk *w, const table *t, size_t *bad, PyThreadState **state)
{
    const uint8_t *before = w->last;
    int status = DONE;
    for (size_t i = 0; i < t->count; i++) {
        const uint8_t *row = t->rows + i * w->size;
        size_t shared = 0;
        while (shared < w->points && memcmp(row + shared * POINT, before + shared * POINT, POINT) == 0)
            shared++;
        *bad = i;
        if (shared == w->points || point_at(row + shared * POINT) < point_at(before + shared * POINT))
            return UNORDERED;
        if ((status = end_nodes(w, before, shared)) != DONE)
            return status;
        w->sums[w->points - 1] = number_at(t->counts, i);
        before = row;
        if ((i + 1) % TURN == 0 && interrupted(state))
            return INTERRUPTED;
    }
    if (t->count) {
        memcpy(w->last, before, w->size);
        return DONE;
    }
    status = end_nodes(w, before, 0);
    memset(w->last, 0, w->size);
    return status;
}

/* Runs over the rows; NULL with an error set, or a borrowed None. */
static int
walk_run(walk *w, PyObject *args, int (*close)(walk *, const uint8_t *, size_t, uint64_t, uint64_t))
{
    PyObject *rows, *counts, *last, *sums;
    Py_ssize_t size;
    long long least;
    if (!PyArg_ParseTuple(args, "OOnLOO", &rows, &counts, &size, &least, &last, &sums))
        return -1;
    if (walk_open(w, size, last, sums) < 0)
        return -1;
    w->least = least < 0 ? 0 : (uint64_t)least;
    w->close = close;
    table t = {0};
    if (table_open(&t, rows, counts, size) < 0) {
        walk_close(w);
        return -1;
    }
    size_t bad = 0;
    PyThreadState *state = PyEval_SaveThread();
    int status = walk_rows(w, &t, &bad, &state);
    PyEval_RestoreThread(state);
    table_close(&t);
    if (status == DONE)
        return 0;
    set_failure(status, bad);
    walk_close(w);
    return -1;
}

/* ---- frequent n-grams ------------------------------------------------------------------------------------------------ */

static int
close_frequent(walk *w, const uint8_t *row, size_t length, uint64_t count, uint64_t other)
{
    uint32_t end = point_at(row + (length - 1) * POINT);
    if (!point_at(row) || !end || end == CUT)
        return DONE;
    if (count >= MOST)
        return LARGE;
    if (length > 1)
        w->others[length - 2] += count_log(count);
    if (count < w->least)
        return DONE;
    columns *c = &w->grams[length - 1];
    if (columns_room(c, length * POINT) != DONE)
        return NO_MEMORY;
    memcpy(c->names + c->count * length * POINT, row, length * POINT);
    memcpy(c->first + c->count * 8, &count, 8);
    memcpy(c->second + c->count++ * 8, &other, 8);
    return DONE;
}

static PyObject *
frequent_grams(PyObject *self, PyObject *args)
{
    (void)self;
    walk w = {0};
    if (walk_run(&w, args, close_frequent) < 0)
        return NULL;
    PyObject *result = PyList_New(0);
    for (size_t i = 0; result && i < w.points; i++) {
        columns *c = &w.grams[i];
        PyObject *names = bytes_of(c->names, c->count * (i + 1) * POINT);
        PyObject *first = bytes_of(c->first, c->count * 8), *second = bytes_of(c->second, c->count * 8);
        PyObject *triple = names && first && second ? PyTuple_Pack(3, names, first, second) : NULL;
        Py_XDECREF(names);
        Py_XDECREF(first);
        Py_XDECREF(second);
        if (!triple || PyList_Append(result, triple) < 0)
            Py_CLEAR(result);
        Py_XDECREF(triple);
    }
    walk_close(&w);
    return result;
}

/* The place of a name, or `count`; `from` is where the one sought before would stand. */
static size_t
find_name(const table *t, size_t from, const uint8_t *name)
{
    size_t start = 0, end = t->count, step = 1;
    if (from < t->count && memcmp(t->rows + from * t->size, name, t->size) <= 0) {
        /* They ascend for the most part: look in steps that double. */
        start = from;
        while (start + step < t->count && memcmp(t->rows + (start + step) * t->size, name, t->size) <= 0) {
            start += step;
            step *= 2;
        }
        end = start + step < t->count ? start + step : t->count;
    }
    while (start < end) {
        size_t middle = start + (end - start) / 2;
        if (memcmp(t->rows + middle * t->size, name, t->size) < 0)
            start = middle + 1;
        else
            end = middle;
    }
    return start;
}

static PyObject *
add_left_sums(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *grams, *sums, *longer, *counts;
    Py_ssize_t width;
    if (!PyArg_ParseTuple(args, "OOOOn", &grams, &sums, &longer, &counts, &width))
        return NULL;
    table names = {0}, more = {0};
    Py_buffer sums_view;
    int status = NO_MEMORY;
    if (rows_open(&names, grams, width) < 0)
        return NULL;
    if (table_open(&more, longer, counts, width + POINT) < 0)
        goto no_more;
    if (get_sums(sums, &sums_view) < 0)
        goto no_sums;
    if ((size_t)sums_view.len / 8 != names.count) {
        PyErr_Format(PyExc_ValueError, "sums: expected %zu items, got %zd", names.count, sums_view.len / 8);
        goto done;
    }
    status = DONE;
    Py_BEGIN_ALLOW_THREADS
    uint64_t *totals = sums_view.buf;
    for (size_t i = 0, place = 0; i < more.count && status == DONE; i++) {
        const uint8_t *name = more.rows + i * more.size + POINT;
        uint64_t count = number_at(more.counts, i);
        if (count >= MOST) {
            status = LARGE;
            break;
        }
        place = find_name(&names, place, name);
        if (place < names.count && memcmp(names.rows + place * names.size, name, names.size) == 0)
            totals[place] += count_log(count);
    }
    Py_END_ALLOW_THREADS
    if (status != DONE)
        set_failure(status, 0);
done:
    PyBuffer_Release(&sums_view);
no_sums:
    table_close(&more);
no_more:
    PyBuffer_Release(&names.rows_view);
    return status == DONE ? Py_NewRef(Py_None) : NULL;
}

/* ---- forgetting ------------------------------------------------------------------------------------------------------ */

/* Whether the first symbols of a window end with CUT, or with zeros after it. */
static int
ends_cut(const uint8_t *row, size_t length)
{
    while (length && !point_at(row + (length - 1) * POINT))
        length--;
    return length && point_at(row + (length - 1) * POINT) == CUT;
}

static int
close_trimmed(walk *w, const uint8_t *row, size_t length, uint64_t count, uint64_t other)
{
    if (count < w->least || ends_cut(row, length)) {
        if (length > 1)
            w->others[length - 2] += count;
        return DONE;
    }
    if (length < w->points && !other)
        return DONE;
    columns *c = &w->grams[0];
    if (columns_room(c, w->size) != DONE)
        return NO_MEMORY;
    uint8_t *to = c->names + c->count * w->size;
    memset(to, 0, w->size);
    memcpy(to, row, length * POINT);
    if (length < w->points)
        memset(to + length * POINT, 0xFF, POINT);
    else
        other = count;
    memcpy(c->first + c->count++ * 8, &other, 8);
    return DONE;
}

static PyObject *
trim_windows(PyObject *self, PyObject *args)
{
    (void)self;
    walk w = {0};
    if (walk_run(&w, args, close_trimmed) < 0)
        return NULL;
    columns *c = &w.grams[0];
    PyObject *rows = bytes_of(c->names, c->count * w.size), *counts = bytes_of(c->first, c->count * 8);
    PyObject *result = rows && counts ? PyTuple_Pack(2, rows, counts) : NULL;
    Py_XDECREF(rows);
    Py_XDECREF(counts);
    walk_close(&w);
    return result;
}

PyMethodDef grams_methods[] = {
    {"add_left_sums", add_left_sums, METH_VARARGS, NULL},
    {"frequent_grams", frequent_grams, METH_VARARGS, NULL},
    {"trim_windows", trim_windows, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
