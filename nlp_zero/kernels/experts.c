/* Expert kernels: the copy of experts.py, which is the specification. */
#include "_buffers.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define WORD_LIMIT 0xF000
#define MAX_BITS 26
#define CERTAIN 35.0
#define FEATURES 10
#define GOLDEN 0x9E3779B97F4A7C15ULL
#define AHEAD 8          /* gaps whose cells are fetched before they are needed: no waiting for memory */
#define TURN (1 << 18)   /* gaps between two looks for Ctrl-C */

#if defined(__GNUC__) || defined(__clang__)
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define PREFETCH(address) ((void)0)
#endif

/* What stops a loop that runs without the GIL. */
enum { DONE = 0, NO_MEMORY = -1, INTERRUPTED = -2 };

#define A 0xFFFF000000000000ULL
#define B 0x0000FFFF00000000ULL
#define C 0x00000000FFFF0000ULL
#define D 0x000000000000FFFFULL
static const uint64_t masks[FEATURES] = {A, B, C, D, A | B, B | C, C | D, A | B | C, B | C | D, A | B | C | D};

/* ---- small helpers ------------------------------------------------------------------------------------------- */

static inline int
is_word(uint16_t id)
{
    return id != 0 && id < WORD_LIMIT;
}

/* ---- the work ------------------------------------------------------------------------------------------------ */

typedef struct { float weight, square; } cell;

typedef struct {
    const uint16_t *ids;
    const uint8_t *lengths;
    size_t size;
    int bits;
    double rate, start, limit;
    uint64_t random;
    cell *cells;             /* of the expert in training, or */
    const float *weights;    /* the weights of a finished one */
    float *out;
    PyThreadState *thread;
} expert;

static inline uint64_t
window_at(const expert *e, size_t gap)
{
    uint64_t before = gap ? e->ids[gap - 1] : 0, after = gap + 2 < e->size ? e->ids[gap + 2] : 0;
    if (before >= WORD_LIMIT)
        before = 0;
    if (after >= WORD_LIMIT)
        after = 0;
    return before << 48 | (uint64_t)e->ids[gap] << 32 | (uint64_t)e->ids[gap + 1] << 16 | after;
}

/* The cells of the features of a gap, on their way from memory. */
static inline void
find_cells(const expert *e, size_t gap, uint32_t *found)
{
    uint64_t window = window_at(e, gap);
    for (int feature = 0; feature < FEATURES; feature++) {
        uint64_t h = (window & masks[feature]) ^ (uint64_t)(feature + 1) * GOLDEN;
        h = (h ^ h >> 32) * GOLDEN;
        h = (h ^ h >> 32) * 0xD6E8FEB86659FD93ULL;
        found[feature] = (uint32_t)(h >> (64 - e->bits));
        if (e->cells)
            PREFETCH(e->cells + found[feature]);
        else
            PREFETCH(e->weights + found[feature]);
    }
}

static void
shuffle(expert *e, uint32_t *items, size_t count)
{
    for (size_t last = count; last-- > 1;) {
        uint64_t x = e->random += GOLDEN;
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ULL;
        x = (x ^ x >> 27) * 0x94D049BB133111EBULL;
        x ^= x >> 31;
        size_t other = (size_t)((double)(x >> 11) * 0x1p-53 * (double)(last + 1));
        uint32_t item = items[last];
        items[last] = items[other];
        items[other] = item;
    }
}

static inline void
learn(expert *e, size_t gap, const uint32_t *found)
{
    double odds = 0.0;
    for (int feature = 0; feature < FEATURES; feature++)
        odds += e->cells[found[feature]].weight;
    odds = odds < -CERTAIN ? -CERTAIN : odds > CERTAIN ? CERTAIN : odds;
    double gradient = 1.0 / (1.0 + exp(-odds)) - (e->lengths[gap + 1] ? 1.0 : 0.0);
    for (int feature = 0; feature < FEATURES; feature++) {
        cell *here = e->cells + found[feature];
        double square = here->square + gradient * gradient;
        here->weight = (float)(here->weight - e->rate * gradient / sqrt(square));
        here->square = (float)square;
    }
}

static inline void
judge(expert *e, size_t gap, const uint32_t *found)
{
    double odds = 0.0;
    if (e->cells)
        for (int feature = 0; feature < FEATURES; feature++)
            odds += e->cells[found[feature]].weight;
    else
        for (int feature = 0; feature < FEATURES; feature++)
            odds += e->weights[found[feature]];
    e->out[gap] = (float)(odds < -e->limit ? -e->limit : odds > e->limit ? e->limit : odds);
}

static int
visit(expert *e, const uint32_t *gaps, size_t count, int training)
{
    uint32_t ring[AHEAD][FEATURES];
    for (size_t i = 0; i < count + AHEAD; i++) {
        uint32_t *found = ring[i % AHEAD];
        if (i >= AHEAD) {
            if (training)
                learn(e, gaps[i - AHEAD], found);
            else
                judge(e, gaps[i - AHEAD], found);
        }
        if (i + AHEAD < count)
            PREFETCH(e->ids + gaps[i + AHEAD]);
        if (i < count)
            find_cells(e, gaps[i], found);
        if (i % TURN == TURN - 1 && interrupted(&e->thread))
            return INTERRUPTED;
    }
    return DONE;
}

/* The places before gaps, in two folds by blocks of chunks; malloc'ed, the first fold first. */
static uint32_t *
find_gaps(const expert *e, size_t block, size_t counts[2])
{
    uint32_t *gaps = NULL;
    counts[0] = counts[1] = 0;
    for (int pass = 0; pass < 2; pass++) {
        size_t chunk = 0, next[2] = {0, counts[0]};
        int inside = 0, fold = 0;
        for (size_t place = 0; place < e->size; place++) {
            if (!is_word(e->ids[place]))
                inside = 0;
            else if (!inside) {
                inside = 1;
                fold = (int)(chunk++ / block & 1);
            }
            else if (pass)
                gaps[next[fold]++] = (uint32_t)(place - 1);
            else
                counts[fold]++;
        }
        if (!pass && !(gaps = malloc((counts[0] + counts[1] + 1) * 4)))
            return NULL;
    }
    return gaps;
}

static void
clear_cells(expert *e)
{
    for (size_t i = 0; i < (size_t)1 << e->bits; i++) {
        e->cells[i].weight = 0.0f;
        e->cells[i].square = (float)e->start;
    }
}

static int
crossfit(expert *e, size_t block)
{
    size_t counts[2];
    int status = NO_MEMORY;
    uint32_t *gaps = find_gaps(e, block, counts), *order = NULL;
    if (gaps && (order = malloc(((counts[0] > counts[1] ? counts[0] : counts[1]) + 1) * 4)) &&
        (e->cells = malloc(sizeof(cell) << e->bits))) {
        status = DONE;
        for (int half = 0; half < 2 && status == DONE; half++) {
            const uint32_t *own = half ? gaps + counts[0] : gaps, *others = half ? gaps : gaps + counts[0];
            clear_cells(e);
            memcpy(order, own, counts[half] * 4);
            shuffle(e, order, counts[half]);
            status = visit(e, order, counts[half], 1);
            if (status == DONE)
                status = visit(e, others, counts[1 - half], 0);
        }
    }
    free(e->cells);
    free(order);
    free(gaps);
    return status;
}

static int
fit(expert *e)
{
    size_t counts[2];
    int status = NO_MEMORY;
    uint32_t *gaps = find_gaps(e, e->size + 1, counts);
    if (gaps && (e->cells = malloc(sizeof(cell) << e->bits))) {
        clear_cells(e);
        shuffle(e, gaps, counts[0]);
        status = visit(e, gaps, counts[0], 1);
        for (size_t i = 0; i < (size_t)1 << e->bits; i++)
            e->out[i] = e->cells[i].weight;
    }
    free(e->cells);
    free(gaps);
    return status;
}

static int
apply(expert *e)
{
    size_t counts[2];
    uint32_t *gaps = find_gaps(e, e->size + 1, counts);
    int status = gaps ? visit(e, gaps, counts[0], 0) : NO_MEMORY;
    free(gaps);
    return status;
}

/* ---- the kernels --------------------------------------------------------------------------------------------- */

static int
get_text(PyObject *ids_object, Py_buffer *ids, PyObject *lengths_object, Py_buffer *lengths)
{
    if (get_items(ids_object, ids, 2, "ids") < 0)
        return -1;
    if (get_items(lengths_object, lengths, 1, "lengths") < 0) {
        PyBuffer_Release(ids);
        return -1;
    }
    if (ids->len / 2 == lengths->len)
        return 0;
    PyErr_Format(PyExc_ValueError, "lengths: expected %zd items, got %zd", ids->len / 2, lengths->len);
    PyBuffer_Release(lengths);
    PyBuffer_Release(ids);
    return -1;
}

static int
check_training(Py_ssize_t bits, double rate, double start)
{
    if (bits < 1 || bits > MAX_BITS)
        PyErr_Format(PyExc_ValueError, "bits: expected 1 to %d, got %zd", MAX_BITS, bits);
    else if (!(rate > 0 && start > 0))
        PyErr_SetString(PyExc_ValueError, "rate, start: expected numbers above 0, such as 0.3 and 0.01");
    else
        return 0;
    return -1;
}

static int
check_limit(double limit)
{
    if (limit >= 0)
        return 0;
    PyErr_SetString(PyExc_ValueError, "limit: expected 0 or more, such as 6.0");
    return -1;
}

/* Any int, taken modulo 2**64; -1 with an error set. */
static int
get_seed(PyObject *object, uint64_t *seed)
{
    *seed = PyLong_AsUnsignedLongLongMask(object);
    return *seed == (uint64_t)-1 && PyErr_Occurred() ? -1 : 0;
}

/* A bytes object of so many floats 0.0, and where they stand. */
static PyObject *
new_floats(size_t count, float **floats)
{
    PyObject *object = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(count * 4));
    if (object) {
        *floats = (float *)PyBytes_AsString(object);
        memset(*floats, 0, count * 4);
    }
    return object;
}

static PyObject *
finish(PyObject *out, int status)
{
    if (status == DONE)
        return out;
    if (status == NO_MEMORY)
        PyErr_NoMemory();
    Py_DECREF(out);
    return NULL;
}

static PyObject *
fit_expert(PyObject *self, PyObject *args)
{
    PyObject *ids_object, *lengths_object, *seed_object, *out = NULL;
    Py_ssize_t bits;
    Py_buffer ids, lengths;
    expert e = {0};
    (void)self;
    if (!PyArg_ParseTuple(args, "OOnddO!:fit_expert", &ids_object, &lengths_object, &bits, &e.rate, &e.start,
                          &PyLong_Type, &seed_object) ||
        get_seed(seed_object, &e.random) < 0 || get_text(ids_object, &ids, lengths_object, &lengths) < 0)
        return NULL;
    if (check_training(bits, e.rate, e.start) == 0 && (out = new_floats((size_t)1 << bits, &e.out)) != NULL) {
        e.ids = ids.buf;
        e.lengths = lengths.buf;
        e.size = (size_t)lengths.len;
        e.bits = (int)bits;
        e.thread = PyEval_SaveThread();
        int status = fit(&e);
        PyEval_RestoreThread(e.thread);
        out = finish(out, status);
    }
    PyBuffer_Release(&lengths);
    PyBuffer_Release(&ids);
    return out;
}

static PyObject *
apply_expert(PyObject *self, PyObject *args)
{
    PyObject *ids_object, *weights_object, *out = NULL;
    Py_buffer ids, weights;
    expert e = {0};
    (void)self;
    if (!PyArg_ParseTuple(args, "OOd:apply_expert", &ids_object, &weights_object, &e.limit) ||
        get_items(ids_object, &ids, 2, "ids") < 0)
        return NULL;
    if (get_items(weights_object, &weights, 4, "weights") < 0) {
        PyBuffer_Release(&ids);
        return NULL;
    }
    Py_ssize_t count = weights.len / 4;
    while (e.bits < MAX_BITS && (Py_ssize_t)1 << e.bits < count)
        e.bits++;
    if (e.bits < 1 || count != (Py_ssize_t)1 << e.bits)
        PyErr_Format(PyExc_ValueError, "weights: expected a power of two up to 2**%d items, got %zd", MAX_BITS, count);
    else if (check_limit(e.limit) == 0 && (out = new_floats((size_t)ids.len / 2, &e.out)) != NULL) {
        e.ids = ids.buf;
        e.size = (size_t)ids.len / 2;
        e.weights = weights.buf;
        e.thread = PyEval_SaveThread();
        int status = apply(&e);
        PyEval_RestoreThread(e.thread);
        out = finish(out, status);
    }
    PyBuffer_Release(&weights);
    PyBuffer_Release(&ids);
    return out;
}

static PyObject *
crossfit_expert(PyObject *self, PyObject *args)
{
    PyObject *ids_object, *lengths_object, *seed_object, *out = NULL;
    Py_ssize_t bits, block;
    Py_buffer ids, lengths;
    expert e = {0};
    (void)self;
    if (!PyArg_ParseTuple(args, "OOndddnO!:crossfit_expert", &ids_object, &lengths_object, &bits, &e.rate, &e.start,
                          &e.limit, &block, &PyLong_Type, &seed_object) ||
        get_seed(seed_object, &e.random) < 0 || get_text(ids_object, &ids, lengths_object, &lengths) < 0)
        return NULL;
    if (check_training(bits, e.rate, e.start) == 0 && check_limit(e.limit) == 0) {
        if (block < 1)
            PyErr_Format(PyExc_ValueError, "block: expected 1 or more, got %zd", block);
        else if ((out = new_floats((size_t)lengths.len, &e.out)) != NULL) {
            e.ids = ids.buf;
            e.lengths = lengths.buf;
            e.size = (size_t)lengths.len;
            e.bits = (int)bits;
            e.thread = PyEval_SaveThread();
            int status = crossfit(&e, (size_t)block);
            PyEval_RestoreThread(e.thread);
            out = finish(out, status);
        }
    }
    PyBuffer_Release(&lengths);
    PyBuffer_Release(&ids);
    return out;
}

PyMethodDef experts_methods[] = {
    {"apply_expert", apply_expert, METH_VARARGS, NULL},
    {"crossfit_expert", crossfit_expert, METH_VARARGS, NULL},
    {"fit_expert", fit_expert, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
