/* Lines in, words out: what the taggers of text share. */
#ifndef NLP_ZERO_LINES_H
#define NLP_ZERO_LINES_H
#include "_text.h"

#define CLASSES 9
#define CODE_POINTS 0x110000
#define BATCH 65536
#define SLOT_BITS 14
#define SLOTS (1 << SLOT_BITS)

/* Cuts one text that is not empty and gives the number of its words; their starts come to stand at the end of `starts`.
   `choices` and `starts` have a place for each character, to be used as it likes before. */
typedef size_t (*cutter)(const void *self, const uint32_t *text, size_t size, uint8_t *choices, uint32_t *starts);

/* Words of one to three characters that were made before, to be given out again: making a str costs more than finding
   one. Each has its slot by its characters, and the last word to come stays there. */
typedef struct {
    struct {
        uint64_t key;
        PyObject *word;
    } slots[SLOTS];
} Kept;

static inline void
kept_free(Kept *kept)
{
    for (size_t slot = 0; kept && slot < SLOTS; slot++)
        Py_XDECREF(kept->slots[slot].word);
    free(kept);
}

/* A batch of lines: where each lies, and how many words it has. */
typedef struct {
    uint32_t *text, *starts;
    uint8_t *choices;
    size_t room;
    size_t offsets[BATCH], sizes[BATCH], words[BATCH];
    size_t lines;
} Batch;

static inline void
batch_free(Batch *batch)
{
    if (batch) {
        free(batch->text);
        free(batch->starts);
        free(batch->choices);
    }
    free(batch);
}

static inline int
batch_reserve(Batch *batch, size_t room)
{
    if (room <= batch->room)
        return 0;
    uint32_t *text = realloc(batch->text, room * sizeof *text);
    if (text)
        batch->text = text;
    free(batch->starts);
    free(batch->choices);
    batch->starts = malloc(room * sizeof *batch->starts);
    batch->choices = malloc(room);
    if (!text || !batch->starts || !batch->choices) {
        batch->room = 0;
        PyErr_NoMemory();
        return -1;
    }
    batch->room = room;
    return 0;
}

/* Copies lines from number `first` on until the batch is full. */
static inline int
batch_fill(Batch *batch, PyObject *lines, Py_ssize_t first)
{
    size_t used = 0;
    Py_ssize_t total = PyList_Size(lines);
    for (batch->lines = 0; first < total && batch->lines < BATCH; first++, batch->lines++) {
        PyObject *line = PyList_GetItem(lines, first);
        Py_ssize_t size = line ? PyUnicode_GetLength(line) : -1;
        if (size < 0)
            return -1;
        if (size >= INT32_MAX) {
            PyErr_Format(PyExc_ValueError, "text: expected at most %d characters, got %zd", INT32_MAX - 1, size);
            return -1;
        }
        if (batch->lines && used + (size_t)size > BATCH)
            break;
        if (batch_reserve(batch, (size_t)size > BATCH ? (size_t)size : BATCH) < 0)
            return -1;
        if (size && !PyUnicode_AsUCS4(line, batch->text + used, size, 0))
            return -1;
        batch->offsets[batch->lines] = used;
        batch->sizes[batch->lines] = (size_t)size;
        used += (size_t)size;
    }
    return 0;
}

static inline int
batch_run(const void *self, cutter cut, Batch *batch)
{
    Py_BEGIN_ALLOW_THREADS
    for (size_t line = 0; line < batch->lines; line++) {
        size_t offset = batch->offsets[line], size = batch->sizes[line];
        batch->words[line] =
            size ? cut(self, batch->text + offset, size, batch->choices + offset, batch->starts + offset) : 0;
    }
    Py_END_ALLOW_THREADS
    return PyErr_CheckSignals();
}

/* A new reference to text[start:end]. */
static inline PyObject *
word_at(Kept *kept, PyObject *line, const uint32_t *text, size_t start, size_t end)
{
#ifndef Py_GIL_DISABLED
    if (end - start <= 3) {
        uint64_t key = 0;
        for (size_t at = start; at < end; at++)
            key = key << 21 | (text[at] + 1);
        size_t slot = (size_t)(key * 0x9E3779B97F4A7C15u >> (64 - SLOT_BITS));
        PyObject **place = &kept->slots[slot].word;
        if (kept->slots[slot].key != key || !*place) {
            Py_XDECREF(*place);
            *place = PyUnicode_Substring(line, (Py_ssize_t)start, (Py_ssize_t)end);
            kept->slots[slot].key = key;
        }
        return Py_XNewRef(*place);
    }
#endif
    (void)kept;
    (void)text;
    return PyUnicode_Substring(line, (Py_ssize_t)start, (Py_ssize_t)end);
}

static inline PyObject *
word_list(Kept *kept, PyObject *line, const Batch *batch, size_t number)
{
    size_t size = batch->sizes[number], count = batch->words[number];
    const uint32_t *text = batch->text + batch->offsets[number];
    const uint32_t *starts = batch->starts + batch->offsets[number] + size - count;
    PyObject *words = PyList_New((Py_ssize_t)count);
    for (size_t index = 0; words && index < count; index++) {
        PyObject *word = word_at(kept, line, text, starts[index], index + 1 < count ? starts[index + 1] : size);
        if (!word || PyList_SetItem(words, (Py_ssize_t)index, word) < 0)
            Py_CLEAR(words);
    }
    return words;
}

static inline int
check_lines(PyObject *lines)
{
    PyObject *type = NULL;
    if (!PyList_Check(lines)) {
        if ((type = PyType_GetName(Py_TYPE(lines))))
            PyErr_Format(PyExc_TypeError, "lines: expected list, got %U", type);
        Py_XDECREF(type);
        return -1;
    }
    for (Py_ssize_t number = 0; number < PyList_Size(lines); number++) {
        PyObject *line = PyList_GetItem(lines, number);
        if (!PyUnicode_Check(line)) {
            if ((type = PyType_GetName(Py_TYPE(line))))
                PyErr_Format(PyExc_TypeError, "text: expected str, got %U", type);
            Py_XDECREF(type);
            return -1;
        }
    }
    return 0;
}

/* The words of each of a list of lines, by `cut`. */
static inline PyObject *
segment_lines(const void *self, cutter cut, Kept *kept, PyObject *lines)
{
    if (check_lines(lines) < 0)
        return NULL;
    Py_ssize_t total = PyList_Size(lines);
    PyObject *results = PyList_New(total);
    /* Not calloc: of its 1.5 MB one line needs three numbers. */
    Batch *batch = results ? malloc(sizeof *batch) : NULL;
    if (batch) {
        batch->text = batch->starts = NULL;
        batch->choices = NULL;
        batch->room = 0;
    } else if (results)
        PyErr_NoMemory();
    int good = batch != NULL;
    for (Py_ssize_t done = 0; good && done < total;) {
        good = batch_fill(batch, lines, done) == 0 && batch_run(self, cut, batch) == 0;
        for (size_t line = 0; good && line < batch->lines; line++, done++) {
            PyObject *words = word_list(kept, PyList_GetItem(lines, done), batch, line);
            good = words && PyList_SetItem(results, done, words) == 0;
        }
    }
    batch_free(batch);
    if (!good)
        Py_CLEAR(results);
    return results;
}

#endif
