/* Bracket kernels: the copy of brackets.py, which is the specification. */
#include "_text.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MOST_WORDS 64
#define TURN 50000    /* stretches between two looks for Ctrl-C */
#define WORDS 1000000 /* the same of words */

/* What stops a loop that runs without the GIL. */
enum { DONE = 0, NO_MEMORY = -1, INTERRUPTED = -2 };

/* The tables of keys. */
enum { BY_ENDS, AROUND, AT_END, BY_LENGTH };

typedef struct {
    uint64_t key, spans, brackets;
} cell;

typedef struct {
    const uint32_t *text, *drawn;
    const double *bonds;
    const uint16_t *classes;
    Py_ssize_t size, stretches, symbols;
    cell *cells;       /* a hash table, empty where no span was counted */
    size_t room, used; /* room: a power of two */
} tally;

static inline cell *
find_cell(cell *cells, size_t room, uint64_t key)
{
    size_t slot = (size_t)(key * 0x9E3779B97F4A7C15u >> 32) & (room - 1);
    while (cells[slot].spans && cells[slot].key != key)
        slot = (slot + 1) & (room - 1);
    return &cells[slot];
}

/* Room for so many more keys. */
static int
make_room(tally *t, size_t more)
{
    if (2 * (t->used + more) <= t->room)
        return DONE;
    size_t room = t->room ? t->room : 1024;
    while (2 * (t->used + more) > room)
        room *= 2;
    cell *cells = calloc(room, sizeof *cells);
    if (!cells)
        return NO_MEMORY;
    for (size_t slot = 0; slot < t->room; slot++)
        if (t->cells[slot].spans)
            *find_cell(cells, room, t->cells[slot].key) = t->cells[slot];
    free(t->cells);
    t->cells = cells;
    t->room = room;
    return DONE;
}

static inline void
count_key(tally *t, uint64_t table, uint64_t left, uint64_t right, uint64_t bracket)
{
    uint64_t key = table << 32 | left << 16 | right;
    cell *found = find_cell(t->cells, t->room, key);
    t->used += !found->spans;
    found->key = key;
    found->spans++;
    found->brackets += bracket;
}

/* A bond is the weakest of the span that reaches, on either side, to the next that is weaker. */
static void
split_stretch(const double *bonds, size_t size, uint8_t (*brackets)[MOST_WORDS + 1])
{
    size_t weaker[MOST_WORDS], starts[MOST_WORDS], count = 0;
    for (size_t start = 0; start < size; start++)
        memset(brackets[start], 0, size + 1);
    for (size_t place = 0; place + 1 < size; place++) {
        while (count && bonds[weaker[count - 1]] > bonds[place])
            brackets[starts[weaker[--count]]][place + 1] = 1;
        starts[place] = count ? weaker[count - 1] + 1 : 0;
        weaker[count++] = place;
    }
    while (count)
        brackets[starts[weaker[--count]]][size] = 1;
}

static int
count_stretch(tally *t, size_t begin)
{
    uint8_t brackets[MOST_WORDS][MOST_WORDS + 1];
    uint16_t around[MOST_WORDS + 2] = {0};
    size_t size = 0;
    for (; begin + size < (size_t)t->size && t->text[begin + size]; size++)
        around[size + 1] = t->classes[t->text[begin + size]];
    around[size + 1] = 0;
    split_stretch(t->bonds + begin, size, brackets);
    if (make_room(t, 2 * size * size) != DONE)
        return NO_MEMORY;
    for (size_t start = 0; start + 1 < size; start++)
        for (size_t stop = start + 2; stop <= size; stop++) {
            if (stop - start == size)
                continue;
            uint64_t bracket = brackets[start][stop];
            count_key(t, BY_ENDS, around[start + 1], around[stop], bracket);
            count_key(t, AROUND, around[start], around[stop + 1], bracket);
            count_key(t, AT_END, around[stop], around[stop + 1], bracket);
            count_key(t, BY_LENGTH, 0, stop - start, bracket);
        }
    return DONE;
}

static int
by_key(const void *one, const void *other)
{
    uint64_t a = ((const cell *)one)->key, b = ((const cell *)other)->key;
    return (a > b) - (a < b);
}

static int
count_text(tally *t)
{
    PyThreadState *state = PyEval_SaveThread();
    int status = make_room(t, 1);
    for (Py_ssize_t i = 0; i < t->stretches && status == DONE; i++) {
        status = count_stretch(t, t->drawn[i]);
        if (status == DONE && i % TURN == TURN - 1 && interrupted(&state))
            status = INTERRUPTED;
    }
    size_t used = 0;
    for (size_t slot = 0; slot < t->room; slot++)
        if (t->cells[slot].spans)
            t->cells[used++] = t->cells[slot];
    qsort(t->cells, used, sizeof *t->cells, by_key);
    PyEval_RestoreThread(state);
    return status;
}

static int
check_numbers(const tally *t)
{
    for (Py_ssize_t place = 0; place < t->size; place++)
        if ((Py_ssize_t)t->text[place] >= t->symbols) {
            PyErr_Format(PyExc_ValueError, "tokens: expected numbers below %zd, got %u at %zd", t->symbols,
                         t->text[place], place);
            return -1;
        }
    return 0;
}

static int
check_tally(const tally *t)
{
    if (check_numbers(t) < 0)
        return -1;
    for (Py_ssize_t i = 0; i < t->stretches; i++) {
        Py_ssize_t begin = t->drawn[i], words = 0;
        if (begin >= t->size || !t->text[begin]) {
            PyErr_Format(PyExc_ValueError, "drawn: expected places of words below %zd, got %zd", t->size, begin);
            return -1;
        }
        while (words <= MOST_WORDS && begin + words < t->size && t->text[begin + words])
            words++;
        if (words > MOST_WORDS) {
            PyErr_Format(PyExc_ValueError, "drawn: expected stretches of at most %d words, got more at %zd", MOST_WORDS,
                         begin);
            return -1;
        }
    }
    return 0;
}

static PyObject *
column_of(const tally *t, size_t offset)
{
    PyObject *column = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(t->used * 8));
    char *to = column ? PyBytes_AsString(column) : NULL;
    for (size_t i = 0; to && i < t->used; i++)
        memcpy(to + 8 * i, (const char *)&t->cells[i] + offset, 8);
    return column;
}

static PyObject *
count_brackets(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *objects[4], *result = NULL;
    tally t = {0};
    if (!PyArg_ParseTuple(args, "OOOO:count_brackets", &objects[0], &objects[1], &objects[2], &objects[3]))
        return NULL;
    buffers all = {.held = 0};
    Py_ssize_t bonds;
    if ((t.size = open_items(&all, objects[0], 4, 0, "tokens", &t.text)) < 0 ||
        (t.stretches = open_items(&all, objects[1], 4, 0, "drawn", &t.drawn)) < 0 ||
        (bonds = open_items(&all, objects[2], 8, 0, "bonds", &t.bonds)) < 0 ||
        (t.symbols = open_items(&all, objects[3], 2, 0, "classes", &t.classes)) < 0)
        goto done;
    if (bonds != t.size) {
        PyErr_Format(PyExc_ValueError, "bonds: expected %zd items, got %zd", t.size, bonds);
        goto done;
    }
    if (check_tally(&t) < 0)
        goto done;
    int status = count_text(&t);
    if (status == NO_MEMORY)
        PyErr_NoMemory();
    if (status == DONE) {
        PyObject *keys = column_of(&t, 0), *spans = column_of(&t, 8), *brackets = column_of(&t, 16);
        if (keys && spans && brackets)
            result = Py_BuildValue("OOO", keys, spans, brackets);
        Py_XDECREF(keys);
        Py_XDECREF(spans);
        Py_XDECREF(brackets);
    }
    free(t.cells);
done:
    buffers_release(&all);
    return result;
}

/* ---- bonds --------------------------------------------------------------------------------------------------- */

typedef struct {
    const double *ends, *begins, *counts;
    double seen, places, square, weight;
} costs;

static inline uint64_t
pair_at(const tally *t, Py_ssize_t place)
{
    uint32_t left = t->text[place], right = place + 1 < t->size ? t->text[place + 1] : 0;
    return left && right ? (uint64_t)left << 32 | right : 0;
}

static int
find_bonds(tally *t, const costs *c, double *bonds, PyThreadState **state)
{
    for (Py_ssize_t place = 0; place < t->size; place++) {
        if (place % WORDS == WORDS - 1 && interrupted(state))
            return INTERRUPTED;
        uint64_t key = pair_at(t, place);
        if (!key)
            continue;
        if (make_room(t, 1) != DONE)
            return NO_MEMORY;
        cell *found = find_cell(t->cells, t->room, key);
        t->used += !found->spans;
        found->key = key;
        found->spans++;
    }
    for (Py_ssize_t place = 0; place < t->size; place++) {
        if (place % WORDS == WORDS - 1 && interrupted(state))
            return INTERRUPTED;
        uint64_t key = pair_at(t, place);
        double bond = 0.0;
        if (key) {
            size_t left = key >> 32, right = key & 0xFFFFFFFFu;
            double number = (double)find_cell(t->cells, t->room, key)->spans;
            double pmi = log((number + c->seen) / c->places) - log(c->counts[left] * c->counts[right] / c->square);
            bond = c->ends[left] + c->begins[right] + c->weight * pmi;
        }
        memcpy(bonds + place, &bond, 8);
    }
    return DONE;
}

/* Whether logarithms can be taken of all; -1 with an error set. */
static int
check_costs(const costs *c, Py_ssize_t symbols)
{
    int fits = c->seen >= 0.0 && c->places > 0.0 && c->square > 0.0;
    for (Py_ssize_t number = 0; fits && number < symbols; number++)
        fits = c->counts[number] > 0.0;
    if (!fits)
        PyErr_SetString(PyExc_ValueError, "counts: expected numbers above 0, as places and square, got another");
    return fits ? 0 : -1;
}

static PyObject *
neighbour_bonds(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *objects[4], *result = NULL;
    tally t = {0};
    costs c = {0};
    if (!PyArg_ParseTuple(args, "OOOOdddd:neighbour_bonds", &objects[0], &objects[1], &objects[2], &objects[3], &c.seen,
                          &c.places, &c.square, &c.weight))
        return NULL;
    buffers all = {.held = 0};
    Py_ssize_t begins, counts;
    if ((t.size = open_items(&all, objects[0], 4, 0, "tokens", &t.text)) < 0 ||
        (t.symbols = open_items(&all, objects[1], 8, 0, "ends", &c.ends)) < 0 ||
        (begins = open_items(&all, objects[2], 8, 0, "begins", &c.begins)) < 0 ||
        (counts = open_items(&all, objects[3], 8, 0, "counts", &c.counts)) < 0)
        goto done;
    if (begins != t.symbols || counts != t.symbols) {
        PyErr_Format(PyExc_ValueError, "%s: expected %zd items, got %zd", begins != t.symbols ? "begins" : "counts",
                     t.symbols, begins != t.symbols ? begins : counts);
        goto done;
    }
    if (check_numbers(&t) < 0 || check_costs(&c, t.symbols) < 0)
        goto done;
    if ((result = PyBytes_FromStringAndSize(NULL, t.size * 8)) != NULL) {
        double *bonds = (double *)PyBytes_AsString(result);
        PyThreadState *state = PyEval_SaveThread();
        int status = find_bonds(&t, &c, bonds, &state);
        PyEval_RestoreThread(state);
        if (status == NO_MEMORY)
            PyErr_NoMemory();
        if (status != DONE)
            Py_CLEAR(result);
    }
    free(t.cells);
done:
    buffers_release(&all);
    return result;
}

PyMethodDef brackets_methods[] = {
    {"count_brackets", count_brackets, METH_VARARGS, NULL},
    {"neighbour_bonds", neighbour_bonds, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
