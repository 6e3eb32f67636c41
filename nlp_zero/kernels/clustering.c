/* Clustering kernels: the copy of clustering.py, which is the specification. */
#include "_buffers.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NONE 0xFFFFFFFFu
#define MAX_CLASSES 1024
#define LOG_LIMIT (1 << 20)  /* logarithms kept in a table: 8 MB at most */
#define TURN 4000000         /* additions between two looks for Ctrl-C */

/* What stops a loop that runs without the GIL. */
enum { DONE = 0, NO_MEMORY = -1, INTERRUPTED = -2 };

/* ---- small helpers ------------------------------------------------------------------------------------------- */

static PyObject *
set_failure(int status)
{
    if (status == NO_MEMORY && !PyErr_Occurred())
        PyErr_NoMemory();
    return NULL;
}

/* ---- types --------------------------------------------------------------------------------------------------- */

typedef struct {
    const uint32_t *index;
    const uint8_t *lengths;
    const int32_t *counts;
    size_t size, ids, width;
    int64_t min_count;
    uint32_t *type_of, *words, *tokens;
    size_t word_count, token_count;
    size_t place;          /* of an error */
    const char *failed;    /* which buffer it is in */
} typing;

static int
find_types(typing *t)
{
    size_t kept = 0;
    for (size_t id = 0; id < t->ids; id++)
        kept += t->counts[id] >= t->min_count;
    t->type_of = calloc(t->ids ? t->ids : 1, 4);
    t->words = malloc((kept + t->width + 1) * 4);
    t->tokens = malloc((t->size + 2) * 4);
    if (!t->type_of || !t->words || !t->tokens)
        return NO_MEMORY;
    size_t next = t->width + 1, used = 0;
    memset(t->words, 0xFF, next * 4);
    for (size_t id = 0; id < t->ids; id++)
        if (t->counts[id] >= t->min_count) {
            t->words[next] = (uint32_t)id;
            t->type_of[id] = (uint32_t)next++;
        }
    t->word_count = next;
    t->tokens[used++] = 0;
    for (size_t place = 0; place < t->size; place++) {
        size_t length = t->lengths[place];
        if (length) {
            t->place = place;
            if (length > t->width) {
                t->failed = "lengths";
                return DONE;
            }
            uint32_t word = t->index[place * t->width + length - 1];
            if (word >= t->ids) {
                t->failed = "index";
                return DONE;
            }
            t->tokens[used++] = t->type_of[word] ? t->type_of[word] : (uint32_t)length;
        }
        else if (t->index[place * t->width] == NONE && t->tokens[used - 1])
            t->tokens[used++] = 0;
    }
    if (t->tokens[used - 1])
        t->tokens[used++] = 0;
    t->token_count = used;
    return DONE;
}

static PyObject *
word_types(PyObject *self, PyObject *args)
{
    PyObject *index_object, *lengths_object, *counts_object, *result = NULL;
    Py_ssize_t width, min_count;
    Py_buffer index, lengths, counts;
    (void)self;
    if (!PyArg_ParseTuple(args, "OnOOn:word_types", &index_object, &width, &lengths_object, &counts_object, &min_count))
        return NULL;
    if (width < 1 || width > 255)
        return PyErr_Format(PyExc_ValueError, "width: expected 1 to 255, got %zd", width);
    if (min_count < 1)
        return PyErr_Format(PyExc_ValueError, "min_count: expected 1 or more, got %zd", min_count);
    if (get_items(index_object, &index, 4, "index") < 0)
        return NULL;
    if (get_items(lengths_object, &lengths, 1, "lengths") < 0)
        goto no_lengths;
    if (get_items(counts_object, &counts, 4, "counts") < 0)
        goto no_counts;
    if (index.len / 4 != lengths.len * width) {
        PyErr_Format(PyExc_ValueError, "index: expected %zd items, got %zd", lengths.len * width, index.len / 4);
        goto release;
    }
    typing t = {.index = index.buf, .lengths = lengths.buf, .counts = counts.buf, .size = (size_t)lengths.len,
                .ids = (size_t)counts.len / 4, .width = (size_t)width, .min_count = min_count};
    int status;
    Py_BEGIN_ALLOW_THREADS
    status = find_types(&t);
    Py_END_ALLOW_THREADS
    if (status != DONE)
        set_failure(status);
    else if (t.failed && t.failed[0] == 'l')
        PyErr_Format(PyExc_ValueError, "lengths: expected at most %zd, got %d at %zd", width,
                     (int)t.lengths[t.place], (Py_ssize_t)t.place);
    else if (t.failed)
        PyErr_Format(PyExc_ValueError, "index: expected an id below %zd, got %lu for the word at %zd", (Py_ssize_t)t.ids,
                     (unsigned long)t.index[t.place * t.width + t.lengths[t.place] - 1], (Py_ssize_t)t.place);
    else
        result = Py_BuildValue("y#y#", (char *)t.tokens, (Py_ssize_t)(t.token_count * 4), (char *)t.words,
                               (Py_ssize_t)(t.word_count * 4));
    free(t.type_of);
    free(t.words);
    free(t.tokens);
release:
    PyBuffer_Release(&counts);
no_counts:
    PyBuffer_Release(&lengths);
no_lengths:
    PyBuffer_Release(&index);
    return result;
}

/* ---- exchange ------------------------------------------------------------------------------------------------ */

/* Of every type, the types beside it on one side, as often as they stand there; itself left out. */
typedef struct {
    uint32_t *starts, *types;
} neighbours;

typedef struct {
    const uint32_t *tokens;
    size_t size, types, classes;
    uint16_t *class_of;
    uint32_t *counts, *doubles, *order;
    size_t ordered;
    neighbours after, before;
    /* Counts of neighbouring classes, [c][c'] and turned round [c'][c]; their F; and what one more adds to F. */
    uint32_t *joint, *turned;
    int64_t *joint_step, *turned_step;
    int64_t *class_sizes, *gains;
    uint32_t *right, *left;        /* how often a type has each class after and before it */
    uint32_t *right_list, *left_list;
    size_t right_used, left_used;
    int64_t *logs;
    size_t log_room;
    int64_t work;
} clusters;

/* n ln n in units of 2**-16, to the nearest. */
static int64_t
count_log(int64_t count)
{
    return count < 2 ? 0 : (int64_t)floor((double)count * log((double)count) * 65536.0 + 0.5);
}

static inline int64_t
log_of(const clusters *k, int64_t count)
{
    return (size_t)count < k->log_room ? k->logs[count] : count_log(count);
}

static int
list_neighbours(clusters *k, neighbours *list, int shift)
{
    size_t pairs = k->size + 1;
    list->starts = calloc(k->types + 2, 4);
    if (!list->starts)
        return NO_MEMORY;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t place = 0; place < pairs; place++) {
            uint32_t left = place ? k->tokens[place - 1] : 0, right = place < k->size ? k->tokens[place] : 0;
            uint32_t from = shift ? right : left, to = shift ? left : right;
            if (left == right || !from)
                continue;
            if (pass)
                list->types[list->starts[from + 1]++] = to;
            else
                list->starts[from + 2]++;
        }
        if (pass)
            break;
        for (size_t type = 2; type < k->types + 2; type++)
            list->starts[type] += list->starts[type - 1];
        list->types = malloc((size_t)(list->starts[k->types + 1] + 1) * 4);
        if (!list->types)
            return NO_MEMORY;
    }
    return DONE;
}

static int
sort_by_count(clusters *k)
{
    uint32_t most = 0;
    for (size_t type = 1; type < k->types; type++)
        most = k->counts[type] > most ? k->counts[type] : most;
    /* Counts above the limit are few: sorted by insertion; the others by counting. */
    size_t limit = most < 65536 ? most : 65536, above = 0;
    uint32_t *slots = calloc(limit + 2, 4);
    if (!slots)
        return NO_MEMORY;
    for (size_t type = 1; type < k->types; type++)
        if (k->counts[type])
            slots[k->counts[type] > limit ? limit + 1 : k->counts[type]]++;
    size_t next = 0;
    for (size_t value = limit + 1; value > 0; value--) {
        size_t here = slots[value];
        slots[value] = (uint32_t)next;
        next += here;
    }
    k->ordered = next;
    for (size_t type = 1; type < k->types; type++) {
        uint32_t count = k->counts[type];
        if (count > limit) {
            size_t place = above++;
            for (; place > 0 && k->counts[k->order[place - 1]] < count; place--)
                k->order[place] = k->order[place - 1];
            k->order[place] = (uint32_t)type;
        }
        else if (count)
            k->order[slots[count]++] = (uint32_t)type;
    }
    free(slots);
    return DONE;
}

static inline void
change_joint(clusters *k, size_t left, size_t right, int64_t change)
{
    int64_t count = k->joint[left * k->classes + right] += (uint32_t)change;
    int64_t step = log_of(k, count + 1) - log_of(k, count);
    k->turned[right * k->classes + left] = (uint32_t)count;
    k->joint_step[left * k->classes + right] = k->turned_step[right * k->classes + left] = step;
}

/* Adds the counts of a type to a class (sign 1) or takes them out (-1). */
static void
add_type(clusters *k, uint32_t word, size_t group, int64_t sign)
{
    for (size_t i = 0; i < k->right_used; i++)
        change_joint(k, group, k->right_list[i], sign * k->right[k->right_list[i]]);
    for (size_t i = 0; i < k->left_used; i++)
        change_joint(k, k->left_list[i], group, sign * k->left[k->left_list[i]]);
    if (k->doubles[word])
        change_joint(k, group, group, sign * k->doubles[word]);
    k->class_sizes[group] += sign * k->counts[word];
}

static size_t
count_classes(const clusters *k, const neighbours *list, uint32_t word, uint32_t *counts, uint32_t *used)
{
    size_t found = 0;
    for (size_t i = list->starts[word]; i < list->starts[word + 1]; i++) {
        uint32_t group = k->class_of[list->types[i]];
        if (!counts[group]++)
            used[found++] = group;
    }
    return found;
}

/* What each class gains on one side if it takes a type that has the class `other` there so many times. */
static void
add_gains(clusters *k, const uint32_t *row, const int64_t *steps, int64_t count)
{
    int64_t *gains = k->gains;
    size_t classes = k->classes;
    if (count == 1)
        for (size_t group = 0; group < classes; group++)
            gains[group] += steps[group];
    else
        for (size_t group = 0; group < classes; group++)
            gains[group] += log_of(k, (int64_t)row[group] + count) - log_of(k, row[group]);
}

static size_t
best_class(clusters *k, uint32_t word, size_t home)
{
    size_t classes = k->classes;
    int64_t count = k->counts[word], twice = k->doubles[word];
    for (size_t group = 0; group < classes; group++)
        k->gains[group] = 2 * (log_of(k, k->class_sizes[group]) - log_of(k, k->class_sizes[group] + count));
    for (size_t i = 0; i < k->right_used; i++) {
        size_t other = k->right_list[i];
        add_gains(k, k->turned + other * classes, k->turned_step + other * classes, k->right[other]);
    }
    for (size_t i = 0; i < k->left_used; i++) {
        size_t other = k->left_list[i];
        add_gains(k, k->joint + other * classes, k->joint_step + other * classes, k->left[other]);
    }
    /* Among themselves the words of a class meet in one count, which is no sum of the two above. */
    size_t best = home;
    for (size_t group = 1; group < classes; group++)
        if (k->right[group] || k->left[group] || twice) {
            int64_t here = k->joint[group * classes + group], right = k->right[group], left = k->left[group];
            k->gains[group] += log_of(k, here + right + left + twice) - log_of(k, here + right) -
                               log_of(k, here + left) + log_of(k, here);
        }
    for (size_t group = 1; group < classes; group++)
        if (k->gains[group] > k->gains[best])
            best = group;
    k->work += (int64_t)((k->right_used + k->left_used + 4) * classes + count);
    return best;
}

static int
move_type(clusters *k, uint32_t word)
{
    size_t home = k->class_of[word];
    k->right_used = count_classes(k, &k->after, word, k->right, k->right_list);
    k->left_used = count_classes(k, &k->before, word, k->left, k->left_list);
    add_type(k, word, home, -1);
    size_t best = best_class(k, word, home);
    add_type(k, word, best, 1);
    k->class_of[word] = (uint16_t)best;
    for (size_t i = 0; i < k->right_used; i++)
        k->right[k->right_list[i]] = 0;
    for (size_t i = 0; i < k->left_used; i++)
        k->left[k->left_list[i]] = 0;
    return best != home;
}

static int
clusters_open(clusters *k)
{
    size_t classes = k->classes, cells = classes * classes;
    k->counts = calloc(k->types, 4);
    k->doubles = calloc(k->types, 4);
    k->order = malloc(k->types * 4);
    k->joint = calloc(cells, 4);
    k->turned = calloc(cells, 4);
    k->joint_step = calloc(cells, 8);
    k->turned_step = calloc(cells, 8);
    k->class_sizes = calloc(classes, 8);
    k->gains = calloc(classes, 8);
    k->right = calloc(classes, 4);
    k->left = calloc(classes, 4);
    k->right_list = calloc(classes, 4);
    k->left_list = calloc(classes, 4);
    k->log_room = k->size + 2 < LOG_LIMIT ? k->size + 2 : LOG_LIMIT;
    k->logs = malloc(k->log_room * 8);
    if (!k->counts || !k->doubles || !k->order || !k->joint || !k->turned || !k->joint_step || !k->turned_step ||
        !k->class_sizes || !k->gains || !k->right || !k->left || !k->right_list || !k->left_list || !k->logs)
        return NO_MEMORY;
    for (size_t count = 0; count < k->log_room; count++)
        k->logs[count] = count_log((int64_t)count);
    for (size_t place = 0; place < k->size; place++) {
        k->counts[k->tokens[place]]++;
        if (k->tokens[place])
            k->class_sizes[k->class_of[k->tokens[place]]]++;
    }
    for (size_t place = 0; place <= k->size; place++) {
        uint32_t left = place ? k->tokens[place - 1] : 0, right = place < k->size ? k->tokens[place] : 0;
        if (!left && !right)
            continue;
        k->doubles[left] += left == right;
        k->joint[k->class_of[left] * classes + k->class_of[right]]++;
    }
    for (size_t left = 0; left < classes; left++)
        for (size_t right = 0; right < classes; right++)
            change_joint(k, left, right, 0);
    if (list_neighbours(k, &k->after, 0) < 0 || list_neighbours(k, &k->before, 1) < 0)
        return NO_MEMORY;
    return sort_by_count(k);
}

static void
clusters_close(clusters *k)
{
    free(k->counts); free(k->doubles); free(k->order); free(k->joint); free(k->turned); free(k->joint_step);
    free(k->turned_step); free(k->class_sizes); free(k->gains); free(k->right); free(k->left); free(k->right_list);
    free(k->left_list); free(k->logs);
    free(k->after.starts); free(k->after.types); free(k->before.starts); free(k->before.types);
}

/* One pass over all types; the number of moves, or what stopped it. */
static int64_t
run_pass(clusters *k, PyThreadState **thread)
{
    int64_t moves = 0;
    for (size_t i = 0; i < k->ordered; i++) {
        moves += move_type(k, k->order[i]);
        if (k->work >= TURN) {
            k->work = 0;
            if (interrupted(thread))
                return INTERRUPTED;
        }
    }
    return moves;
}

/* Checks the values; -1 with an error set. */
static int
check_exchange(const uint32_t *tokens, size_t size, const uint16_t *classes, size_t types, size_t class_count)
{
    for (size_t type = 0; type < types; type++)
        if ((classes[type] > 0) != (type > 0) || classes[type] >= class_count) {
            if (type)
                PyErr_Format(PyExc_ValueError, "classes: expected 1 to %zd for type %zd, got %d",
                             (Py_ssize_t)class_count - 1, (Py_ssize_t)type, (int)classes[type]);
            else
                PyErr_Format(PyExc_ValueError, "classes: expected 0 for type 0, got %d", (int)classes[type]);
            return -1;
        }
    for (size_t place = 0; place < size; place++)
        if (tokens[place] >= types) {
            PyErr_Format(PyExc_ValueError, "tokens: expected a type below %zd, got %lu at %zd",
                         (Py_ssize_t)types, (unsigned long)tokens[place], (Py_ssize_t)place);
            return -1;
        }
    return 0;
}

static PyObject *
run_exchange(clusters *k, Py_ssize_t passes, Py_ssize_t least_moves, PyObject *classes)
{
    int64_t moves = DONE;
    PyObject *list = PyByteArray_FromStringAndSize(NULL, 0);
    if (!list)
        return NULL;
    PyThreadState *thread = PyEval_SaveThread();
    int status = clusters_open(k);
    PyEval_RestoreThread(thread);
    for (Py_ssize_t pass = 0; status == DONE && pass < passes; pass++) {
        thread = PyEval_SaveThread();
        moves = run_pass(k, &thread);
        PyEval_RestoreThread(thread);
        if (moves < 0) {
            status = (int)moves;
            break;
        }
        uint32_t number = (uint32_t)moves;
        Py_ssize_t used = PyByteArray_Size(list);
        if (PyByteArray_Resize(list, used + 4) < 0) {
            status = NO_MEMORY;
            break;
        }
        memcpy(PyByteArray_AsString(list) + used, &number, 4);
        if (moves < least_moves)
            break;
    }
    PyObject *moved = status == DONE ? PyBytes_FromObject(list) : set_failure(status);
    Py_DECREF(list);
    return moved ? Py_BuildValue("ON", classes, moved) : NULL;
}

static PyObject *
exchange(PyObject *self, PyObject *args)
{
    PyObject *tokens_object, *classes_object, *result = NULL, *out = NULL;
    Py_ssize_t class_count, passes, least_moves;
    Py_buffer tokens, classes;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOnnn:exchange", &tokens_object, &classes_object, &class_count, &passes, &least_moves))
        return NULL;
    if (class_count < 2 || class_count > MAX_CLASSES)
        return PyErr_Format(PyExc_ValueError, "class_count: expected 2 to %d, got %zd", MAX_CLASSES, class_count);
    if (get_items(tokens_object, &tokens, 4, "tokens") < 0)
        return NULL;
    if (get_items(classes_object, &classes, 2, "classes") < 0) {
        PyBuffer_Release(&tokens);
        return NULL;
    }
    if (!classes.len)
        PyErr_SetString(PyExc_ValueError, "classes: expected at least one item, 0 for the edge, got 0 items");
    else if (tokens.len / 4 >= (Py_ssize_t)1 << 31)
        PyErr_Format(PyExc_OverflowError, "tokens: expected less than 2**31 items, got %zd", tokens.len / 4);
    else if (check_exchange(tokens.buf, (size_t)tokens.len / 4, classes.buf, (size_t)classes.len / 2,
                            (size_t)class_count) == 0 &&
             (out = PyBytes_FromStringAndSize(classes.buf, classes.len)) != NULL) {
        clusters k = {.tokens = tokens.buf, .size = (size_t)tokens.len / 4, .types = (size_t)classes.len / 2,
                      .classes = (size_t)class_count, .class_of = (uint16_t *)PyBytes_AsString(out)};
        result = run_exchange(&k, passes, least_moves, out);
        clusters_close(&k);
    }
    Py_XDECREF(out);
    PyBuffer_Release(&classes);
    PyBuffer_Release(&tokens);
    return result;
}

PyMethodDef clustering_methods[] = {
    {"exchange", exchange, METH_VARARGS, NULL},
    {"word_types", word_types, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
