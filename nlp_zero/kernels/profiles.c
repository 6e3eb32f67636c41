/* Profile kernels: the copy of profiles.py, which is the specification. */
#include "_buffers.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MOST 0xFFFFFFFFu
#define SLACK 1e-9
#define LOOK 0.5
#define AGAIN 0.8
#define TURN (1 << 22)  /* steps between two looks for Ctrl-C */

/* What stops a loop that runs without the GIL. */
enum { DONE = 0, NO_MEMORY = -1, INTERRUPTED = -2 };

/* ---- buffers ------------------------------------------------------------------------------------------------- */

#define MOST_VIEWS 8

typedef struct {
    Py_buffer views[MOST_VIEWS];
    int held;
} buffers;

static void
buffers_release(buffers *all)
{
    while (all->held)
        PyBuffer_Release(&all->views[--all->held]);
}

/* The number of items of a buffer, or -1 with an error set; `items` is where they stand. */
static Py_ssize_t
open_items(buffers *all, PyObject *object, Py_ssize_t itemsize, const char *what, void *items)
{
    Py_buffer *view = &all->views[all->held];
    if (PyObject_GetBuffer(object, view, PyBUF_ND | PyBUF_FORMAT) < 0)
        return -1;
    all->held++;
    if (view->itemsize != itemsize || view->ndim > 1) {
        PyErr_Format(PyExc_TypeError, "%s: expected items of %zd bytes, got %zd", what, itemsize, view->itemsize);
        return -1;
    }
    *(void **)items = view->buf;
    return view->len / itemsize;
}

static int
open_sized(buffers *all, PyObject *object, Py_ssize_t itemsize, Py_ssize_t size, const char *what, void *items)
{
    Py_ssize_t found = open_items(all, object, itemsize, what, items);
    if (found >= 0 && found != size)
        PyErr_Format(PyExc_ValueError, "%s: expected %zd items, got %zd", what, size, found);
    return found == size ? 0 : -1;
}

static int
check_below(const uint32_t *items, Py_ssize_t count, size_t size, const char *what)
{
    for (Py_ssize_t place = 0; place < count; place++)
        if (items[place] >= size) {
            PyErr_Format(PyExc_ValueError, "%s: expected numbers below %zu, got %u at %zd", what, size, items[place],
                         place);
            return -1;
        }
    return 0;
}

/* A sparse matrix that the caller has given. */
typedef struct {
    const uint64_t *starts;
    const uint32_t *columns;
    const void *values;
    Py_ssize_t rows, entries;
} table;

static int
open_table(buffers *all, PyObject *const *objects, Py_ssize_t itemsize, const char *const *names, table *t)
{
    Py_ssize_t bounds = open_items(all, objects[0], 8, names[0], &t->starts);
    if (bounds < 0 || (t->entries = open_items(all, objects[1], 4, names[1], &t->columns)) < 0 ||
        open_sized(all, objects[2], itemsize, t->entries, names[2], &t->values) < 0)
        return -1;
    int rising = bounds && t->starts[0] == 0 && t->starts[bounds - 1] == (uint64_t)t->entries;
    for (Py_ssize_t row = 1; rising && row < bounds; row++)
        rising = t->starts[row - 1] <= t->starts[row];
    if (!rising) {
        PyErr_Format(PyExc_ValueError, "%s: expected rising numbers from 0 to %zd", names[0], t->entries);
        return -1;
    }
    t->rows = bounds - 1;
    return 0;
}

static size_t
longest_row(const table *t)
{
    size_t longest = 0;
    for (Py_ssize_t row = 0; row < t->rows; row++)
        if (t->starts[row + 1] - t->starts[row] > longest)
            longest = (size_t)(t->starts[row + 1] - t->starts[row]);
    return longest;
}

static const char *const count_names[] = {"starts", "columns", "counts"};
static const char *const weight_names[] = {"starts", "columns", "weights"};
static const char *const index_names[] = {"index_starts", "index_rows", "index_weights"};

static int
check_counts(const table *t)
{
    const uint32_t *counts = t->values;
    for (Py_ssize_t place = 0; place < t->entries; place++)
        if (!counts[place]) {
            PyErr_Format(PyExc_ValueError, "counts: expected 1 or more, got 0 at %zd", place);
            return -1;
        }
    return 0;
}

/* A sparse matrix that grows, its values of 4 or 8 bytes. */
typedef struct {
    uint64_t *starts;
    uint32_t *columns;
    void *values;
    size_t entries, space, itemsize;
} result;

static int
result_begin(result *r, size_t rows, size_t itemsize)
{
    memset(r, 0, sizeof *r);
    r->itemsize = itemsize;
    r->starts = calloc(rows + 1, 8);
    return r->starts ? DONE : NO_MEMORY;
}

/* Room for so many entries more. */
static int
result_reserve(result *r, size_t more)
{
    if (r->entries + more <= r->space)
        return DONE;
    size_t space = r->entries + more + r->space / 2 + 1024;
    uint32_t *columns = realloc(r->columns, space * 4);
    if (!columns)
        return NO_MEMORY;
    r->columns = columns;
    void *values = realloc(r->values, space * r->itemsize);
    if (!values)
        return NO_MEMORY;
    r->values = values;
    r->space = space;
    return DONE;
}

static void
result_free(result *r)
{
    free(r->starts);
    free(r->columns);
    free(r->values);
}

/* A part of a result as bytes, which is freed on the way: so no more is held than needs be. */
static PyObject *
taken(void *part, size_t size)
{
    PyObject *bytes = PyBytes_FromStringAndSize(part ? part : "", (Py_ssize_t)size);
    free(part);
    return bytes;
}

static PyObject *
result_build(result *r, size_t rows, uint64_t *row_sums, uint64_t *column_sums)
{
    PyObject *starts = taken(r->starts, (rows + 1) * 8), *columns = taken(r->columns, r->entries * 4);
    PyObject *values = taken(r->values, r->entries * r->itemsize);
    PyObject *firsts = row_sums ? taken(row_sums, rows * 8) : NULL;
    PyObject *seconds = column_sums ? taken(column_sums, rows * 8) : NULL;
    memset(r, 0, sizeof *r);
    if (starts && columns && values && (!row_sums || (firsts && seconds)))
        return row_sums ? Py_BuildValue("NNNNN", starts, columns, values, firsts, seconds)
                        : Py_BuildValue("NNN", starts, columns, values);
    Py_XDECREF(starts);
    Py_XDECREF(columns);
    Py_XDECREF(values);
    Py_XDECREF(firsts);
    Py_XDECREF(seconds);
    return NULL;
}

static void
set_failure(int status)
{
    if (status == NO_MEMORY && !PyErr_Occurred())
        PyErr_NoMemory();
}

/* ---- counting ------------------------------------------------------------------------------------------------ */

typedef struct {
    const uint32_t *tokens;
    size_t length, size, window;
    int both;
    uint64_t least;
    uint64_t *counts;            /* of each word in the row under way */
    uint64_t *met, *met_blocks;  /* a bit for each word met there; a bit for each 64 of those that are not 0 */
    uint64_t *row_sums, *column_sums;
    result out;
} counter;

static inline void
meet(counter *c, uint32_t token)
{
    uint32_t word = token - 1;
    if (!c->counts[word]++) {
        c->met[word >> 6] |= (uint64_t)1 << (word & 63);
        c->met_blocks[word >> 12] |= (uint64_t)1 << (word >> 6 & 63);
    }
}

static inline int
lowest_bit(uint64_t bits)
{
#if defined(__GNUC__) || defined(__clang__)
    return __builtin_ctzll(bits);
#else
    int place = 0;
    for (; !(bits & 1); bits >>= 1)
        place++;
    return place;
#endif
}

/* The words met, in rising order, become a row. */
static int
close_row(counter *c, size_t row)
{
    for (size_t block = 0; block < (c->size + 4095) / 4096; block++) {
        for (uint64_t groups = c->met_blocks[block]; groups; groups &= groups - 1) {
            size_t group = block * 64 + (size_t)lowest_bit(groups);
            if (result_reserve(&c->out, 64) < 0)
                return NO_MEMORY;
            for (uint64_t bits = c->met[group]; bits; bits &= bits - 1) {
                size_t word = group * 64 + (size_t)lowest_bit(bits);
                uint64_t count = c->counts[word];
                c->counts[word] = 0;
                c->row_sums[row] += count;
                c->column_sums[word] += count;
                if (count < c->least)
                    continue;
                c->out.columns[c->out.entries] = (uint32_t)word;
                ((uint32_t *)c->out.values)[c->out.entries++] = count < MOST ? (uint32_t)count : MOST;
            }
            c->met[group] = 0;
        }
        c->met_blocks[block] = 0;
    }
    c->out.starts[row + 1] = c->out.entries;
    return DONE;
}

static int
count_rows(counter *c, PyThreadState **thread)
{
    size_t *heads = calloc(c->size + 1, sizeof *heads);
    uint32_t *places = malloc((c->length + 1) * 4);
    int status = heads && places ? DONE : NO_MEMORY;
    if (status == DONE) {
        for (size_t place = 0; place < c->length; place++)
            if (c->tokens[place])
                heads[c->tokens[place]]++;
        for (size_t word = 0; word < c->size; word++)
            heads[word + 1] += heads[word];
        /* heads[n] is the end of the places of word n - 1, so the beginning of those of word n. */
        for (size_t place = c->length; place-- > 0;)
            if (c->tokens[place])
                places[--heads[c->tokens[place]]] = (uint32_t)place;
    }
    size_t steps = 0, all = 0;
    for (size_t place = 0; place < c->length; place++)
        all += c->tokens[place] != 0;
    for (size_t row = 0; status == DONE && row < c->size; row++) {
        size_t first = heads[row + 1], last = row + 2 <= c->size ? heads[row + 2] : all;
        for (size_t n = first; n < last; n++) {
            size_t place = places[n], end = c->window < c->length - place - 1 ? place + c->window + 1 : c->length;
            for (size_t next = place + 1; next < end && c->tokens[next]; next++, steps++)
                meet(c, c->tokens[next]);
            if (!c->both)
                continue;
            size_t begin = c->window < place ? place - c->window : 0;
            for (size_t next = place; next-- > begin && c->tokens[next]; steps++)
                meet(c, c->tokens[next]);
            if (steps > TURN) {
                steps = 0;
                if (interrupted(thread)) {
                    status = INTERRUPTED;
                    break;
                }
            }
        }
        if (status == DONE)
            status = close_row(c, row);
        if (status == DONE && steps > TURN) {
            steps = 0;
            status = interrupted(thread) ? INTERRUPTED : DONE;
        }
    }
    free(heads);
    free(places);
    return status;
}

static PyObject *
pair_rows(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *tokens, *built = NULL;
    Py_ssize_t size, window, least, length;
    int both;
    if (!PyArg_ParseTuple(args, "Onnpn:pair_rows", &tokens, &size, &window, &both, &least))
        return NULL;
    buffers all = {.held = 0};
    counter c = {0};
    if ((length = open_items(&all, tokens, 4, "tokens", &c.tokens)) < 0)
        goto done;
    if (size < 0 || size >= (Py_ssize_t)MOST) {
        PyErr_Format(PyExc_ValueError, "size: expected 0 to %zd, got %zd", (Py_ssize_t)MOST - 1, size);
        goto done;
    }
    if (window < 0) {
        PyErr_Format(PyExc_ValueError, "window: expected 0 or more, got %zd", window);
        goto done;
    }
    if (least < 1) {
        PyErr_Format(PyExc_ValueError, "least: expected 1 or more, got %zd", least);
        goto done;
    }
    if (length >> 31) {
        PyErr_Format(PyExc_OverflowError, "tokens: expected less than 2**31 items, got %zd", length);
        goto done;
    }
    if (check_below(c.tokens, length, (size_t)size + 1, "tokens") < 0)
        goto done;
    c.length = (size_t)length;
    c.size = (size_t)size;
    c.window = window ? (size_t)window : c.length;
    c.both = both;
    c.least = (uint64_t)least;
    c.counts = calloc(c.size + 1, 8);
    c.met = calloc(c.size / 64 + 1, 8);
    c.met_blocks = calloc(c.size / 4096 + 1, 8);
    c.row_sums = calloc(c.size + 1, 8);
    c.column_sums = calloc(c.size + 1, 8);
    int status = result_begin(&c.out, c.size, 4);
    if (!c.counts || !c.met || !c.met_blocks || !c.row_sums || !c.column_sums)
        status = NO_MEMORY;
    if (status == DONE) {
        PyThreadState *thread = PyEval_SaveThread();
        status = count_rows(&c, &thread);
        PyEval_RestoreThread(thread);
    }
    if (status == DONE) {
        built = result_build(&c.out, c.size, c.row_sums, c.column_sums);
        c.row_sums = c.column_sums = NULL;
    }
    set_failure(status);
done:
    free(c.counts);
    free(c.met);
    free(c.met_blocks);
    free(c.row_sums);
    free(c.column_sums);
    result_free(&c.out);
    buffers_release(&all);
    return built;
}

/* ---- ranking ------------------------------------------------------------------------------------------------- */

typedef struct { double value; uint32_t number; } ranked;

/* The greater value first, of equals the lower number. */
static int
by_rank(const void *first, const void *second)
{
    const ranked *a = first, *b = second;
    if (a->value != b->value)
        return a->value > b->value ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

/* ---- weighing ------------------------------------------------------------------------------------------------ */

typedef struct {
    table rows;
    const double *left, *right;
    Py_ssize_t limit, most;
    int upper, unit;
    double least;
    ranked *order;
    result out;
} weigher;

/* Leaves the greatest of the row that begins at `first`. */
static void
keep_most(weigher *w, size_t first)
{
    double *weights = w->out.values;
    size_t count = w->out.entries - first, kept = first;
    for (size_t i = 0; i < count; i++)
        w->order[i] = (ranked){weights[first + i], w->out.columns[first + i]};
    qsort(w->order, count, sizeof *w->order, by_rank);
    const ranked last = w->order[w->most - 1];
    for (size_t place = first; place < w->out.entries; place++) {
        const ranked here = {weights[place], w->out.columns[place]};
        if (by_rank(&here, &last) <= 0) {
            weights[kept] = here.value;
            w->out.columns[kept++] = here.number;
        }
    }
    w->out.entries = kept;
}

static int
weigh(weigher *w, PyThreadState **thread)
{
    const uint32_t *counts = w->rows.values;
    uint64_t looked = 0;
    for (Py_ssize_t row = 0; row < w->rows.rows; row++) {
        uint64_t begin = w->rows.starts[row], end = w->rows.starts[row + 1];
        if (result_reserve(&w->out, (size_t)(end - begin)) < 0)
            return NO_MEMORY;
        double *weights = w->out.values;
        size_t first = w->out.entries;
        for (uint64_t place = begin; place < end; place++) {
            Py_ssize_t column = w->rows.columns[place];
            if (column >= w->limit || (w->upper && column <= row))
                continue;
            double weight = log2((double)counts[place]) - w->left[row] - w->right[column];
            if (weight > w->least) {
                w->out.columns[w->out.entries] = (uint32_t)column;
                weights[w->out.entries++] = weight;
            }
        }
        if (w->most && (size_t)w->most < w->out.entries - first)
            keep_most(w, first);
        double squares = 0.0;
        for (size_t place = first; place < w->out.entries; place++)
            squares += weights[place] * weights[place];
        double norm = w->unit && squares > 0.0 ? sqrt(squares) : 1.0;
        for (size_t place = first; place < w->out.entries; place++)
            weights[place] /= norm;
        w->out.starts[row + 1] = w->out.entries;
        if (end - looked > TURN) {
            looked = end;
            if (interrupted(thread))
                return INTERRUPTED;
        }
    }
    return DONE;
}

static PyObject *
information_rows(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *parts[3], *left, *right, *built = NULL;
    weigher w = {.limit = 0};
    if (!PyArg_ParseTuple(args, "OOOOOnpdnp:information_rows", &parts[0], &parts[1], &parts[2], &left, &right, &w.limit,
                          &w.upper, &w.least, &w.most, &w.unit))
        return NULL;
    buffers all = {.held = 0};
    Py_ssize_t columns;
    if (open_table(&all, parts, 4, count_names, &w.rows) < 0 ||
        open_sized(&all, left, 8, w.rows.rows, "left", &w.left) < 0 ||
        (columns = open_items(&all, right, 8, "right", &w.right)) < 0 ||
        check_below(w.rows.columns, w.rows.entries, (size_t)columns, "columns") < 0 || check_counts(&w.rows) < 0)
        goto done;
    if (w.most < 0) {
        PyErr_Format(PyExc_ValueError, "most: expected 0 or more, got %zd", w.most);
        goto done;
    }
    w.order = malloc((longest_row(&w.rows) + 1) * sizeof *w.order);
    int status = result_begin(&w.out, (size_t)w.rows.rows, 8);
    if (!w.order)
        status = NO_MEMORY;
    if (status == DONE) {
        PyThreadState *thread = PyEval_SaveThread();
        status = weigh(&w, &thread);
        PyEval_RestoreThread(thread);
    }
    if (status == DONE)
        built = result_build(&w.out, (size_t)w.rows.rows, NULL, NULL);
    set_failure(status);
done:
    free(w.order);
    result_free(&w.out);
    buffers_release(&all);
    return built;
}

static inline double
cell(double seen, double expected)
{
    return seen > 0.0 && expected > 0.0 ? seen * log(seen / expected) : 0.0;
}

typedef struct {
    table rows;
    const uint64_t *row_sums, *column_sums;
    double whole, scale;
    int upper;
    result out;
} ratio_weigher;

static int
weigh_ratios(ratio_weigher *w, PyThreadState **thread)
{
    const uint32_t *counts = w->rows.values;
    const double whole = w->whole;
    uint64_t looked = 0;
    for (Py_ssize_t row = 0; row < w->rows.rows; row++) {
        uint64_t begin = w->rows.starts[row], end = w->rows.starts[row + 1];
        double left = (double)w->row_sums[row];
        if (result_reserve(&w->out, (size_t)(end - begin)) < 0)
            return NO_MEMORY;
        for (uint64_t place = begin; place < end; place++) {
            Py_ssize_t column = w->rows.columns[place];
            double count = counts[place], other = (double)w->column_sums[column];
            if ((w->upper && column <= row) || !(count * whole > left * other))
                continue;
            double ratio = cell(count, left * other / whole);
            ratio += cell(left - count, left * (whole - other) / whole);
            ratio += cell(other - count, (whole - left) * other / whole);
            ratio += cell(whole - left - other + count, (whole - left) * (whole - other) / whole);
            if (ratio > 0.0) {
                w->out.columns[w->out.entries] = (uint32_t)column;
                ((double *)w->out.values)[w->out.entries++] = 2.0 * ratio * w->scale;
            }
        }
        w->out.starts[row + 1] = w->out.entries;
        if (end - looked > TURN) {
            looked = end;
            if (interrupted(thread))
                return INTERRUPTED;
        }
    }
    return DONE;
}

static PyObject *
likelihood_rows(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *parts[3], *left, *right, *built = NULL;
    ratio_weigher w = {.upper = 0};
    if (!PyArg_ParseTuple(args, "OOOOOddp:likelihood_rows", &parts[0], &parts[1], &parts[2], &left, &right, &w.whole,
                          &w.scale, &w.upper))
        return NULL;
    buffers all = {.held = 0};
    Py_ssize_t columns;
    if (open_table(&all, parts, 4, count_names, &w.rows) < 0 ||
        open_sized(&all, left, 8, w.rows.rows, "row_sums", &w.row_sums) < 0 ||
        (columns = open_items(&all, right, 8, "column_sums", &w.column_sums)) < 0 ||
        check_below(w.rows.columns, w.rows.entries, (size_t)columns, "columns") < 0 || check_counts(&w.rows) < 0)
        goto done;
    int status = result_begin(&w.out, (size_t)w.rows.rows, 8);
    if (status == DONE) {
        PyThreadState *thread = PyEval_SaveThread();
        status = weigh_ratios(&w, &thread);
        PyEval_RestoreThread(thread);
    }
    if (status == DONE)
        built = result_build(&w.out, (size_t)w.rows.rows, NULL, NULL);
    set_failure(status);
done:
    result_free(&w.out);
    buffers_release(&all);
    return built;
}

/* ---- comparing ----------------------------------------------------------------------------------------------- */

static PyObject *
turn_rows(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *parts[3], *built = NULL;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "OOOn:turn_rows", &parts[0], &parts[1], &parts[2], &size))
        return NULL;
    buffers all = {.held = 0};
    table t;
    result out = {0};
    uint64_t *following = NULL;
    if (open_table(&all, parts, 8, weight_names, &t) < 0 ||
        check_below(t.columns, t.entries, size < 0 ? 0 : (size_t)size, "columns") < 0)
        goto done;
    size_t columns = size < 0 ? 0 : (size_t)size;
    following = malloc((columns + 1) * 8);
    if (result_begin(&out, columns, 8) < 0 || result_reserve(&out, (size_t)t.entries) < 0 || !following) {
        PyErr_NoMemory();
        goto done;
    }
    const double *values = t.values;
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t place = 0; place < t.entries; place++)
        out.starts[t.columns[place] + 1]++;
    for (size_t column = 0; column < columns; column++)
        out.starts[column + 1] += out.starts[column];
    memcpy(following, out.starts, columns * 8);
    for (Py_ssize_t row = 0; row < t.rows; row++)
        for (uint64_t place = t.starts[row]; place < t.starts[row + 1]; place++) {
            uint64_t there = following[t.columns[place]]++;
            out.columns[there] = (uint32_t)row;
            ((double *)out.values)[there] = values[place];
        }
    out.entries = (size_t)t.entries;
    Py_END_ALLOW_THREADS
    built = result_build(&out, columns, NULL, NULL);
done:
    free(following);
    result_free(&out);
    buffers_release(&all);
    return built;
}

typedef struct {
    table rows, index;
    size_t width;           /* columns */
    size_t count;
    double least;
    double *own;            /* the query, by column */
    double *partial;        /* by row */
    uint8_t *seen;          /* by row */
    uint32_t *met;          /* rows */
    size_t met_count;
    double *values;         /* room to look for the bar */
    ranked *order, *best;
    double *rest;           /* of the columns not yet visited, the root of their squares, */
    uint64_t *ahead;        /* and their entries */
    size_t steps;
    result out;
} searcher;

/* The nth greatest of the products so far, n from 1 (Hoare's selection). */
static double
nth_greatest(searcher *s, size_t nth, uint32_t without)
{
    size_t count = 0;
    for (size_t i = 0; i < s->met_count; i++)
        if (s->met[i] != without)
            s->values[count++] = s->partial[s->met[i]];
    double *values = s->values;
    Py_ssize_t low = 0, high = (Py_ssize_t)count - 1, wanted = (Py_ssize_t)nth - 1;
    while (low < high) {
        double pivot = values[low + (high - low) / 2];
        Py_ssize_t i = low, j = high;
        while (i <= j) {
            while (values[i] > pivot)
                i++;
            while (pivot > values[j])
                j--;
            if (i <= j) {
                double swap = values[i];
                values[i++] = values[j];
                values[j--] = swap;
            }
        }
        if (wanted <= j)
            high = j;
        else if (wanted >= i)
            low = i;
        else
            break;
    }
    return values[wanted];
}

/* The entries of the rows that can still reach the bar. */
static uint64_t
unfinished(const searcher *s, double left, double bar)
{
    uint64_t entries = 0;
    for (size_t i = 0; i < s->met_count; i++)
        if (s->partial[s->met[i]] + left >= bar)
            entries += s->rows.starts[s->met[i] + 1] - s->rows.starts[s->met[i]];
    return entries;
}

static int
search_one(searcher *s, uint32_t query)
{
    const double *values = s->rows.values, *shares = s->index.values;
    uint64_t begin = s->rows.starts[query], end = s->rows.starts[query + 1];
    size_t size = 0;
    /* A column that stands twice counts as the last says, once. */
    for (uint64_t place = begin; place < end; place++)
        s->own[s->rows.columns[place]] = values[place];
    for (uint64_t place = begin; place < end; place++)
        if (place + 1 == end || s->rows.columns[place + 1] != s->rows.columns[place])
            s->order[size++] = (ranked){s->own[s->rows.columns[place]], s->rows.columns[place]};
    qsort(s->order, size, sizeof *s->order, by_rank);
    double squares = 0.0;
    s->rest[size] = 0.0;
    s->ahead[size] = 0;
    for (size_t step = size; step-- > 0;) {
        uint32_t column = s->order[step].number;
        squares += s->order[step].value * s->order[step].value;
        s->rest[step] = sqrt(squares);
        s->ahead[step] = s->ahead[step + 1] + s->index.starts[column + 1] - s->index.starts[column];
    }
    double bar = s->least - SLACK, look = LOOK, left = 0.0;
    size_t step = 0;
    s->met_count = 0;
    for (; step < size; step++) {
        if (s->rest[step] < look && s->met_count > s->count) {
            look = s->rest[step] * AGAIN;
            double raised = nth_greatest(s, s->count + 1, MOST) - SLACK;
            bar = raised > bar ? raised : bar;
            if (s->rest[step] < bar && unfinished(s, s->rest[step], bar) < s->ahead[step]) {
                left = s->rest[step];
                break;
            }
        }
        uint32_t column = s->order[step].number;
        double weight = s->order[step].value;
        for (uint64_t place = s->index.starts[column]; place < s->index.starts[column + 1]; place++) {
            uint32_t row = s->index.columns[place];
            if (!s->seen[row]) {
                s->seen[row] = 1;
                s->met[s->met_count++] = row;
                s->partial[row] = 0.0;
            }
            s->partial[row] += weight * shares[place];
        }
        s->steps += s->index.starts[column + 1] - s->index.starts[column];
    }
    if (step == size)
        bar = s->met_count - s->seen[query] > s->count ? nth_greatest(s, s->count, query) - SLACK : 0.0;
    size_t found = 0;
    for (size_t i = 0; i < s->met_count; i++) {
        uint32_t row = s->met[i];
        if (row == query || !(s->partial[row] + left >= bar))
            continue;
        double product = 0.0;
        for (uint64_t place = s->rows.starts[row]; place < s->rows.starts[row + 1]; place++)
            if (s->own[s->rows.columns[place]] != 0.0)
                product += s->own[s->rows.columns[place]] * values[place];
        s->steps += s->rows.starts[row + 1] - s->rows.starts[row];
        if (product >= s->least && product > 0.0)
            s->best[found++] = (ranked){product, row};
    }
    qsort(s->best, found, sizeof *s->best, by_rank);
    for (size_t i = 0; i < s->met_count; i++)
        s->seen[s->met[i]] = 0;
    for (uint64_t place = begin; place < end; place++)
        s->own[s->rows.columns[place]] = 0.0;
    found = found < s->count ? found : s->count;
    if (result_reserve(&s->out, found) < 0)
        return NO_MEMORY;
    for (size_t i = 0; i < found; i++) {
        s->out.columns[s->out.entries] = s->best[i].number;
        ((double *)s->out.values)[s->out.entries++] = s->best[i].value;
    }
    return DONE;
}

static int
search_all(searcher *s, const uint32_t *queries, size_t count, PyThreadState **thread)
{
    for (size_t i = 0; i < count; i++) {
        if (search_one(s, queries[i]) < 0)
            return NO_MEMORY;
        s->out.starts[i + 1] = s->out.entries;
        if (s->steps > TURN) {
            s->steps = 0;
            if (interrupted(thread))
                return INTERRUPTED;
        }
    }
    return DONE;
}

static void
searcher_free(searcher *s)
{
    free(s->own);
    free(s->partial);
    free(s->seen);
    free(s->met);
    free(s->values);
    free(s->order);
    free(s->best);
    free(s->rest);
    free(s->ahead);
    result_free(&s->out);
}

static int
searcher_room(searcher *s, size_t queries)
{
    size_t rows = (size_t)s->rows.rows + 1, longest = longest_row(&s->rows);
    s->own = calloc(s->width + 1, 8);
    s->partial = malloc(rows * 8);
    s->seen = calloc(rows, 1);
    s->met = malloc(rows * 4);
    s->values = malloc(rows * 8);
    s->best = malloc(rows * sizeof *s->best);
    s->order = malloc((longest + 1) * sizeof *s->order);
    s->rest = malloc((longest + 1) * 8);
    s->ahead = malloc((longest + 1) * 8);
    int whole = s->own && s->partial && s->seen && s->met && s->values && s->best && s->order && s->rest && s->ahead;
    return result_begin(&s->out, queries, 8) == DONE && whole ? DONE : NO_MEMORY;
}

static PyObject *
nearest_rows(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *parts[3], *turned[3], *wanted, *built = NULL;
    Py_ssize_t count, queries;
    searcher s = {.least = 0.0};
    if (!PyArg_ParseTuple(args, "OOOOOOOnd:nearest_rows", &parts[0], &parts[1], &parts[2], &turned[0], &turned[1],
                          &turned[2], &wanted, &count, &s.least))
        return NULL;
    buffers all = {.held = 0};
    const uint32_t *numbers;
    if (open_table(&all, parts, 8, weight_names, &s.rows) < 0 || open_table(&all, turned, 8, index_names, &s.index) < 0 ||
        (queries = open_items(&all, wanted, 4, "queries", &numbers)) < 0)
        goto done;
    if (count < 1) {
        PyErr_Format(PyExc_ValueError, "count: expected 1 or more, got %zd", count);
        goto done;
    }
    if (check_below(s.rows.columns, s.rows.entries, (size_t)s.index.rows, "columns") < 0 ||
        check_below(s.index.columns, s.index.entries, (size_t)s.rows.rows, "index_rows") < 0 ||
        check_below(numbers, queries, (size_t)s.rows.rows, "queries") < 0)
        goto done;
    s.width = (size_t)s.index.rows;
    s.count = (size_t)count;
    int status = searcher_room(&s, (size_t)queries);
    if (status == DONE) {
        PyThreadState *thread = PyEval_SaveThread();
        status = search_all(&s, numbers, (size_t)queries, &thread);
        PyEval_RestoreThread(thread);
    }
    if (status == DONE)
        built = result_build(&s.out, (size_t)queries, NULL, NULL);
    set_failure(status);
done:
    searcher_free(&s);
    buffers_release(&all);
    return built;
}

PyMethodDef profiles_methods[] = {
    {"information_rows", information_rows, METH_VARARGS, NULL},
    {"likelihood_rows", likelihood_rows, METH_VARARGS, NULL},
    {"nearest_rows", nearest_rows, METH_VARARGS, NULL},
    {"pair_rows", pair_rows, METH_VARARGS, NULL},
    {"turn_rows", turn_rows, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
