/* Sieve kernels: the copy of sieve.py, which is the specification. */
#include "_buffers.h"
#include <stdint.h>
#ifdef _MSC_VER
#include <intrin.h>
#endif

#define WORD_LIMIT 0xF000
#define MOST 255
#define LONGEST 9
#define TURN (1 << 22) /* symbols between two looks for Ctrl-C */
#define AHEAD 64       /* symbols whose counters are asked for before any is changed */
#define FACTOR 0x9E3779B97F4A7C15ULL

#if defined(__GNUC__) || defined(__clang__)
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define PREFETCH(address) ((void)0)
#endif

typedef struct {
    Py_buffer ids_view, points_view, table_view;
    const uint16_t *ids;
    const uint32_t *points;
    uint8_t *table;
    Py_ssize_t size;
    int shift, length, least;
} sieve;

static inline uint32_t
symbol_at(const sieve *s, Py_ssize_t place)
{
    uint16_t id = s->ids[place];
    if (id == 0 || id >= WORD_LIMIT)
        return 0;
    return id <= 4 ? 0xFDD0u + id - 1 : s->points[id];
}

/* Adds one, up to MOST, whatever other threads do. */
static inline void
add_one(uint8_t *counter)
{
#if defined(__GNUC__) || defined(__clang__)
    uint8_t value = __atomic_load_n(counter, __ATOMIC_RELAXED);
    while (value < MOST
           && !__atomic_compare_exchange_n(counter, &value, (uint8_t)(value + 1), 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
#else
    char value = *(volatile char *)counter, found;
    while ((uint8_t)value < MOST
           && (found = _InterlockedCompareExchange8((volatile char *)counter, (char)(value + 1), value)) != value)
        value = found;
#endif
}

static void
sieve_close(sieve *s)
{
    PyBuffer_Release(&s->ids_view);
    PyBuffer_Release(&s->points_view);
    PyBuffer_Release(&s->table_view);
}

/* The arguments, in the order in which sieve.py checks them; 0, or -1 with an error set. */
static int
sieve_open(sieve *s, PyObject *ids, PyObject *points, PyObject *table)
{
    if (get_items(ids, &s->ids_view, 2, "ids") < 0 || get_items(points, &s->points_view, 4, "points") < 0)
        return -1;
    if (s->points_view.len != 4 * 0x10000) {
        PyErr_Format(PyExc_ValueError, "points: expected 65536 items, got %zd", s->points_view.len / 4);
        return -1;
    }
    if (s->length < 2 || s->length > LONGEST) {
        PyErr_Format(PyExc_ValueError, "length: expected 2 to %d, got %d", LONGEST, s->length);
        return -1;
    }
    if (s->least < 1 || s->least > MOST) {
        PyErr_Format(PyExc_ValueError, "least: expected 1 to %d, got %d", MOST, s->least);
        return -1;
    }
    if (PyObject_GetBuffer(table, &s->table_view, PyBUF_WRITABLE) < 0)
        return -1;
    Py_ssize_t counters = s->table_view.len;
    if (counters < 2 || (counters & (counters - 1))) {
        PyErr_Format(PyExc_ValueError, "table: expected a power of two of counters, got %zd", counters);
        return -1;
    }
    for (s->shift = 64; counters > 1; counters >>= 1)
        s->shift--;
    s->ids = s->ids_view.buf;
    s->points = s->points_view.buf;
    s->table = s->table_view.buf;
    s->size = s->ids_view.len / 2;
    return 0;
}

/* The counters of the n-grams that start at some places, NULL where there is none, and the symbols of the places. */
static void
find_counters(const sieve *s, Py_ssize_t start, Py_ssize_t end, uint32_t *symbols, uint8_t **counters)
{
    Py_ssize_t last = end + s->length - 1 < s->size ? end + s->length - 1 : s->size;
    for (Py_ssize_t place = start; place < last; place++)
        symbols[place - start] = symbol_at(s, place);
    for (Py_ssize_t place = start; place < end; place++) {
        const uint32_t *gram = symbols + (place - start);
        int whole = place + s->length <= s->size && gram[0];
        uint64_t state = gram[0] * FACTOR;
        for (int symbol = 1; whole && symbol < s->length; symbol++) {
            state = (state ^ state >> 29 ^ gram[symbol]) * FACTOR;
            whole = gram[symbol] != 0;
        }
        counters[place - start] = whole ? s->table + (state >> s->shift) : NULL;
        if (whole)
            PREFETCH(counters[place - start]);
    }
}

static PyObject *
sieve_count(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *ids, *points, *table, *result = NULL;
    int raised = 0;
    sieve s = {.least = 1};
    if (!PyArg_ParseTuple(args, "OOiO", &ids, &points, &s.length, &table))
        return NULL;
    if (sieve_open(&s, ids, points, table) == 0) {
        uint32_t symbols[AHEAD + LONGEST];
        uint8_t *counters[AHEAD];
        PyThreadState *state = PyEval_SaveThread();
        for (Py_ssize_t start = 0; start < s.size && !raised; start += AHEAD) {
            Py_ssize_t end = start + AHEAD < s.size ? start + AHEAD : s.size;
            find_counters(&s, start, end, symbols, counters);
            for (Py_ssize_t place = start; place < end; place++)
                if (counters[place - start])
                    add_one(counters[place - start]);
            if (start % TURN == 0)
                raised = interrupted(&state);
        }
        PyEval_RestoreThread(state);
        if (!raised)
            result = Py_NewRef(Py_None);
    }
    sieve_close(&s);
    return result;
}

static PyObject *
sieve_reach(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *ids, *points, *table, *result = NULL;
    sieve s = {0};
    if (!PyArg_ParseTuple(args, "OOiiO", &ids, &points, &s.length, &s.least, &table))
        return NULL;
    if (sieve_open(&s, ids, points, table) == 0 && (result = PyBytes_FromStringAndSize(NULL, s.size))) {
        uint8_t *reach = (uint8_t *)PyBytes_AsString(result);
        uint32_t symbols[AHEAD + LONGEST];
        uint8_t *counters[AHEAD];
        int following = 0;
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t end = s.size, start; end > 0; end = start) { /* from the right */
            start = end > AHEAD ? end - AHEAD : 0;
            find_counters(&s, start, end, symbols, counters);
            for (Py_ssize_t place = end; place-- > start;) {
                const uint8_t *counter = counters[place - start];
                int most = counter && *counter < s.least ? s.length - 1 : MOST;
                following = symbols[place - start] ? following + 1 < most ? following + 1 : most : 0;
                reach[place] = (uint8_t)following;
            }
        }
        Py_END_ALLOW_THREADS
    }
    sieve_close(&s);
    return result;
}

PyMethodDef sieve_methods[] = {
    {"sieve_count", sieve_count, METH_VARARGS, NULL},
    {"sieve_reach", sieve_reach, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
