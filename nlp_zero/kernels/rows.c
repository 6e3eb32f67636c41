/* Row kernels: the copy of rows.py, which is the specification. */
#include "_lanes.h"

#define TURN (1 << 22)   /* doubles between two looks for Ctrl-C */
#define BLOCK 6          /* lanes that a loop keeps in registers */
#define AHEAD 12         /* items whose rows are fetched before they are needed: no waiting for memory */
#define TAIL (LANES + 1) /* rows at the end of a table that are copied, because whole lanes would read beyond it */

/* What stops a loop that runs without the GIL. */
enum { DONE = 0, NO_MEMORY = -1, INTERRUPTED = -2 };

static PyObject *
finish(int status)
{
    if (status == DONE)
        Py_RETURN_NONE;
    if (status == NO_MEMORY)
        PyErr_NoMemory();
    return NULL;
}

/* ---- lists of rows ------------------------------------------------------------------------------------------- */

typedef struct {
    const int64_t *starts;
    const int32_t *items;
    const double *values;    /* or NULL */
    Py_ssize_t rows, begin, end;
} row_list;

/* The list, checked where it is going to be read; items are below `size`. */
static int
list_open(row_list *l, buffers *all, PyObject *const objects[3], Py_ssize_t begin, Py_ssize_t end, Py_ssize_t size)
{
    Py_ssize_t starts = open_numbers(all, objects[0], 8, 0, "offsets", &l->starts), items;
    if (starts < 0 || (items = open_numbers(all, objects[1], 4, 0, "items", &l->items)) < 0)
        return -1;
    Py_ssize_t values = open_numbers(all, objects[2], 8, 0, "values", &l->values);
    l->rows = starts ? starts - 1 : 0;
    if (values < 0 || check_range(begin, end, l->rows) < 0)
        return -1;
    if (values && values != items) {
        PyErr_Format(PyExc_ValueError, "values: expected %zd items, got %zd", items, values);
        return -1;
    }
    if (!values)
        l->values = NULL;
    l->begin = begin;
    l->end = end;
    if (begin == end)
        return 0;
    if (check_rows("offsets", l->starts, begin, end, items) < 0)
        return -1;
    return check_numbers("items", l->items, (Py_ssize_t)l->starts[begin], (Py_ssize_t)l->starts[end], size);
}

static PyObject *
index_rows(PyObject *self, PyObject *args)
{
    PyObject *objects[3], *result = NULL, *turned[3] = {NULL, NULL, NULL};
    Py_ssize_t size;
    buffers all = {.held = 0};
    row_list l;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOOn:index_rows", &objects[0], &objects[1], &objects[2], &size))
        return NULL;
    if (size < 0 || size > INT32_MAX)
        return PyErr_Format(PyExc_ValueError, "size: expected 0 to %d, got %zd", INT32_MAX, size);
    const void *peek;
    Py_ssize_t rows = open_numbers(&all, objects[0], 8, 0, "offsets", &peek);
    if (rows < 0 || list_open(&l, &all, objects, 0, rows ? rows - 1 : 0, size) < 0)
        goto done;
    Py_ssize_t first = l.rows ? (Py_ssize_t)l.starts[0] : 0, count = l.rows ? (Py_ssize_t)l.starts[l.rows] - first : 0;
    turned[0] = PyBytes_FromStringAndSize(NULL, (size + 1) * 8);
    turned[1] = PyBytes_FromStringAndSize(NULL, count * 4);
    turned[2] = PyBytes_FromStringAndSize(NULL, l.values ? count * 8 : 0);
    int64_t *next = calloc((size_t)size + 1, 8);
    if (turned[0] && turned[1] && turned[2] && next) {
        int64_t *starts = (int64_t *)PyBytes_AsString(turned[0]);
        int32_t *found = (int32_t *)PyBytes_AsString(turned[1]);
        double *values = (double *)PyBytes_AsString(turned[2]);
        for (Py_ssize_t k = first; k < first + count; k++)
            next[l.items[k] + 1]++;
        for (Py_ssize_t item = 0; item < size; item++)
            next[item + 1] += next[item];
        memcpy(starts, next, (size_t)(size + 1) * 8);
        for (Py_ssize_t row = 0; row < l.rows; row++)
            for (int64_t k = l.starts[row]; k < l.starts[row + 1]; k++) {
                int64_t place = next[l.items[k]]++;
                found[place] = (int32_t)row;
                if (l.values)
                    values[place] = l.values[k];
            }
        result = PyTuple_Pack(3, turned[0], turned[1], turned[2]);
    }
    else if (!PyErr_Occurred())
        PyErr_NoMemory();
    free(next);
done:
    for (int i = 0; i < 3; i++)
        Py_XDECREF(turned[i]);
    buffers_release(&all);
    return result;
}

/* ---- rows that are alike --------------------------------------------------------------------------------------- */

typedef struct {
    const int64_t *starts;
    const int32_t *items;
    Py_ssize_t rows;
    int64_t least;
    int32_t *found;
} kinds;

static inline uint64_t
row_hash(const kinds *k, Py_ssize_t row)
{
    uint64_t hash = 0;
    for (int64_t place = k->starts[row]; place < k->starts[row + 1]; place++)
        hash = (hash ^ hash >> 29 ^ (uint32_t)k->items[place]) * 0x9E3779B97F4A7C15ULL;
    return hash ^ hash >> 32;
}

static inline int
same_row(const kinds *k, Py_ssize_t one, Py_ssize_t other)
{
    int64_t size = k->starts[one + 1] - k->starts[one];
    return size == k->starts[other + 1] - k->starts[other] &&
           memcmp(k->items + k->starts[one], k->items + k->starts[other], (size_t)size * 4) == 0;
}

/* Numbers the kinds; the table holds the first row of each, and one more. */
static void
find_kinds(const kinds *k, int32_t *table, uint64_t mask)
{
    int32_t next = 0;
    for (Py_ssize_t row = 0; row < k->rows; row++) {
        if (k->starts[row + 1] - k->starts[row] < k->least) {
            k->found[row] = -1;
            continue;
        }
        uint64_t slot = row_hash(k, row) & mask;
        while (table[slot] && !same_row(k, table[slot] - 1, row))
            slot = (slot + 1) & mask;
        if (!table[slot]) {
            table[slot] = (int32_t)row + 1;
            k->found[row] = next++;
        } else {
            k->found[row] = k->found[table[slot] - 1];
        }
    }
}

static PyObject *
alike_rows(PyObject *self, PyObject *args)
{
    PyObject *offsets, *items, *result = NULL;
    Py_ssize_t least;
    buffers all = {.held = 0};
    kinds k;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOn:alike_rows", &offsets, &items, &least))
        return NULL;
    if (least < 0)
        return PyErr_Format(PyExc_ValueError, "least: expected 0 or more, got %zd", least);
    Py_ssize_t starts = open_numbers(&all, offsets, 8, 0, "offsets", &k.starts), size;
    if (starts < 0 || (size = open_numbers(&all, items, 4, 0, "items", &k.items)) < 0)
        goto done;
    k.rows = starts ? starts - 1 : 0;
    k.least = least;
    if (k.rows && check_rows("offsets", k.starts, 0, k.rows, size) < 0)
        goto done;
    uint64_t room = 16;
    while (room < 2 * (uint64_t)k.rows)
        room *= 2;
    int32_t *table = calloc((size_t)room, 4);
    if (!table) {
        PyErr_NoMemory();
        goto done;
    }
    if ((result = PyBytes_FromStringAndSize(NULL, k.rows * 4))) {
        k.found = (int32_t *)PyBytes_AsString(result);
        Py_BEGIN_ALLOW_THREADS
        find_kinds(&k, table, room - 1);
        Py_END_ALLOW_THREADS
    }
    free(table);
done:
    buffers_release(&all);
    return result;
}

/* ---- sums ---------------------------------------------------------------------------------------------------- */

typedef struct {
    row_list list;
    const double *table, *item_factors, *row_factors;
    const double *tail;      /* a copy of the last rows, with room after it */
    int64_t first_tail, rows;
    Py_ssize_t width;
    double *out;
} adder;

/* Where a row of the table stands, so that whole lanes may be read. */
INLINE const double *
row_at(const adder *a, int64_t item)
{
    return item < a->first_tail ? a->table + item * a->width : a->tail + (item - a->first_tail) * a->width;
}

INLINE double
amount_at(const adder *a, int64_t place)
{
    double amount = a->list.values ? a->list.values[place] : 1.0;
    return a->item_factors ? amount * a->item_factors[a->list.items[place]] : amount;
}

/* `count` lanes of a sum, from a column on: `count` and `plain` are known when this is compiled. */
INLINE void
sum_lanes(const adder *a, int64_t row, Py_ssize_t column, double *sum, const int count, const int plain,
          const int fetch)
{
    int64_t start = a->list.starts[row], end = a->list.starts[row + 1], last = a->list.starts[a->list.end] - 1;
    lanes total[BLOCK];
    for (int i = 0; i < count; i++)
        total[i] = (lanes){0.0};
    for (int64_t place = start; place < end; place++) {
        const double *from = row_at(a, a->list.items[place]) + column;
        if (fetch) {
            const double *later = row_at(a, a->list.items[place + AHEAD < last ? place + AHEAD : last]);
            for (Py_ssize_t i = 0; i < a->width && i < 32; i += 8)
                PREFETCH(later + i);
        }
        if (plain)
            for (int i = 0; i < count; i++)
                total[i] += *(const lanes *)(from + i * LANES);
        else {
            double amount = amount_at(a, place);
            for (int i = 0; i < count; i++)
                total[i] += amount * *(const lanes *)(from + i * LANES);
        }
    }
    for (int i = 0; i < count; i++)
        *(lanes *)(sum + column + i * LANES) = total[i];
}

INLINE void
sum_columns(const adder *a, int64_t row, double *sum, const int plain)
{
    Py_ssize_t left = (a->width + LANES - 1) / LANES, column = 0;
    for (int fetch = 1; left > 0; fetch = 0) {
        int count = left < BLOCK ? (int)left : BLOCK;
        switch (count) {
        case 1: sum_lanes(a, row, column, sum, 1, plain, fetch); break;
        case 2: sum_lanes(a, row, column, sum, 2, plain, fetch); break;
        case 3: sum_lanes(a, row, column, sum, 3, plain, fetch); break;
        case 4: sum_lanes(a, row, column, sum, 4, plain, fetch); break;
        case 5: sum_lanes(a, row, column, sum, 5, plain, fetch); break;
        default: sum_lanes(a, row, column, sum, BLOCK, plain, fetch);
        }
        left -= count;
        column += count * LANES;
    }
}

WIDE static void
sum_some(const adder *a, int64_t begin, int64_t end, double *sum)
{
    int plain = !a->list.values && !a->item_factors;
    for (int64_t row = begin; row < end; row++) {
        if (plain)
            sum_columns(a, row, sum, 1);
        else
            sum_columns(a, row, sum, 0);
        double *out = a->out + row * a->width;
        if (a->row_factors)
            for (Py_ssize_t j = 0; j < a->width; j++)
                out[j] = a->row_factors[row] * sum[j];
        else
            memcpy(out, sum, (size_t)a->width * 8);
    }
}

/* The last rows of the table, copied to where there is room after them. */
static int
copy_tail(adder *a, double **tail, double **sum)
{
    a->first_tail = a->rows > TAIL ? a->rows - TAIL : 0;
    size_t size = (size_t)((a->rows - a->first_tail) * a->width);
    *tail = calloc(size + (size_t)PADDED(a->width) + LANES, 8);
    *sum = calloc((size_t)PADDED(a->width) + LANES, 8);
    if (!*tail || !*sum)
        return NO_MEMORY;
    memcpy(*tail, a->table + a->first_tail * a->width, size * 8);
    a->tail = *tail;
    return DONE;
}

/* A part of the rows at a time, so that there are looks for Ctrl-C. */
static int
in_turns(adder *a, double *scratch)
{
    PyThreadState *thread = PyEval_SaveThread();
    int status = DONE;
    for (int64_t row = a->list.begin; row < a->list.end && status == DONE;) {
        int64_t end = row, start = a->list.starts[row];
        while (end < a->list.end && (a->list.starts[end] - start + (end - row)) * a->width < TURN)
            end++;
        end += end == row;
        sum_some(a, row, end, scratch);
        if ((row = end) < a->list.end && interrupted(&thread))
            status = INTERRUPTED;
    }
    PyEval_RestoreThread(thread);
    return status;
}

static int
check_room(const char *name, Py_ssize_t found, Py_ssize_t size)
{
    if (found >= size)
        return 0;
    if (!PyErr_Occurred())
        PyErr_Format(PyExc_ValueError, "%s: expected %zd items at least, got %zd", name, size, found);
    return -1;
}

static PyObject *
sum_rows(PyObject *self, PyObject *args)
{
    PyObject *objects[3], *item_factors, *row_factors, *table, *out;
    Py_ssize_t begin, end, size;
    buffers all = {.held = 0};
    adder a = {.out = NULL};
    double *tail = NULL, *sum = NULL;
    int status = INTERRUPTED;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOOOOOnnnO:sum_rows", &objects[0], &objects[1], &objects[2], &item_factors,
                          &row_factors, &table, &a.width, &begin, &end, &out))
        return NULL;
    if ((size = open_numbers(&all, table, 8, 0, "table", &a.table)) < 0 || check_width(a.width) < 0)
        goto done;
    a.rows = size / a.width;
    if (list_open(&a.list, &all, objects, begin, end, (Py_ssize_t)a.rows) < 0 ||
        (size = open_numbers(&all, out, 8, 1, "out", &a.out)) < 0 || check_room("out", size, end * a.width) < 0 ||
        open_optional(&all, item_factors, 8, (Py_ssize_t)a.rows, "item_factors", &a.item_factors) < 0 ||
        open_optional(&all, row_factors, 8, a.list.rows, "row_factors", &a.row_factors) < 0)
        goto done;
    if ((status = copy_tail(&a, &tail, &sum)) == DONE)
        status = in_turns(&a, sum);
done:
    free(tail);
    free(sum);
    buffers_release(&all);
    return finish(status);
}

WIDE static void
add_some(const adder *a, double factor)
{
    for (int64_t row = a->list.begin; row < a->list.end; row++) {
        const double *from = a->table + row * a->width;
        for (int64_t place = a->list.starts[row]; place < a->list.starts[row + 1]; place++) {
            double amount = factor * amount_at(a, place), *restrict to = a->out + a->list.items[place] * a->width;
            for (Py_ssize_t j = 0; j < a->width; j++)
                to[j] += amount * from[j];
        }
    }
}

static PyObject *
add_rows(PyObject *self, PyObject *args)
{
    PyObject *objects[3], *item_factors, *rows, *table, *result = NULL;
    Py_ssize_t begin, end, size, found;
    buffers all = {.held = 0};
    adder a = {.out = NULL};
    double factor;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOOOOdnnnO:add_rows", &objects[0], &objects[1], &objects[2], &item_factors, &rows,
                          &factor, &a.width, &begin, &end, &table))
        return NULL;
    if ((size = open_numbers(&all, table, 8, 1, "table", &a.out)) >= 0 && check_width(a.width) == 0 &&
        list_open(&a.list, &all, objects, begin, end, size / a.width) == 0 &&
        (found = open_numbers(&all, rows, 8, 0, "rows", &a.table)) >= 0 && check_room("rows", found, end * a.width) == 0 &&
        open_optional(&all, item_factors, 8, size / a.width, "item_factors", &a.item_factors) == 0) {
        Py_BEGIN_ALLOW_THREADS
        add_some(&a, factor);
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    buffers_release(&all);
    return result;
}

/* ---- pairs --------------------------------------------------------------------------------------------------- */

typedef struct {
    const int64_t *starts;
    const int32_t *columns;
    Py_ssize_t count, width;
} pair_list;

static int
pairs_open(pair_list *p, buffers *all, PyObject *starts, PyObject *columns, Py_ssize_t begin, Py_ssize_t end)
{
    if (check_width(p->width) < 0)
        return -1;
    Py_ssize_t size = open_numbers(all, starts, 8, 0, "pair_starts", &p->starts);
    if (size < 0 || (p->count = open_numbers(all, columns, 4, 0, "pair_columns", &p->columns)) < 0 ||
        check_range(begin, end, size ? size - 1 : 0) < 0)
        return -1;
    if (begin == end)
        return 0;
    if (check_rows("pair_starts", p->starts, begin, end, p->count) < 0)
        return -1;
    return check_numbers("pair_columns", p->columns, (Py_ssize_t)p->starts[begin], (Py_ssize_t)p->starts[end],
                         p->width);
}

static PyObject *
spread_pairs(PyObject *self, PyObject *args)
{
    PyObject *starts, *columns, *weight_list, *target, *result = NULL;
    Py_ssize_t begin, end, size;
    buffers all = {.held = 0};
    pair_list p;
    const double *weights;
    double *table;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOOnnnO:spread_pairs", &starts, &columns, &weight_list, &p.width, &begin, &end,
                          &target))
        return NULL;
    if (pairs_open(&p, &all, starts, columns, begin, end) == 0 &&
        open_exactly(&all, weight_list, 8, 0, p.count, "weights", &weights) == 0 &&
        (size = open_numbers(&all, target, 8, 1, "table", &table)) >= 0 && check_room("out", size, end * p.width) == 0) {
        Py_BEGIN_ALLOW_THREADS
        memset(table + begin * p.width, 0, (size_t)((end - begin) * p.width) * 8);
        for (Py_ssize_t row = begin; row < end; row++)
            for (int64_t pair = p.starts[row]; pair < p.starts[row + 1]; pair++)
                table[row * p.width + p.columns[pair]] = weights[pair];
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    buffers_release(&all);
    return result;
}

static PyObject *
pick_pairs(PyObject *self, PyObject *args)
{
    PyObject *starts, *columns, *source, *target, *result = NULL;
    Py_ssize_t begin, end, size;
    buffers all = {.held = 0};
    pair_list p;
    const double *table;
    double *out;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOOnnnO:pick_pairs", &starts, &columns, &source, &p.width, &begin, &end, &target))
        return NULL;
    if (pairs_open(&p, &all, starts, columns, begin, end) == 0 &&
        (size = open_numbers(&all, source, 8, 0, "table", &table)) >= 0 &&
        check_room("table", size, end * p.width) == 0 &&
        open_exactly(&all, target, 8, 1, p.count, "out", &out) == 0) {
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t row = begin; row < end; row++)
            for (int64_t pair = p.starts[row]; pair < p.starts[row + 1]; pair++)
                out[pair] = table[row * p.width + p.columns[pair]];
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    buffers_release(&all);
    return result;
}

/* ---- weights that are not 0 ---------------------------------------------------------------------------------- */

static PyObject *
count_nonzero(PyObject *self, PyObject *args)
{
    PyObject *offsets, *factors, *weight_list, *result = NULL;
    Py_ssize_t begin, end, size, rows;
    buffers all = {.held = 0};
    const int64_t *starts;
    const int32_t *times;
    const double *weights;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOOnn:count_nonzero", &offsets, &factors, &weight_list, &begin, &end))
        return NULL;
    if ((rows = open_numbers(&all, offsets, 8, 0, "offsets", &starts)) < 0 ||
        (size = open_numbers(&all, weight_list, 8, 0, "weights", &weights)) < 0)
        goto done;
    rows -= rows > 0;
    if (check_range(begin, end, rows) < 0 || open_exactly(&all, factors, 4, 0, rows, "factors", &times) < 0 ||
        (begin < end && check_rows("offsets", starts, begin, end, size) < 0))
        goto done;
    int64_t total = 0;
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t row = begin; row < end; row++) {
        int64_t found = 0;
        for (int64_t place = starts[row]; place < starts[row + 1]; place++)
            found += weights[place] != 0.0;
        total += times[row] * found;
    }
    Py_END_ALLOW_THREADS
    result = PyLong_FromLongLong(total);
done:
    buffers_release(&all);
    return result;
}

PyMethodDef rows_methods[] = {
    {"add_rows", add_rows, METH_VARARGS, NULL},
    {"alike_rows", alike_rows, METH_VARARGS, NULL},
    {"count_nonzero", count_nonzero, METH_VARARGS, NULL},
    {"index_rows", index_rows, METH_VARARGS, NULL},
    {"pick_pairs", pick_pairs, METH_VARARGS, NULL},
    {"spread_pairs", spread_pairs, METH_VARARGS, NULL},
    {"sum_rows", sum_rows, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
