/* Chain kernels: the copy of chain.py, which is the specification. */
#include "_lanes.h"

#define TURN (1 << 22)   /* edges between two looks for Ctrl-C */
#define BLOCK 6          /* lanes that a loop keeps in registers */
#define INFINITE HUGE_VAL

/* What stops a loop that runs without the GIL. VANISHED: a sum over labellings is nothing, or beyond all numbers. */
enum { DONE = 0, NO_MEMORY = -1, INTERRUPTED = -2, VANISHED = -3 };

/* ---- arguments ----------------------------------------------------------------------------------------------- */

typedef struct {
    const int64_t *starts;
    double *scores;
    Py_ssize_t count, positions, width, padded;
    Py_ssize_t begin, end;       /* the sentences in question; end < 0 for all of them */
    int64_t first, last;         /* and their positions */
    const int64_t *offsets;      /* NULL: the one table counts everywhere */
    const int32_t *attributes;
    const double *weights;
    Py_ssize_t tables;
    const uint8_t *firsts, *moves, *lasts, *allowed;   /* or NULL */
} chains;

static int
edges_open(chains *c, buffers *all, PyObject *const edges[3])
{
    Py_ssize_t size = c->width * c->width, weights = open_numbers(all, edges[2], 8, 0, "edge weights", &c->weights);
    if (weights < 0)
        return -1;
    c->tables = weights / size;
    if (weights % size || !c->tables) {
        PyErr_Format(PyExc_ValueError, "edge weights: expected tables of %zd items, got %zd items", size, weights);
        return -1;
    }
    Py_ssize_t offsets = open_numbers(all, edges[0], 8, 0, "edge offsets", &c->offsets);
    Py_ssize_t attributes = open_numbers(all, edges[1], 4, 0, "edge attributes", &c->attributes);
    if (offsets < 0 || attributes < 0)
        return -1;
    if (!offsets) {
        c->offsets = NULL;
        return 0;
    }
    if (offsets != c->positions + 1) {
        PyErr_Format(PyExc_ValueError, "edge offsets: expected %zd items, got %zd", c->positions + 1, offsets);
        return -1;
    }
    if (check_rows("edge offsets", c->offsets, c->first, c->last, attributes) < 0)
        return -1;
    return check_numbers("edge attributes", c->attributes, c->offsets[c->first], c->offsets[c->last], c->tables);
}

/* Everything but what may be: that is open_legal and open_allowed. */
static int
chains_open(chains *c, buffers *all, PyObject *starts, PyObject *scores, PyObject *const edges[3], int writable)
{
    if (check_width(c->width) < 0)
        return -1;
    c->padded = PADDED(c->width);
    Py_ssize_t size = open_numbers(all, scores, 8, writable, "scores", &c->scores);
    if (size < 0)
        return -1;
    if (size % c->width) {
        PyErr_Format(PyExc_ValueError, "scores: expected rows of %zd items, got %zd items", c->width, size);
        return -1;
    }
    c->positions = size / c->width;
    if ((size = open_numbers(all, starts, 8, 0, "starts", &c->starts)) < 0)
        return -1;
    c->count = size ? size - 1 : 0;
    if (c->end < 0)
        c->end = c->count;
    if (check_range(c->begin, c->end, c->count) < 0)
        return -1;
    if (c->begin < c->end) {
        if (check_rows("starts", c->starts, c->begin, c->end, c->positions) < 0)
            return -1;
        c->first = c->starts[c->begin];
        c->last = c->starts[c->end];
    }
    return edges_open(c, all, edges);
}

static int
open_legal(chains *c, buffers *all, PyObject *const legal[3])
{
    return open_optional(all, legal[0], 1, c->width, "firsts", &c->firsts) < 0 ||
                   open_optional(all, legal[1], 1, c->width * c->width, "moves", &c->moves) < 0 ||
                   open_optional(all, legal[2], 1, c->width, "lasts", &c->lasts) < 0
               ? -1
               : 0;
}

static int
open_allowed(chains *c, buffers *all, PyObject *allowed)
{
    return open_optional(all, allowed, 1, c->positions * c->width, "allowed", &c->allowed);
}

static Py_ssize_t
longest(const chains *c, Py_ssize_t begin, Py_ssize_t end)
{
    int64_t most = 0;
    for (Py_ssize_t sentence = begin; sentence < end; sentence++)
        if (c->starts[sentence + 1] - c->starts[sentence] > most)
            most = c->starts[sentence + 1] - c->starts[sentence];
    return (Py_ssize_t)most;
}

static PyObject *
failed(int status)
{
    if (status == NO_MEMORY)
        PyErr_NoMemory();
    return NULL;
}

static int
may_stand(const chains *c, int64_t place, Py_ssize_t label, int first, int last, const uint8_t *allowed)
{
    return (!first || !c->firsts || c->firsts[label]) && (!last || !c->lasts || c->lasts[label]) &&
           (!allowed || allowed[place * c->width + label]);
}

/* ---- exponentials -------------------------------------------------------------------------------------------- */

/* ln 2 in two parts, the first with zeros at its end, so that its multiples are exact. */
#define LN2_HIGH 0x1.62e42fep-1
#define LN2_LOW 0x1.f473de6af278fp-30
#define LOG2_E 0x1.71547652b82fep+0
#define ROUNDER 0x1.8p52   /* adding it rounds to a whole number, which stands in the lowest bits */
#define LEAST (-708.0)     /* below it the exponential counts as nothing */

static const double taylor[] = {
    1.0 / 6227020800.0, 1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0, 1.0 / 362880.0, 1.0 / 40320.0,
    1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0,
};

/* exp(x - top) of the numbers of a padded row, each x <= top; exact to 2 units in the last place.
   exp(x) = 2**k exp(r), r = x - k ln 2, |r| <= ln 2 / 2, whose Taylor series is cut where it no longer matters. */
INLINE void
exponentials(double *row, Py_ssize_t padded, double top)
{
    for (Py_ssize_t j = 0; j < padded; j += LANES) {
#if LANES == 4
        lanes x = *(lanes *)(row + j) - top;
        lane_flags alive = x > (lanes){LEAST, LEAST, LEAST, LEAST};
        x = (lanes)((lane_flags)x & alive);
        lanes k = x * LOG2_E + ROUNDER;
        lane_flags power = ((lane_flags)k << 52) + ((int64_t)1023 << 52);
        k = k - ROUNDER;
        lanes r = x - k * LN2_HIGH;
        r = r - k * LN2_LOW;
        lanes sum = r * taylor[0] + taylor[1];
        for (int i = 2; i < 14; i++)
            sum = sum * r + taylor[i];
        *(lanes *)(row + j) = (lanes)((lane_flags)(sum * (lanes)power) & alive);
#else
        row[j] = row[j] - top > LEAST ? exp(row[j] - top) : 0.0;
#endif
    }
}

/* ---- sums over labellings ------------------------------------------------------------------------------------ */

/* The room of one call; rows are padded with zeros. */
typedef struct {
    double *emissions, *fixed;   /* positions of a sentence; `fixed` are those of the allowed labels */
    double *fore, *scales;
    double *by_before, *by_label;  /* the matrix of edges: a row for each label before, and for each label here */
    double *counts;              /* expected edges, still to be multiplied by the matrix */
    double *beta, *arriving, *row;
    double top;                  /* the best edge, relative to which the matrix is */
    void *memory;
} workspace;

static int
workspace_open(workspace *w, const chains *c, Py_ssize_t positions)
{
    size_t padded = (size_t)c->padded, rows = (size_t)positions * padded, square = (size_t)c->width * padded;
    double *next = w->memory = calloc(3 * rows + (size_t)positions + 3 * square + 3 * padded + LANES, 8);
    if (!next)
        return NO_MEMORY;
    w->emissions = next;
    w->fixed = w->emissions + rows;
    w->fore = w->fixed + rows;
    w->by_before = w->fore + rows;
    w->by_label = w->by_before + square;
    w->counts = w->by_label + square;
    w->beta = w->counts + square;
    w->arriving = w->beta + padded;
    w->row = w->arriving + padded;
    w->scales = w->row + padded;
    return DONE;
}

/* The weights of the edges of a place, added up, a padded row for each label before. */
INLINE void
edge_scores(const chains *c, int64_t place, double *matrix)
{
    Py_ssize_t width = c->width, padded = c->padded;
    int64_t start = 0, end = 1;
    if (c->offsets) {
        start = c->offsets[place];
        end = c->offsets[place + 1];
        memset(matrix, 0, (size_t)(width * padded) * 8);
    }
    for (int64_t k = start; k < end; k++) {
        const double *table = c->weights + (c->offsets ? (Py_ssize_t)c->attributes[k] * width * width : 0);
        for (Py_ssize_t before = 0; before < width; before++)
            for (Py_ssize_t label = 0; label < width; label++) {
                double weight = table[before * width + label];
                matrix[before * padded + label] = c->offsets ? matrix[before * padded + label] + weight : weight;
            }
    }
}

INLINE void
edge_matrix(const chains *c, workspace *w, int64_t place)
{
    Py_ssize_t width = c->width, padded = c->padded;
    edge_scores(c, place, w->by_before);
    double top = w->by_before[0];
    for (Py_ssize_t before = 0; before < width; before++)
        for (Py_ssize_t label = 0; label < width; label++)
            if (w->by_before[before * padded + label] > top)
                top = w->by_before[before * padded + label];
    w->top = top;
    for (Py_ssize_t before = 0; before < width; before++) {
        double *row = w->by_before + before * padded;
        exponentials(row, padded, top);
        for (Py_ssize_t label = width; label < padded; label++)
            row[label] = 0.0;
        if (c->moves)
            for (Py_ssize_t label = 0; label < width; label++)
                row[label] *= (double)c->moves[before * width + label];
        for (Py_ssize_t label = 0; label < width; label++)
            w->by_label[label * padded + before] = row[label];
    }
}

/* The exponentials of the scores of a sentence, relative to the best of each position; the sum of the best. */
INLINE double
make_emissions(const chains *c, double *emissions, int64_t start, int64_t end, const uint8_t *allowed)
{
    double total = 0.0;
    for (int64_t place = start; place < end; place++) {
        const double *scores = c->scores + place * c->width;
        double *row = emissions + (place - start) * c->padded, top = -INFINITE;
        int masked = allowed || (place == start && c->firsts) || (place + 1 == end && c->lasts);
        for (Py_ssize_t label = 0; label < c->width; label++) {
            double score = scores[label];
            if (masked && !may_stand(c, place, label, place == start, place + 1 == end, allowed))
                score = -INFINITE;
            row[label] = score;
            top = score > top ? score : top;
        }
        if (top == -INFINITE)
            return -INFINITE;
        for (Py_ssize_t label = c->width; label < c->padded; label++)
            row[label] = -INFINITE;
        exponentials(row, c->padded, top);
        total += top;
    }
    return total;
}

INLINE double
sum_row(const double *row, Py_ssize_t padded)
{
    lanes sum = *(const lanes *)row;
    for (Py_ssize_t j = LANES; j < padded; j += LANES)
        sum += *(const lanes *)(row + j);
#if LANES == 4
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
#else
    return sum;
#endif
}

INLINE void
combine_lanes(const double *factors, Py_ssize_t width, const double *rows, Py_ssize_t padded, double *out,
              const int count)
{
    lanes total[BLOCK];
    for (int i = 0; i < count; i++)
        total[i] = (lanes){0.0};
    for (Py_ssize_t k = 0; k < width; k++, rows += padded)
        for (int i = 0; i < count; i++)
            total[i] += factors[k] * *(const lanes *)(rows + i * LANES);
    for (int i = 0; i < count; i++)
        *(lanes *)(out + i * LANES) = total[i];
}

/* The sum of the rows of a matrix, each times its factor. */
INLINE void
combine(const double *factors, Py_ssize_t width, const double *rows, Py_ssize_t padded, double *out)
{
    Py_ssize_t column = 0;
    while (column < padded) {
        Py_ssize_t left = (padded - column) / LANES;
        int count = left < BLOCK ? (int)left : BLOCK;
        switch (count) {
        case 1: combine_lanes(factors, width, rows + column, padded, out + column, 1); break;
        case 2: combine_lanes(factors, width, rows + column, padded, out + column, 2); break;
        case 3: combine_lanes(factors, width, rows + column, padded, out + column, 3); break;
        case 4: combine_lanes(factors, width, rows + column, padded, out + column, 4); break;
        case 5: combine_lanes(factors, width, rows + column, padded, out + column, 5); break;
        default: combine_lanes(factors, width, rows + column, padded, out + column, BLOCK);
        }
        column += count * LANES;
    }
}

/* log Z of a sentence, the forward sums in w->fore; -inf if sums vanish. */
INLINE double
forward(const chains *c, workspace *w, const double *emissions, int64_t start, int64_t end, double total)
{
    Py_ssize_t padded = c->padded;
    for (int64_t place = start; place < end; place++) {
        const double *here = emissions + (place - start) * padded;
        double *row = w->fore + (place - start) * padded;
        if (place == start)
            memcpy(row, here, (size_t)padded * 8);
        else {
            if (c->offsets)
                edge_matrix(c, w, place);
            combine(row - padded, c->width, w->by_before, padded, row);
            for (Py_ssize_t j = 0; j < padded; j += LANES)
                *(lanes *)(row + j) *= *(const lanes *)(here + j);
            total += w->top;
        }
        double scale = sum_row(row, padded);
        if (!(scale > 0.0 && scale < INFINITE))
            return -INFINITE;
        total += log(scale);
        w->scales[place - start] = 1.0 / scale;
        for (Py_ssize_t j = 0; j < padded; j += LANES)
            *(lanes *)(row + j) *= w->scales[place - start];
    }
    return total;
}

/* Adds the expected edges between a position and the one before it. */
INLINE void
count_edges(const chains *c, workspace *w, int64_t place, const double *before, double sign, double *sums)
{
    Py_ssize_t width = c->width, padded = c->padded;
    if (!c->offsets) {
        for (Py_ssize_t i = 0; i < width; i++) {
            double weight = sign * before[i], *row = w->counts + i * padded;
            for (Py_ssize_t j = 0; j < padded; j += LANES)
                *(lanes *)(row + j) += weight * *(const lanes *)(w->arriving + j);
        }
        return;
    }
    for (Py_ssize_t i = 0; i < width && c->offsets[place] < c->offsets[place + 1]; i++) {
        double weight = sign * before[i];
        const double *edges = w->by_before + i * padded;
        for (Py_ssize_t j = 0; j < padded; j += LANES)
            *(lanes *)(w->row + j) = weight * *(const lanes *)(edges + j) * *(const lanes *)(w->arriving + j);
        for (int64_t k = c->offsets[place]; k < c->offsets[place + 1]; k++) {
            double *to = sums + ((Py_ssize_t)c->attributes[k] * width + i) * width;
            for (Py_ssize_t j = 0; j < width; j++)
                to[j] += w->row[j];
        }
    }
}

/* After forward: puts the marginals in place of the scores (sign 0 or 1) or takes them from what stands there (-1),
   and counts edges, unless sign is 0. */
INLINE void
backward(const chains *c, workspace *w, const double *emissions, int64_t start, int64_t end, int sign, double *sums)
{
    Py_ssize_t padded = c->padded;
    for (Py_ssize_t j = 0; j < c->width; j++)
        w->beta[j] = 1.0;
    for (int64_t place = end; place-- > start;) {
        const double *fore = w->fore + (place - start) * padded, *here = emissions + (place - start) * padded;
        double *out = c->scores + place * c->width, scale = w->scales[place - start];
        for (Py_ssize_t j = 0; j < padded; j += LANES) {
            lanes beta = *(const lanes *)(w->beta + j);
            *(lanes *)(w->row + j) = *(const lanes *)(fore + j) * beta;
            *(lanes *)(w->arriving + j) = *(const lanes *)(here + j) * beta * scale;
        }
        if (sign >= 0)
            memcpy(out, w->row, (size_t)c->width * 8);
        else
            for (Py_ssize_t j = 0; j < c->width; j++)
                out[j] -= w->row[j];
        if (place == start)
            break;
        if (c->offsets)
            edge_matrix(c, w, place);
        if (sign)
            count_edges(c, w, place, fore - padded, (double)sign, sums);
        combine(w->arriving, c->width, w->by_label, padded, w->beta);
    }
}

/* ---- losses -------------------------------------------------------------------------------------------------- */

typedef struct {
    chains c;
    workspace w;
    const int32_t *labels;
    double *sums, loss;
} losses;

INLINE double
take_gold(losses *l, int64_t start, int64_t end)
{
    const chains *c = &l->c;
    double score = 0.0;
    Py_ssize_t size = c->width * c->width;
    for (int64_t place = start; place < end; place++) {
        score += c->scores[place * c->width + l->labels[place]];
        if (place == start)
            continue;
        Py_ssize_t entry = l->labels[place - 1] * c->width + l->labels[place];
        int64_t k = c->offsets ? c->offsets[place] : 0, last = c->offsets ? c->offsets[place + 1] : 1;
        for (; k < last; k++) {
            Py_ssize_t edge = (c->offsets ? (Py_ssize_t)c->attributes[k] * size : 0) + entry;
            score += c->weights[edge];
            l->sums[edge] -= 1.0;
        }
    }
    return score;
}

WIDE static int
sentence_loss(losses *l, int64_t start, int64_t end)
{
    const chains *c = &l->c;
    workspace *w = &l->w;
    double gold, total = make_emissions(c, w->emissions, start, end, NULL), fixed = 0.0;
    if (c->allowed) {
        fixed = make_emissions(c, w->fixed, start, end, c->allowed);
        gold = 0.0;
    }
    else
        gold = take_gold(l, start, end);
    if (total == -INFINITE || fixed == -INFINITE)
        return VANISHED;
    total = forward(c, w, w->emissions, start, end, total);
    if (!(fabs(total) < INFINITE))
        return VANISHED;
    backward(c, w, w->emissions, start, end, 1, l->sums);
    if (c->allowed) {
        gold = forward(c, w, w->fixed, start, end, fixed);
        if (!(fabs(gold) < INFINITE))
            return VANISHED;
        backward(c, w, w->fixed, start, end, -1, l->sums);
    }
    else
        for (int64_t place = start; place < end; place++)
            c->scores[place * c->width + l->labels[place]] -= 1.0;
    l->loss += total - gold;
    return DONE;
}

WIDE static void
make_matrix(const chains *c, workspace *w)
{
    edge_matrix(c, w, 0);
}

static int
sum_losses(losses *l)
{
    const chains *c = &l->c;
    Py_ssize_t begin = c->begin, end = c->end;
    workspace *w = &l->w;
    if (workspace_open(w, c, longest(c, begin, end)) != DONE)
        return NO_MEMORY;
    if (!c->offsets)
        make_matrix(c, w);
    PyThreadState *thread = PyEval_SaveThread();
    int status = DONE;
    int64_t work = 0;
    for (Py_ssize_t sentence = begin; sentence < end && status == DONE; sentence++) {
        int64_t start = c->starts[sentence], stop = c->starts[sentence + 1];
        if (start < stop)
            status = sentence_loss(l, start, stop);
        if ((work += (stop - start) * c->width * c->width) > TURN) {
            work = 0;
            if (status == DONE && interrupted(&thread))
                status = INTERRUPTED;
        }
    }
    if (!c->offsets)
        for (Py_ssize_t i = 0; i < c->width; i++)
            for (Py_ssize_t j = 0; j < c->width; j++)
                l->sums[i * c->width + j] += w->by_before[i * c->padded + j] * w->counts[i * c->padded + j];
    PyEval_RestoreThread(thread);
    return status;
}

static PyObject *
chain_losses(PyObject *self, PyObject *args)
{
    PyObject *starts, *scores, *edges[3], *labels, *allowed, *sums, *result = NULL;
    buffers all = {.held = 0};
    losses l = {.loss = 0.0};
    chains *c = &l.c;
    (void)self;
    if (!PyArg_ParseTuple(args, "OO(OOO)OOnnnO:chain_losses", &starts, &scores, &edges[0], &edges[1], &edges[2], &labels,
                          &allowed, &c->width, &c->begin, &c->end, &sums))
        return NULL;
    if (chains_open(c, &all, starts, scores, edges, 1) < 0 || open_allowed(c, &all, allowed) < 0 ||
        open_exactly(&all, sums, 8, 1, c->tables * c->width * c->width, "sums", &l.sums) < 0 ||
        open_exactly(&all, labels, 4, 0, c->allowed ? 0 : c->positions, "labels", &l.labels) < 0 ||
        (!c->allowed && check_numbers("labels", l.labels, c->first, c->last, c->width) < 0))
        goto done;
    int status = sum_losses(&l);
    if (status == VANISHED)
        result = PyFloat_FromDouble(INFINITE);
    else
        result = status == DONE ? PyFloat_FromDouble(l.loss) : failed(status);
done:
    free(l.w.memory);
    buffers_release(&all);
    return result;
}

/* ---- marginals ----------------------------------------------------------------------------------------------- */

WIDE static double
sentence_marginals(const chains *c, workspace *w, int64_t start, int64_t end)
{
    double total = make_emissions(c, w->emissions, start, end, c->allowed);
    if (total == -INFINITE)
        return total;
    total = forward(c, w, w->emissions, start, end, total);
    if (!(fabs(total) < INFINITE))
        return -INFINITE;
    backward(c, w, w->emissions, start, end, 0, NULL);
    return total;
}

static int
all_marginals(const chains *c, workspace *w, double *totals)
{
    if (workspace_open(w, c, longest(c, 0, c->count)) != DONE)
        return NO_MEMORY;
    if (!c->offsets)
        make_matrix(c, w);
    PyThreadState *thread = PyEval_SaveThread();
    int status = DONE;
    int64_t work = 0;
    for (Py_ssize_t sentence = 0; sentence < c->count && status == DONE; sentence++) {
        int64_t start = c->starts[sentence], stop = c->starts[sentence + 1];
        totals[sentence] = start < stop ? sentence_marginals(c, w, start, stop) : 0.0;
        if ((work += (stop - start) * c->width * c->width) > TURN) {
            work = 0;
            if (interrupted(&thread))
                status = INTERRUPTED;
        }
    }
    PyEval_RestoreThread(thread);
    return status;
}

static PyObject *
chain_marginals(PyObject *self, PyObject *args)
{
    PyObject *starts, *scores, *edges[3], *legal[3], *allowed, *result = NULL;
    buffers all = {.held = 0};
    chains c = {.end = -1};
    workspace w = {.memory = NULL};
    (void)self;
    if (!PyArg_ParseTuple(args, "OO(OOO)(OOO)On:chain_marginals", &starts, &scores, &edges[0], &edges[1], &edges[2],
                          &legal[0], &legal[1], &legal[2], &allowed, &c.width))
        return NULL;
    if (chains_open(&c, &all, starts, scores, edges, 1) == 0 && open_legal(&c, &all, legal) == 0 &&
        open_allowed(&c, &all, allowed) == 0 && (result = PyBytes_FromStringAndSize(NULL, c.count * 8))) {
        int status = all_marginals(&c, &w, (double *)PyBytes_AsString(result));
        if (status != DONE) {
            Py_CLEAR(result);
            failed(status);
        }
    }
    free(w.memory);
    buffers_release(&all);
    return result;
}

/* ---- scores of given labels ---------------------------------------------------------------------------------- */

static PyObject *
score_labels(PyObject *self, PyObject *args)
{
    PyObject *starts, *scores, *edges[3], *labels, *result = NULL;
    buffers all = {.held = 0};
    chains c = {.end = -1};
    const int32_t *known;
    (void)self;
    if (!PyArg_ParseTuple(args, "OO(OOO)On:score_labels", &starts, &scores, &edges[0], &edges[1], &edges[2], &labels,
                          &c.width))
        return NULL;
    if (chains_open(&c, &all, starts, scores, edges, 0) < 0 ||
        open_exactly(&all, labels, 4, 0, c.positions, "labels", &known) < 0 ||
        check_numbers("labels", known, 0, c.positions, c.width) < 0 ||
        !(result = PyBytes_FromStringAndSize(NULL, c.count * 8)))
        goto done;
    double *totals = (double *)PyBytes_AsString(result);
    for (Py_ssize_t sentence = 0; sentence < c.count; sentence++) {
        double total = 0.0;
        for (int64_t place = c.starts[sentence]; place < c.starts[sentence + 1]; place++) {
            if (place > c.starts[sentence]) {
                Py_ssize_t entry = known[place - 1] * c.width + known[place];
                double edge = c.offsets ? 0.0 : c.weights[entry];
                for (int64_t k = c.offsets ? c.offsets[place] : 0; c.offsets && k < c.offsets[place + 1]; k++)
                    edge += c.weights[(Py_ssize_t)c.attributes[k] * c.width * c.width + entry];
                total += edge;
            }
            total += c.scores[place * c.width + known[place]];
        }
        totals[sentence] = total;
    }
done:
    buffers_release(&all);
    return result;
}

/* ---- best labellings ----------------------------------------------------------------------------------------- */

typedef struct {
    chains c;
    double *best, *matrix;       /* positions of a sentence; edges by the label before */
    int64_t *from;               /* the label before, of the position in work */
    int32_t *origins;            /* the same of every position */
    void *memory;
} search;

static int
search_open(search *s, Py_ssize_t positions)
{
    size_t padded = (size_t)s->c.padded, rows = (size_t)positions * padded;
    double *next = s->memory = calloc(rows + rows / 2 + 1 + (size_t)s->c.width * padded + padded, 8);
    if (!next)
        return NO_MEMORY;
    s->best = next;
    s->matrix = s->best + rows;
    s->from = (int64_t *)(s->matrix + (size_t)s->c.width * padded);
    s->origins = (int32_t *)(s->from + padded);
    return DONE;
}

static void
make_moves(search *s, int64_t place)
{
    const chains *c = &s->c;
    edge_scores(c, place, s->matrix);
    for (Py_ssize_t before = 0; before < c->width && c->moves; before++)
        for (Py_ssize_t label = 0; label < c->width; label++)
            if (!c->moves[before * c->width + label])
                s->matrix[before * c->padded + label] = -INFINITE;
}

/* The best score of a labelling up to each position and label, and where it comes from. */
WIDE static void
best_scores(search *s, int64_t start, int64_t end)
{
    const chains *c = &s->c;
    Py_ssize_t width = c->width, padded = c->padded;
    for (int64_t place = start; place < end; place++) {
        const double *scores = c->scores + place * width;
        double *restrict row = s->best + (place - start) * padded;
        if (place == start)
            memcpy(row, scores, (size_t)width * 8);
        else {
            const double *before = row - padded;
            int64_t *restrict from = s->from;
            if (c->offsets)
                make_moves(s, place);
            for (Py_ssize_t label = 0; label < padded; label++) {
                row[label] = -INFINITE;
                from[label] = 0;
            }
            for (Py_ssize_t a = 0; a < width; a++) {
                const double *restrict moves = s->matrix + a * padded;
                double so_far = before[a];
                for (Py_ssize_t label = 0; label < padded; label++) {
                    double score = so_far + moves[label];
                    from[label] = score > row[label] ? (int64_t)a : from[label];
                    row[label] = score > row[label] ? score : row[label];
                }
            }
            int32_t *origins = s->origins + (place - start) * padded;
            for (Py_ssize_t label = 0; label < padded; label++)
                origins[label] = (int32_t)from[label];
            for (Py_ssize_t label = 0; label < width; label++)
                row[label] = row[label] + scores[label];
        }
        if (c->allowed || (place == start && c->firsts) || (place + 1 == end && c->lasts))
            for (Py_ssize_t label = 0; label < width; label++)
                if (!may_stand(c, place, label, place == start, place + 1 == end, c->allowed))
                    row[label] = -INFINITE;
    }
}

static double
trace(const search *s, int64_t start, int64_t end, int32_t *labels)
{
    const chains *c = &s->c;
    const double *last = s->best + (end - 1 - start) * c->padded;
    int32_t label = 0;
    for (Py_ssize_t other = 1; other < c->width; other++)
        if (last[other] > last[label])
            label = (int32_t)other;
    double total = last[label];
    if (total == -INFINITE)
        return total;
    for (int64_t place = end - 1; place > start; place--) {
        labels[place] = label;
        label = s->origins[(place - start) * c->padded + label];
    }
    labels[start] = label;
    return total;
}

static int
find_all(search *s, int32_t *labels, double *totals)
{
    const chains *c = &s->c;
    if (search_open(s, longest(c, 0, c->count)) != DONE)
        return NO_MEMORY;
    if (!c->offsets)
        make_moves(s, 0);
    memset(labels, 0, (size_t)c->positions * 4);
    PyThreadState *thread = PyEval_SaveThread();
    int status = DONE;
    int64_t work = 0;
    for (Py_ssize_t sentence = 0; sentence < c->count && status == DONE; sentence++) {
        int64_t start = c->starts[sentence], stop = c->starts[sentence + 1];
        totals[sentence] = 0.0;
        if (start < stop) {
            best_scores(s, start, stop);
            totals[sentence] = trace(s, start, stop, labels);
        }
        if ((work += (stop - start) * c->width * c->width) > TURN) {
            work = 0;
            if (interrupted(&thread))
                status = INTERRUPTED;
        }
    }
    PyEval_RestoreThread(thread);
    return status;
}

static PyObject *
best_labels(PyObject *self, PyObject *args)
{
    PyObject *starts, *scores, *edges[3], *legal[3], *allowed, *labels = NULL, *totals = NULL, *result = NULL;
    buffers all = {.held = 0};
    search s = {.c = {.end = -1}};
    chains *c = &s.c;
    (void)self;
    if (!PyArg_ParseTuple(args, "OO(OOO)(OOO)On:best_labels", &starts, &scores, &edges[0], &edges[1], &edges[2],
                          &legal[0], &legal[1], &legal[2], &allowed, &c->width))
        return NULL;
    if (chains_open(c, &all, starts, scores, edges, 0) == 0 && open_legal(c, &all, legal) == 0 &&
        open_allowed(c, &all, allowed) == 0 && (labels = PyBytes_FromStringAndSize(NULL, c->positions * 4)) &&
        (totals = PyBytes_FromStringAndSize(NULL, c->count * 8))) {
        int status = find_all(&s, (int32_t *)PyBytes_AsString(labels), (double *)PyBytes_AsString(totals));
        result = status == DONE ? PyTuple_Pack(2, labels, totals) : failed(status);
    }
    Py_XDECREF(labels);
    Py_XDECREF(totals);
    free(s.memory);
    buffers_release(&all);
    return result;
}

/* A label at a position, with the node after it and the score of what comes after. */
typedef struct { int64_t place, next; int32_t label; double after; } node;
typedef struct { double promise; int64_t number; } waiter;

typedef struct {
    node *nodes;
    waiter *heap;
    size_t count, room, waiting;
} agenda;

INLINE int
sooner(waiter a, waiter b)
{
    return a.promise > b.promise || (a.promise == b.promise && a.number < b.number);
}

static int
push(agenda *g, node new, double promise)
{
    if (g->count == g->room) {
        size_t room = g->room ? 2 * g->room : 1024;
        node *nodes = realloc(g->nodes, room * sizeof *nodes);
        if (!nodes)
            return NO_MEMORY;
        g->nodes = nodes;
        waiter *heap = realloc(g->heap, room * sizeof *heap);
        if (!heap)
            return NO_MEMORY;
        g->heap = heap;
        g->room = room;
    }
    waiter one = {promise, (int64_t)g->count};
    g->nodes[g->count++] = new;
    size_t at = g->waiting++;
    while (at && sooner(one, g->heap[(at - 1) / 2])) {
        g->heap[at] = g->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    g->heap[at] = one;
    return DONE;
}

static waiter
pop(agenda *g)
{
    waiter first = g->heap[0], last = g->heap[--g->waiting];
    size_t at = 0, child;
    while ((child = 2 * at + 1) < g->waiting) {
        child += child + 1 < g->waiting && sooner(g->heap[child + 1], g->heap[child]);
        if (!sooner(g->heap[child], last))
            break;
        g->heap[at] = g->heap[child];
        at = child;
    }
    g->heap[at] = last;
    return first;
}

/* The node of the first label of the next best labelling; -1 when there is no more, or a failure below that. */
static int64_t
next_best(search *s, agenda *g, int64_t start, double *score, PyThreadState **thread)
{
    const chains *c = &s->c;
    int64_t work = 0;
    while (g->waiting) {
        waiter top = pop(g);
        node here = g->nodes[top.number];
        if (here.place == start) {
            *score = top.promise;
            return top.number;
        }
        if (c->offsets)
            make_moves(s, here.place);
        const double *before = s->best + (here.place - 1 - start) * c->padded;
        double after = here.after + c->scores[here.place * c->width + here.label];
        for (Py_ssize_t a = 0; a < c->width; a++) {
            double later = after + s->matrix[a * c->padded + here.label], promise = before[a] + later;
            node new = {here.place - 1, top.number, (int32_t)a, later};
            if (promise > -INFINITE && push(g, new, promise) != DONE)
                return -2;
        }
        if ((work += c->width * (c->offsets ? c->width : 8)) > TURN) {
            work = 0;
            if (interrupted(thread))
                return -3;
        }
    }
    return -1;
}

static int
append_labelling(PyObject *results, const agenda *g, int64_t number, int64_t length, double score)
{
    PyObject *labels = PyBytes_FromStringAndSize(NULL, length * 4);
    if (!labels)
        return -1;
    int32_t *next = (int32_t *)PyBytes_AsString(labels);
    for (; number >= 0; number = g->nodes[number].next)
        *next++ = g->nodes[number].label;
    PyObject *pair = Py_BuildValue("Nd", labels, score);
    int status = pair ? PyList_Append(results, pair) : -1;
    Py_XDECREF(pair);
    return status;
}

static int
search_labellings(search *s, int64_t start, int64_t end, Py_ssize_t count, PyObject *results)
{
    const chains *c = &s->c;
    agenda g = {NULL, NULL, 0, 0, 0};
    int status = search_open(s, (Py_ssize_t)(end - start));
    if (status == DONE) {
        make_moves(s, start);
        best_scores(s, start, end);
        const double *last = s->best + (end - 1 - start) * c->padded;
        for (Py_ssize_t label = 0; label < c->width && status == DONE; label++) {
            node new = {end - 1, -1, (int32_t)label, 0.0};
            if (last[label] > -INFINITE)
                status = push(&g, new, last[label]);
        }
    }
    for (Py_ssize_t found = 0; found < count && status == DONE; found++) {
        double score = 0.0;
        PyThreadState *thread = PyEval_SaveThread();
        int64_t number = next_best(s, &g, start, &score, &thread);
        PyEval_RestoreThread(thread);
        if (number == -1)
            break;
        if (number < 0)
            status = number == -2 ? NO_MEMORY : INTERRUPTED;
        else if (append_labelling(results, &g, number, end - start, score) < 0)
            status = INTERRUPTED;
    }
    free(g.nodes);
    free(g.heap);
    return status;
}

static PyObject *
best_labellings(PyObject *self, PyObject *args)
{
    PyObject *starts, *scores, *edges[3], *legal[3], *allowed, *results = NULL;
    Py_ssize_t sentence, count;
    buffers all = {.held = 0};
    search s = {.c = {.end = -1}};
    chains *c = &s.c;
    (void)self;
    if (!PyArg_ParseTuple(args, "OO(OOO)(OOO)Onnn:best_labellings", &starts, &scores, &edges[0], &edges[1], &edges[2],
                          &legal[0], &legal[1], &legal[2], &allowed, &c->width, &sentence, &count))
        return NULL;
    if (chains_open(c, &all, starts, scores, edges, 0) < 0 || open_legal(c, &all, legal) < 0 ||
        open_allowed(c, &all, allowed) < 0 || check_range(sentence, sentence + 1, c->count) < 0 ||
        !(results = PyList_New(0)))
        goto done;
    int64_t start = c->starts[sentence], end = c->starts[sentence + 1];
    if (count > 0 && start < end) {
        int status = search_labellings(&s, start, end, count, results);
        if (status != DONE) {
            Py_CLEAR(results);
            failed(status);
        }
    }
    else if (count > 0) {
        PyObject *nothing = Py_BuildValue("y#d", "", (Py_ssize_t)0, 0.0);
        if (!nothing || PyList_Append(results, nothing) < 0)
            Py_CLEAR(results);
        Py_XDECREF(nothing);
    }
done:
    free(s.memory);
    buffers_release(&all);
    return results;
}

PyMethodDef chain_methods[] = {
    {"best_labellings", best_labellings, METH_VARARGS, NULL},
    {"best_labels", best_labels, METH_VARARGS, NULL},
    {"chain_losses", chain_losses, METH_VARARGS, NULL},
    {"chain_marginals", chain_marginals, METH_VARARGS, NULL},
    {"score_labels", score_labels, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
