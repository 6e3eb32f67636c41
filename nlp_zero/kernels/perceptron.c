/* The structured perceptron: the copy of perceptron.py, which is the specification. */
#include "_lanes.h"

#define TURN 20000  /* positions between two looks for Ctrl-C */

typedef struct {
    Py_ssize_t width, sentences, positions, tables;
    const int64_t *starts, *offsets, *edge_offsets;
    const int32_t *attributes, *edge_items, *labels, *order;
    const double *values;
    double *states, *edges, *state_sums, *edge_sums;
    Py_ssize_t turns;
} learner;

/* Room for one sentence. */
typedef struct {
    double *scores, *arrived, *table;
    int32_t *origins, *found;
    size_t size;
} bench;

static void
bench_free(bench *b)
{
    free(b->scores);
    free(b->arrived);
    free(b->table);
    free(b->origins);
    free(b->found);
}

static int
bench_room(bench *b, Py_ssize_t size, Py_ssize_t width)
{
    if ((size_t)size <= b->size && b->scores)
        return 0;
    bench_free(b);
    b->size = (size_t)size * 2;
    size_t cells = b->size * (size_t)width;
    b->scores = malloc((size_t)width * 8);
    b->arrived = malloc((size_t)width * 8);
    b->table = malloc((size_t)width * (size_t)width * 8);
    b->origins = malloc(cells * 4);
    b->found = malloc(b->size * 4);
    return b->scores && b->arrived && b->table && b->origins && b->found ? 0 : -1;
}

WIDE static void
add_row(double *total, const double *row, double value, Py_ssize_t width)
{
    for (Py_ssize_t label = 0; label < width; label++)
        total[label] += row[label] * value;
}

static void
add_scores(const learner *l, Py_ssize_t place, double *total)
{
    int64_t end = l->offsets[place + 1];
    for (int64_t at = l->offsets[place]; at < end; at++)
        add_row(total, l->states + l->attributes[at] * l->width, l->values ? l->values[at] : 1.0, l->width);
}

/* The scores of a position by its attributes alone, so that they are added up as in Python. */
static void
score(const learner *l, Py_ssize_t place, double *total)
{
    memset(total, 0, (size_t)l->width * 8);
    add_scores(l, place, total);
}

/* The best way to each label, by the label before. */
WIDE static void
step(const double *before, const double *table, double *best, int32_t *origins, Py_ssize_t width)
{
    for (Py_ssize_t label = 0; label < width; label++) {
        best[label] = before[0] + table[label];
        origins[label] = 0;
    }
    for (Py_ssize_t other = 1; other < width; other++) {
        double so_far = before[other];
        const double *row = table + other * width;
        for (Py_ssize_t label = 0; label < width; label++) {
            double arrived = so_far + row[label];
            origins[label] = arrived > best[label] ? (int32_t)other : origins[label];
            best[label] = arrived > best[label] ? arrived : best[label];
        }
    }
}

static const double *
table_of(const learner *l, Py_ssize_t place, double *room)
{
    if (!l->edge_offsets)
        return l->edges;
    Py_ssize_t cells = l->width * l->width;
    memset(room, 0, (size_t)cells * 8);
    for (int64_t at = l->edge_offsets[place]; at < l->edge_offsets[place + 1]; at++)
        add_row(room, l->edges + l->edge_items[at] * cells, 1.0, cells);
    return room;
}

static int32_t
first_best(const double *scores, Py_ssize_t width)
{
    int32_t best = 0;
    for (Py_ssize_t label = 1; label < width; label++)
        if (scores[label] > scores[best])
            best = (int32_t)label;
    return best;
}

static void
decode(const learner *l, Py_ssize_t start, Py_ssize_t size, bench *b, double *own)
{
    Py_ssize_t width = l->width;
    score(l, start, b->scores);
    for (Py_ssize_t place = 1; place < size; place++) {
        const double *table = table_of(l, start + place, b->table);
        step(b->scores, table, b->arrived, b->origins + place * width, width);
        score(l, start + place, own);
        for (Py_ssize_t label = 0; label < width; label++)
            b->scores[label] = b->arrived[label] + own[label];
    }
    int32_t label = first_best(b->scores, width);
    for (Py_ssize_t place = size - 1; place >= 0; place--) {
        b->found[place] = label;
        if (place)
            label = b->origins[place * width + label];
    }
}

static void
change(const learner *l, double *weights, double *sums, Py_ssize_t at, double value, double moment)
{
    (void)l;
    weights[at] += value;
    sums[at] += value * moment;
}

static Py_ssize_t
learn(const learner *l, Py_ssize_t start, Py_ssize_t size, const int32_t *found, double moment)
{
    Py_ssize_t wrong = 0, width = l->width;
    const int32_t *truth = l->labels + start;
    for (Py_ssize_t step = 0; step < size; step++) {
        Py_ssize_t place = start + step;
        int32_t true_ = truth[step], got = found[step];
        if (true_ != got) {
            wrong++;
            for (int64_t at = l->offsets[place]; at < l->offsets[place + 1]; at++) {
                Py_ssize_t row = l->attributes[at] * width;
                double value = l->values ? l->values[at] : 1.0;
                change(l, l->states, l->state_sums, row + true_, value, moment);
                change(l, l->states, l->state_sums, row + got, -value, moment);
            }
        }
        if (!step || (true_ == got && truth[step - 1] == found[step - 1]))
            continue;
        int64_t from = l->edge_offsets ? l->edge_offsets[place] : 0, to = l->edge_offsets ? l->edge_offsets[place + 1] : 1;
        for (int64_t at = from; at < to; at++) {
            Py_ssize_t item = l->edge_offsets ? l->edge_items[at] : 0;
            change(l, l->edges, l->edge_sums, (item * width + truth[step - 1]) * width + true_, 1.0, moment);
            change(l, l->edges, l->edge_sums, (item * width + found[step - 1]) * width + got, -1.0, moment);
        }
    }
    return wrong;
}

enum { NO_MEMORY = -1, STOPPED = -2 };

static Py_ssize_t
pass(const learner *l, double moment, PyThreadState **thread)
{
    bench b = {0};
    double *own = malloc((size_t)l->width * 8);
    Py_ssize_t wrong = 0, seen = 0;
    for (Py_ssize_t turn = 0; turn < l->turns && wrong >= 0; turn++) {
        Py_ssize_t sentence = l->order[turn], start = (Py_ssize_t)l->starts[sentence];
        Py_ssize_t size = (Py_ssize_t)l->starts[sentence + 1] - start;
        moment += 1.0;
        if (!size)
            continue;
        if (!own || bench_room(&b, size, l->width) < 0) {
            wrong = NO_MEMORY;
            break;
        }
        decode(l, start, size, &b, own);
        wrong += learn(l, start, size, b.found, moment);
        if ((seen += size) >= TURN) {
            seen = 0;
            if (interrupted(thread))
                wrong = STOPPED;
        }
    }
    bench_free(&b);
    free(own);
    return wrong;
}

static int
open_tables(learner *l, buffers *all, PyObject *const *given)
{
    Py_ssize_t states = open_numbers(all, given[0], 8, 1, "states", &l->states), edges;
    if (states < 0 || (edges = open_numbers(all, given[1], 8, 1, "edges", &l->edges)) < 0 ||
        open_exactly(all, given[2], 8, 1, states, "state sums", &l->state_sums) < 0 ||
        open_exactly(all, given[3], 8, 1, edges, "edge sums", &l->edge_sums) < 0)
        return -1;
    if (states % l->width) {
        PyErr_Format(PyExc_ValueError, "states: expected rows of %zd items, got %zd items", l->width, states);
        return -1;
    }
    Py_ssize_t cells = l->width * l->width;
    if (edges % cells || !edges) {
        PyErr_Format(PyExc_ValueError, "edges: expected tables of %zd items, got %zd items", cells, edges);
        return -1;
    }
    l->tables = edges / cells;
    return 0;
}

static int
open_learner(learner *l, buffers *all, PyObject *starts, PyObject *const *rows, PyObject *const *edge_rows,
             PyObject *labels, PyObject *order, PyObject *const *tables)
{
    Py_ssize_t count, offsets, items, values, edge_offsets, edge_items;
    if (check_width(l->width) < 0 || (count = open_numbers(all, starts, 8, 0, "starts", &l->starts)) < 0 ||
        (offsets = open_numbers(all, rows[0], 8, 0, "offsets", &l->offsets)) < 0 ||
        (items = open_numbers(all, rows[1], 4, 0, "items", &l->attributes)) < 0 ||
        (values = open_numbers(all, rows[2], 8, 0, "values", &l->values)) < 0)
        return -1;
    l->sentences = count ? count - 1 : 0;
    l->positions = offsets ? offsets - 1 : 0;
    if (check_rows("starts", l->starts, 0, count - 1, l->positions) < 0 ||
        check_rows("offsets", l->offsets, 0, offsets - 1, items) < 0)
        return -1;
    if (values && values != items) {
        PyErr_Format(PyExc_ValueError, "values: expected %zd items, got %zd", items, values);
        return -1;
    }
    if (!values)
        l->values = NULL;
    if (open_exactly(all, labels, 4, 0, l->positions, "labels", &l->labels) < 0 ||
        check_numbers("labels", l->labels, 0, l->positions, l->width) < 0 || open_tables(l, all, tables) < 0 ||
        check_numbers("items", l->attributes, 0, items,
                      all->views[all->held - 4].len / 8 / l->width) < 0)
        return -1;
    if ((edge_offsets = open_numbers(all, edge_rows[0], 8, 0, "edge offsets", &l->edge_offsets)) < 0 ||
        (edge_items = open_numbers(all, edge_rows[1], 4, 0, "edge items", &l->edge_items)) < 0)
        return -1;
    if (edge_offsets) {
        if (edge_offsets != l->positions + 1) {
            PyErr_Format(PyExc_ValueError, "edge offsets: expected %zd items, got %zd", l->positions + 1, edge_offsets);
            return -1;
        }
        if (check_rows("edge offsets", l->edge_offsets, 0, l->positions, edge_items) < 0 ||
            check_numbers("edge items", l->edge_items, 0, edge_items, l->tables) < 0)
            return -1;
    }
    else
        l->edge_offsets = NULL;
    if ((l->turns = open_numbers(all, order, 4, 0, "order", &l->order)) < 0)
        return -1;
    return check_numbers("order", l->order, 0, l->turns, l->sentences);
}

static PyObject *
perceptron_pass(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *starts, *rows[3], *edge_rows[2], *labels, *order, *tables[4];
    Py_ssize_t moment;
    learner l = {0};
    if (!PyArg_ParseTuple(args, "O(OOO)(OO)OnOnOOOO:perceptron_pass", &starts, &rows[0], &rows[1], &rows[2],
                          &edge_rows[0], &edge_rows[1], &labels, &l.width, &order, &moment, &tables[0], &tables[1],
                          &tables[2], &tables[3]))
        return NULL;
    buffers all = {.held = 0};
    PyObject *result = NULL;
    if (open_learner(&l, &all, starts, rows, edge_rows, labels, order, tables) == 0) {
        PyThreadState *thread = PyEval_SaveThread();
        Py_ssize_t wrong = pass(&l, (double)moment, &thread);
        PyEval_RestoreThread(thread);
        if (wrong >= 0)
            result = PyLong_FromSsize_t(wrong);
        else if (wrong == NO_MEMORY)
            PyErr_NoMemory();
    }
    buffers_release(&all);
    return result;
}

PyMethodDef perceptron_methods[] = {
    {"perceptron_pass", perceptron_pass, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
