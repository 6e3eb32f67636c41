/* Run kernels: the copy of runs.py, which is the specification. */
#include "_table.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define WIDE 0xFFFF  /* from here on a point takes five bytes */
#define LEAST 3      /* bytes of a packed row: head, count, one point */

enum { DONE = 0, NO_MEMORY = -1, INTERRUPTED = -2, OVERFLOWED = -3, UNORDERED = -4, ZERO = -5 };

/* ---- small helpers ------------------------------------------------------------------------------------------------ */

static inline void
set_point(uint8_t *at, uint32_t point)
{
    at[0] = (uint8_t)(point >> 16);
    at[1] = (uint8_t)(point >> 8);
    at[2] = (uint8_t)point;
}

static int
set_failure(int status, size_t row)
{
    if (status == OVERFLOWED)
        PyErr_SetString(PyExc_OverflowError, "counts: expected sums below 2**64");
    else if (status == UNORDERED)
        PyErr_Format(PyExc_ValueError, "rows: expected strictly ascending rows, got row %zu not above", row);
    else if (status == ZERO)
        PyErr_Format(PyExc_ValueError, "counts: expected counts above 0, got 0 in row %zu", row);
    else if (status == NO_MEMORY)
        PyErr_NoMemory();
    return -1;
}

/* Two columns as a pair of bytes; frees them. */
static PyObject *
pair_of(uint8_t *rows, size_t row_bytes, uint8_t *counts, size_t count_bytes)
{
    PyObject *first = PyBytes_FromStringAndSize((const char *)rows, (Py_ssize_t)row_bytes);
    free(rows);
    PyObject *second = first ? PyBytes_FromStringAndSize((const char *)counts, (Py_ssize_t)count_bytes) : NULL;
    free(counts);
    if (!second) {
        Py_XDECREF(first);
        return NULL;
    }
    return Py_BuildValue("NN", first, second);
}

/* ---- packing ------------------------------------------------------------------------------------------------------ */

/* Bytes of a packed row without its head and count: a number of a point (at most 4), eight points of 5 bytes. */
#define MOST_POINTS 44
#define MOST_NUMBER 10

static inline uint8_t *
put_number(uint8_t *at, uint64_t number)
{
    while (number > 127) {
        *at++ = (uint8_t)(number & 127) | 128;
        number >>= 7;
    }
    *at++ = (uint8_t)number;
    return at;
}

static inline uint8_t *
put_point(uint8_t *at, uint32_t point)
{
    if (point >= WIDE) {
        *at++ = 255;
        *at++ = 255;
        *at++ = (uint8_t)(point >> 16);
    }
    *at++ = (uint8_t)(point >> 8);
    *at++ = (uint8_t)point;
    return at;
}

typedef struct {
    uint8_t *heads, *counts, *points;          /* the columns */
    uint8_t *counts_end, *points_end;
} columns;

/* Fills the columns; the row that is refused in `bad`. */
static int
fill_columns(columns *c, const table *t, size_t *bad)
{
    static const uint8_t zeros[POINT * MAX_WINDOW];
    const uint8_t *before = zeros;
    size_t points = t->size / POINT;
    for (size_t i = 0; i < t->count; i++) {
        const uint8_t *row = row_at(t, i);
        size_t shared = 0, kept = points;
        while (shared < points && memcmp(row + shared * POINT, before + shared * POINT, POINT) == 0)
            shared++;
        *bad = i;
        if (shared == points || point_at(row + shared * POINT) < point_at(before + shared * POINT))
            return UNORDERED;
        uint64_t count = count_at(t, i);
        if (!count)
            return ZERO;
        while (!point_at(row + (kept - 1) * POINT))
            kept--;
        c->heads[i] = (uint8_t)(shared << 4 | kept);
        c->counts_end = put_number(c->counts_end, count);
        c->points_end = put_number(c->points_end, point_at(row + shared * POINT) - point_at(before + shared * POINT));
        for (size_t place = shared + 1; place < kept; place++)
            c->points_end = put_point(c->points_end, point_at(row + place * POINT));
        before = row;
    }
    return DONE;
}

static PyObject *
pack_windows(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *rows, *counts, *result = NULL;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "OOn", &rows, &counts, &size))
        return NULL;
    table t = {0};
    if (table_open(&t, rows, counts, size) < 0)
        return NULL;
    size_t bad = 0;
    columns c = {0};
    int status = NO_MEMORY;
    Py_BEGIN_ALLOW_THREADS
    c.heads = malloc(t.count + 1);
    c.counts = c.counts_end = malloc(t.count * MOST_NUMBER + 1);
    c.points = c.points_end = malloc(t.count * MOST_POINTS + 1);
    if (c.heads && c.counts && c.points)
        status = fill_columns(&c, &t, &bad);
    Py_END_ALLOW_THREADS
    if (status != DONE) {
        set_failure(status, bad);
        goto done;
    }
    size_t counts_size = (size_t)(c.counts_end - c.counts), points_size = (size_t)(c.points_end - c.points);
    result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(t.count + counts_size + points_size));
    if (result) {
        char *at = PyBytes_AsString(result);
        memcpy(at, c.heads, t.count);
        memcpy(at + t.count, c.counts, counts_size);
        memcpy(at + t.count + counts_size, c.points, points_size);
    }
done:
    free(c.heads); free(c.counts); free(c.points);
    table_close(&t);
    return result;
}

/* ---- unpacking ----------------------------------------------------------------------------------------------------- */

typedef struct {
    const uint8_t *at, *end;
} reader;

/* A number below 2**64 in its only spelling; 0 if there is none. */
static inline int
get_number(reader *r, uint64_t *number)
{
    *number = 0;
    for (int shift = 0; shift < 70 && r->at < r->end; shift += 7) {
        uint8_t digit = *r->at++;
        *number |= (uint64_t)(digit & 127) << shift;
        if (digit < 128)
            return !((shift == 63 && digit > 1) || (shift && !digit));
    }
    return 0;
}

static inline int
get_point(reader *r, uint32_t *point)
{
    if (r->end - r->at < 2)
        return 0;
    *point = (uint32_t)r->at[0] << 8 | r->at[1];
    r->at += 2;
    if (*point < WIDE)
        return 1;
    if (r->end - r->at < POINT)
        return 0;
    *point = point_at(r->at);
    r->at += POINT;
    return *point >= WIDE;
}

/* Fills the table; 0 if the data is damaged. */
static int
fill_rows(const uint8_t *data, size_t length, size_t count, size_t size, uint8_t *rows, uint8_t *counts)
{
    reader r = {data + count, data + length};
    for (size_t i = 0; i < count; i++) {
        uint64_t number;
        if (!get_number(&r, &number) || !number)
            return 0;
        memcpy(counts + i * 8, &number, 8);
    }
    uint8_t zeros[POINT * MAX_WINDOW] = {0};
    const uint8_t *before = zeros;
    for (size_t i = 0; i < count; i++, before = rows, rows += size) {
        size_t shared = data[i] >> 4, kept = data[i] & 15;
        uint64_t more;
        uint32_t point;
        if (shared >= kept || kept * POINT > size || !get_number(&r, &more) || !more || more > 0xFFFFFF)
            return 0;
        point = point_at(before + shared * POINT) + (uint32_t)more;
        if (point > 0xFFFFFF)
            return 0;
        memcpy(rows, before, shared * POINT);
        set_point(rows + shared * POINT, point);
        for (size_t place = shared + 1; place < kept; place++) {
            if (!get_point(&r, &point))
                return 0;
            set_point(rows + place * POINT, point);
        }
        if (!point)
            return 0;
        memset(rows + kept * POINT, 0, size - kept * POINT);
    }
    return r.at == r.end;
}

static PyObject *
unpack_windows(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *packed;
    Py_ssize_t count, size;
    if (!PyArg_ParseTuple(args, "Onn", &packed, &count, &size))
        return NULL;
    Py_buffer view;
    if (check_size(size) < 0 || get_items(packed, &view, 1, "packed") < 0)
        return NULL;
    PyObject *rows = NULL, *counts = NULL;
    int whole = 0;
    if (count >= 0 && count <= view.len / LEAST) {
        rows = PyBytes_FromStringAndSize(NULL, count * size);
        counts = PyBytes_FromStringAndSize(NULL, count * 8);
        if (!rows || !counts)
            goto failed;
        uint8_t *rows_at = (uint8_t *)PyBytes_AsString(rows), *counts_at = (uint8_t *)PyBytes_AsString(counts);
        Py_BEGIN_ALLOW_THREADS
        whole = fill_rows(view.buf, (size_t)view.len, (size_t)count, (size_t)size, rows_at, counts_at);
        Py_END_ALLOW_THREADS
    }
    if (whole) {
        PyBuffer_Release(&view);
        return Py_BuildValue("NN", rows, counts);
    }
    PyErr_Format(PyExc_ValueError, "packed: expected %zd rows of %zd bytes, got damaged data", count, size);
failed:
    Py_XDECREF(rows);
    Py_XDECREF(counts);
    PyBuffer_Release(&view);
    return NULL;
}

/* ---- merging ------------------------------------------------------------------------------------------------------- */

/* A table under way: its next row, and the first 16 bytes of it as numbers. */
typedef struct {
    uint64_t high, low;
    const table *t;
    size_t row;
} source;

static inline uint64_t
big_endian(const uint8_t *bytes, size_t size)
{
#if (defined(__GNUC__) || defined(__clang__)) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (size >= 8) {
        uint64_t value;
        memcpy(&value, bytes, 8);
        return __builtin_bswap64(value);
    }
#endif
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++)
        value = value << 8 | (i < size ? bytes[i] : 0);
    return value;
}

static inline void
load_row(source *s)
{
    const uint8_t *row = row_at(s->t, s->row);
    s->high = big_endian(row, s->t->size);
    s->low = s->t->size > 8 ? big_endian(row + 8, s->t->size - 8) : 0;
}

static inline int
compare(const source *a, const source *b)
{
    if (a->high != b->high)
        return a->high < b->high ? -1 : 1;
    if (a->low != b->low)
        return a->low < b->low ? -1 : 1;
    if (a->t->size <= 16)
        return 0;
    return memcmp(row_at(a->t, a->row) + 16, row_at(b->t, b->row) + 16, a->t->size - 16);
}

static void
sift_down(source *heap, size_t size, size_t place)
{
    source moving = heap[place];
    for (size_t child; (child = 2 * place + 1) < size; place = child) {
        if (child + 1 < size && compare(&heap[child + 1], &heap[child]) < 0)
            child++;
        if (compare(&moving, &heap[child]) <= 0)
            break;
        heap[place] = heap[child];
    }
    heap[place] = moving;
}

typedef struct {
    table *tables;
    source *heap;
    uint8_t *rows, *counts;
    size_t number, total, filled;
} merger;

/* Rows ascend and counts are above zero. */
static int
check_tables(const merger *m, size_t *bad)
{
    for (size_t i = 0; i < m->number; i++) {
        const table *t = &m->tables[i];
        for (*bad = 1; *bad < t->count; ++*bad)
            if (memcmp(row_at(t, *bad - 1), row_at(t, *bad), t->size) >= 0)
                return UNORDERED;
        for (*bad = 0; *bad < t->count; ++*bad)
            if (!count_at(t, *bad))
                return ZERO;
    }
    return DONE;
}

static int
merge_sources(merger *m, size_t size, PyThreadState **state)
{
    size_t live = 0, since = 0;
    for (size_t i = 0; i < m->number; i++)
        if (m->tables[i].count) {
            m->heap[live].t = &m->tables[i];
            m->heap[live].row = 0;
            load_row(&m->heap[live++]);
        }
    for (size_t place = live / 2; place-- > 0;)
        sift_down(m->heap, live, place);
    while (live) {
        source *top = m->heap;
        const uint8_t *row = row_at(top->t, top->row);
        uint8_t *out = m->rows + m->filled * size;
        uint64_t count = count_at(top->t, top->row), sum;
        if (m->filled && memcmp(out - size, row, size) == 0) {
            memcpy(&sum, m->counts + (m->filled - 1) * 8, 8);
            if ((sum += count) < count)
                return OVERFLOWED;
            memcpy(m->counts + (m->filled - 1) * 8, &sum, 8);
        } else {
            memcpy(out, row, size);
            memcpy(m->counts + m->filled++ * 8, &count, 8);
        }
        if (++top->row < top->t->count)
            load_row(top);
        else
            *top = m->heap[--live];
        sift_down(m->heap, live, 0);
        if (++since == TURN) {
            since = 0;
            if (interrupted(state))
                return INTERRUPTED;
        }
    }
    return DONE;
}

static PyObject *
merge_opened(merger *m, size_t size)
{
    size_t bad = 0;
    PyThreadState *state = PyEval_SaveThread();
    int status = check_tables(m, &bad);
    if (status == DONE) {
        m->rows = malloc(m->total * size + 1);
        m->counts = malloc(m->total * 8 + 1);
        m->heap = calloc(m->number + 1, sizeof *m->heap);
        status = m->rows && m->counts && m->heap ? merge_sources(m, size, &state) : NO_MEMORY;
    }
    PyEval_RestoreThread(state);
    if (status != DONE) {
        set_failure(status, bad);
        free(m->rows); free(m->counts);
        return NULL;
    }
    return pair_of(m->rows, m->filled * size, m->counts, m->filled * 8);
}

static PyObject *
merge_tables(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *sequence, *result = NULL;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "On", &sequence, &size))
        return NULL;
    PyObject *pairs = PySequence_Tuple(sequence);
    if (!pairs)
        return NULL;
    merger m = {0};
    Py_ssize_t number = PyTuple_Size(pairs);
    m.tables = calloc((size_t)number + 1, sizeof *m.tables);
    if (!m.tables) {
        PyErr_NoMemory();
        goto done;
    }
    for (; m.number < (size_t)number; m.number++) {
        PyObject *rows, *counts, *pair = PyTuple_GetItem(pairs, (Py_ssize_t)m.number);
        if (!PyTuple_Check(pair)) {
            PyErr_SetString(PyExc_TypeError, "tables: expected pairs of rows and counts");
            goto done;
        }
        if (!PyArg_ParseTuple(pair, "OO", &rows, &counts) || table_open(&m.tables[m.number], rows, counts, size) < 0)
            goto done;
        m.total += m.tables[m.number].count;
    }
    if (check_size(size) == 0)
        result = merge_opened(&m, (size_t)size);
done:
    for (size_t i = 0; i < m.number; i++)
        table_close(&m.tables[i]);
    free(m.heap);
    free(m.tables);
    Py_DECREF(pairs);
    return result;
}

PyMethodDef runs_methods[] = {
    {"merge_tables", merge_tables, METH_VARARGS, NULL},
    {"pack_windows", pack_windows, METH_VARARGS, NULL},
    {"unpack_windows", unpack_windows, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
