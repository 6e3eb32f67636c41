/* HMM kernels: the copy of hmm.py, which is the specification. */
#include "_lines.h"

#define MOST_LABELS 255

/* ---- The tables of one call --------------------------------------------------------------------------------------- */

typedef struct {
    const double *starts, *moves, *ends, *emissions;
    const uint32_t *symbols, *lengths;
    Py_ssize_t size, places, rows, sequences, longest;
} Chain;

static int
open_chain(Chain *chain, buffers *all, PyObject *symbols, PyObject *starts, PyObject *moves, PyObject *ends,
           PyObject *emissions)
{
    if ((chain->size = open_items(all, starts, 8, 0, "starts", &chain->starts)) < 0)
        return -1;
    if (chain->size < 1 || chain->size > MOST_LABELS) {
        PyErr_Format(PyExc_ValueError, "starts: expected 1 to %d items, got %zd", MOST_LABELS, chain->size);
        return -1;
    }
    if (open_sized(all, moves, 8, 0, chain->size * chain->size, "moves", &chain->moves) < 0 ||
        open_sized(all, ends, 8, 0, chain->size, "ends", &chain->ends) < 0)
        return -1;
    Py_ssize_t items = open_items(all, emissions, 8, 0, "emissions", &chain->emissions);
    if (items < 0)
        return -1;
    if (items % chain->size) {
        PyErr_Format(PyExc_ValueError, "emissions: expected rows of %zd items, got %zd items", chain->size, items);
        return -1;
    }
    chain->rows = items / chain->size;
    if ((chain->places = open_items(all, symbols, 4, 0, "symbols", &chain->symbols)) < 0)
        return -1;
    for (Py_ssize_t place = 0; place < chain->places; place++)
        if ((Py_ssize_t)chain->symbols[place] >= chain->rows) {
            PyErr_Format(PyExc_ValueError, "symbols: expected numbers below %zd, got %zd at %zd", chain->rows,
                         (Py_ssize_t)chain->symbols[place], place);
            return -1;
        }
    return 0;
}

static int
open_lengths(Chain *chain, buffers *all, PyObject *lengths)
{
    if ((chain->sequences = open_items(all, lengths, 4, 0, "lengths", &chain->lengths)) < 0)
        return -1;
    Py_ssize_t total = 0;
    chain->longest = 0;
    for (Py_ssize_t number = 0; number < chain->sequences; number++) {
        Py_ssize_t length = (Py_ssize_t)chain->lengths[number];
        total += length;
        chain->longest = length > chain->longest ? length : chain->longest;
    }
    if (total == chain->places)
        return 0;
    PyErr_Format(PyExc_ValueError, "lengths: expected numbers that sum to %zd, got %zd", chain->places, total);
    return -1;
}

static PyObject *
impossible(Py_ssize_t number)
{
    return PyErr_Format(PyExc_ValueError,
                        "symbols: expected sequences that can be, got none of any probability at sequence %zd", number);
}

/* Where a loop without the GIL stands; every million symbols or so Ctrl-C is looked for. */
typedef struct {
    PyThreadState *state;
    Py_ssize_t done;
    int stopped;
} Loop;

static int
go_on(Loop *loop, Py_ssize_t places)
{
    loop->done += places;
    if (loop->done < 1 << 20)
        return 1;
    loop->done = 0;
    loop->stopped = interrupted(&loop->state);
    return !loop->stopped;
}

static double *
doubles(Py_ssize_t count)
{
    return malloc(((size_t)count + 1) * sizeof(double));
}

/* ---- The best labelling ------------------------------------------------------------------------------------------- */

/* Labels and score of one sequence; `backs` has a row of labels for each place, `scores` room for two rows. */
INLINE double
best_path(const Chain *chain, Py_ssize_t size, const uint32_t *sequence, Py_ssize_t length, uint8_t *backs,
          double *scores, uint8_t *path)
{
    double *now = scores, *after = scores + size;
    const double *row = chain->emissions + (Py_ssize_t)sequence[0] * size;
    for (Py_ssize_t label = 0; label < size; label++)
        now[label] = chain->starts[label] + row[label];
    for (Py_ssize_t place = 1; place < length; place++) {
        row = chain->emissions + (Py_ssize_t)sequence[place] * size;
        uint8_t *back = backs + place * size;
        for (Py_ssize_t label = 0; label < size; label++) {
            double best = -INFINITY;
            uint8_t come = 0;
            for (Py_ssize_t before = 0; before < size; before++) {
                double score = now[before] + chain->moves[before * size + label];
                if (score > best) {
                    best = score;
                    come = (uint8_t)before;
                }
            }
            after[label] = best + row[label];
            back[label] = come;
        }
        double *swap = now;
        now = after;
        after = swap;
    }
    double best = -INFINITY;
    uint8_t label = 0;
    for (Py_ssize_t last = 0; last < size; last++)
        if (now[last] + chain->ends[last] > best) {
            best = now[last] + chain->ends[last];
            label = (uint8_t)last;
        }
    path[length - 1] = label;
    for (Py_ssize_t place = length - 1; place > 0; place--)
        path[place - 1] = label = backs[place * size + label];
    return best;
}

/* The number of the first sequence that cannot be, or -1. */
static Py_ssize_t
best_paths(const Chain *chain, Loop *loop, uint8_t *backs, double *work, uint8_t *path, double *scores)
{
    const uint32_t *sequence = chain->symbols;
    for (Py_ssize_t number = 0; number < chain->sequences; number++) {
        Py_ssize_t length = (Py_ssize_t)chain->lengths[number];
        scores[number] = 0.0;
        if (length)
            scores[number] = chain->size == 4 ? best_path(chain, 4, sequence, length, backs, work, path)
                                              : best_path(chain, chain->size, sequence, length, backs, work, path);
        if (scores[number] == -INFINITY)
            return number;
        sequence += length;
        path += length;
        if (!go_on(loop, length * chain->size))
            break;
    }
    return -1;
}

static PyObject *
hmm_path(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *symbols, *lengths, *starts, *moves, *ends, *emissions, *result = NULL;
    if (!PyArg_ParseTuple(args, "OOOOOO:hmm_path", &symbols, &lengths, &starts, &moves, &ends, &emissions))
        return NULL;
    buffers all = {.held = 0};
    Chain chain;
    PyObject *labels = NULL, *scores = NULL;
    uint8_t *backs = NULL;
    double *work = NULL;
    if (open_chain(&chain, &all, symbols, starts, moves, ends, emissions) < 0 ||
        open_lengths(&chain, &all, lengths) < 0)
        goto done;
    labels = PyBytes_FromStringAndSize(NULL, chain.places);
    scores = PyBytes_FromStringAndSize(NULL, chain.sequences * 8);
    backs = malloc((size_t)(chain.longest * chain.size) + 1);
    work = doubles(2 * chain.size);
    if (!labels || !scores || !backs || !work) {
        PyErr_NoMemory();
        goto done;
    }
    uint8_t *path = (uint8_t *)PyBytes_AsString(labels);
    double *best = (double *)PyBytes_AsString(scores);
    Loop loop = {PyEval_SaveThread(), 0, 0};
    Py_ssize_t bad = best_paths(&chain, &loop, backs, work, path, best);
    PyEval_RestoreThread(loop.state);
    if (bad >= 0)
        impossible(bad);
    else if (!loop.stopped)
        result = PyTuple_Pack(2, labels, scores);
done:
    free(backs);
    free(work);
    Py_XDECREF(labels);
    Py_XDECREF(scores);
    buffers_release(&all);
    return result;
}

/* ---- All labellings ----------------------------------------------------------------------------------------------- */

/* A product, kept in two numbers. */
typedef struct {
    double mantissa;
    int64_t exponent;
} Product;

static inline void
multiply(Product *product, double factor)
{
    int more;
    product->mantissa = frexp(product->mantissa * factor, &more);
    product->exponent += more;
}

/* The rows of one sequence: forward chances and their scales, the scale of the end last. */
typedef struct {
    double *forward, *scales, *after, *weights;
} Rows;

static void
rows_free(Rows *rows)
{
    free(rows->forward);
    free(rows->scales);
    free(rows->after);
    free(rows->weights);
}

static int
rows_open(Rows *rows, Py_ssize_t longest, Py_ssize_t size)
{
    rows->forward = doubles(longest * size);
    rows->scales = doubles(longest + 1);
    rows->after = doubles(size);
    rows->weights = doubles(size);
    if (rows->forward && rows->scales && rows->after && rows->weights)
        return 0;
    PyErr_NoMemory();
    return -1;
}

static inline int
is_scale(double scale)
{
    return scale > 0.0 && scale < INFINITY;
}

/* The forward pass; 0, or -1 if the sequence cannot be. */
INLINE int
forward_pass(const Chain *chain, Py_ssize_t size, const uint32_t *sequence, Py_ssize_t length, const Rows *rows,
             Product *product)
{
    const double *before = NULL;
    double *row = rows->forward;
    for (Py_ssize_t place = 0; place < length; place++, before = row, row += size) {
        const double *emission = chain->emissions + (Py_ssize_t)sequence[place] * size;
        double scale = 0.0;
        for (Py_ssize_t label = 0; label < size; label++) {
            double chance = 0.0;
            if (!before)
                chance = chain->starts[label];
            else
                for (Py_ssize_t from = 0; from < size; from++)
                    chance += before[from] * chain->moves[from * size + label];
            row[label] = chance * emission[label];
            scale += row[label];
        }
        if (!is_scale(scale))
            return -1;
        for (Py_ssize_t label = 0; label < size; label++)
            row[label] /= scale;
        rows->scales[place] = scale;
    }
    double end = 0.0;
    for (Py_ssize_t label = 0; label < size; label++)
        end += before[label] * chain->ends[label];
    if (!is_scale(end))
        return -1;
    rows->scales[length] = end;
    for (Py_ssize_t place = 0; place <= length; place++)
        multiply(product, rows->scales[place]);
    return 0;
}

INLINE void
start_back(const Chain *chain, Py_ssize_t size, Py_ssize_t length, const Rows *rows)
{
    for (Py_ssize_t label = 0; label < size; label++)
        rows->after[label] = chain->ends[label] / rows->scales[length];
}

INLINE void
weigh(const Chain *chain, Py_ssize_t size, uint32_t symbol, Py_ssize_t place, const Rows *rows)
{
    const double *emission = chain->emissions + (Py_ssize_t)symbol * size;
    for (Py_ssize_t label = 0; label < size; label++)
        rows->weights[label] = emission[label] * rows->after[label] / rows->scales[place];
}

INLINE void
step_back(const Chain *chain, Py_ssize_t size, const Rows *rows)
{
    for (Py_ssize_t from = 0; from < size; from++) {
        double total = 0.0;
        for (Py_ssize_t label = 0; label < size; label++)
            total += chain->moves[from * size + label] * rows->weights[label];
        rows->after[from] = total;
    }
}

/* The posterior chances of one sequence. */
static int
chances(const Chain *chain, const Rows *rows, double *posterior, Product *product)
{
    Py_ssize_t size = chain->size;
    if (forward_pass(chain, size, chain->symbols, chain->places, rows, product) < 0)
        return -1;
    start_back(chain, size, chain->places, rows);
    for (Py_ssize_t place = chain->places; place-- > 0;) {
        weigh(chain, size, chain->symbols[place], place, rows);
        for (Py_ssize_t label = 0; label < size; label++)
            posterior[place * size + label] = rows->forward[place * size + label] * rows->after[label];
        step_back(chain, size, rows);
    }
    return 0;
}

static PyObject *
hmm_chances(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *symbols, *starts, *moves, *ends, *emissions, *result = NULL, *posterior = NULL;
    if (!PyArg_ParseTuple(args, "OOOOO:hmm_chances", &symbols, &starts, &moves, &ends, &emissions))
        return NULL;
    buffers all = {.held = 0};
    Chain chain;
    Rows rows = {0};
    if (open_chain(&chain, &all, symbols, starts, moves, ends, emissions) < 0)
        goto done;
    if (!chain.places) {
        result = Py_BuildValue("y#y#di", "", (Py_ssize_t)0, "", (Py_ssize_t)0, 0.5, 1);
        goto done;
    }
    if (rows_open(&rows, chain.places, chain.size) < 0 ||
        !(posterior = PyBytes_FromStringAndSize(NULL, chain.places * chain.size * 8)))
        goto done;
    double *table = (double *)PyBytes_AsString(posterior);
    Product product = {0.5, 1};
    int bad;
    Py_BEGIN_ALLOW_THREADS
    bad = chances(&chain, &rows, table, &product);
    Py_END_ALLOW_THREADS
    if (bad)
        impossible(0);
    else
        result = Py_BuildValue("y#OdL", (const char *)rows.forward, chain.places * chain.size * 8, posterior,
                               product.mantissa, (long long)product.exponent);
done:
    rows_free(&rows);
    Py_XDECREF(posterior);
    buffers_release(&all);
    return result;
}

/* What is expected to be counted. */
typedef struct {
    double *first, *bonds, *spoken;
} Counts;

INLINE void
collect(const Chain *chain, Py_ssize_t size, const uint32_t *sequence, Py_ssize_t length, const Rows *rows,
        const Counts *counts)
{
    start_back(chain, size, length, rows);
    for (Py_ssize_t place = length; place-- > 0;) {
        const double *here = rows->forward + place * size;
        double *spoken = counts->spoken + (Py_ssize_t)sequence[place] * size;
        for (Py_ssize_t label = 0; label < size; label++) {
            double chance = here[label] * rows->after[label];
            spoken[label] += chance;
            if (!place)
                counts->first[label] += chance;
        }
        if (!place)
            break;
        weigh(chain, size, sequence[place], place, rows);
        for (Py_ssize_t from = 0; from < size; from++)
            for (Py_ssize_t label = 0; label < size; label++)
                counts->bonds[from * size + label] += (here - size)[from] * rows->weights[label];
        step_back(chain, size, rows);
    }
}

INLINE int
expect_one(const Chain *chain, Py_ssize_t size, const uint32_t *sequence, Py_ssize_t length, const Rows *rows,
           const Counts *counts, Product *product)
{
    if (forward_pass(chain, size, sequence, length, rows, product) < 0)
        return -1;
    collect(chain, size, sequence, length, rows, counts);
    return 0;
}

/* The number of the first sequence that cannot be, or -1. */
static Py_ssize_t
expect_all(const Chain *chain, Loop *loop, const Rows *rows, const Counts *counts, Product *product)
{
    const uint32_t *sequence = chain->symbols;
    for (Py_ssize_t number = 0; number < chain->sequences; number++) {
        Py_ssize_t length = (Py_ssize_t)chain->lengths[number];
        if (length && (chain->size == 4 ? expect_one(chain, 4, sequence, length, rows, counts, product)
                                        : expect_one(chain, chain->size, sequence, length, rows, counts, product)) < 0)
            return number;
        sequence += length;
        if (!go_on(loop, length * chain->size))
            return -1;
    }
    for (Py_ssize_t move = 0; move < chain->size * chain->size; move++)
        counts->bonds[move] *= chain->moves[move];
    return -1;
}

static PyObject *
zeros(Py_ssize_t count, double **items)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, count * 8);
    if (bytes) {
        *items = (double *)PyBytes_AsString(bytes);
        memset(*items, 0, (size_t)count * 8);
    }
    return bytes;
}

static PyObject *
hmm_expect(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *symbols, *lengths, *starts, *moves, *ends, *emissions, *result = NULL;
    if (!PyArg_ParseTuple(args, "OOOOOO:hmm_expect", &symbols, &lengths, &starts, &moves, &ends, &emissions))
        return NULL;
    buffers all = {.held = 0};
    Chain chain;
    Rows rows = {0};
    Counts counts;
    PyObject *first = NULL, *bonds = NULL, *spoken = NULL;
    if (open_chain(&chain, &all, symbols, starts, moves, ends, emissions) < 0 ||
        open_lengths(&chain, &all, lengths) < 0 || rows_open(&rows, chain.longest, chain.size) < 0 ||
        !(first = zeros(chain.size, &counts.first)) || !(bonds = zeros(chain.size * chain.size, &counts.bonds)) ||
        !(spoken = zeros(chain.rows * chain.size, &counts.spoken)))
        goto done;
    Product product = {0.5, 1};
    Loop loop = {PyEval_SaveThread(), 0, 0};
    Py_ssize_t bad = expect_all(&chain, &loop, &rows, &counts, &product);
    PyEval_RestoreThread(loop.state);
    if (bad >= 0)
        impossible(bad);
    else if (!loop.stopped)
        result = Py_BuildValue("OOOdL", first, bonds, spoken, product.mantissa, (long long)product.exponent);
done:
    rows_free(&rows);
    Py_XDECREF(first);
    Py_XDECREF(bonds);
    Py_XDECREF(spoken);
    buffers_release(&all);
    return result;
}

/* ---- Words by the four tags --------------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    uint32_t *rows;  /* of each code point: the number of its row, plus one; 0 for those that are not known */
    double *scores;  /* M, E, S of each row and, the same in B, which is 0 */
    uint8_t *kinds;
    size_t known;
    double moves[6];
    Kept *kept;
} FourTags;

static inline const double *
scores_of(const FourTags *self, uint32_t code)
{
    size_t row = self->rows[code];
    return self->scores + 4 * (row ? row - 1 : self->known + self->kinds[code]);
}

/* No branch, which would be guessed wrong every other time. */
static inline double
larger(double one, double other)
{
    return one > other ? one : other;
}

/* Fills `choices` and gives the number of words; their starts stand at the end of `starts`, which has a place for each
   character. */
static size_t
four_tags(const void *object, const uint32_t *text, size_t size, uint8_t *choices, uint32_t *starts)
{
    const FourTags *self = object;
    const double go_on = self->moves[0], close = self->moves[1], to_b = self->moves[2], to_s = self->moves[3];
    double m = -INFINITY, e = -INFINITY, s = self->moves[4] + scores_of(self, text[0])[2];
    for (size_t place = 1; place < size; place++) {
        const double *score = scores_of(self, text[place]);
        double start = e + to_b, alone = e + to_s, longer = m + go_on, end = m + close;
        int from_end = start > s, single_from_end = alone > s, on = longer > 0.0, closes = end > 0.0;
        start = larger(start, s);
        s = larger(alone, s) - start + score[2];
        e = larger(end, score[3]) + score[1] - start;
        m = larger(longer, score[3]) + score[0] - start;
        choices[place] = (uint8_t)(on | closes << 1 | single_from_end << 2 | from_end << 3);
    }
    size_t words = 0, end = size;
    int by_end = e + self->moves[5] > s;
    while (end > 0) {
        size_t start = end - 1;
        int mask = 4;
        if (by_end) {
            if (choices[start--] & 2) {
                while (choices[start] & 1)
                    start--;
                start--;
            }
            mask = 8;
        }
        starts[size - ++words] = (uint32_t)start;
        by_end = start && choices[start] & mask;
        end = start;
    }
    return words;
}

static PyObject *
fourtags_segment_lines(PyObject *object, PyObject *lines)
{
    FourTags *self = (FourTags *)object;
    return segment_lines(self, four_tags, self->kept, lines);
}

/* Copies and checks the tables; -1 with an error set. */
static int
read_tables(FourTags *self, buffers *all, PyObject *characters, PyObject *scores, PyObject *kinds, PyObject *moves)
{
    const double *numbers, *six;
    const uint8_t *table;
    Py_ssize_t known = PyUnicode_GetLength(characters);
    uint32_t *codes = known < 0 ? NULL : PyUnicode_AsUCS4Copy(characters);
    if (!codes)
        return -1;
    self->known = (size_t)known;
    self->rows = calloc(CODE_POINTS, sizeof *self->rows);
    self->scores = calloc((size_t)(known + CLASSES) * 4, sizeof *self->scores);
    self->kinds = malloc(CODE_POINTS);
    self->kept = calloc(1, sizeof *self->kept);
    int good = self->rows && self->scores && self->kinds && self->kept;
    if (!good)
        PyErr_NoMemory();
    for (Py_ssize_t row = 0; good && row < known; row++) {
        if (self->rows[codes[row]]) {
            PyErr_SetString(PyExc_ValueError, "characters: expected each once, got one again");
            good = 0;
        }
        self->rows[codes[row]] = (uint32_t)row + 1;
    }
    PyMem_Free(codes);
    if (!good || open_sized(all, scores, 8, 0, 3 * (known + CLASSES), "scores", &numbers) < 0 ||
        open_sized(all, kinds, 1, 0, CODE_POINTS, "kinds", &table) < 0)
        return -1;
    int most = 0, finite = 1;
    for (size_t code = 0; code < CODE_POINTS; code++)
        most = table[code] > most ? table[code] : most;
    if (most >= CLASSES) {
        PyErr_Format(PyExc_ValueError, "kinds: expected numbers below %d, got %d", CLASSES, most);
        return -1;
    }
    memcpy(self->kinds, table, CODE_POINTS);
    if (open_sized(all, moves, 8, 0, 6, "moves", &six) < 0)
        return -1;
    for (Py_ssize_t row = 0; row < known + CLASSES; row++)
        for (int label = 0; label < 3; label++) {
            self->scores[4 * row + label] = numbers[3 * row + label];
            finite &= isfinite(numbers[3 * row + label]) != 0;
        }
    for (int move = 0; move < 6; move++) {
        self->moves[move] = six[move];
        finite &= isfinite(six[move]) != 0;
    }
    if (!finite) {
        PyErr_SetString(PyExc_ValueError, "scores, moves: expected finite numbers, got another");
        return -1;
    }
    for (int move = 0; move < 4; move++)
        if (self->moves[move] > 0.0) {
            PyErr_SetString(PyExc_ValueError, "moves: expected none of the first four above 0, got another");
            return -1;
        }
    return 0;
}

static PyObject *
fourtags_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"characters", "scores", "kinds", "moves", NULL};
    PyObject *characters, *scores, *kinds, *moves;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OOOO:FourTags", names, &characters, &scores, &kinds, &moves))
        return NULL;
    if (!PyUnicode_Check(characters)) {
        PyObject *name = PyType_GetName(Py_TYPE(characters));
        if (name)
            PyErr_Format(PyExc_TypeError, "characters: expected str, got %U", name);
        Py_XDECREF(name);
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    FourTags *self = (FourTags *)allocate(type, 0);
    buffers all = {.held = 0};
    if (self && read_tables(self, &all, characters, scores, kinds, moves) < 0)
        Py_CLEAR(self);
    buffers_release(&all);
    return (PyObject *)self;
}

static void
fourtags_dealloc(PyObject *object)
{
    FourTags *self = (FourTags *)object;
    PyTypeObject *type = Py_TYPE(object);
    kept_free(self->kept);
    free(self->rows);
    free(self->scores);
    free(self->kinds);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

static PyMethodDef fourtags_methods[] = {
    {"segment_lines", fourtags_segment_lines, METH_O, "The words of each line; joined they are the line."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot fourtags_slots[] = {
    {Py_tp_doc, "Words by the tags B, M, E, S of a first-order HMM: see hmm.py."},
    {Py_tp_new, fourtags_new},
    {Py_tp_dealloc, fourtags_dealloc},
    {Py_tp_methods, fourtags_methods},
    {0, NULL},
};

static PyType_Spec fourtags_spec = {
    "nlp_zero.kernels._fast.FourTags", sizeof(FourTags), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    fourtags_slots,
};

PyMethodDef hmm_methods[] = {
    {"hmm_path", hmm_path, METH_VARARGS, NULL},
    {"hmm_chances", hmm_chances, METH_VARARGS, NULL},
    {"hmm_expect", hmm_expect, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

int
hmm_add_types(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &fourtags_spec, NULL);
    int result = type ? PyModule_AddType(module, (PyTypeObject *)type) : -1;
    Py_XDECREF(type);
    return result;
}
