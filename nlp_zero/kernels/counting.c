/* Counting kernels: the copy of counting.py, which is the specification. */
#include "_buffers.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define WORD_LIMIT 0xF000  /* ids below it are symbols of words, the others known boundaries; 0 is the end of a line */
#define MAX_LENGTH 8
#define AHEAD 24  /* elements to fetch ahead where memory is visited in sorted order: 4.9 s became 2.9 s on 50 MB */

#if defined(__GNUC__) || defined(__clang__)
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define PREFETCH(address) ((void)0)
#endif

/* ---- small helpers ------------------------------------------------------------------------------------------- */

static int
get_buffer(PyObject *object, Py_buffer *view, Py_ssize_t itemsize, int writable, const char *what)
{
    if (PyObject_GetBuffer(object, view, PyBUF_ND | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0)) < 0)
        return -1;
    if (view->itemsize != itemsize || view->ndim > 1) {
        PyErr_Format(PyExc_TypeError, "%s: expected items of %zd bytes, got %zd", what, itemsize, view->itemsize);
        PyBuffer_Release(view);
        return -1;
    }
    return 0;
}

static int
is_word(uint16_t id)
{
    return id != 0 && id < WORD_LIMIT;
}

/* c log2 c in units of 2**-16 bits, to the nearest: sums of such integers do not depend on their order. */
static int64_t
count_log(int64_t count)
{
    return count < 2 ? 0 : (int64_t)floor((double)count * log2((double)count) * 65536.0 + 0.5);
}

#define LOG_CACHE 1024
typedef struct { int64_t small[LOG_CACHE]; } log_table;

static void
fill_logs(log_table *table)
{
    for (int count = 0; count < LOG_CACHE; count++)
        table->small[count] = count_log(count);
}

static inline int64_t
count_log_of(const log_table *table, int64_t count)
{
    return count < LOG_CACHE ? table->small[count] : count_log(count);
}

/* floor(a / b) for b > 0, as Python's // */
static inline int64_t
floor_divide(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q - (a % b < 0);
}

/* ---- sorting the windows of one first symbol --------------------------------------------------------------------- */

typedef struct {
    uint64_t *keys, *spare_keys;
    uint32_t *positions, *spare_positions;
    size_t room;
} sorter;

static void
sorter_free(sorter *s)
{
    free(s->keys); free(s->spare_keys); free(s->positions); free(s->spare_positions);
    memset(s, 0, sizeof *s);
}

static int
sorter_room(sorter *s, size_t count)
{
    if (count <= s->room)
        return 0;
    sorter_free(s);
    s->keys = malloc(count * 8); s->spare_keys = malloc(count * 8);
    s->positions = malloc(count * 4); s->spare_positions = malloc(count * 4);
    if (!s->keys || !s->spare_keys || !s->positions || !s->spare_positions) {
        sorter_free(s);
        return -1;
    }
    s->room = count;
    return 0;
}

/* Stable sort of keys[lo..hi) with their positions. */
static void
sort_range(sorter *s, size_t lo, size_t hi)
{
    size_t count = hi - lo;
    uint64_t *keys = s->keys + lo;
    uint32_t *positions = s->positions + lo;
    if (count < 64) {
        for (size_t i = 1; i < count; i++) {
            uint64_t key = keys[i];
            uint32_t position = positions[i];
            size_t j = i;
            for (; j > 0 && keys[j - 1] > key; j--) {
                keys[j] = keys[j - 1];
                positions[j] = positions[j - 1];
            }
            keys[j] = key;
            positions[j] = position;
        }
        return;
    }
    uint32_t histogram[8][256];
    memset(histogram, 0, sizeof histogram);
    for (size_t i = 0; i < count; i++)
        for (int digit = 0; digit < 8; digit++)
            histogram[digit][keys[i] >> (8 * digit) & 255]++;
    uint64_t *from_keys = keys, *to_keys = s->spare_keys + lo;
    uint32_t *from_positions = positions, *to_positions = s->spare_positions + lo;
    for (int digit = 0; digit < 8; digit++) {
        uint32_t *slots = histogram[digit];
        if (slots[from_keys[0] >> (8 * digit) & 255] == count)
            continue;
        uint32_t sum = 0;
        for (int value = 0; value < 256; value++) {
            uint32_t here = slots[value];
            slots[value] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++) {
            uint32_t slot = slots[from_keys[i] >> (8 * digit) & 255]++;
            to_keys[slot] = from_keys[i];
            to_positions[slot] = from_positions[i];
        }
        uint64_t *k = from_keys; from_keys = to_keys; to_keys = k;
        uint32_t *p = from_positions; from_positions = to_positions; to_positions = p;
    }
    if (from_keys != keys) {
        memcpy(keys, from_keys, count * 8);
        memcpy(positions, from_positions, count * 4);
    }
}

#define LANES 0x0001000100010001ULL

/* Four symbols from `at` on, packed; from the first boundary on, zeros. */
static inline uint64_t
packed(const uint16_t *at)
{
    uint64_t key = (uint64_t)at[0] << 48 | (uint64_t)at[1] << 32 | (uint64_t)at[2] << 16 | at[3];
    if ((key - LANES) & ~key & LANES << 15)  /* one of them is 0 */
        for (int shift = 48; shift >= 0; shift -= 16)
            if (!(key >> shift & 0xFFFF))
                return shift == 48 ? 0 : key >> (shift + 16) << (shift + 16);
    return key;
}

/* Sorts the windows at positions[lo..hi) of the text, which agree up to `depth`, by what follows. */
static void
sort_windows(sorter *s, const uint16_t *symbols, size_t lo, size_t hi, int depth, int length)
{
    for (size_t i = lo; i < hi; i++) {
        if (i + AHEAD < hi)
            PREFETCH(symbols + s->positions[i + AHEAD]);
        s->keys[i] = packed(symbols + s->positions[i] + depth);
    }
    sort_range(s, lo, hi);
    if (depth + 4 >= length)
        return;
    for (size_t start = lo; start < hi;) {
        size_t end = start + 1;
        while (end < hi && s->keys[end] == s->keys[start])
            end++;
        if (end - start > 1 && (s->keys[start] & 0xFFFF))
            sort_windows(s, symbols, start, end, depth + 4, length);
        start = end;
    }
}

/* Number of symbols, up to `limit`, before the next boundary. */
static inline int
reach(const uint16_t *at, int limit)
{
    int length = 0;
    while (length < limit && at[length])
        length++;
    return length;
}

/* Number of symbols, up to `limit`, that two windows share from their starts. */
static inline int
shared(const uint16_t *a, const uint16_t *b, int limit)
{
    int length = 0;
    while (length < limit && a[length] == b[length])
        length++;
    return length;
}

/* Number of symbols before the zeros of a key. */
static inline int
key_reach(uint64_t key)
{
    return !!(key >> 48) + !!(key >> 32 & 0xFFFF) + !!(key >> 16 & 0xFFFF) + !!(key & 0xFFFF);
}

/* Number of symbols in which two keys agree from their starts. */
static inline int
key_common(uint64_t a, uint64_t b)
{
    uint64_t other = a ^ b;
    return !other ? 4 : other >> 32 ? !(other >> 48) : 2 + !(other >> 16);
}

/* ---- branching entropies ------------------------------------------------------------------------------------------ */

#define ENTROPY_CAP (16383 << 6)  /* what the scores take an entropy for at most, so that they fit 16 bits */

typedef struct {
    uint32_t *positions, *counts, *left, *right;
    uint8_t *lengths;
    size_t size, room;
} row_table;

static void
rows_free(row_table *rows)
{
    free(rows->positions); free(rows->counts); free(rows->left); free(rows->right); free(rows->lengths);
}

static int
rows_room(row_table *rows, size_t more)
{
    if (rows->size + more <= rows->room)
        return 0;
    size_t room = rows->room ? rows->room : 4096;
    while (room < rows->size + more)
        room *= 2;
    uint32_t *grown;
    uint8_t *bytes;
#define GROW(name) if (!(grown = realloc(rows->name, room * 4))) return -1; rows->name = grown;
    GROW(positions) GROW(counts) GROW(left) GROW(right)
#undef GROW
    if (!(bytes = realloc(rows->lengths, room)))
        return -1;
    rows->lengths = bytes;
    rows->room = room;
    return 0;
}

static int
rows_push(row_table *rows, uint32_t position, int length, size_t count, int64_t left, int64_t right)
{
    if (rows_room(rows, 1) < 0)
        return -1;
    size_t row = rows->size++;
    rows->positions[row] = position;
    rows->lengths[row] = (uint8_t)length;
    rows->counts[row] = (uint32_t)count;
    rows->left[row] = (uint32_t)left;
    rows->right[row] = (uint32_t)right;
    return 0;
}

/* Moves all rows of one table to the end of another. */
static int
rows_move(row_table *rows, row_table *from)
{
    if (rows_room(rows, from->size) < 0)
        return -1;
#define MOVE(name) memcpy(rows->name + rows->size, from->name, from->size * sizeof *from->name);
    if (from->size) {
        MOVE(positions) MOVE(counts) MOVE(left) MOVE(right) MOVE(lengths)
    }
#undef MOVE
    rows->size += from->size;
    from->size = 0;
    return 0;
}

/* A number of 16 bits for each length of n-gram. */
typedef struct { uint64_t low, high; } lanes;

/* Sets a lane that was 0. */
static inline lanes
with_lane(lanes all, int length, int value)
{
    if (length <= 4)
        all.low |= (uint64_t)(uint16_t)value << 16 * (length - 1);
    else
        all.high |= (uint64_t)(uint16_t)value << 16 * (length - 5);
    return all;
}

typedef struct {
    const uint16_t *symbols;     /* of words, 0 for every boundary; four zeros at each end */
    int max_length;
    int64_t min_count;
    int symbol_entropy;          /* of single symbols, 2**-16 bits */
    uint16_t *scores;            /* size x max_length, int16 modulo 2**16, 2**-10 bits; NULL if only rows are wanted */
    row_table rows, by_length[MAX_LENGTH + 1];  /* all, and those of the first symbol under way */
    log_table logs;
    /* By length, over types: how many, the sums of their entropies, and of those of the types one symbol shorter. */
    int64_t types[MAX_LENGTH + 2], own[2][MAX_LENGTH + 2], shorter[2][MAX_LENGTH + 2];
    sorter sorted;
    uint8_t *reaches, *commons;  /* by window: symbols before the boundary, symbols shared with the window before */
    uint16_t *before;            /* by window: the symbol before it */
    size_t room, count;
    uint32_t tally[WORD_LIMIT];  /* zeros between uses */
    uint16_t seen[WORD_LIMIT];
} branch_pass;

static void
pass_free(branch_pass *pass)
{
    sorter_free(&pass->sorted);
    free(pass->reaches); free(pass->commons); free(pass->before);
    rows_free(&pass->rows);
    for (int length = 0; length <= MAX_LENGTH; length++)
        rows_free(&pass->by_length[length]);
}

static int
pass_room(branch_pass *pass, size_t count)
{
    if (count <= pass->room)
        return 0;
    free(pass->reaches); free(pass->commons); free(pass->before);
    pass->reaches = malloc(count);
    pass->commons = malloc(count);
    pass->before = malloc(count * 2);
    pass->room = count;
    if (!pass->reaches || !pass->commons || !pass->before || sorter_room(&pass->sorted, count) < 0) {
        pass->room = 0;
        return -1;
    }
    return 0;
}

/* An entropy in the units of the scores. */
static inline int
score_units(int64_t entropy)
{
    return (int)((entropy + 32) >> 6);
}

static inline int64_t
capped(int64_t entropy)
{
    return entropy < ENTROPY_CAP ? entropy : ENTROPY_CAP;
}

/* log2 c - (sum of c' log2 c') / c */
static inline int64_t
entropy_of(const branch_pass *pass, size_t size, int64_t sum)
{
    return floor_divide(count_log_of(&pass->logs, (int64_t)size) - sum + (int64_t)size / 2, (int64_t)size);
}

/* The sum of c log2 c over the symbols before windows [start, end), and how many differ. Every boundary is a symbol of
   its own, which adds nothing, and is not counted. */
static int64_t
sum_before(branch_pass *pass, size_t start, size_t end, int64_t *differ)
{
    uint32_t *tally = pass->tally;
    uint16_t *seen = pass->seen;
    size_t size = 0;
    for (size_t i = start; i < end; i++) {
        uint16_t symbol = pass->before[i];
        seen[size] = symbol;
        size += !tally[symbol]++ && symbol;
    }
    int64_t sum = 0;
    for (size_t i = 0; i < size; i++) {
        sum += count_log_of(&pass->logs, tally[seen[i]]);
        tally[seen[i]] = 0;
    }
    tally[0] = 0;
    *differ = (int64_t)size;
    return sum;
}

/* Adds to the scores at window i (`here`) and one place before (`longer`: of n-grams that it ends). */
static inline void
add_scores(branch_pass *pass, size_t i, lanes here, lanes longer)
{
    if (!pass->scores)
        return;
    int max_length = pass->max_length;
    if (i + AHEAD < pass->count)
        PREFETCH(pass->scores + (size_t)pass->sorted.positions[i + AHEAD] * (size_t)max_length);
    uint16_t *row = pass->scores + (size_t)pass->sorted.positions[i] * (size_t)max_length;
    for (int lane = 0; lane < max_length && lane < 4; lane++)
        row[lane] = (uint16_t)(row[lane] + (here.low >> 16 * lane));
    for (int lane = 4; lane < max_length; lane++)
        row[lane] = (uint16_t)(row[lane] + (here.high >> 16 * (lane - 4)));
    if (!pass->before[i] || !(longer.low | longer.high))
        return;
    row -= max_length;
    for (int lane = 0; lane < max_length && lane < 4; lane++)
        row[lane] = (uint16_t)(row[lane] + (longer.low >> 16 * lane));
    for (int lane = 4; lane < max_length; lane++)
        row[lane] = (uint16_t)(row[lane] + (longer.high >> 16 * (lane - 4)));
}

/* Window i, the only one with its n-grams of `length` symbols and more: they have no entropy. */
static int
branch_single(branch_pass *pass, size_t i, int length, lanes here, lanes longer, int parent)
{
    int last = pass->reaches[i] < pass->max_length ? pass->reaches[i] : pass->max_length;
    if (length <= last) {
        here = with_lane(here, length, -parent);
        for (int n = length; n <= last; n++) {
            pass->types[n]++;
            if (pass->min_count == 1 &&
                rows_push(&pass->by_length[n], pass->sorted.positions[i], n, 1, 0, 0) < 0)
                return -1;
        }
    }
    add_scores(pass, i, here, longer);
    return 0;
}

/* The n-gram of `length` symbols that windows [start, end) share, two or more, and all that begin with it.

   The autonomy of an n-gram x is h_R(x) - h_R(x without its last symbol) + h_L(x) - h_L(x without its first), so what
   a type knows goes to three scores: its own, those one symbol longer where it stands, those one longer one place
   before. `here` and `longer` gather this on the way down, `parent` is what x without its last symbol takes away; so
   the scores of a place are written once, where its windows end. */
static int
branch_group(branch_pass *pass, size_t start, size_t end, int length, lanes here, lanes longer, int parent)
{
    const uint8_t *reaches = pass->reaches, *commons = pass->commons;
    size_t size = end - start, edge = start;
    int64_t sum = 0, before, after = 0;
    while (edge < end && reaches[edge] == length)  /* boundaries follow: sorted first, each of its own */
        edge++;
    for (size_t child = edge, next; child < end; child = next, after++) {
        for (next = child + 1; next < end && commons[next] > length; next++)
            ;
        sum += count_log_of(&pass->logs, (int64_t)(next - child));
    }
    int64_t right = entropy_of(pass, size, sum), left;
    sum = sum_before(pass, start, end, &before);
    left = entropy_of(pass, size, sum);
    if ((int64_t)size >= pass->min_count) {
        uint32_t position = pass->sorted.positions[start];
        for (size_t i = start + 1; i < end; i++)  /* sorted by what follows, so the first may stand anywhere */
            if (pass->sorted.positions[i] < position)
                position = pass->sorted.positions[i];
        if (rows_push(&pass->by_length[length], position, length, size, left, right) < 0)
            return -1;
    }
    left = capped(left);
    right = capped(right);
    pass->types[length]++;
    pass->own[0][length] += left;
    pass->own[1][length] += right;
    pass->shorter[0][length + 1] += left * before;
    pass->shorter[1][length + 1] += right * after;
    here = with_lane(here, length, score_units(left) + score_units(right) - parent);
    if (length == pass->max_length) {
        for (size_t i = start; i < end; i++)
            add_scores(pass, i, here, longer);
        return 0;
    }
    longer = with_lane(longer, length + 1, -score_units(left));
    parent = score_units(right);
    for (size_t i = start; i < edge; i++)
        add_scores(pass, i, here, longer);
    for (size_t child = edge, next; child < end; child = next) {
        for (next = child + 1; next < end && commons[next] > length; next++)
            ;
        if ((next - child == 1 ? branch_single(pass, child, length + 1, here, longer, parent)
                               : branch_group(pass, child, next, length + 1, here, longer, parent)) < 0)
            return -1;
    }
    return 0;
}

/* All n-grams that begin with one symbol, which stands at `positions`. */
static int
pass_bucket(branch_pass *pass, const uint32_t *positions, size_t count)
{
    if (pass_room(pass, count) < 0)
        return -1;
    int window = pass->max_length + 1;
    pass->count = count;
    memcpy(pass->sorted.positions, positions, count * 4);
    sort_windows(&pass->sorted, pass->symbols, 0, count, 1, window);
    const uint32_t *sorted = pass->sorted.positions;
    const uint64_t *keys = pass->sorted.keys;
    for (size_t i = 0; i < count; i++) {
        const uint16_t *at = pass->symbols + sorted[i];
        if (i + AHEAD < count)
            PREFETCH(pass->symbols + sorted[i + AHEAD] - 1);
        /* Up to five symbols the keys tell everything: no need to look at the text again. */
        int length = window <= 5 ? 1 + key_reach(keys[i]) : reach(at, window), common = 0;
        pass->reaches[i] = (uint8_t)(length < window ? length : window);
        pass->before[i] = at[-1];
        if (i) {
            int limit = pass->reaches[i] < pass->reaches[i - 1] ? pass->reaches[i] : pass->reaches[i - 1];
            common = window <= 5 ? 1 + key_common(keys[i], keys[i - 1]) : shared(at, pass->symbols + sorted[i - 1], limit);
            common = common < limit ? common : limit;
        }
        pass->commons[i] = (uint8_t)common;
    }
    lanes none = {0, 0};
    int parent = 2 * score_units(pass->symbol_entropy);  /* of no symbol at all, to the left and to the right */
    if ((count == 1 ? branch_single(pass, 0, 1, none, none, parent)
                    : branch_group(pass, 0, count, 1, none, none, parent)) < 0)
        return -1;
    for (int length = 1; length <= pass->max_length; length++)
        if (rows_move(&pass->rows, &pass->by_length[length]) < 0)
            return -1;
    return 0;
}

/* Positions of all word symbols in the order of their symbols; starts[s] .. starts[s + 1] are those of symbol s. */
static uint32_t *
bucket_positions(const uint16_t *ids, int64_t size, uint32_t *starts)
{
    memset(starts, 0, (WORD_LIMIT + 1) * sizeof *starts);
    for (int64_t i = 0; i < size; i++)
        if (is_word(ids[i]))
            starts[ids[i] + 1]++;
    for (int s = 1; s <= WORD_LIMIT; s++)
        starts[s] += starts[s - 1];
    uint32_t *positions = malloc(starts[WORD_LIMIT] ? (size_t)starts[WORD_LIMIT] * 4 : 4);
    uint32_t *next = malloc(WORD_LIMIT * 4);
    if (positions && next) {
        prefer_large_pages(positions, (size_t)starts[WORD_LIMIT] * 4);
        memcpy(next, starts, WORD_LIMIT * 4);
        for (int64_t i = 0; i < size; i++)
            if (is_word(ids[i]))
                positions[next[ids[i]]++] = (uint32_t)i;
    } else {
        free(positions);
        positions = NULL;
    }
    free(next);
    return positions;
}

/* 0 done, -1 no memory, -2 interrupted (error set) */
static int
run_pass(branch_pass *pass, const uint32_t *positions, const uint32_t *starts)
{
    PyThreadState *state = PyEval_SaveThread();
    int result = 0;
    size_t since = 0;
    for (int s = 1; s < WORD_LIMIT && result == 0; s++) {
        size_t count = starts[s + 1] - starts[s];
        if (!count)
            continue;
        result = pass_bucket(pass, positions + starts[s], count);
        if ((since += count) > 1000000) {
            since = 0;
            PyEval_RestoreThread(state);
            if (PyErr_CheckSignals() < 0)
                result = -2;
            state = PyEval_SaveThread();
        }
    }
    PyEval_RestoreThread(state);
    return result;
}

/* Takes the mean over all types of a length from its scores; those that leave 16 bits stop at the end. */
static void
less_means(branch_pass *pass, int16_t *scores, int64_t size)
{
    enum { TILE = 8 };  /* places at once, so that a compiler can use wide registers */
    int16_t least[TILE * MAX_LENGTH], most[TILE * MAX_LENGTH], means[TILE * MAX_LENGTH];
    int max_length = pass->max_length;
    pass->shorter[0][1] = pass->shorter[1][1] = pass->types[1] * pass->symbol_entropy;
    for (int i = 0; i < TILE * max_length; i++) {
        int length = i % max_length + 1, mean = 0;
        int64_t types = pass->types[length];
        for (int side = 0; side < 2 && types; side++)
            mean += score_units(floor_divide(pass->own[side][length] - pass->shorter[side][length], types));
        means[i] = (int16_t)mean;
        least[i] = (int16_t)(mean > 0 ? -32768 + mean : -32768);
        most[i] = (int16_t)(mean < 0 ? 32767 + mean : 32767);
    }
    for (int64_t start = 0, total = size * max_length; start < total; start += TILE * max_length) {
        int16_t *at = scores + start;
        int end = total - start < TILE * max_length ? (int)(total - start) : TILE * max_length;
        for (int i = 0; i < end; i++) {
            int16_t score = at[i] > least[i] ? at[i] : least[i];
            at[i] = (int16_t)((score < most[i] ? score : most[i]) - means[i]);
        }
    }
}

static PyObject *
bytes_of(const void *data, size_t size)
{
    return PyBytes_FromStringAndSize(data, (Py_ssize_t)size);
}

static PyObject *
branching(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *ids_object;
    int max_length, want_scores;
    long long min_count;
    if (!PyArg_ParseTuple(args, "OiLp", &ids_object, &max_length, &min_count, &want_scores))
        return NULL;
    if (max_length < 1 || max_length > MAX_LENGTH)
        return PyErr_Format(PyExc_ValueError, "max_length: expected 1 to %d, got %d", MAX_LENGTH, max_length);
    Py_buffer view;
    if (get_buffer(ids_object, &view, 2, 0, "ids") < 0)
        return NULL;
    PyObject *result = NULL, *scores = NULL;
    branch_pass *pass = calloc(1, sizeof *pass);
    uint32_t *starts = malloc((WORD_LIMIT + 1) * sizeof *starts), *positions = NULL;
    uint16_t *symbols = NULL;
    int64_t size = view.len / 2;
    if (size > 0xFFFFFFFFLL) {
        PyErr_Format(PyExc_OverflowError, "ids: expected at most 4294967295 symbols, got %lld", (long long)size);
        goto done;
    }
    scores = PyBytes_FromStringAndSize(NULL, want_scores ? (Py_ssize_t)size * max_length * 2 : 0);
    if (!pass || !starts || !scores || !(symbols = calloc((size_t)size + 8, 2)))
        goto done;
    prefer_large_pages(symbols, (size_t)size * 2);
    for (int64_t i = 0; i < size; i++)
        symbols[i + 4] = is_word(((const uint16_t *)view.buf)[i]) ? ((const uint16_t *)view.buf)[i] : 0;
    if (!(positions = bucket_positions(view.buf, size, starts)))
        goto done;
    int64_t total = starts[WORD_LIMIT], sum = 0;
    fill_logs(&pass->logs);
    for (int s = 0; s < WORD_LIMIT; s++)
        sum += count_log_of(&pass->logs, starts[s + 1] - starts[s]);
    pass->symbols = symbols + 4;
    pass->max_length = max_length;
    pass->min_count = min_count < 1 ? 1 : min_count;
    pass->symbol_entropy = total ? (int)capped(entropy_of(pass, (size_t)total, sum)) : 0;
    if (want_scores) {
        pass->scores = (uint16_t *)PyBytes_AsString(scores);
        prefer_large_pages(pass->scores, (size_t)size * (size_t)max_length * 2);
        memset(pass->scores, 0, (size_t)size * (size_t)max_length * 2);
    }
    if (run_pass(pass, positions, starts) < 0)
        goto done;
    if (want_scores)
        less_means(pass, (int16_t *)pass->scores, size);
    const row_table *rows = &pass->rows;
    result = Py_BuildValue("NNNNNN", Py_NewRef(scores), bytes_of(rows->positions, rows->size * 4),
                           bytes_of(rows->lengths, rows->size), bytes_of(rows->counts, rows->size * 4),
                           bytes_of(rows->left, rows->size * 4), bytes_of(rows->right, rows->size * 4));
done:
    if (!result && !PyErr_Occurred())
        PyErr_NoMemory();
    if (pass) {
        pass_free(pass);
        free(pass);
    }
    free(symbols);
    free(starts);
    free(positions);
    Py_XDECREF(scores);
    PyBuffer_Release(&view);
    return result;
}

/* Keeps only the starts of the chosen words: everything inside a word becomes 0. Without a branch. */
static void
keep_starts(uint8_t *lengths, int64_t size)
{
    int rest = 0;  /* symbols of a word that are still to come */
    for (int64_t i = 0; i < size; i++) {
        int length = lengths[i], inside = rest > 0;
        lengths[i] = (uint8_t)(inside ? 0 : length);
        rest = (inside ? rest : length) - 1;
    }
}

/* ---- segmentation by scores ------------------------------------------------------------------------------------------ */

#define NEVER (-(1LL << 60))

/* By place, the length of the first word of the best segmentation from there on. */
static inline void
best_lengths(const uint16_t *ids, const int16_t *scores, int64_t size, int max_length, int bonus, uint8_t *lengths)
{
    int64_t best[MAX_LENGTH + 1] = {0};  /* of the stretches that start here, one place on, ... */
    for (int length = 1; length <= max_length; length++)
        best[length] = NEVER;
    for (int64_t i = size - 1; i >= 0; i--) {
        if (!is_word(ids[i])) {
            best[0] = 0;
            for (int length = 1; length <= max_length; length++)
                best[length] = NEVER;
            lengths[i] = 0;
            continue;
        }
        for (int length = max_length; length > 0; length--)
            best[length] = best[length - 1];
        const int16_t *row = scores + i * max_length;
        int64_t top = row[0] + best[1];
        int chosen = 1;
        for (int length = 2; length <= max_length; length++) {  /* upwards, so that a tie goes to the longer word */
            int64_t score = (int64_t)length * row[length - 1] + bonus + best[length];
            chosen = score >= top ? length : chosen;
            top = score >= top ? score : top;
        }
        best[0] = top;
        lengths[i] = (uint8_t)chosen;
    }
}

static PyObject *
segment(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *ids_object, *scores_object;
    int max_length, bonus;
    if (!PyArg_ParseTuple(args, "OOii", &ids_object, &scores_object, &max_length, &bonus))
        return NULL;
    if (max_length < 1 || max_length > MAX_LENGTH)
        return PyErr_Format(PyExc_ValueError, "max_length: expected 1 to %d, got %d", MAX_LENGTH, max_length);
    Py_buffer ids_view, scores_view;
    if (get_buffer(ids_object, &ids_view, 2, 0, "ids") < 0)
        return NULL;
    if (get_buffer(scores_object, &scores_view, 2, 0, "scores") < 0) {
        PyBuffer_Release(&ids_view);
        return NULL;
    }
    int64_t size = ids_view.len / 2;
    PyObject *result = NULL;
    if (scores_view.len / 2 != size * max_length) {
        PyErr_Format(PyExc_ValueError, "scores: expected %lld items, got %lld", (long long)size * max_length,
                     (long long)scores_view.len / 2);
        goto done;
    }
    if (!(result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size)))
        goto done;
    const uint16_t *ids = ids_view.buf;
    const int16_t *scores = scores_view.buf;
    uint8_t *lengths = (uint8_t *)PyBytes_AsString(result);
    Py_BEGIN_ALLOW_THREADS
    if (max_length == 4)  /* the usual case, unrolled: three times as fast */
        best_lengths(ids, scores, size, 4, bonus, lengths);
    else
        best_lengths(ids, scores, size, max_length, bonus, lengths);
    keep_starts(lengths, size);
    Py_END_ALLOW_THREADS
done:
    PyBuffer_Release(&ids_view);
    PyBuffer_Release(&scores_view);
    return result;
}

/* ---- distinct words of a segmentation ---------------------------------------------------------------------------------- */

/* A word of a hash table. Up to four symbols are the key itself, so that telling two words apart does not touch the
   text, which is a miss of the cache each time. */
typedef struct {
    uint64_t key;
    uint32_t type;  /* number of the type + 1; 0 is an empty slot */
    uint32_t length;
} word_slot;

typedef struct {
    uint32_t *positions, *counts;
    uint8_t *lengths;
    uint64_t *hashes;
    size_t size, room, mask;
    word_slot *slots;
} type_table;

static inline uint64_t
hash_step(uint64_t hash, uint16_t id)
{
    return (hash ^ id) * 0x9E3779B97F4A7C15ULL;
}

static inline uint64_t
hash_end(uint64_t hash)
{
    return hash ^ hash >> 32;
}

static inline uint64_t
word_hash(const uint16_t *ids, int length)
{
    uint64_t hash = 0;
    for (int i = 0; i < length; i++)
        hash = hash_step(hash, ids[i]);
    return hash_end(hash);
}

static inline uint64_t
word_key(const uint16_t *ids, int length, uint64_t hash)
{
    if (length > 4)
        return hash;
    uint64_t key = 0;
    for (int i = 0; i < length; i++)
        key = key << 16 | ids[i];
    return key;
}

/* The slot where the word stands, or an empty one where it would. */
static inline word_slot *
types_slot(const type_table *types, const uint16_t *text, const uint16_t *ids, int length, uint64_t hash)
{
    uint64_t key = word_key(ids, length, hash);
    for (size_t slot = hash & types->mask;; slot = (slot + 1) & types->mask) {
        word_slot *found = types->slots + slot;
        if (!found->type || (found->key == key && found->length == (uint32_t)length &&
                             (length <= 4 || !memcmp(text + types->positions[found->type - 1], ids, (size_t)length * 2))))
            return found;
    }
}

/* Makes room for `least` types; -1 without memory. */
static int
types_room(type_table *types, size_t least)
{
    size_t room = types->room ? types->room : 1 << 14;
    while (room < least)
        room *= 2;
    if (room == types->room)
        return 0;
    size_t mask = room * 2 - 1;
    uint32_t *positions = realloc(types->positions, room * 4);
    if (positions) types->positions = positions;
    uint32_t *counts = realloc(types->counts, room * 4);
    if (counts) types->counts = counts;
    uint8_t *lengths = realloc(types->lengths, room);
    if (lengths) types->lengths = lengths;
    uint64_t *hashes = realloc(types->hashes, room * 8);
    if (hashes) types->hashes = hashes;
    word_slot *slots = calloc(room * 2, sizeof *slots);
    if (!positions || !counts || !lengths || !hashes || !slots) {
        free(slots);
        return -1;
    }
    for (size_t old = 0; types->slots && old <= types->mask; old++) {
        if (!types->slots[old].type)
            continue;
        size_t slot = hashes[types->slots[old].type - 1] & mask;
        while (slots[slot].type)
            slot = (slot + 1) & mask;
        slots[slot] = types->slots[old];
    }
    free(types->slots);
    types->slots = slots;
    types->room = room;
    types->mask = mask;
    return 0;
}

/* Index of the word, added if new; -1 without memory. */
static int64_t
types_add(type_table *types, const uint16_t *ids, uint32_t position, int length)
{
    if (types_room(types, types->size + 1) < 0)
        return -1;
    uint64_t hash = word_hash(ids + position, length);
    word_slot *slot = types_slot(types, ids, ids + position, length, hash);
    if (slot->type)
        return slot->type - 1;
    size_t i = types->size++;
    *slot = (word_slot){word_key(ids + position, length, hash), (uint32_t)i + 1, (uint32_t)length};
    types->positions[i] = position;
    types->lengths[i] = (uint8_t)length;
    types->counts[i] = 0;
    types->hashes[i] = hash;
    return (int64_t)i;
}

static void
types_free(type_table *types)
{
    free(types->positions); free(types->counts); free(types->lengths); free(types->hashes); free(types->slots);
}

static PyObject *
tally(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *ids_object, *lengths_object;
    if (!PyArg_ParseTuple(args, "OO", &ids_object, &lengths_object))
        return NULL;
    Py_buffer ids_view, lengths_view;
    if (get_buffer(ids_object, &ids_view, 2, 0, "ids") < 0)
        return NULL;
    if (get_buffer(lengths_object, &lengths_view, 1, 0, "lengths") < 0) {
        PyBuffer_Release(&ids_view);
        return NULL;
    }
    PyObject *result = NULL;
    type_table types = {0};
    int64_t size = ids_view.len / 2;
    const uint16_t *ids = ids_view.buf;
    const uint8_t *lengths = lengths_view.buf;
    int failed = 0;
    if (lengths_view.len != size) {
        PyErr_Format(PyExc_ValueError, "lengths: expected %lld items, got %lld", (long long)size, (long long)lengths_view.len);
        goto done;
    }
    Py_BEGIN_ALLOW_THREADS
    for (int64_t i = 0; i < size && !failed; i++)
        if (lengths[i]) {
            if (lengths[i] > size - i) {
                failed = 2;
                break;
            }
            int64_t type = types_add(&types, ids, (uint32_t)i, lengths[i]);
            if (type < 0)
                failed = 1;
            else
                types.counts[type]++;
        }
    Py_END_ALLOW_THREADS
    if (failed == 2)
        PyErr_SetString(PyExc_ValueError, "lengths: a word runs past the end of ids");
    else if (failed)
        PyErr_NoMemory();
    else
        result = Py_BuildValue("NNN", bytes_of(types.positions, types.size * 4), bytes_of(types.lengths, types.size),
                               bytes_of(types.counts, types.size * 4));
done:
    types_free(&types);
    PyBuffer_Release(&ids_view);
    PyBuffer_Release(&lengths_view);
    return result;
}

/* ---- words given by the place of one occurrence ------------------------------------------------------------------------ */

typedef struct {
    Py_buffer ids_view, positions_view, lengths_view;
    int held;
    const uint16_t *ids;
    int64_t size;
    type_table types;
    int longest;
    uint64_t *beginnings;  /* Bloom filter of the beginnings of words, whole words among them; see words_index */
    int filter_shift;      /* from a hash to its bit in the filter */
} word_set;

static void
words_free(word_set *set)
{
    types_free(&set->types);
    free(set->beginnings);
    if (set->held > 2) PyBuffer_Release(&set->lengths_view);
    if (set->held > 1) PyBuffer_Release(&set->positions_view);
    if (set->held > 0) PyBuffer_Release(&set->ids_view);
}

/* Fills the table with the words ids[position : position + length]; -1 with an error set. */
static int
words_open(word_set *set, PyObject *ids, PyObject *positions, PyObject *lengths)
{
    memset(set, 0, sizeof *set);
    if (get_buffer(ids, &set->ids_view, 2, 0, "ids") < 0)
        return -1;
    set->held = 1;
    if (get_buffer(positions, &set->positions_view, 4, 0, "positions") < 0)
        return -1;
    set->held = 2;
    if (get_buffer(lengths, &set->lengths_view, 1, 0, "lengths") < 0)
        return -1;
    set->held = 3;
    set->ids = set->ids_view.buf;
    set->size = set->ids_view.len / 2;
    const uint32_t *at = set->positions_view.buf;
    const uint8_t *length = set->lengths_view.buf;
    Py_ssize_t words = set->lengths_view.len;
    if (set->positions_view.len / 4 != words) {
        PyErr_Format(PyExc_ValueError, "positions: expected %zd items, got %zd", words, set->positions_view.len / 4);
        return -1;
    }
    if (types_room(&set->types, (size_t)words) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < words; i++) {
        if (length[i] < 1 || at[i] + (int64_t)length[i] > set->size) {
            PyErr_Format(PyExc_ValueError, "lengths: word %zd does not lie inside ids", i);
            return -1;
        }
        int64_t type = types_add(&set->types, set->ids, at[i], length[i]);
        if (type < 0) {
            PyErr_NoMemory();
            return -1;
        }
        if (type != i) {
            PyErr_Format(PyExc_ValueError, "positions: word %zd stands twice", i);
            return -1;
        }
        if (length[i] > set->longest)
            set->longest = length[i];
    }
    return 0;
}

/* Notes the beginnings of all words, so that a scan can stop where none goes on; -1 with an error set. */
static int
words_index(word_set *set)
{
    size_t symbols = 0;
    for (size_t word = 0; word < set->types.size; word++)
        symbols += set->types.lengths[word];
    int bits = 12;  /* at least 8 for each beginning, so that few strangers pass; at most 1 MB, to stay in the cache */
    while (bits < 23 && symbols >> (bits - 3))
        bits++;
    set->filter_shift = 64 - bits;
    if (!(set->beginnings = calloc((size_t)1 << (bits - 6), 8))) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t word = 0; word < set->types.size; word++) {
        uint64_t hash = 0;
        for (int i = 0; i < set->types.lengths[word]; i++) {
            hash = hash_step(hash, set->ids[set->types.positions[word] + i]);
            uint64_t bit = hash_end(hash) >> set->filter_shift;
            set->beginnings[bit >> 6] |= 1ULL << (bit & 63);
        }
    }
    return 0;
}

/* Whether some word may begin with the symbols of this hash. */
static inline int
words_begin(const word_set *set, uint64_t hash)
{
    uint64_t bit = hash >> set->filter_shift;
    return set->beginnings[bit >> 6] >> (bit & 63) & 1;
}

/* Index of the word ids[0 : length], or -1; `hash` is its word_hash. */
static inline int64_t
words_find(const word_set *set, const uint16_t *ids, int length, uint64_t hash)
{
    return (int64_t)types_slot(&set->types, set->ids, ids, length, hash)->type - 1;
}

static int
open_costs(PyObject *object, Py_buffer *view, const word_set *set)
{
    if (get_buffer(object, view, 4, 0, "costs") < 0)
        return -1;
    if (view->len / 4 == (Py_ssize_t)set->types.size)
        return 0;
    PyErr_Format(PyExc_ValueError, "costs: expected %zd items, got %zd", (Py_ssize_t)set->types.size, view->len / 4);
    PyBuffer_Release(view);
    return -1;
}

static PyObject *
decode(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *ids_object, *positions, *lengths, *costs_object;
    int unknown;
    if (!PyArg_ParseTuple(args, "OOOOi", &ids_object, &positions, &lengths, &costs_object, &unknown))
        return NULL;
    word_set set;
    Py_buffer costs_view;
    PyObject *result = NULL;
    if (words_open(&set, ids_object, positions, lengths) < 0 || words_index(&set) < 0 ||
        open_costs(costs_object, &costs_view, &set) < 0) {
        words_free(&set);
        return NULL;
    }
    size_t ring = 2;  /* the best of the stretch from i on stands at best[i % ring] */
    while (ring <= (size_t)set.longest)
        ring *= 2;
    int64_t *best = calloc(ring, sizeof *best);
    int32_t *single = malloc(WORD_LIMIT * sizeof *single);  /* what a word of one symbol costs */
    if (!best || !single)
        PyErr_NoMemory();
    else if ((result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)set.size))) {
        uint8_t *out = (uint8_t *)PyBytes_AsString(result);
        const int32_t *costs = costs_view.buf;
        Py_BEGIN_ALLOW_THREADS
        for (int id = 0; id < WORD_LIMIT; id++)
            single[id] = unknown;
        for (size_t word = 0; word < set.types.size; word++) {
            uint16_t id = set.ids[set.types.positions[word]];
            if (set.types.lengths[word] == 1 && is_word(id) && costs[word] < unknown)
                single[id] = costs[word];
        }
        int room = 0;
        for (int64_t i = set.size - 1; i >= 0; i--) {
            if (!is_word(set.ids[i])) {
                room = 0;
                best[(size_t)i & (ring - 1)] = 0;
                out[i] = 0;
                continue;
            }
            if (room < set.longest)
                room++;
            int64_t top = best[(size_t)(i + 1) & (ring - 1)] + single[set.ids[i]];
            int chosen = 1;
            uint64_t state = hash_step(0, set.ids[i]);
            for (int length = 2; length <= room; length++) {
                state = hash_step(state, set.ids[i + length - 1]);
                uint64_t hash = hash_end(state);
                if (!words_begin(&set, hash))
                    break;
                int64_t word = words_find(&set, set.ids + i, length, hash);
                if (word < 0)
                    continue;
                int64_t cost = costs[word] + best[(size_t)(i + length) & (ring - 1)];
                chosen = cost <= top ? length : chosen;  /* the longest first word wins a tie */
                top = cost <= top ? cost : top;
            }
            best[(size_t)i & (ring - 1)] = top;
            out[i] = (uint8_t)chosen;
        }
        keep_starts(out, set.size);
        Py_END_ALLOW_THREADS
    }
    free(best);
    free(single);
    PyBuffer_Release(&costs_view);
    words_free(&set);
    return result;
}

static PyObject *
splits(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *ids_object, *positions, *lengths, *costs_object;
    int unknown;
    if (!PyArg_ParseTuple(args, "OOOOi", &ids_object, &positions, &lengths, &costs_object, &unknown))
        return NULL;
    word_set set;
    Py_buffer costs_view;
    if (words_open(&set, ids_object, positions, lengths) < 0 || open_costs(costs_object, &costs_view, &set) < 0) {
        words_free(&set);
        return NULL;
    }
    PyObject *result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)set.types.size * 4);
    if (result) {
        int32_t *out = (int32_t *)PyBytes_AsString(result);
        const int32_t *costs = costs_view.buf;
        Py_BEGIN_ALLOW_THREADS
        int64_t best[256];
        for (size_t word = 0; word < set.types.size; word++) {
            int size = set.types.lengths[word];
            const uint16_t *ids = set.ids + set.types.positions[word];
            best[size] = 0;
            for (int i = size - 1; i >= 0; i--) {
                best[i] = best[i + 1] + unknown;
                for (int length = 1; length <= size - i; length++) {
                    int64_t part = length == size ? -1 : words_find(&set, ids + i, length, word_hash(ids + i, length));
                    if (part >= 0 && costs[part] + best[i + length] < best[i])
                        best[i] = costs[part] + best[i + length];
                }
            }
            out[word] = (int32_t)(best[0] < INT32_MAX ? best[0] : INT32_MAX);
        }
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&costs_view);
    words_free(&set);
    return result;
}

static PyObject *
bind(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *ids_object, *positions, *lengths;
    if (!PyArg_ParseTuple(args, "OOO", &ids_object, &positions, &lengths))
        return NULL;
    word_set set;
    PyObject *result = NULL;
    if (words_open(&set, ids_object, positions, lengths) == 0 && words_index(&set) == 0 &&
        (result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)set.size))) {
        uint8_t *out = (uint8_t *)PyBytes_AsString(result);
        Py_BEGIN_ALLOW_THREADS
        int64_t start = 0, reached = 0;  /* the piece under way, and how far its n-grams bind */
        int room = 0;
        for (int64_t i = 0; i < set.size; i++) {
            out[i] = 0;
            if (!is_word(set.ids[i])) {
                start = reached = i + 1;
                room = 0;
                continue;
            }
            if (i >= reached || i - start == 255)
                start = i;
            if (reached <= i)
                reached = i + 1;
            if (room > 0)
                room--;
            while (room < set.longest && i + room < set.size && is_word(set.ids[i + room]))
                room++;
            uint64_t state = 0;
            for (int length = 1; length <= room; length++) {
                state = hash_step(state, set.ids[i + length - 1]);
                uint64_t hash = hash_end(state);
                if (!words_begin(&set, hash))
                    break;
                if (i + length > reached && words_find(&set, set.ids + i, length, hash) >= 0)
                    reached = i + length;
            }
            out[start] = (uint8_t)(i - start + 1);
        }
        Py_END_ALLOW_THREADS
    }
    words_free(&set);
    return result;
}

static PyObject *
match(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *ids_object, *positions, *lengths, *at_object, *sizes_object;
    if (!PyArg_ParseTuple(args, "OOOOO", &ids_object, &positions, &lengths, &at_object, &sizes_object))
        return NULL;
    word_set set;
    Py_buffer at_view, sizes_view;
    PyObject *result = NULL;
    if (words_open(&set, ids_object, positions, lengths) < 0 || get_buffer(at_object, &at_view, 4, 0, "at") < 0)
        goto no_at;
    if (get_buffer(sizes_object, &sizes_view, 1, 0, "sizes") < 0)
        goto no_sizes;
    const uint32_t *at = at_view.buf;
    const uint8_t *sizes = sizes_view.buf;
    if (at_view.len / 4 != sizes_view.len) {
        PyErr_Format(PyExc_ValueError, "at: expected %zd items, got %zd", sizes_view.len, at_view.len / 4);
    } else if ((result = PyBytes_FromStringAndSize(NULL, sizes_view.len * 4))) {
        int32_t *out = (int32_t *)PyBytes_AsString(result);
        for (Py_ssize_t i = 0; i < sizes_view.len; i++)
            out[i] = at[i] + (int64_t)sizes[i] > set.size ? -1 : (int32_t)words_find(&set, set.ids + at[i], sizes[i], word_hash(set.ids + at[i], sizes[i]));
    }
    PyBuffer_Release(&sizes_view);
no_sizes:
    PyBuffer_Release(&at_view);
no_at:
    words_free(&set);
    return result;
}

/* The greatest product of the counts of two parts of a word, 0 if the set lacks one of them. */
static uint64_t
likeliest_split(const word_set *set, const uint32_t *counts, const uint16_t *ids, int size)
{
    uint64_t most = 0;
    for (int split = 1; split < size; split++) {
        int rest = size - split;
        int64_t left = words_find(set, ids, split, word_hash(ids, split));
        int64_t right = left < 0 ? -1 : words_find(set, ids + split, rest, word_hash(ids + split, rest));
        uint64_t product = right < 0 ? 0 : (uint64_t)counts[left] * counts[right];
        if (!product)
            return 0;
        most = product > most ? product : most;
    }
    return most;
}

static PyObject *
bonds(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *ids_object, *positions, *lengths, *counts_object, *at_object, *sizes_object;
    if (!PyArg_ParseTuple(args, "OOOOOO", &ids_object, &positions, &lengths, &counts_object, &at_object, &sizes_object))
        return NULL;
    word_set set;
    Py_buffer counts_view, at_view, sizes_view;
    PyObject *result = NULL, *found = NULL, *products = NULL;
    if (words_open(&set, ids_object, positions, lengths) < 0 || get_buffer(counts_object, &counts_view, 4, 0, "counts") < 0)
        goto no_counts;
    if (get_buffer(at_object, &at_view, 4, 0, "at") < 0)
        goto no_at;
    if (get_buffer(sizes_object, &sizes_view, 1, 0, "sizes") < 0)
        goto no_sizes;
    const uint32_t *at = at_view.buf, *counts = counts_view.buf;
    const uint8_t *sizes = sizes_view.buf;
    if (counts_view.len / 4 != (Py_ssize_t)set.types.size) {
        PyErr_Format(PyExc_ValueError, "counts: expected %zd items, got %zd", (Py_ssize_t)set.types.size,
                     counts_view.len / 4);
    } else if (at_view.len / 4 != sizes_view.len) {
        PyErr_Format(PyExc_ValueError, "at: expected %zd items, got %zd", sizes_view.len, at_view.len / 4);
    } else if ((found = PyBytes_FromStringAndSize(NULL, sizes_view.len * 4)) &&
               (products = PyBytes_FromStringAndSize(NULL, sizes_view.len * 8))) {
        int32_t *rows = (int32_t *)PyBytes_AsString(found);
        uint64_t *most = (uint64_t *)PyBytes_AsString(products);
        for (Py_ssize_t i = 0; i < sizes_view.len; i++) {
            const uint16_t *word = set.ids + at[i];
            int inside = at[i] + (int64_t)sizes[i] <= set.size;
            rows[i] = inside ? (int32_t)words_find(&set, word, sizes[i], word_hash(word, sizes[i])) : -1;
            most[i] = inside ? likeliest_split(&set, counts, word, sizes[i]) : 0;
        }
        result = Py_BuildValue("OO", found, products);
    }
    Py_XDECREF(found);
    Py_XDECREF(products);
    PyBuffer_Release(&sizes_view);
no_sizes:
    PyBuffer_Release(&at_view);
no_at:
    PyBuffer_Release(&counts_view);
no_counts:
    words_free(&set);
    return result;
}

/* ---- text to symbols --------------------------------------------------------------------------------------------------- */

/* roles of characters, as in counting.py */
enum { ROLE_BOUNDARY, ROLE_WORD, ROLE_DIGIT, ROLE_LATIN, ROLE_INNER, ROLE_PERCENT, ROLE_NUMERAL };
enum { ID_NUMBER = 1, ID_YEAR, ID_LATIN, ID_RARE, ID_FIRST = 8, ID_RARE_BOUNDARY = 0xFFFF };

static inline int
counts(const uint8_t *roles, Py_UCS4 character)
{
    return roles[character] == ROLE_DIGIT || roles[character] == ROLE_NUMERAL;
}

/* Where the numerals end that make a number from here on; `start` if they make none. */
static Py_ssize_t
numerals_end(const uint8_t *roles, const Py_UCS4 *text, Py_ssize_t start, Py_ssize_t size)
{
    if (start > 0 && counts(roles, text[start - 1]))
        return start;
    Py_ssize_t end = start + 1;
    while (end < size && roles[text[end]] == ROLE_NUMERAL)
        end++;
    return end - start < 2 || (end < size && roles[text[end]] == ROLE_DIGIT) ? start : end;
}

static PyObject *
encode(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *text, *roles_object, *table_object, *points_object, *state_object;
    if (!PyArg_ParseTuple(args, "UOOOO", &text, &roles_object, &table_object, &points_object, &state_object))
        return NULL;
    Py_buffer roles_view, table_view, points_view, state_view;
    PyObject *result = NULL;
    Py_UCS4 *characters = NULL;
    uint16_t *ids = NULL;
    uint32_t *spans = NULL;
    if (get_buffer(roles_object, &roles_view, 1, 0, "roles") < 0)
        return NULL;
    if (get_buffer(table_object, &table_view, 2, 1, "table") < 0)
        goto no_table;
    if (get_buffer(points_object, &points_view, 4, 1, "points") < 0)
        goto no_points;
    if (get_buffer(state_object, &state_view, 4, 1, "state") < 0)
        goto no_state;
    if (roles_view.len != 0x110000 || table_view.len != 2 * 0x110000 || points_view.len != 4 * 0x10000 || state_view.len != 12) {
        PyErr_SetString(PyExc_ValueError, "encode: roles, table, points or state has the wrong length");
        goto done;
    }
    Py_ssize_t size = PyUnicode_GetLength(text);
    if (!(characters = PyUnicode_AsUCS4Copy(text)))
        goto done;
    ids = malloc(size ? (size_t)size * 2 : 2);
    size_t spans_size = 0, spans_room = 1024;
    spans = malloc(spans_room * 4);
    if (!ids || !spans) {
        PyErr_NoMemory();
        goto done;
    }
    const uint8_t *roles = roles_view.buf;
    uint16_t *table = table_view.buf;
    uint32_t *points = points_view.buf, *state = state_view.buf;
    int64_t filled = 0;
    int failed = 0;
    uint32_t symbols = 0;
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t i = 0; i < size;) {
        Py_UCS4 c = characters[i];
        if (c == '\n') {
            ids[filled++] = 0;
            i++;
            continue;
        }
        int role = roles[c], kind;
        Py_ssize_t end = i + 1;
        if (role == ROLE_DIGIT) {
            while (end < size && (roles[characters[end]] == ROLE_DIGIT ||
                                  (roles[characters[end]] == ROLE_INNER && end + 1 < size &&
                                   roles[characters[end + 1]] == ROLE_DIGIT)))
                end++;
            kind = ID_NUMBER;
            if (end - i == 4) {
                kind = ID_YEAR;
                for (Py_ssize_t j = i; j < end; j++)
                    if (roles[characters[j]] != ROLE_DIGIT)
                        kind = ID_NUMBER;
            }
            if (end < size && roles[characters[end]] == ROLE_PERCENT) {
                end++;
                kind = ID_NUMBER;
            }
        } else if (role == ROLE_LATIN) {
            while (end < size && roles[characters[end]] == ROLE_LATIN)
                end++;
            kind = ID_LATIN;
        } else if (role == ROLE_NUMERAL && numerals_end(roles, characters, i, size) > i) {
            end = numerals_end(roles, characters, i, size);
            kind = ID_NUMBER;
        } else {
            uint16_t id = table[c];
            if (!id) {
                if (role == ROLE_WORD || role == ROLE_NUMERAL)
                    id = state[0] < WORD_LIMIT ? (uint16_t)state[0]++ : ID_RARE;
                else
                    id = state[1] >= WORD_LIMIT ? (uint16_t)state[1]-- : ID_RARE_BOUNDARY;
                table[c] = id;
                if (id != ID_RARE && id != ID_RARE_BOUNDARY)
                    points[id] = c;
            }
            symbols += id < WORD_LIMIT;
            if (id != ID_RARE && id != ID_RARE_BOUNDARY) {
                ids[filled++] = id;
                i++;
                continue;
            }
            kind = id;
        }
        symbols += kind < ID_RARE;
        if (spans_size + 3 > spans_room) {
            uint32_t *grown = realloc(spans, spans_room * 8);
            if (!grown) {
                failed = 1;
                break;
            }
            spans = grown;
            spans_room *= 2;
        }
        spans[spans_size++] = (uint32_t)filled;
        spans[spans_size++] = (uint32_t)i;
        spans[spans_size++] = (uint32_t)end;
        ids[filled++] = (uint16_t)kind;
        i = end;
    }
    Py_END_ALLOW_THREADS
    state[2] += symbols;
    if (failed)
        PyErr_NoMemory();
    else
        result = Py_BuildValue("NN", bytes_of(ids, (size_t)filled * 2), bytes_of(spans, spans_size * 4));
done:
    PyMem_Free(characters);
    free(ids);
    free(spans);
    PyBuffer_Release(&state_view);
no_state:
    PyBuffer_Release(&points_view);
no_points:
    PyBuffer_Release(&table_view);
no_table:
    PyBuffer_Release(&roles_view);
    return result;
}

PyMethodDef counting_methods[] = {
    {"encode", encode, METH_VARARGS, NULL},
    {"branching", branching, METH_VARARGS, NULL},
    {"segment", segment, METH_VARARGS, NULL},
    {"tally", tally, METH_VARARGS, NULL},
    {"decode", decode, METH_VARARGS, NULL},
    {"splits", splits, METH_VARARGS, NULL},
    {"bind", bind, METH_VARARGS, NULL},
    {"match", match, METH_VARARGS, NULL},
    {"bonds", bonds, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
