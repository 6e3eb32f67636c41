/* Chains that are normalised place by place: the copy of local.py, which is the specification. */
#include "_lanes.h"

#define TURN 20000  /* positions between two looks for Ctrl-C */

enum { DONE = 0, NO_MEMORY = -1, STOPPED = -2 };

typedef struct {
    Py_ssize_t width, count, positions, tables;
    const int64_t *starts, *offsets;
    const int32_t *attributes;
    double *scores;
    const double *weights;
    double *shares, *table, *room;  /* exponentials of a place and of its edges; of the places of a sentence */
    double table_top;
    int table_made;
} places;

static int
places_open(places *p, buffers *all, PyObject *starts, PyObject *scores, PyObject *const edges[3])
{
    Py_ssize_t count, size, weights, offsets, items;
    if (check_width(p->width) < 0 || (size = open_numbers(all, scores, 8, 1, "scores", &p->scores)) < 0)
        return -1;
    if (size % p->width) {
        PyErr_Format(PyExc_ValueError, "scores: expected rows of %zd items, got %zd items", p->width, size);
        return -1;
    }
    p->positions = size / p->width;
    if ((count = open_numbers(all, starts, 8, 0, "starts", &p->starts)) < 0)
        return -1;
    p->count = count ? count - 1 : 0;
    if (p->count && check_rows("starts", p->starts, 0, p->count, p->positions) < 0)
        return -1;
    if ((weights = open_numbers(all, edges[2], 8, 0, "edge weights", &p->weights)) < 0)
        return -1;
    Py_ssize_t cells = p->width * p->width;
    if (weights % cells || !weights) {
        PyErr_Format(PyExc_ValueError, "edge weights: expected tables of %zd items, got %zd items", cells, weights);
        return -1;
    }
    p->tables = weights / cells;
    if ((offsets = open_numbers(all, edges[0], 8, 0, "edge offsets", &p->offsets)) < 0 ||
        (items = open_numbers(all, edges[1], 4, 0, "edge attributes", &p->attributes)) < 0)
        return -1;
    if (offsets) {
        if (offsets != p->positions + 1) {
            PyErr_Format(PyExc_ValueError, "edge offsets: expected %zd items, got %zd", p->positions + 1, offsets);
            return -1;
        }
        if (check_rows("edge offsets", p->offsets, 0, p->positions, items) < 0 ||
            check_numbers("edge attributes", p->attributes, 0, items, p->tables) < 0)
            return -1;
    }
    else
        p->offsets = NULL;
    p->shares = malloc((size_t)p->width * 8);
    p->table = malloc((size_t)cells * 8);
    if (p->shares && p->table)
        return 0;
    PyErr_NoMemory();
    return -1;
}

static void
places_close(places *p, buffers *all)
{
    free(p->shares);
    free(p->table);
    free(p->room);
    buffers_release(all);
}

/* Exponentials relative to the best, which is returned. */
static double
relative(const double *scores, double *shares, Py_ssize_t count)
{
    double top = scores[0];
    for (Py_ssize_t n = 1; n < count; n++)
        top = scores[n] > top ? scores[n] : top;
    for (Py_ssize_t n = 0; n < count; n++)
        shares[n] = exp(scores[n] - top);
    return top;
}

static double
edge_table(places *p, Py_ssize_t place)
{
    if (p->table_made)
        return p->table_top;
    Py_ssize_t cells = p->width * p->width;
    const double *scores = p->weights;
    if (p->offsets) {
        memset(p->table, 0, (size_t)cells * 8);
        for (int64_t at = p->offsets[place]; at < p->offsets[place + 1]; at++)
            for (Py_ssize_t cell = 0; cell < cells; cell++)
                p->table[cell] += p->weights[p->attributes[at] * cells + cell];
        scores = p->table;
    }
    p->table_top = relative(scores, p->table, cells);
    p->table_made = !p->offsets;
    return p->table_top;
}

/* ---- losses ------------------------------------------------------------------------------------------------------ */

static double
place_loss(places *p, const int32_t *known, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t place, int way, double share,
           double *slope, double *counts)
{
    Py_ssize_t width = p->width, edge = way ? place + 1 : place, first = 0, stride = 0;
    int32_t label = known[place];
    relative(p->scores + place * width, p->shares, width);
    int joined = way ? place + 1 < stop : place > start;
    if (joined) {
        Py_ssize_t other = way ? known[place + 1] : known[place - 1];
        first = way ? other : other * width;
        stride = way ? width : 1;
        edge_table(p, edge);
        for (Py_ssize_t y = 0; y < width; y++)
            p->shares[y] *= p->table[first + y * stride];
    }
    double total = 0.0;
    for (Py_ssize_t y = 0; y < width; y++)
        total += p->shares[y];
    if (!(total > 0.0 && total < INFINITY) || p->shares[label] == 0.0)
        return INFINITY;
    double chance = p->shares[label] / total;
    for (Py_ssize_t y = 0; y < width; y++)
        p->shares[y] = share * (p->shares[y] / total);
    p->shares[label] -= share;
    for (Py_ssize_t y = 0; y < width; y++)
        slope[y] += p->shares[y];
    if (joined) {
        int64_t from = p->offsets ? p->offsets[edge] : 0, to = p->offsets ? p->offsets[edge + 1] : 1;
        for (int64_t at = from; at < to; at++) {
            double *table = counts + (p->offsets ? p->attributes[at] : 0) * width * width + first;
            for (Py_ssize_t y = 0; y < width; y++)
                table[y * stride] += p->shares[y];
        }
    }
    return -log(chance);
}

/* Room for the places of a sentence. */
static double *
places_room(places *p, Py_ssize_t *room, Py_ssize_t cells)
{
    if (cells > *room || !p->room) {
        free(p->room);
        *room = cells * 2;
        p->room = malloc((size_t)*room * 8 + 8);
    }
    return p->room;
}

static int
sum_losses(places *p, const int32_t *known, Py_ssize_t begin, Py_ssize_t end, int both, double *counts, double *loss,
           PyThreadState **thread)
{
    double share = both ? 0.5 : 1.0;
    Py_ssize_t room = 0, seen = 0;
    for (Py_ssize_t sentence = begin; sentence < end; sentence++) {
        Py_ssize_t start = (Py_ssize_t)p->starts[sentence], stop = (Py_ssize_t)p->starts[sentence + 1];
        size_t cells = (size_t)((stop - start) * p->width);
        double *slopes = places_room(p, &room, (Py_ssize_t)cells);
        if (!slopes)
            return NO_MEMORY;
        memset(slopes, 0, cells * 8);
        for (int way = 0; way < (both ? 2 : 1); way++)
            for (Py_ssize_t place = start; place < stop; place++)
                *loss += share * place_loss(p, known, start, stop, place, way, share,
                                            slopes + (place - start) * p->width, counts);
        if (!(*loss < INFINITY)) {
            *loss = INFINITY;
            return DONE;
        }
        memcpy(p->scores + start * p->width, slopes, cells * 8);
        if ((seen += stop - start) >= TURN) {
            seen = 0;
            if (interrupted(thread))
                return STOPPED;
        }
    }
    return DONE;
}

static PyObject *
local_losses(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *starts, *scores, *edges[3], *labels, *sums, *result = NULL;
    places p = {0};
    Py_ssize_t begin, end, tables;
    int both;
    if (!PyArg_ParseTuple(args, "OO(OOO)OnnniO:local_losses", &starts, &scores, &edges[0], &edges[1], &edges[2],
                          &labels, &p.width, &begin, &end, &both, &sums))
        return NULL;
    buffers all = {.held = 0};
    const int32_t *known;
    double *counts, loss = 0.0;
    if (places_open(&p, &all, starts, scores, edges) == 0 && (tables = p.tables * p.width * p.width) &&
        open_exactly(&all, sums, 8, 1, tables, "sums", &counts) == 0 && check_range(begin, end, p.count) == 0 &&
        open_exactly(&all, labels, 4, 0, p.positions, "labels", &known) == 0 &&
        check_numbers("labels", known, 0, p.positions, p.width) == 0) {
        PyThreadState *thread = PyEval_SaveThread();
        int status = sum_losses(&p, known, begin, end, both, counts, &loss, &thread);
        PyEval_RestoreThread(thread);
        if (status == DONE)
            result = PyFloat_FromDouble(loss);
        else if (status == NO_MEMORY)
            PyErr_NoMemory();
    }
    places_close(&p, &all);
    return result;
}

/* ---- scores ------------------------------------------------------------------------------------------------------- */

static void
take(double *losses, const double *table, const double *shares, double top, double share, int way, Py_ssize_t width)
{
    for (Py_ssize_t label = 0; label < width; label++) {
        double total = 0.0;
        for (Py_ssize_t other = 0; other < width; other++)
            total += shares[other] * (!table ? 1.0 : table[way ? other * width + label : label * width + other]);
        losses[label] += share * ((total > 0.0 ? log(total) : -INFINITY) + top);
    }
}

static int
take_sums(places *p, int both, PyThreadState **thread)
{
    double share = both ? 0.5 : 1.0;
    Py_ssize_t room = 0, seen = 0, width = p->width;
    for (Py_ssize_t sentence = 0; sentence < p->count; sentence++) {
        Py_ssize_t start = (Py_ssize_t)p->starts[sentence], size = (Py_ssize_t)p->starts[sentence + 1] - start;
        Py_ssize_t cells = size * width;
        double *losses = places_room(p, &room, 2 * cells + size);
        if (!losses)
            return NO_MEMORY;
        double *shares = losses + cells, *tops = shares + cells;
        memset(losses, 0, (size_t)cells * 8);
        for (Py_ssize_t step = 0; step < size; step++)
            tops[step] = relative(p->scores + (start + step) * width, shares + step * width, width);
        for (Py_ssize_t step = 0; step < size; step++) {
            double *own = losses + step * width, *here = shares + step * width;
            if (!step)
                take(own, NULL, here, tops[step], share, 0, width);
            if (both && step + 1 == size)
                take(own, NULL, here, tops[step], share, 0, width);
            if (step) {
                double best = edge_table(p, start + step);
                take(own - width, p->table, here, tops[step] + best, share, 0, width);
                if (both)
                    take(own, p->table, here - width, tops[step - 1] + best, share, 1, width);
            }
        }
        for (Py_ssize_t cell = 0; cell < cells; cell++)
            p->scores[start * width + cell] -= losses[cell];
        if ((seen += size) >= TURN) {
            seen = 0;
            if (interrupted(thread))
                return STOPPED;
        }
    }
    return DONE;
}

static PyObject *
local_scores(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *starts, *scores, *edges[3];
    places p = {0};
    int both, status = STOPPED;
    if (!PyArg_ParseTuple(args, "OO(OOO)ni:local_scores", &starts, &scores, &edges[0], &edges[1], &edges[2], &p.width,
                          &both))
        return NULL;
    buffers all = {.held = 0};
    if (places_open(&p, &all, starts, scores, edges) == 0) {
        PyThreadState *thread = PyEval_SaveThread();
        status = take_sums(&p, both, &thread);
        PyEval_RestoreThread(thread);
        if (status == NO_MEMORY)
            PyErr_NoMemory();
    }
    places_close(&p, &all);
    if (status != DONE)
        return NULL;
    Py_RETURN_NONE;
}

PyMethodDef local_methods[] = {
    {"local_losses", local_losses, METH_VARARGS, NULL},
    {"local_scores", local_scores, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
