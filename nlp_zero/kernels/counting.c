/* Counting kernels: the copy of counting.py, which is the specification. */
#include "_module.h"
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

/* A text read forwards (step 1) or backwards (step -1): symbols of words, 0 for every boundary, four more at each end. */
typedef struct {
    const uint16_t *symbols;
    int64_t size;
    int step;
} reader;

#define LANES 0x0001000100010001ULL

/* Four symbols from `position + depth * step` on, packed; from the first boundary on, zeros. */
static inline uint64_t
packed(const reader *text, int64_t position, int depth)
{
    const uint16_t *at = text->symbols + position + (int64_t)depth * text->step;
    uint64_t key = text->step > 0
        ? (uint64_t)at[0] << 48 | (uint64_t)at[1] << 32 | (uint64_t)at[2] << 16 | at[3]
        : (uint64_t)at[0] << 48 | (uint64_t)at[-1] << 32 | (uint64_t)at[-2] << 16 | at[-3];
    if ((key - LANES) & ~key & LANES << 15)  /* one of them is 0 */
        for (int shift = 48; shift >= 0; shift -= 16)
            if (!(key >> shift & 0xFFFF))
                return shift == 48 ? 0 : key >> (shift + 16) << (shift + 16);
    return key;
}

static void
sort_windows(sorter *s, const reader *text, size_t lo, size_t hi, int depth, int length)
{
    for (size_t i = lo; i < hi; i++) {
        if (i + AHEAD < hi)
            PREFETCH(text->symbols + s->positions[i + AHEAD]);
        s->keys[i] = packed(text, s->positions[i], depth);
    }
    sort_range(s, lo, hi);
    if (depth + 4 >= length)
        return;
    for (size_t start = lo; start < hi;) {
        size_t end = start + 1;
        while (end < hi && s->keys[end] == s->keys[start])
            end++;
        if (end - start > 1 && (s->keys[start] & 0xFFFF))
            sort_windows(s, text, start, end, depth + 4, length);
        start = end;
    }
}

/* Number of symbols, up to `limit`, before the next boundary. */
static inline int
reach(const reader *text, int64_t position, int limit)
{
    int length = 0;
    while (length < limit && text->symbols[position + length * text->step])
        length++;
    return length;
}

/* Number of symbols, up to `limit`, that two windows share from their starts. */
static inline int
shared(const reader *text, int64_t a, int64_t b, int limit)
{
    int length = 0;
    while (length < limit && text->symbols[a + length * text->step] == text->symbols[b + length * text->step])
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

typedef struct {
    uint32_t *positions, *counts, *right, *left;
    uint8_t *lengths;
    size_t size, room;
    uint32_t *slots;  /* open addressing: (position, length) -> row + 1 */
    size_t mask;
} row_table;

static void
rows_free(row_table *rows)
{
    free(rows->positions); free(rows->counts); free(rows->right); free(rows->left); free(rows->lengths);
    free(rows->slots);
}

static int
rows_push(row_table *rows, uint32_t position, int length, uint32_t count, uint32_t right)
{
    if (rows->size == rows->room) {
        size_t room = rows->room ? rows->room * 2 : 4096;
        uint32_t *grown;
        uint8_t *bytes;
#define GROW(name) if (!(grown = realloc(rows->name, room * 4))) return -1; rows->name = grown;
        GROW(positions) GROW(counts) GROW(right) GROW(left)
#undef GROW
        if (!(bytes = realloc(rows->lengths, room)))
            return -1;
        rows->lengths = bytes;
        rows->room = room;
    }
    size_t row = rows->size++;
    rows->positions[row] = position;
    rows->lengths[row] = (uint8_t)length;
    rows->counts[row] = count;
    rows->right[row] = right;
    rows->left[row] = 0;
    return 0;
}

static inline size_t
row_hash(uint32_t position, int length)
{
    return (size_t)(((uint64_t)position * 16 + (unsigned)length) * 0x9E3779B97F4A7C15ULL >> 20);
}

static int
rows_index(row_table *rows)
{
    size_t room = 16;
    while (room < rows->size * 2)
        room *= 2;
    if (!(rows->slots = calloc(room, 4)))
        return -1;
    rows->mask = room - 1;
    for (size_t row = 0; row < rows->size; row++) {
        size_t slot = row_hash(rows->positions[row], rows->lengths[row]) & rows->mask;
        while (rows->slots[slot])
            slot = (slot + 1) & rows->mask;
        rows->slots[slot] = (uint32_t)row + 1;
    }
    return 0;
}

static void
rows_set_left(row_table *rows, uint32_t position, int length, uint32_t left)
{
    for (size_t slot = row_hash(position, length) & rows->mask; rows->slots[slot]; slot = (slot + 1) & rows->mask) {
        size_t row = rows->slots[slot] - 1;
        if (rows->positions[row] == position && rows->lengths[row] == length) {
            rows->left[row] = left;
            return;
        }
    }
}

typedef struct {
    reader text;
    int max_length;
    int64_t min_count;
    int64_t symbol_entropy;      /* of single symbols, 2**-16 bits */
    int16_t *scores;             /* size x max_length, 2**-10 bits; NULL when only the rows are wanted */
    row_table *rows;
    log_table logs;
    int64_t variation[MAX_LENGTH + 1], types[MAX_LENGTH + 1];  /* sums over types by length */
    sorter sorted;
    uint8_t *reaches, *commons;
    int32_t *entropies;
    size_t room;
} branch_pass;

static void
pass_free(branch_pass *pass)
{
    sorter_free(&pass->sorted);
    free(pass->reaches); free(pass->commons); free(pass->entropies);
}

static int
pass_room(branch_pass *pass, size_t count)
{
    if (count <= pass->room)
        return 0;
    free(pass->reaches); free(pass->commons); free(pass->entropies);
    pass->reaches = malloc(count);
    pass->commons = malloc(count + 1);
    pass->entropies = malloc(count * (size_t)pass->max_length * 4);
    pass->room = count;
    if (!pass->reaches || !pass->commons || !pass->entropies || sorter_room(&pass->sorted, count) < 0) {
        pass->room = 0;
        return -1;
    }
    return 0;
}

/* The entropies of all n-grams of one length among the sorted windows of one first symbol. */
static int
pass_level(branch_pass *pass, size_t count, int length)
{
    const uint8_t *reaches = pass->reaches, *commons = pass->commons;
    int32_t *entropies = pass->entropies + (size_t)(length - 1) * count;
    int32_t *shorter = length > 1 ? entropies - count : NULL;
    for (size_t start = 0; start < count;) {
        if (reaches[start] < length) {  /* the boundary comes first: no n-gram of this length here */
            entropies[start++] = 0;
            continue;
        }
        int64_t sum = 0;
        size_t child = start, end = start;
        do {
            end++;
            if (end == count || commons[end] <= length || reaches[child] == length) {
                if (reaches[child] > length)
                    sum += count_log_of(&pass->logs, (int64_t)(end - child));
                child = end;
            }
        } while (end < count && commons[end] >= length);
        int64_t size = (int64_t)(end - start);
        if (size == 1 && pass->min_count > 1) {  /* most n-grams: no entropy, no row, and no division */
            entropies[start] = 0;
            pass->types[length]++;
            pass->variation[length] -= shorter ? shorter[start] : pass->symbol_entropy;
            start = end;
            continue;
        }
        int64_t entropy = floor_divide(count_log_of(&pass->logs, size) - sum + size / 2, size);
        for (size_t i = start; i < end; i++)
            entropies[i] = (int32_t)entropy;
        pass->types[length]++;
        pass->variation[length] += entropy - (shorter ? shorter[start] : pass->symbol_entropy);
        if (size >= pass->min_count) {
            uint32_t position = pass->sorted.positions[start];
            for (size_t i = start + 1; i < end; i++)  /* sorted by what follows, so the first may stand anywhere */
                if (pass->sorted.positions[i] < position)
                    position = pass->sorted.positions[i];
            if (pass->text.step > 0) {
                if (rows_push(pass->rows, position, length, (uint32_t)size, (uint32_t)entropy) < 0)
                    return -1;
            } else {
                rows_set_left(pass->rows, position - (uint32_t)length + 1, length, (uint32_t)entropy);
            }
        }
        start = end;
    }
    return 0;
}

/* A difference of entropies in the units of the scores. */
static inline int
score_units(int64_t difference)
{
    return (int)((difference + 32) >> 6);
}

static inline int16_t
saturated(int value)
{
    return (int16_t)(value > 32767 ? 32767 : value < -32768 ? -32768 : value);
}

static void
pass_scores(branch_pass *pass, size_t count)
{
    int max_length = pass->max_length, step = pass->text.step;
    for (size_t i = 0; i < count; i++) {
        int64_t position = pass->sorted.positions[i];
        int64_t before = pass->symbol_entropy;
        if (i + AHEAD < count)
            PREFETCH(pass->scores + (int64_t)pass->sorted.positions[i + AHEAD] * max_length);
        for (int length = 1; length <= pass->reaches[i] && length <= max_length; length++) {
            int64_t entropy = pass->entropies[(size_t)(length - 1) * count + i];
            int64_t start = step > 0 ? position : position - length + 1;
            int16_t *score = pass->scores + start * max_length + length - 1;
            *score = saturated(*score + score_units(entropy - before));
            before = entropy;
        }
    }
}

static int
pass_bucket(branch_pass *pass, const uint32_t *positions, size_t count)
{
    if (pass_room(pass, count) < 0)
        return -1;
    int window = pass->max_length + 1;
    memcpy(pass->sorted.positions, positions, count * 4);
    sort_windows(&pass->sorted, &pass->text, 0, count, 1, window);
    const uint32_t *sorted = pass->sorted.positions;
    if (window <= 5) {  /* the keys tell everything: no need to look at the text again */
        const uint64_t *keys = pass->sorted.keys;
        for (size_t i = 0; i < count; i++) {
            int length = 1 + key_reach(keys[i]);
            pass->reaches[i] = (uint8_t)(length < window ? length : window);
            if (i) {
                int common = 1 + key_common(keys[i], keys[i - 1]);
                pass->commons[i] = (uint8_t)(common < pass->reaches[i] ? common : pass->reaches[i]);
            }
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            int length = reach(&pass->text, sorted[i], window);
            pass->reaches[i] = (uint8_t)length;
            if (i) {
                int limit = length < pass->reaches[i - 1] ? length : pass->reaches[i - 1];
                pass->commons[i] = (uint8_t)shared(&pass->text, sorted[i - 1], sorted[i], limit);
            }
        }
    }
    pass->commons[0] = 0;
    for (int length = 1; length <= pass->max_length; length++)
        if (pass_level(pass, count, length) < 0)
            return -1;
    if (pass->scores)
        pass_scores(pass, count);
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
run_pass(branch_pass *pass, int step, const uint32_t *positions, const uint32_t *starts)
{
    pass->text.step = step;
    memset(pass->variation, 0, sizeof pass->variation);
    memset(pass->types, 0, sizeof pass->types);
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
    row_table rows = {0};
    branch_pass *pass = calloc(1, sizeof *pass);
    uint32_t *starts = malloc((WORD_LIMIT + 1) * sizeof *starts), *positions = NULL;
    uint16_t *symbols = NULL;
    int64_t size = view.len / 2, means[MAX_LENGTH + 1] = {0};
    int status = -1;
    if (size > 0xFFFFFFFFLL) {
        PyErr_Format(PyExc_OverflowError, "ids: expected at most 4294967295 symbols, got %lld", (long long)size);
        goto done;
    }
    scores = PyBytes_FromStringAndSize(NULL, want_scores ? (Py_ssize_t)size * max_length * 2 : 0);
    if (!pass || !starts || !scores || !(symbols = calloc((size_t)size + 8, 2)))
        goto done;
    for (int64_t i = 0; i < size; i++)
        symbols[i + 4] = is_word(((const uint16_t *)view.buf)[i]) ? ((const uint16_t *)view.buf)[i] : 0;
    if (!(positions = bucket_positions(view.buf, size, starts)))
        goto done;
    int64_t total = starts[WORD_LIMIT], sum = 0;
    fill_logs(&pass->logs);
    for (int s = 0; s < WORD_LIMIT; s++)
        sum += count_log_of(&pass->logs, starts[s + 1] - starts[s]);
    pass->text.symbols = symbols + 4;
    pass->text.size = size;
    pass->max_length = max_length;
    pass->min_count = min_count < 1 ? 1 : min_count;
    pass->symbol_entropy = total ? floor_divide(count_log(total) - sum + total / 2, total) : 0;
    pass->rows = &rows;
    if (want_scores) {
        pass->scores = (int16_t *)PyBytes_AsString(scores);
        memset(pass->scores, 0, (size_t)size * (size_t)max_length * 2);
    }
    for (int step = 1; step >= -1; step -= 2) {
        if ((status = run_pass(pass, step, positions, starts)) < 0)
            goto done;
        if (step > 0 && rows_index(&rows) < 0) {
            status = -1;
            goto done;
        }
        for (int length = 1; length <= max_length; length++)
            if (pass->types[length])
                means[length] += score_units(floor_divide(pass->variation[length], pass->types[length]));
    }
    if (want_scores)
        for (int64_t i = 0; i < size; i++)
            for (int length = 1; length <= max_length; length++) {
                int16_t *score = pass->scores + i * max_length + length - 1;
                *score = saturated(*score - (int)means[length]);
            }
    result = Py_BuildValue("NNNNNN", Py_NewRef(scores), bytes_of(rows.positions, rows.size * 4), bytes_of(rows.lengths, rows.size),
                           bytes_of(rows.counts, rows.size * 4), bytes_of(rows.left, rows.size * 4),
                           bytes_of(rows.right, rows.size * 4));
done:
    if (!result && !PyErr_Occurred())
        PyErr_NoMemory();
    if (pass) {
        pass_free(pass);
        free(pass);
    }
    rows_free(&rows);
    free(symbols);
    free(starts);
    free(positions);
    Py_XDECREF(scores);
    PyBuffer_Release(&view);
    return result;
}

/* Keeps only the starts of the chosen words: everything inside a word becomes 0. */
static void
keep_starts(uint8_t *lengths, int64_t size)
{
    for (int64_t i = 0; i < size; i += lengths[i] ? lengths[i] : 1)
        for (int64_t j = i + 1; j < i + lengths[i]; j++)
            lengths[j] = 0;
}

/* ---- segmentation by scores ------------------------------------------------------------------------------------------ */

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
    int64_t best[MAX_LENGTH + 1] = {0};  /* of the stretches that start at i, i + 1, ... */
    int room = 0;
    for (int64_t i = size - 1; i >= 0; i--) {
        lengths[i] = 0;
        if (!is_word(ids[i])) {
            room = 0;
            best[0] = 0;
            continue;
        }
        if (room < max_length)
            room++;
        for (int j = room; j > 0; j--)
            best[j] = best[j - 1];
        int64_t top = INT64_MIN;
        for (int length = room; length > 0; length--) {  /* the longest first word wins a tie */
            const int16_t *row = scores + i * max_length;
            int64_t score = (int64_t)length * row[length - 1] + (length > 1 ? bonus : 0) + best[length];
            if (score > top) {
                top = score;
                lengths[i] = (uint8_t)length;
            }
        }
        best[0] = top;
    }
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

static int
types_grow(type_table *types)
{
    size_t room = types->room ? types->room * 2 : 1 << 14, mask = room * 2 - 1;
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
    if (types->size == types->room && types_grow(types) < 0)
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
} word_set;

#define FILTER_BITS 23  /* 1 MB: stays in the cache, and lets few strangers through at 200,000 words */

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
    if (types_grow(&set->types) < 0) {
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
    if (!(set->beginnings = calloc((size_t)1 << (FILTER_BITS - 6), 8))) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t word = 0; word < set->types.size; word++) {
        uint64_t hash = 0;
        for (int i = 0; i < set->types.lengths[word]; i++) {
            hash = hash_step(hash, set->ids[set->types.positions[word] + i]);
            uint64_t bit = hash_end(hash) >> (64 - FILTER_BITS);
            set->beginnings[bit >> 6] |= 1ULL << (bit & 63);
        }
    }
    return 0;
}

/* Whether some word may begin with the symbols of this hash. */
static inline int
words_begin(const word_set *set, uint64_t hash)
{
    uint64_t bit = hash >> (64 - FILTER_BITS);
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
    int64_t *best = calloc((size_t)set.longest + 1, sizeof *best);  /* ring: of the stretch from i on, at i % ring */
    int ring = set.longest + 1;
    if (!best)
        PyErr_NoMemory();
    else if ((result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)set.size))) {
        uint8_t *out = (uint8_t *)PyBytes_AsString(result);
        const int32_t *costs = costs_view.buf;
        Py_BEGIN_ALLOW_THREADS
        int room = 0, here = 0;  /* here = slot of position i */
        for (int64_t i = set.size - 1; i >= 0; i--) {
            here = here ? here - 1 : ring - 1;
            out[i] = 0;
            if (!is_word(set.ids[i])) {
                room = 0;
                best[here] = 0;
                continue;
            }
            if (room < set.longest)
                room++;
            int64_t top = best[(here + 1) % ring] + unknown;
            out[i] = 1;
            uint64_t state = 0;
            for (int length = 1; length <= room; length++) {
                state = hash_step(state, set.ids[i + length - 1]);
                uint64_t hash = hash_end(state);
                if (!words_begin(&set, hash))
                    break;
                int64_t word = words_find(&set, set.ids + i, length, hash);
                if (word < 0)
                    continue;
                int next = here + length;
                int64_t cost = costs[word] + best[next < ring ? next : next - ring];
                if (cost <= top) {  /* the longest first word wins a tie */
                    top = cost;
                    out[i] = (uint8_t)length;
                }
            }
            best[here] = top;
        }
        keep_starts(out, set.size);
        Py_END_ALLOW_THREADS
    }
    free(best);
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

/* ---- text to symbols --------------------------------------------------------------------------------------------------- */

/* roles of characters, as in counting.py */
enum { ROLE_BOUNDARY, ROLE_WORD, ROLE_DIGIT, ROLE_LATIN, ROLE_INNER, ROLE_PERCENT };
enum { ID_NUMBER = 1, ID_YEAR, ID_LATIN, ID_RARE, ID_FIRST = 8, ID_RARE_BOUNDARY = 0xFFFF };

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
        } else {
            uint16_t id = table[c];
            if (!id) {
                if (role == ROLE_WORD)
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
    {NULL, NULL, 0, NULL},
};
