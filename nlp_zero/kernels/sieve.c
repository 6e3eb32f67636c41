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
    int shift, least;
} sieve;

static inline uint32_t
symbol_at(const sieve *s, Py_ssize_t place)
{
    uint16_t id = s->ids[place];
    if (id == 0 || id >= WORD_LIMIT)
        return 0;
    return id <= 4 ? 0xFDD0u + id - 1 : s->points[id];
}

/* Slots of the n-grams of 2 symbols and more from a place on; how many there are. */
static inline int
find_slots(const sieve *s, Py_ssize_t place, int longest, uint64_t *slots)
{
    uint64_t state = symbol_at(s, place) * FACTOR;
    int count = 0;
    for (Py_ssize_t next = place + 1; next < s->size && count < longest - 1; next++) {
        uint32_t symbol = symbol_at(s, next);
        if (!symbol)
            break;
        state = (state ^ state >> 29 ^ symbol) * FACTOR;
        slots[count++] = state >> s->shift;
    }
    return count;
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
sieve_open(sieve *s, PyObject *ids, PyObject *points, PyObject *table, int shortest, int longest)
{
    if (get_items(ids, &s->ids_view, 2, "ids") < 0 || get_items(points, &s->points_view, 4, "points") < 0)
        return -1;
    if (s->points_view.len != 4 * 0x10000) {
        PyErr_Format(PyExc_ValueError, "points: expected 65536 items, got %zd", s->points_view.len / 4);
        return -1;
    }
    if (shortest < 2 || longest < shortest || longest > LONGEST) {
        PyErr_Format(PyExc_ValueError, "lengths: expected 2 to %d, rising, got %d to %d", LONGEST, shortest, longest);
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

static void
count_stretch(const sieve *s, Py_ssize_t start, Py_ssize_t end, int shortest, int longest)
{
    uint64_t slots[AHEAD + 1][LONGEST];
    int counts[AHEAD + 1];
    for (Py_ssize_t place = start; place <= end && place < s->size; place++) {
        int row = (int)(place - start);
        counts[row] = symbol_at(s, place) ? find_slots(s, place, longest, slots[row]) : 0;
        for (int slot = shortest > 2 ? shortest - 3 : 0; slot < counts[row]; slot++)
            PREFETCH(s->table + slots[row][slot]);
    }
    for (Py_ssize_t place = start; place < end; place++) {
        int row = (int)(place - start);
        if (shortest > 2 && counts[row] > shortest - 2
            && (s->table[slots[row][shortest - 3]] < s->least || s->table[slots[row + 1][shortest - 3]] < s->least))
            continue;
        for (int slot = shortest - 2; slot < counts[row]; slot++)
            add_one(s->table + slots[row][slot]);
    }
}

static PyObject *
sieve_count(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *ids, *points, *table, *result = NULL;
    int shortest, longest, raised = 0;
    sieve s = {0};
    if (!PyArg_ParseTuple(args, "OOiiiO", &ids, &points, &shortest, &longest, &s.least, &table))
        return NULL;
    if (sieve_open(&s, ids, points, table, shortest, longest) == 0) {
        PyThreadState *state = PyEval_SaveThread();
        for (Py_ssize_t start = 0; start < s.size && !raised; start += AHEAD) {
            Py_ssize_t end = start + AHEAD < s.size ? start + AHEAD : s.size;
            count_stretch(&s, start, end, shortest, longest);
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

/* From the right, AHEAD symbols at a time. */
static int
fill_reach(const sieve *s, uint8_t *reach, int longest, Py_ssize_t start, Py_ssize_t end, int following)
{
    uint64_t slots[AHEAD][LONGEST];
    int counts[AHEAD];
    for (Py_ssize_t place = start; place < end; place++) {
        int row = (int)(place - start);
        counts[row] = symbol_at(s, place) ? find_slots(s, place, longest, slots[row]) : -1;
        for (int slot = 0; slot < counts[row]; slot++)
            PREFETCH(s->table + slots[row][slot]);
    }
    for (Py_ssize_t place = end; place-- > start;) {
        int row = (int)(place - start), rare = MOST;
        for (int slot = 0; slot < counts[row] && rare == MOST; slot++)
            if (s->table[slots[row][slot]] < s->least)
                rare = slot + 1;
        following = counts[row] < 0 ? 0 : rare < following + 1 ? rare : following + 1;
        reach[place] = (uint8_t)following;
    }
    return following;
}

static PyObject *
sieve_reach(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *ids, *points, *table, *result = NULL;
    int longest, following = 0;
    sieve s = {0};
    if (!PyArg_ParseTuple(args, "OOiiO", &ids, &points, &longest, &s.least, &table))
        return NULL;
    if (sieve_open(&s, ids, points, table, 2, longest) == 0 && (result = PyBytes_FromStringAndSize(NULL, s.size))) {
        uint8_t *reach = (uint8_t *)PyBytes_AsString(result);
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t end = s.size; end > 0; end -= AHEAD) {
            Py_ssize_t start = end > AHEAD ? end - AHEAD : 0;
            following = fill_reach(&s, reach, longest, start, end, following);
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
