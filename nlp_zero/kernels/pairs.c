/* Pair kernel: the copy of pairs.py, which is the specification. */
#include "_lines.h"

#define SYMBOL_BITS 19
#define MOST_SYMBOLS ((1u << SYMBOL_BITS) - 1)
#define STATES 8
#define AHEAD 6

/* The state of two tags, 4 * first + second; -1 for what is not legal. */
static const int8_t state_of[16] = {-1, 0, 1, -1, -1, 2, 3, -1, 4, -1, -1, 5, 6, -1, -1, 7};
/* The states before a state: the first of the two, and the second, wins a draw and does not. */
static const uint8_t before_state[STATES][2] = {{4, 6}, {4, 6}, {0, 2}, {0, 2}, {1, 3}, {1, 3}, {5, 7}, {5, 7}};

/* The second tag of a state. */
static const uint8_t tag_of[STATES] = {1, 2, 1, 2, 0, 3, 0, 3};

/* What is known of some characters in a row with some tags. */
typedef struct {
    double score;
    uint8_t before, state, second;
} Entry;

/* Entries by their characters: key + 1, or 0 where nothing is. */
typedef struct {
    uint64_t key;
    uint32_t start, count;
} Slot;

typedef struct {
    Slot *slots;
    Entry *entries;
    size_t mask;
} Table;

typedef struct {
    PyObject_HEAD
    uint32_t *rows;  /* of each code point: its symbol; 0 for those that are not known */
    double *scores;  /* of the four tags, for each symbol from 1 on, then for each class */
    uint8_t *kinds;
    size_t known;
    Table twos, threes;
    Kept *kept;
} PairTags;

/* ---- Tables ------------------------------------------------------------------------------------------------------- */

static inline size_t
home(const Table *table, uint64_t key)
{
    uint64_t mixed = key * 0x9E3779B97F4A7C15u;
    return (size_t)(mixed >> 20 ^ mixed >> 44) & table->mask;
}

static inline const Slot *
find(const Table *table, uint64_t key)
{
    for (size_t place = home(table, key);; place = (place + 1) & table->mask) {
        const Slot *slot = &table->slots[place];
        if (!slot->key || slot->key == key + 1)
            return slot->key ? slot : NULL;
    }
}

static int
table_open(Table *table, size_t entries)
{
    size_t room = 16;
    while (room < 2 * entries)
        room *= 2;
    table->mask = room - 1;
    table->slots = large_pages(room * sizeof *table->slots);
    table->entries = large_pages((entries + 1) * sizeof *table->entries);
    if (!table->slots || !table->entries) {
        PyErr_NoMemory();
        return -1;
    }
    memset(table->slots, 0, room * sizeof *table->slots);
    return 0;
}

/* Adds entry number `place`; those of one key come one after another. */
static void
table_add(Table *table, uint64_t key, size_t place, Entry entry)
{
    table->entries[place] = entry;
    size_t slot = home(table, key);
    while (table->slots[slot].key && table->slots[slot].key != key + 1)
        slot = (slot + 1) & table->mask;
    if (!table->slots[slot].key)
        table->slots[slot] = (Slot){key + 1, (uint32_t)place, 0};
    table->slots[slot].count++;
}

static void
table_free(Table *table)
{
    free(table->slots);
    free(table->entries);
}

/* ---- Cutting ------------------------------------------------------------------------------------------------------ */

/* Symbols of three places, the last lowest; what is not known has the bit above. */
#define UNKNOWN ((uint64_t)1 << 63)

static inline uint64_t
key_of(const uint32_t *symbols, size_t place, size_t length)
{
    uint64_t key = 0;
    for (size_t back = length; back-- > 0;) {
        if (place < back)
            continue;  /* an edge, 0 */
        uint32_t symbol = symbols[place - back];
        if (!symbol)
            return UNKNOWN;
        key |= (uint64_t)symbol << SYMBOL_BITS * back;
    }
    return key;
}

/* Adds the scores of one place; gives its choices. */
static inline uint8_t
step(const PairTags *self, const double *now, double *after, const double *score, const uint32_t *symbols,
     size_t place)
{
    unsigned mask = 0;
    double best[4];
    for (int tag = 0; tag < 4; tag++) {
        double first = now[before_state[2 * tag][0]], second = now[before_state[2 * tag][1]];
        int later = second > first;
        best[tag] = later ? second : first;
        mask |= (later ? 3u : 0u) << 2 * tag;
    }
    for (int state = 0; state < STATES; state++)
        after[state] = best[state >> 1] + score[tag_of[state]];
    uint64_t key = key_of(symbols, place, 2);
    const Slot *slot = key == UNKNOWN ? NULL : find(&self->twos, key);
    if (!slot)
        return (uint8_t)mask;
    const Entry *entry = self->twos.entries + slot->start;
    for (uint32_t left = slot->count; left > 0; left--, entry++) {
        double total = entry->score + best[entry->state >> 1];
        if (total > after[entry->state])
            after[entry->state] = total;
    }
    key = key_of(symbols, place, 3);
    if (key == UNKNOWN || !(slot = find(&self->threes, key)))
        return (uint8_t)mask;
    entry = self->threes.entries + slot->start;
    for (uint32_t left = slot->count; left > 0; left--, entry++) {
        double total = entry->score + now[entry->before];
        if (total > after[entry->state]) {
            after[entry->state] = total;
            mask = (mask & ~(1u << entry->state)) | (unsigned)entry->second << entry->state;
        }
    }
    return (uint8_t)mask;
}

static size_t
pair_tags(const void *object, const uint32_t *text, size_t size, uint8_t *choices, uint32_t *starts)
{
    const PairTags *self = object;
    uint32_t *symbols = starts;
    for (size_t place = 0; place < size; place++)
        symbols[place] = self->rows[text[place]];
    double rows[2][STATES], *now = rows[0], *after = rows[1];
    for (int state = 0; state < STATES; state++)
        now[state] = -INFINITY;
    now[STATES - 1] = 0.0;
    for (size_t place = 0; place < size; place++) {
        if (place + AHEAD < size) {
            PREFETCH(&self->twos.slots[home(&self->twos, key_of(symbols, place + AHEAD, 2))]);
            PREFETCH(&self->threes.slots[home(&self->threes, key_of(symbols, place + AHEAD, 3))]);
        }
        size_t row = symbols[place] ? symbols[place] - 1 : self->known + self->kinds[text[place]];
        choices[place] = step(self, now, after, self->scores + 4 * row, symbols, place);
        double *swap = now;
        now = after;
        after = swap;
    }
    int state = 1;
    for (int last = 3; last < STATES; last += 2)
        if (now[last] > now[state])
            state = last;
    size_t words = 0;
    for (size_t place = size; place-- > 0;) {
        if (state >= 4)
            starts[size - ++words] = (uint32_t)place;
        state = before_state[state][choices[place] >> state & 1];
    }
    return words;
}

/* Sixteen logarithms of one place: of each state after the first and after the second of those before it. */
static void
score_row(const PairTags *self, const double *score, const uint32_t *symbols, size_t place, double *row)
{
    for (int state = 0; state < STATES; state++)
        row[2 * state] = row[2 * state + 1] = score[tag_of[state]];
    uint64_t key = key_of(symbols, place, 2);
    const Slot *slot = key == UNKNOWN ? NULL : find(&self->twos, key);
    const Entry *entry = slot ? self->twos.entries + slot->start : NULL;
    for (uint32_t left = slot ? slot->count : 0; left > 0; left--, entry++)
        row[2 * entry->state] = row[2 * entry->state + 1] = entry->score;
    key = key_of(symbols, place, 3);
    slot = key == UNKNOWN ? NULL : find(&self->threes, key);
    entry = slot ? self->threes.entries + slot->start : NULL;
    for (uint32_t left = slot ? slot->count : 0; left > 0; left--, entry++)
        row[2 * entry->state + entry->second] = entry->score;
}

static PyObject *
pairtags_scores(PyObject *object, PyObject *text)
{
    const PairTags *self = (PairTags *)object;
    if (!PyUnicode_Check(text)) {
        PyObject *type = PyType_GetName(Py_TYPE(text));
        if (type)
            PyErr_Format(PyExc_TypeError, "text: expected str, got %U", type);
        Py_XDECREF(type);
        return NULL;
    }
    Py_ssize_t size = PyUnicode_GetLength(text);
    if (size >= INT32_MAX)
        return PyErr_Format(PyExc_ValueError, "text: expected at most %d characters, got %zd", INT32_MAX - 1, size);
    uint32_t *codes = PyUnicode_AsUCS4Copy(text);
    uint32_t *symbols = malloc(((size_t)size + 1) * sizeof *symbols);
    PyObject *result = codes && symbols ? PyBytes_FromStringAndSize(NULL, size * 16 * 8) : NULL;
    if (codes && !symbols)
        PyErr_NoMemory();
    double *rows = result ? (double *)PyBytes_AsString(result) : NULL;
    if (rows) {
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t place = 0; place < size; place++) {
            uint32_t symbol = symbols[place] = self->rows[codes[place]];
            size_t row = symbol ? symbol - 1 : self->known + self->kinds[codes[place]];
            score_row(self, self->scores + 4 * row, symbols, (size_t)place, rows + 16 * place);
        }
        Py_END_ALLOW_THREADS
    }
    PyMem_Free(codes);
    free(symbols);
    return result;
}

/* ---- Making and freeing ------------------------------------------------------------------------------------------- */

/* Whether symbols and tags can stand in a row; edges stand first, with the tag S. */
static int
is_key(uint64_t key, int symbols, size_t known)
{
    if (key >> (SYMBOL_BITS + 2) * symbols)
        return 0;
    int inside = 0;
    for (int place = symbols - 1; place >= 0; place--) {
        size_t symbol = key >> (2 * symbols + SYMBOL_BITS * place) & MOST_SYMBOLS;
        unsigned tag = key >> 2 * place & 3;
        if (symbol > known || (!symbol && (tag != 3 || inside)))
            return 0;
        inside |= symbol != 0;
        if (place && state_of[key >> 2 * (place - 1) & 15] < 0)
            return 0;
    }
    return 1;
}

static int
key_error(const char *format, unsigned long long first, unsigned long long second)
{
    PyErr_Format(PyExc_ValueError, format, first, second);
    return -1;
}

typedef struct {
    const uint64_t *keys;
    const uint32_t *counts;
    Py_ssize_t size;
} Counted;

static int
open_counted(Counted *counted, buffers *all, PyObject *keys, PyObject *counts, int symbols, size_t known)
{
    const char *name = symbols == 2 ? "pairs" : "triples";
    if ((counted->size = open_items(all, keys, 8, 0, name, &counted->keys)) < 0 ||
        open_sized(all, counts, 4, 0, counted->size, symbols == 2 ? "counts of pairs" : "counts of triples",
                   &counted->counts) < 0)
        return -1;
    if (counted->size > UINT32_MAX) {
        PyErr_Format(PyExc_OverflowError, "%s: expected less than 2**32 items, got %zd", name, counted->size);
        return -1;
    }
    for (Py_ssize_t place = 0; place < counted->size; place++) {
        uint64_t key = counted->keys[place];
        if ((place && key <= counted->keys[place - 1]) || !counted->counts[place] || !is_key(key, symbols, known)) {
            PyErr_Format(PyExc_ValueError, "%s: expected rising keys of known symbols and legal tags, counted, got %llu",
                         name, (unsigned long long)key);
            return -1;
        }
    }
    return 0;
}

/* Where a key stands, or -1. */
static Py_ssize_t
place_of(const Counted *counted, uint64_t key)
{
    Py_ssize_t low = 0, high = counted->size;
    while (low < high) {
        Py_ssize_t middle = low + (high - low) / 2;
        if (counted->keys[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < counted->size && counted->keys[low] == key ? low : -1;
}

/* The entries for two in a row; `chances` gets what each pair has. */
static int
add_pairs(PairTags *self, const Counted *pairs, const uint32_t *singles, const double *shares, const double *weights,
          double *chances)
{
    for (Py_ssize_t place = 0; place < pairs->size; place++) {
        uint64_t key = pairs->keys[place];
        size_t left = (size_t)(key >> (SYMBOL_BITS + 4)), right = key >> 4 & MOST_SYMBOLS;
        unsigned tags = key & 15;
        uint32_t count = pairs->counts[place], whole = singles[4 * left + (tags >> 2)];
        if (count > whole)
            return key_error("pairs: expected no count above that of the first symbol, got %llu at key %llu", count,
                             key);
        double share = right ? shares[4 * (right - 1) + (tags & 3)] : 1.0;
        chances[place] = weights[1] * ((double)count / (double)whole) + weights[0] * share;
        if (right) {
            Entry entry = {log(chances[place]), 0, (uint8_t)state_of[tags], 0};
            table_add(&self->twos, (uint64_t)left << SYMBOL_BITS | right, (size_t)place, entry);
        }
    }
    return 0;
}

static int
add_triples(PairTags *self, const Counted *triples, const Counted *pairs, double weight, const double *chances)
{
    const uint64_t two = ((uint64_t)1 << 2 * SYMBOL_BITS) - 1;
    for (Py_ssize_t place = 0; place < triples->size; place++) {
        uint64_t key = triples->keys[place], symbols = key >> 6;
        uint32_t count = triples->counts[place];
        Py_ssize_t before = place_of(pairs, symbols >> SYMBOL_BITS << 4 | (key >> 2 & 15));
        Py_ssize_t after = place_of(pairs, (symbols & two) << 4 | (key & 15));
        if (before < 0 || count > pairs->counts[before] || after < 0)
            return key_error("triples: expected no count above that of its pairs, got %llu at key %llu", count, key);
        if (!(symbols & MOST_SYMBOLS))
            continue;
        uint8_t old = (uint8_t)state_of[key >> 2 & 15], state = (uint8_t)state_of[key & 15];
        double share = (double)count / (double)pairs->counts[before];
        Entry entry = {log(weight * share + chances[after]), old, state, before_state[state][1] == old};
        table_add(&self->threes, symbols, (size_t)place, entry);
    }
    return 0;
}

/* The symbols of code points; -1 with an error set. */
static int
read_characters(PairTags *self, PyObject *characters)
{
    Py_ssize_t known = PyUnicode_GetLength(characters);
    if (known > (Py_ssize_t)MOST_SYMBOLS) {
        PyErr_Format(PyExc_ValueError, "characters: expected at most %u, got %zd", MOST_SYMBOLS, known);
        return -1;
    }
    uint32_t *codes = known < 0 ? NULL : PyUnicode_AsUCS4Copy(characters);
    if (!codes)
        return -1;
    self->known = (size_t)known;
    self->rows = calloc(CODE_POINTS, sizeof *self->rows);
    self->kept = calloc(1, sizeof *self->kept);
    self->scores = malloc((size_t)(known + CLASSES) * 4 * sizeof *self->scores);
    self->kinds = malloc(CODE_POINTS);
    int good = self->rows && self->kept && self->scores && self->kinds;
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
    return good ? 0 : -1;
}

static int
read_shares(PairTags *self, buffers *all, PyObject *shares, PyObject *kinds, PyObject *weights, const double **rows,
            const double **three)
{
    const uint8_t *table;
    Py_ssize_t count = 4 * (Py_ssize_t)(self->known + CLASSES);
    if (open_sized(all, shares, 8, 0, count, "shares", rows) < 0 ||
        open_sized(all, kinds, 1, 0, CODE_POINTS, "kinds", &table) < 0)
        return -1;
    int most = 0, good = 1;
    for (size_t code = 0; code < CODE_POINTS; code++)
        most = table[code] > most ? table[code] : most;
    if (most >= CLASSES) {
        PyErr_Format(PyExc_ValueError, "kinds: expected numbers below %d, got %d", CLASSES, most);
        return -1;
    }
    memcpy(self->kinds, table, CODE_POINTS);
    if (open_sized(all, weights, 8, 0, 3, "weights", three) < 0)
        return -1;
    const double *w = *three;
    for (Py_ssize_t place = 0; place < count; place++)
        good &= (*rows)[place] > 0.0 && (*rows)[place] <= 1.0;
    if (!good) {
        PyErr_SetString(PyExc_ValueError, "shares: expected numbers above 0 and at most 1, got another");
        return -1;
    }
    if (!(0.0 < w[0] && w[0] <= 1.0 && 0.0 <= w[1] && w[1] <= 1.0 && 0.0 <= w[2] && w[2] <= 1.0)) {
        PyErr_SetString(PyExc_ValueError, "weights: expected numbers from 0 to 1, the first above 0, got another");
        return -1;
    }
    for (Py_ssize_t place = 0; place < count; place++)
        self->scores[place] = log(w[0] * (*rows)[place]);
    return 0;
}

static int
read_counts(PairTags *self, buffers *all, PyObject **objects, const double *shares, const double *weights)
{
    const uint32_t *singles;
    Counted pairs, triples;
    if (open_sized(all, objects[0], 4, 0, 4 * (Py_ssize_t)(self->known + 1), "singles", &singles) < 0 ||
        open_counted(&pairs, all, objects[1], objects[2], 2, self->known) < 0 ||
        table_open(&self->twos, (size_t)pairs.size) < 0)
        return -1;
    double *chances = malloc(((size_t)pairs.size + 1) * sizeof *chances);
    if (!chances) {
        PyErr_NoMemory();
        return -1;
    }
    int good = add_pairs(self, &pairs, singles, shares, weights, chances) == 0 &&
               open_counted(&triples, all, objects[3], objects[4], 3, self->known) == 0 &&
               table_open(&self->threes, (size_t)triples.size) == 0 &&
               add_triples(self, &triples, &pairs, weights[2], chances) == 0;
    free(chances);
    return good ? 0 : -1;
}

static PyObject *
pairtags_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"characters", "shares", "kinds", "singles", "pairs", "pair_counts", "triples",
                            "triple_counts", "weights", NULL};
    PyObject *characters, *shares, *kinds, *weights, *counts[5];
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OOOOOOOOO:PairTags", names, &characters, &shares, &kinds,
                                     &counts[0], &counts[1], &counts[2], &counts[3], &counts[4], &weights))
        return NULL;
    if (!PyUnicode_Check(characters)) {
        PyObject *name = PyType_GetName(Py_TYPE(characters));
        if (name)
            PyErr_Format(PyExc_TypeError, "characters: expected str, got %U", name);
        Py_XDECREF(name);
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    PairTags *self = (PairTags *)allocate(type, 0);
    buffers all = {.held = 0};
    const double *rows, *three;
    if (self && (read_characters(self, characters) < 0 ||
                 read_shares(self, &all, shares, kinds, weights, &rows, &three) < 0 ||
                 read_counts(self, &all, counts, rows, three) < 0))
        Py_CLEAR(self);
    buffers_release(&all);
    return (PyObject *)self;
}

static void
pairtags_dealloc(PyObject *object)
{
    PairTags *self = (PairTags *)object;
    PyTypeObject *type = Py_TYPE(object);
    kept_free(self->kept);
    table_free(&self->twos);
    table_free(&self->threes);
    free(self->rows);
    free(self->scores);
    free(self->kinds);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

static PyObject *
pairtags_segment_lines(PyObject *object, PyObject *lines)
{
    PairTags *self = (PairTags *)object;
    return segment_lines(self, pair_tags, self->kept, lines);
}

static PyMethodDef pairtags_methods[] = {
    {"scores", pairtags_scores, METH_O, "For every place log p of each state, after each of those before it."},
    {"segment_lines", pairtags_segment_lines, METH_O, "The words of each line; joined they are the line."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot pairtags_slots[] = {
    {Py_tp_doc, "Words by a second-order model of characters with tags: see pairs.py."},
    {Py_tp_new, pairtags_new},
    {Py_tp_dealloc, pairtags_dealloc},
    {Py_tp_methods, pairtags_methods},
    {0, NULL},
};

static PyType_Spec pairtags_spec = {
    "nlp_zero.kernels._fast.PairTags", sizeof(PairTags), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    pairtags_slots,
};

PyMethodDef pairs_methods[] = {{NULL, NULL, 0, NULL}};

int
pairs_add_types(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &pairtags_spec, NULL);
    int result = type ? PyModule_AddType(module, (PyTypeObject *)type) : -1;
    Py_XDECREF(type);
    return result;
}
