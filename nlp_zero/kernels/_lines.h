/* Lines in, words out: what the taggers of text share. */
#ifndef NLP_ZERO_LINES_H
#define NLP_ZERO_LINES_H
#include "_text.h"

#define CLASSES 9
#define CODE_POINTS 0x110000
#define BASIC 0x10000
#define BATCH 65536

/* Cuts one text that is not empty and gives the number of its words; their starts come to stand at the end of `starts`.
   `choices` and `starts` have a place for each character, to be used as it likes before. */
typedef size_t (*cutter)(const void *self, const uint32_t *text, size_t size, uint8_t *choices, uint32_t *starts);

static inline void
characters_free(PyObject **characters)
{
    for (size_t code = 0; characters && code < BASIC; code++)
        Py_XDECREF(characters[code]);
    free(characters);
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
word_at(PyObject **characters, PyObject *line, const uint32_t *text, size_t start, size_t end)
{
    PyObject **kept = NULL;
#ifndef Py_GIL_DISABLED
    if (end == start + 1 && text[start] < BASIC)
        kept = &characters[text[start]];
    if (kept && *kept)
        return Py_NewRef(*kept);
#endif
    PyObject *word = PyUnicode_Substring(line, (Py_ssize_t)start, (Py_ssize_t)end);
    if (word && kept)
        *kept = Py_NewRef(word);
    return word;
}

static inline PyObject *
word_list(PyObject **characters, PyObject *line, const Batch *batch, size_t number)
{
    size_t size = batch->sizes[number], count = batch->words[number];
    const uint32_t *text = batch->text + batch->offsets[number];
    const uint32_t *starts = batch->starts + batch->offsets[number] + size - count;
    PyObject *words = PyList_New((Py_ssize_t)count);
    for (size_t index = 0; words && index < count; index++) {
        PyObject *word = word_at(characters, line, text, starts[index], index + 1 < count ? starts[index + 1] : size);
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

/* The words of each of a list of lines, by `cut`; `characters` keeps the strings of one character (BASIC of them). */
static inline PyObject *
segment_lines(const void *self, cutter cut, PyObject **characters, PyObject *lines)
{
    if (check_lines(lines) < 0)
        return NULL;
    Py_ssize_t total = PyList_Size(lines);
    PyObject *results = PyList_New(total);
    Batch *batch = results ? calloc(1, sizeof *batch) : NULL;
    if (results && !batch)
        PyErr_NoMemory();
    int good = batch != NULL;
    for (Py_ssize_t done = 0; good && done < total;) {
        good = batch_fill(batch, lines, done) == 0 && batch_run(self, cut, batch) == 0;
        for (size_t line = 0; good && line < batch->lines; line++, done++) {
            PyObject *words = word_list(characters, PyList_GetItem(lines, done), batch, line);
            good = words && PyList_SetItem(results, done, words) == 0;
        }
    }
    batch_free(batch);
    if (!good)
        Py_CLEAR(results);
    return results;
}

#endif
