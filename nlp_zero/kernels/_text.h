/* What the kernels of the word model share: buffers, a segmented text, random numbers. */
#ifndef NLP_ZERO_TEXT_H
#define NLP_ZERO_TEXT_H
#include "_buffers.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NONE 0xFFFFFFFFu
#define WORD_LIMIT 0xF000  /* ids below it are symbols of words, the others known boundaries; 0 is the end of a line */
#define MAX_LENGTH 8

#if defined(__GNUC__) || defined(__clang__)
#define PREFETCH(address) __builtin_prefetch(address)
#define INLINE static inline __attribute__((always_inline))
#else
#define PREFETCH(address) ((void)0)
#define INLINE static inline
#endif

/* ---- buffers ------------------------------------------------------------------------------------------------- */

#define MOST_VIEWS 16

/* The buffers of one call; released together. */
typedef struct {
    Py_buffer views[MOST_VIEWS];
    int held;
} buffers;

static inline void
buffers_release(buffers *all)
{
    while (all->held)
        PyBuffer_Release(&all->views[--all->held]);
}

/* The number of items of a buffer, or -1 with an error set; `items` is where they stand. */
static inline Py_ssize_t
open_items(buffers *all, PyObject *object, Py_ssize_t itemsize, int writable, const char *what, void *items)
{
    Py_buffer *view = &all->views[all->held];
    if (PyObject_GetBuffer(object, view, PyBUF_ND | PyBUF_FORMAT) < 0)
        return -1;
    all->held++;
    if (writable && view->readonly) {
        PyErr_SetString(PyExc_BufferError, "Object is not writable.");
        return -1;
    }
    if (view->itemsize != itemsize || view->ndim > 1) {
        PyErr_Format(PyExc_TypeError, "%s: expected items of %zd bytes, got %zd", what, itemsize, view->itemsize);
        return -1;
    }
    *(void **)items = view->buf;
    return view->len / itemsize;
}

/* The same for a known number of items; 0 or -1. */
static inline int
open_sized(buffers *all, PyObject *object, Py_ssize_t itemsize, int writable, Py_ssize_t size, const char *what,
           void *items)
{
    Py_ssize_t found = open_items(all, object, itemsize, writable, what, items);
    if (found >= 0 && found != size) {
        PyErr_Format(PyExc_ValueError, "%s: expected %zd items, got %zd", what, size, found);
        return -1;
    }
    return found < 0 ? -1 : 0;
}

/* Classes of words, of one or two bytes each. */
typedef struct {
    const uint8_t *narrow;
    const uint16_t *wide;
    Py_ssize_t size;
} class_list;

static inline uint32_t
class_of(const class_list *classes, uint32_t word)
{
    return classes->narrow ? classes->narrow[word] : classes->wide[word];
}

/* `size` may be -1: whatever there is. */
static inline int
open_classes(buffers *all, PyObject *object, Py_ssize_t size, Py_ssize_t class_count, class_list *classes)
{
    memset(classes, 0, sizeof *classes);
    Py_buffer *view = &all->views[all->held];
    if (PyObject_GetBuffer(object, view, PyBUF_ND | PyBUF_FORMAT) < 0)
        return -1;
    Py_ssize_t itemsize = view->itemsize;
    PyBuffer_Release(view);
    void *items;
    Py_ssize_t found = open_items(all, object, itemsize == 1 ? 1 : 2, 0, "classes", &items);
    if (found < 0)
        return -1;
    if (size >= 0 && found != size) {
        PyErr_Format(PyExc_ValueError, "classes: expected %zd items, got %zd", size, found);
        return -1;
    }
    classes->size = found;
    if (itemsize == 1)
        classes->narrow = items;
    else
        classes->wide = items;
    for (Py_ssize_t word = 0; word < found; word++)
        if (class_of(classes, (uint32_t)word) >= class_count) {
            PyErr_Format(PyExc_ValueError, "classes: expected numbers below %zd, got %d at %zd", class_count,
                         (int)class_of(classes, (uint32_t)word), word);
            return -1;
        }
    return 0;
}

/* An error that shows a number as Python writes it. */
static inline int
number_error(const char *format, double value, Py_ssize_t place)
{
    PyObject *number = PyFloat_FromDouble(value);
    if (number)
        PyErr_Format(PyExc_ValueError, format, number, place);
    Py_XDECREF(number);
    return -1;
}

static inline int
check_discount(double discount)
{
    if (discount >= 0 && discount < 1)
        return 0;
    return number_error("discount: expected 0 <= d < 1, such as 0.7, got %R", discount, 0);
}

static inline int
check_strength(double strength)
{
    if (strength > 0 && strength < INFINITY)
        return 0;
    return number_error("strength: expected more than 0, such as 20000.0, got %R", strength, 0);
}

static inline int
check_length(Py_ssize_t max_length)
{
    if (max_length >= 1 && max_length <= MAX_LENGTH)
        return 0;
    PyErr_Format(PyExc_ValueError, "max_length: expected 1 to %d, got %zd", MAX_LENGTH, max_length);
    return -1;
}

static inline int
is_word(uint16_t id)
{
    return id != 0 && id < WORD_LIMIT;
}

/* ---- text ---------------------------------------------------------------------------------------------------- */

typedef struct {
    uint32_t start, end;
} chunk;

typedef struct {
    const uint32_t *index;
    const uint8_t *lengths;
    Py_ssize_t size, words;
    int max_length;
    chunk *chunks;
    size_t chunk_count;
    uint32_t longest;
} text;

static inline int
text_push(text *t, size_t *room, uint32_t start, uint32_t end)
{
    if (t->chunk_count == *room) {
        size_t more = *room ? *room * 2 : 1024;
        chunk *grown = realloc(t->chunks, more * sizeof *grown);
        if (!grown) {
            PyErr_NoMemory();
            return -1;
        }
        t->chunks = grown;
        *room = more;
    }
    t->chunks[t->chunk_count++] = (chunk){start, end};
    if (end - start > t->longest)
        t->longest = end - start;
    return 0;
}

/* Says which place of a chunk is wrong. */
static inline int
chunk_error(const text *t, Py_ssize_t start, Py_ssize_t end, Py_ssize_t size)
{
    Py_ssize_t max_length = t->max_length, place = start;
    for (Py_ssize_t position = start; position < end; position++) {
        Py_ssize_t left = end - position < max_length ? end - position : max_length;
        for (Py_ssize_t item = position * max_length; item < position * max_length + left; item++)
            if ((Py_ssize_t)t->index[item] >= size) {
                PyErr_Format(PyExc_ValueError, "index: expected ids below %zd inside chunks, got %zd at %zd", size,
                             (Py_ssize_t)t->index[item], item);
                return -1;
            }
        int length = t->lengths[position];
        if (position == place ? length < 1 || length > left : length) {
            PyErr_Format(PyExc_ValueError, "lengths: expected words that fill the chunk, got length %d at %zd", length,
                         position);
            return -1;
        }
        place += length;
    }
    return -1;
}

/* Checks and counts the words of a chunk, and its ids. */
static inline int
check_chunk(text *t, Py_ssize_t start, Py_ssize_t end, Py_ssize_t size)
{
    Py_ssize_t max_length = t->max_length, place = start;
    const uint32_t *item = t->index + start * max_length;
    uint32_t largest = 0;
    Py_ssize_t left = end - start, full = left >= max_length ? (left - max_length + 1) * max_length : 0;
    for (Py_ssize_t n = 0; n < full; n++)  /* all at once, which is faster than place by place */
        largest = item[n] > largest ? item[n] : largest;
    item += full;
    for (left = left < max_length ? left : max_length - 1; left > 0; left--, item += max_length)
        for (Py_ssize_t n = 0; n < left; n++)
            largest = item[n] > largest ? item[n] : largest;
    int inside = 0;
    for (Py_ssize_t position = start; position < end; position++)
        inside += t->lengths[position] != 0;
    t->words += inside;
    for (; place < end && t->lengths[place]; place += t->lengths[place], inside--)
        if (t->lengths[place] > max_length)
            return chunk_error(t, start, end, size);
    return (Py_ssize_t)largest < size && place == end && !inside ? 0 : chunk_error(t, start, end, size);
}

/* Checks that index and lengths belong together; fills `chunks`, which the caller frees. */
static inline int
text_open(text *t, buffers *all, PyObject *index, int max_length, PyObject *lengths, int writable, Py_ssize_t size)
{
    memset(t, 0, sizeof *t);
    t->max_length = max_length;
    Py_ssize_t items;
    void *found, *words;
    if (check_length(max_length) < 0 || (items = open_items(all, index, 4, 0, "index", &found)) < 0 ||
        (t->size = open_items(all, lengths, 1, writable, "lengths", &words)) < 0)
        return -1;
    t->index = found;
    t->lengths = words;
    if (items != t->size * max_length) {
        PyErr_Format(PyExc_ValueError, "index: expected %zd items, got %zd", t->size * max_length, items);
        return -1;
    }
    size_t room = 0;
    for (Py_ssize_t start = 0; start < t->size; start++) {
        if (t->index[start * max_length] == NONE)
            continue;
        Py_ssize_t end = start + 1;
        while (end < t->size && t->index[end * max_length] != NONE)
            end++;
        if (check_chunk(t, start, end, size) < 0 || text_push(t, &room, (uint32_t)start, (uint32_t)end) < 0)
            return -1;
        start = end;
    }
    return 0;
}

/* ---- the generator --------------------------------------------------------------------------------------------- */

static inline uint64_t
random_bits(uint64_t *state)
{
    uint64_t mixed = *state += 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBu;
    return mixed ^ mixed >> 31;
}

static inline double
uniform(uint64_t *state)
{
    return (double)(random_bits(state) >> 11) * 0x1p-53;
}

#endif
