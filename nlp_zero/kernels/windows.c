/* Window kernels: the copy of windows.py, which is the specification. */
#include "_table.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define WORD_LIMIT 0xF000  /* ids below it are symbols of words, the others known boundaries; 0 is the end of a line */

#define POINTS 0x110000    /* how many code points there are */
#define LARGE (33u << 20)  /* bytes that go back to the system when they are freed: less in large pages leaves holes */
#define CUT 0xFFFF         /* the rank of what stands for symbols that are cut off: above all others */

/* What stops a loop that runs without the GIL. */
enum { DONE = 0, NO_MEMORY = -1, INTERRUPTED = -2, OVERFLOWED = -3, NEGATIVE = -4 };

/* ---- small helpers ------------------------------------------------------------------------------------------- */

static int
is_word(uint16_t id)
{
    return id != 0 && id < WORD_LIMIT;
}

static PyObject *
set_failure(int status)
{
    if (status == OVERFLOWED)
        PyErr_SetString(PyExc_OverflowError, "counts: expected sums below 2**64");
    else if (status == NO_MEMORY && !PyErr_Occurred())
        PyErr_NoMemory();
    return NULL;
}

/* A table of rows and counts, as bytes to be filled. */
typedef struct {
    PyObject *rows_object, *counts_object;
    uint8_t *rows;
    uint64_t *counts;
} new_table;

static int
new_table_open(new_table *table, size_t rows, size_t width)
{
    table->rows_object = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(rows * width));
    table->counts_object = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(rows * 8));
    if (!table->rows_object || !table->counts_object) {
        Py_CLEAR(table->rows_object);
        Py_CLEAR(table->counts_object);
        return -1;
    }
    table->rows = (uint8_t *)PyBytes_AsString(table->rows_object);
    table->counts = (uint64_t *)PyBytes_AsString(table->counts_object);
    if (rows * width >= LARGE)
        prefer_large_pages(table->rows, rows * width);
    return 0;
}

static PyObject *
new_table_close(new_table *table, int status)
{
    if (status == DONE)
        return Py_BuildValue("NN", table->rows_object, table->counts_object);
    Py_CLEAR(table->rows_object);
    Py_CLEAR(table->counts_object);
    return set_failure(status);
}

/* The counts stand behind the header of a bytes object: copied, not cast, where that is not a multiple of 8. */
static inline void
put_count(uint64_t *counts, size_t row, uint64_t count)
{
    memcpy((uint8_t *)counts + row * 8, &count, 8);
}

/* ---- sorting ------------------------------------------------------------------------------------------------- */

/* What follows the first symbol of a window: the ranks of four symbols in `high`, of up to four more in `low`. */
typedef struct {
    uint64_t *high, *low, *spare_high, *spare_low;  /* the low ones are NULL for windows of up to 5 symbols */
} tails;

static void
insertion_sort(uint64_t *keys, uint64_t *others, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        uint64_t key = keys[i], other = others ? others[i] : 0;
        size_t j = i;
        for (; j > 0 && keys[j - 1] > key; j--) {
            keys[j] = keys[j - 1];
            if (others)
                others[j] = others[j - 1];
        }
        keys[j] = key;
        if (others)
            others[j] = other;
    }
}

/* Radix sort of keys, and of what goes with them. */
static void
sort_keys(uint64_t *keys, uint64_t *others, uint64_t *spare_keys, uint64_t *spare_others, size_t count)
{
    if (count < 64) {
        insertion_sort(keys, others, count);
        return;
    }
    size_t histogram[8][256];
    memset(histogram, 0, sizeof histogram);
    for (size_t i = 0; i < count; i++)
        for (int digit = 0; digit < 8; digit++)
            histogram[digit][keys[i] >> (8 * digit) & 255]++;
    uint64_t *from = keys, *to = spare_keys, *from_others = others, *to_others = spare_others;
    for (int digit = 0; digit < 8; digit++) {
        size_t *slots = histogram[digit], sum = 0;
        if (slots[from[0] >> (8 * digit) & 255] == count)
            continue;
        for (int value = 0; value < 256; value++) {
            size_t here = slots[value];
            slots[value] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++) {
            size_t slot = slots[from[i] >> (8 * digit) & 255]++;
            to[slot] = from[i];
            if (others)
                to_others[slot] = from_others[i];
        }
        uint64_t *swap = from; from = to; to = swap;
        swap = from_others; from_others = to_others; to_others = swap;
    }
    if (from != keys) {
        memcpy(keys, from, count * 8);
        if (others)
            memcpy(others, from_others, count * 8);
    }
}

static void
sort_tails(const tails *t, size_t start, size_t end)
{
    uint64_t *high = t->high + start, *low = t->low ? t->low + start : NULL;
    size_t count = end - start;
    sort_keys(high, low, t->spare_high, t->spare_low, count);
    if (!low)
        return;
    for (size_t i = 0; i < count;) {
        size_t j = i + 1;
        while (j < count && high[j] == high[i])
            j++;
        if (j - i > 1 && (high[i] & 0xFFFF))
            sort_keys(low + i, NULL, t->spare_low, NULL, j - i);
        i = j;
    }
}

/* ---- text to a table ------------------------------------------------------------------------------------------- */

/* Symbols by rank, the order of their code points. */
typedef struct {
    uint16_t of[0x10000];          /* rank of every id, 0 for boundaries */
    size_t sizes[0x10000];         /* how often every id occurs */
    size_t stretches;              /* how many there are between two boundaries */
    uint32_t points[WORD_LIMIT];   /* code point of every rank */
    size_t starts[WORD_LIMIT + 1]; /* where the windows of every first symbol start; rank 0: those of boundaries */
    size_t next[WORD_LIMIT];
    uint64_t order[WORD_LIMIT];
    int ranks, low, high;          /* windows are wanted whose first symbol has a rank of low to before high */
} ranking;

static int
by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void
count_symbols(ranking *r, const uint16_t *ids, Py_ssize_t size)
{
    int inside = 0;
    for (Py_ssize_t i = 0; i < size; i++) {
        int word = is_word(ids[i]);
        r->sizes[ids[i]]++;
        r->stretches += word & !inside;
        inside = word;
    }
}

/* Ranks of the symbols that occur; -1 with an error set. */
static int
rank_symbols(ranking *r, const uint32_t *points, uint32_t first, uint32_t end)
{
    size_t symbols = 0;
    for (uint32_t id = 1; id < WORD_LIMIT; id++) {
        if (!r->sizes[id])
            continue;
        uint32_t point = id <= 4 ? 0xFDD0 + id - 1 : points[id];
        if (point == 0 || point > 0x10FFFF) {
            PyErr_Format(PyExc_ValueError, "points: expected a code point for symbol %u, such as 23398, got %u", id, point);
            return -1;
        }
        r->order[symbols++] = (uint64_t)point << 16 | id;
    }
    qsort(r->order, symbols, 8, by_value);
    for (size_t i = 0; i < symbols; i++) {
        uint32_t point = (uint32_t)(r->order[i] >> 16);
        if (r->ranks == 0 || r->points[r->ranks] != point)
            r->points[++r->ranks] = point;
        r->of[r->order[i] & 0xFFFF] = (uint16_t)r->ranks;
    }
    while (r->low <= r->ranks && r->points[r->low] < first)
        r->low++;
    for (r->high = r->low; r->high <= r->ranks && r->points[r->high] < end;)
        r->high++;
    return 0;
}

/* Where the buckets start; returns the number of windows. */
static size_t
find_starts(ranking *r)
{
    r->next[0] = r->stretches;
    for (uint32_t id = 1; id < WORD_LIMIT; id++)
        if (r->sizes[id])
            r->next[r->of[id]] += r->sizes[id];
    size_t sum = 0;
    for (int rank = r->low; rank < r->high; rank++) {
        size_t here = r->next[rank];
        r->starts[rank] = r->next[rank] = sum;
        sum += here;
    }
    r->starts[r->high] = sum;
    return sum;
}

/* A tail of at most `most` symbols; CUT stands for the rest, if there is any. */
static inline void
cut_tail(uint64_t *high, uint64_t *low, int most)
{
    if (most >= 8)
        return;
    uint64_t *half = most < 4 ? high : low;
    int kept = most & 3, shift = 48 - 16 * kept;
    uint64_t mark = *half >> shift & 0xFFFF ? (uint64_t)CUT << shift : 0;
    *half = (kept ? *half & ~(~0ULL >> (16 * kept)) : 0) | mark;
    if (most < 4)
        *low = 0;
}

static inline void
put_tail_at(const tails *t, size_t slot, uint64_t high, uint64_t low)
{
    t->high[slot] = high;
    if (t->low)
        t->low[slot] = low;
}

/* Puts the tail of every window that is wanted into the bucket of its first symbol: from the right, so that each takes
   one step. */
static void
fill_tails(ranking *r, const tails *t, const uint16_t *ids, const uint8_t *reach, Py_ssize_t size, int tail)
{
    uint64_t high_mask = tail >= 4 ? ~0ULL : ~(~0ULL >> (16 * tail));
    uint64_t low_mask = tail <= 4 ? 0 : tail == 8 ? ~0ULL : ~(~0ULL >> (16 * (tail - 4)));
    uint64_t high = 0, low = 0;
    unsigned lowest = (unsigned)r->low, wanted = (unsigned)(r->high - r->low);
    int boundaries = lowest == 0 && wanted > 0;
    uint16_t rank = size ? r->of[ids[size - 1]] : 0, before;
    for (Py_ssize_t i = size - 1; i >= 0; i--, rank = before) {
        before = i ? r->of[ids[i - 1]] : 0;
        if (!rank) {
            high = low = 0;
            continue;
        }
        int most = reach ? reach[i] + !reach[i] : 9;
        uint64_t cut_high = high, cut_low = low;
        if (rank - lowest < wanted) {
            cut_tail(&cut_high, &cut_low, most - 1);
            put_tail_at(t, r->next[rank]++, cut_high, cut_low);
        }
        low = (low >> 16 | high << 48) & low_mask;
        high = (high >> 16 | (uint64_t)rank << 48) & high_mask;
        if (!before && boundaries) {
            cut_high = high, cut_low = low;
            cut_tail(&cut_high, &cut_low, most);
            put_tail_at(t, r->next[0]++, cut_high, cut_low);
        }
    }
}

static inline int
same_tail(const tails *t, size_t a, size_t b)
{
    return t->high[a] == t->high[b] && (!t->low || t->low[a] == t->low[b]);
}

static inline uint8_t *
put_point(uint8_t *row, uint32_t point)
{
    row[0] = (uint8_t)(point >> 16);
    row[1] = (uint8_t)(point >> 8);
    row[2] = (uint8_t)point;
    return row + POINT;
}

static inline uint32_t
point_of(const ranking *r, uint64_t rank)
{
    return rank == CUT ? 0xFFFFFF : r->points[rank];
}

static uint8_t *
put_tail(uint8_t *row, const ranking *r, uint64_t ranks, int symbols)
{
    for (int i = 0; i < symbols; i++)
        row = put_point(row, point_of(r, ranks >> (48 - 16 * i) & 0xFFFF));
    return row;
}

/* Sorts every bucket; the number of distinct windows, or why not. */
static int
sort_buckets(ranking *r, const tails *t, size_t *distinct)
{
    int status = DONE;
    size_t since = 0;
    PyThreadState *state = PyEval_SaveThread();
    for (int rank = r->low; rank < r->high && status == DONE; rank++) {
        size_t start = r->starts[rank], end = r->starts[rank + 1];
        sort_tails(t, start, end);
        for (size_t i = start; i < end; i++)
            *distinct += i == start || !same_tail(t, i - 1, i);
        if ((since += end - start) > TURN) {
            since = 0;
            if (interrupted(&state))
                status = INTERRUPTED;
        }
    }
    PyEval_RestoreThread(state);
    return status;
}

static void
put_windows(const ranking *r, const tails *t, int tail, new_table *table)
{
    uint8_t *row = table->rows;
    size_t filled = 0;
    for (int rank = r->low; rank < r->high; rank++)
        for (size_t start = r->starts[rank], end; start < r->starts[rank + 1]; start = end) {
            for (end = start + 1; end < r->starts[rank + 1] && same_tail(t, start, end);)
                end++;
            row = put_point(row, r->points[rank]);
            row = put_tail(row, r, t->high[start], tail < 4 ? tail : 4);
            if (t->low)
                row = put_tail(row, r, t->low[start], tail - 4);
            put_count(table->counts, filled++, end - start);
        }
}

static void *
room_for(size_t size)
{
    return size >= LARGE ? large_pages(size) : malloc(size);
}

static int
tails_open(tails *t, const ranking *r, size_t windows, int tail)
{
    size_t largest = 1;
    for (int rank = r->low; rank < r->high; rank++)
        if (r->starts[rank + 1] - r->starts[rank] > largest)
            largest = r->starts[rank + 1] - r->starts[rank];
    windows += !windows;
    t->high = room_for(windows * 8);
    t->spare_high = room_for(largest * 8);
    if (tail > 4) {
        t->low = room_for(windows * 8);
        t->spare_low = room_for(largest * 8);
    }
    return t->high && t->spare_high && (tail <= 4 || (t->low && t->spare_low)) ? DONE : NO_MEMORY;
}

static PyObject *
count_windows(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *ids_object, *points_object, *reach_object = Py_None, *result = NULL;
    int window;
    long first = 0, end = POINTS;
    if (!PyArg_ParseTuple(args, "OOi|Oll", &ids_object, &points_object, &window, &reach_object, &first, &end))
        return NULL;
    if (window < 2 || window > MAX_WINDOW)
        return PyErr_Format(PyExc_ValueError, "window: expected 2 to %d, got %d", MAX_WINDOW, window);
    if (first < 0 || first > end || end > POINTS)
        return PyErr_Format(PyExc_ValueError, "first, end: expected 0 <= first <= end <= 1114112, got %ld and %ld", first, end);
    Py_buffer ids, points, reach = {0};
    if (get_items(ids_object, &ids, 2, "ids") < 0)
        return NULL;
    if (get_items(points_object, &points, 4, "points") < 0)
        goto no_points;
    if (points.len != 4 * 0x10000) {
        PyErr_Format(PyExc_ValueError, "points: expected 65536 items, got %zd", points.len / 4);
        goto no_ranking;
    }
    ranking *r = calloc(1, sizeof *r);
    tails t = {0};
    new_table table;
    Py_ssize_t size = ids.len / 2;
    size_t distinct = 0;
    int status;
    if (!r) {
        set_failure(NO_MEMORY);
        goto no_ranking;
    }
    Py_BEGIN_ALLOW_THREADS
    count_symbols(r, ids.buf, size);
    Py_END_ALLOW_THREADS
    if (rank_symbols(r, points.buf, (uint32_t)first, (uint32_t)end) < 0)
        goto done;
    if (reach_object != Py_None) {
        if (get_items(reach_object, &reach, 1, "reach") < 0)
            goto done;
        if (reach.len != size) {
            PyErr_Format(PyExc_ValueError, "reach: expected %zd items, got %zd", size, reach.len);
            goto done;
        }
    }
    Py_BEGIN_ALLOW_THREADS
    size_t windows = find_starts(r);
    if ((status = tails_open(&t, r, windows, window - 1)) == DONE)
        fill_tails(r, &t, ids.buf, reach.buf, size, window - 1);
    Py_END_ALLOW_THREADS
    if (status != DONE || (status = sort_buckets(r, &t, &distinct)) != DONE) {
        set_failure(status);
        goto done;
    }
    if (new_table_open(&table, distinct, (size_t)window * POINT) < 0)
        goto done;
    Py_BEGIN_ALLOW_THREADS
    put_windows(r, &t, window - 1, &table);
    Py_END_ALLOW_THREADS
    result = new_table_close(&table, DONE);
done:
    free(t.high); free(t.low); free(t.spare_high); free(t.spare_low);
    free(r);
    PyBuffer_Release(&reach);
no_ranking:
    PyBuffer_Release(&points);
no_points:
    PyBuffer_Release(&ids);
    return result;
}

/* ---- tables -------------------------------------------------------------------------------------------------------- */

/* The order of the first `width` bytes. Most rows part in their first eight, which one comparison of numbers tells. */
static inline int
compare(const uint8_t *a, const uint8_t *b, size_t width)
{
#if (defined(__GNUC__) || defined(__clang__)) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (width >= 8) {
        uint64_t x, y;
        memcpy(&x, a, 8);
        memcpy(&y, b, 8);
        if (x != y)
            return __builtin_bswap64(x) < __builtin_bswap64(y) ? -1 : 1;
        return memcmp(a + 8, b + 8, width - 8);
    }
#endif
    return memcmp(a, b, width);
}

/* Rows ascend and counts are above zero, or -1 with an error set. */
static int
table_check(const table *t)
{
    size_t row = 1, zero = 0;
    Py_BEGIN_ALLOW_THREADS
    while (row < t->count && compare(row_at(t, row - 1), row_at(t, row), t->size) < 0)
        row++;
    while (zero < t->count && count_at(t, zero))
        zero++;
    Py_END_ALLOW_THREADS
    if (row < t->count)
        PyErr_Format(PyExc_ValueError, "rows: expected strictly ascending rows, got row %zu not above", row);
    else if (zero < t->count)
        PyErr_Format(PyExc_ValueError, "counts: expected counts above 0, got 0 in row %zu", zero);
    else
        return 0;
    return -1;
}

/* ---- sums and differences of tables -------------------------------------------------------------------------------- */

typedef struct {
    table a, b;
    int subtract;
    size_t rows;              /* of the result */
    size_t bad;               /* the row of b that takes too much, and what there is */
    uint64_t bad_limit;
} combination;

/* One walk over both: the first counts the rows, the second writes them. */
static int
combine(combination *c, new_table *out)
{
    size_t i = 0, j = 0, rows = 0, size = c->a.size, since = 0;
    int status = DONE;
    PyThreadState *state = PyEval_SaveThread();
    while (i < c->a.count || (j < c->b.count && status == DONE)) {
        int order = i == c->a.count ? 1 : j == c->b.count ? -1 : compare(row_at(&c->a, i), row_at(&c->b, j), size);
        const uint8_t *row = order <= 0 ? row_at(&c->a, i) : row_at(&c->b, j);
        uint64_t mine = order <= 0 ? count_at(&c->a, i) : 0, other = order >= 0 ? count_at(&c->b, j) : 0, count;
        if (c->subtract) {
            if (other > mine) {
                c->bad = j;
                c->bad_limit = mine;
                status = NEGATIVE;
                break;
            }
            count = mine - other;
        } else if ((count = mine + other) < mine) {
            status = OVERFLOWED;
            break;
        }
        i += order <= 0;
        j += order >= 0;
        if (count) {
            if (out) {
                memcpy(out->rows + rows * size, row, size);
                put_count(out->counts, rows, count);
            }
            rows++;
        }
        if (++since == TURN) {
            since = 0;
            if (interrupted(&state)) {
                status = INTERRUPTED;
                break;
            }
        }
    }
    PyEval_RestoreThread(state);
    c->rows = rows;
    return status;
}

static PyObject *
combined(PyObject *args, int subtract)
{
    PyObject *rows_a, *counts_a, *rows_b, *counts_b, *result = NULL;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "OOOOn", &rows_a, &counts_a, &rows_b, &counts_b, &size))
        return NULL;
    combination c = {.subtract = subtract};
    if (table_open(&c.a, rows_a, counts_a, size) < 0)
        return NULL;
    if (table_check(&c.a) < 0 || table_open(&c.b, rows_b, counts_b, size) < 0)
        goto no_b;
    if (table_check(&c.b) < 0)
        goto done;
    int status = combine(&c, NULL);
    if (status == NEGATIVE) {
        PyErr_Format(PyExc_ValueError, "counts_b: expected at most %llu in row %zu, got %llu",
                     (unsigned long long)c.bad_limit, c.bad, (unsigned long long)count_at(&c.b, c.bad));
    } else if (status != DONE) {
        set_failure(status);
    } else {
        new_table out;
        if (new_table_open(&out, c.rows, c.a.size) == 0) {
            status = combine(&c, &out);
            result = new_table_close(&out, status);
        }
    }
done:
    table_close(&c.b);
no_b:
    table_close(&c.a);
    return result;
}

static PyObject *
merge_windows(PyObject *self, PyObject *args)
{
    (void)self;
    return combined(args, 0);
}

static PyObject *
subtract_windows(PyObject *self, PyObject *args)
{
    (void)self;
    return combined(args, 1);
}

/* ---- looking up ------------------------------------------------------------------------------------------------------ */

/* The first row from `start` on that begins with more than the prefix, or, unless `after`, with as much. */
static size_t
find_row(const table *t, size_t start, const uint8_t *prefix, size_t width, int after)
{
    size_t end = t->count;
    while (start < end) {
        size_t middle = start + (end - start) / 2;
        int order = memcmp(row_at(t, middle), prefix, width);
        if (order < 0 || (after && order == 0))
            start = middle + 1;
        else
            end = middle;
    }
    return start;
}

static PyObject *
window_range(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *rows, *prefix_object, *result = NULL;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "OnO", &rows, &size, &prefix_object))
        return NULL;
    table t = {0};
    Py_buffer prefix;
    if (rows_open(&t, rows, size) < 0)
        return NULL;
    if (get_items(prefix_object, &prefix, 1, "prefix") == 0) {
        if (prefix.len > size) {
            PyErr_Format(PyExc_ValueError, "prefix: expected at most %zd bytes, got %zd", size, prefix.len);
        } else {
            size_t start = find_row(&t, 0, prefix.buf, (size_t)prefix.len, 0);
            size_t end = find_row(&t, start, prefix.buf, (size_t)prefix.len, 1);
            result = Py_BuildValue("nn", (Py_ssize_t)start, (Py_ssize_t)end);
        }
        PyBuffer_Release(&prefix);
    }
    PyBuffer_Release(&t.rows_view);
    return result;
}

static inline int
is_zero(const uint8_t *point)
{
    return !(point[0] | point[1] | point[2]);
}

typedef struct {
    table t;
    size_t length;
    long long min_count;
    int summed;      /* whether the total is wanted: it may not overflow */
    size_t types;    /* of the n-grams that have at least min_count */
    uint64_t total;  /* of their counts */
} prefix_walk;

/* One walk over the groups of rows that share a prefix; writes the groups if there is an `out`. */
static int
walk_prefixes(prefix_walk *w, new_table *out)
{
    size_t width = w->length * POINT, since = 0;
    const table *t = &w->t;
    int status = DONE;
    w->types = 0;
    w->total = 0;
    PyThreadState *state = PyEval_SaveThread();
    for (size_t start = find_row(t, 0, (const uint8_t *)"\0\0", POINT, 1), end; start < t->count; start = end) {
        const uint8_t *row = row_at(t, start);
        uint64_t sum = count_at(t, start);
        int over = 0;
        for (end = start + 1; end < t->count && memcmp(row, row_at(t, end), width) == 0; end++) {
            uint64_t count = count_at(t, end);
            over |= sum + count < sum;
            sum += count;
        }
        if (is_zero(row + width - POINT))
            continue;
        if (over) {
            status = OVERFLOWED;
            break;
        }
        if (sum >= (uint64_t)w->min_count) {
            if (out) {
                memcpy(out->rows + w->types * width, row, width);
                put_count(out->counts, w->types, sum);
            }
            w->types++;
            w->total += sum;
            if (w->summed && w->total < sum) {
                status = OVERFLOWED;
                break;
            }
        }
        if ((since += end - start) > TURN) {
            since = 0;
            if (interrupted(&state)) {
                status = INTERRUPTED;
                break;
            }
        }
    }
    PyEval_RestoreThread(state);
    return status;
}

static int
prefixes_open(prefix_walk *w, PyObject *rows, PyObject *counts, Py_ssize_t size, Py_ssize_t length)
{
    if (table_open(&w->t, rows, counts, size) < 0)
        return -1;
    if (length < 1 || length > size / POINT) {
        PyErr_Format(PyExc_ValueError, "length: expected 1 to %zd, got %zd", size / POINT, length);
        table_close(&w->t);
        return -1;
    }
    w->length = (size_t)length;
    return 0;
}

static PyObject *
window_prefixes(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *rows, *counts, *result = NULL;
    Py_ssize_t size, length;
    prefix_walk w = {0};
    if (!PyArg_ParseTuple(args, "OOnnL", &rows, &counts, &size, &length, &w.min_count) ||
        prefixes_open(&w, rows, counts, size, length) < 0)
        return NULL;
    if (w.min_count < 1)
        w.min_count = 1;
    new_table out;
    int status = walk_prefixes(&w, NULL);
    if (status != DONE) {
        set_failure(status);
    } else if (new_table_open(&out, w.types, w.length * POINT) == 0) {
        status = walk_prefixes(&w, &out);
        result = new_table_close(&out, status);
    }
    table_close(&w.t);
    return result;
}

static PyObject *
window_totals(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *rows, *counts, *result = NULL;
    Py_ssize_t size, length;
    prefix_walk w = {.min_count = 1, .summed = 1};
    if (!PyArg_ParseTuple(args, "OOnn", &rows, &counts, &size, &length) ||
        prefixes_open(&w, rows, counts, size, length) < 0)
        return NULL;
    int status = walk_prefixes(&w, NULL);
    if (status != DONE)
        set_failure(status);
    else
        result = Py_BuildValue("Kn", (unsigned long long)w.total, (Py_ssize_t)w.types);
    table_close(&w.t);
    return result;
}

PyMethodDef windows_methods[] = {
    {"count_windows", count_windows, METH_VARARGS, NULL},
    {"merge_windows", merge_windows, METH_VARARGS, NULL},
    {"subtract_windows", subtract_windows, METH_VARARGS, NULL},
    {"window_prefixes", window_prefixes, METH_VARARGS, NULL},
    {"window_range", window_range, METH_VARARGS, NULL},
    {"window_totals", window_totals, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
