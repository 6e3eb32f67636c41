/* Sampling kernels: the copy of sampling.py, which is the specification. */
#include "_text.h"

#define TURN 1000000       /* symbols between two looks for Ctrl-C */
#define BLOCK 32           /* chunks that are swept one after the other */
#define CHUNKS_AHEAD 3     /* chunks whose words are fetched before they are swept */
#define AHEAD 16           /* elements to fetch ahead where memory is visited out of order */

/* ---- substrings ------------------------------------------------------------------------------------------------ */

/* Names of substrings are the places where they first occur. A substring that goes on one that occurs once occurs once
   itself, and need not be looked for: of a news text, two in five of those of four symbols are. */
typedef struct {
    uint64_t key;    /* name of the prefix and last symbol, plus 1; 0 for an empty slot */
    uint32_t name;
} name_slot;

typedef struct {
    name_slot *slots;
    size_t mask, used;
} name_table;

static inline size_t
name_hash(uint64_t key)
{
    key *= 0x9E3779B97F4A7C15u;
    return (size_t)(key ^ key >> 32);
}

static inline name_slot *
name_find(const name_table *table, uint64_t key)
{
    size_t at = name_hash(key) & table->mask;
    while (table->slots[at].key && table->slots[at].key != key)
        at = (at + 1) & table->mask;
    return &table->slots[at];
}

static int
name_grow(name_table *table)
{
    name_table larger = {calloc((table->mask + 1) * 4, sizeof(name_slot)), (table->mask + 1) * 4 - 1, table->used};
    if (!larger.slots)
        return -1;
    for (size_t at = 0; at <= table->mask; at++)
        if (table->slots[at].key)
            *name_find(&larger, table->slots[at].key) = table->slots[at];
    free(table->slots);
    *table = larger;
    return 0;
}

typedef struct {
    const uint16_t *ids;
    int64_t size;
    int max_length;
    uint32_t *index;             /* names, later ids */
    uint8_t *repeated, *longer;  /* whether the substring with this name occurs more than once */
    size_t distinct;
} name_pass;

static void
name_symbols(name_pass *pass, uint32_t *first)
{
    memset(first, 0xFF, 0x10000 * sizeof *first);
    for (int64_t i = 0; i < pass->size; i++) {
        uint16_t symbol = pass->ids[i];
        uint32_t *name = &pass->index[i * pass->max_length];
        if (!is_word(symbol))
            continue;
        if (first[symbol] == NONE) {
            first[symbol] = (uint32_t)i;
            pass->distinct++;
        } else {
            pass->repeated[first[symbol]] = 1;
        }
        *name = first[symbol];
    }
}

/* The key of the substring of this length that starts at i; 0 if there is none, 1 if it occurs once. */
static inline uint64_t
name_key(const name_pass *pass, int64_t i, int length)
{
    const uint32_t *row = &pass->index[i * pass->max_length];
    if (i + length > pass->size || row[length - 2] == NONE || !is_word(pass->ids[i + length - 1]))
        return 0;
    if (!pass->repeated[row[length - 2]] || !pass->repeated[row[pass->max_length + length - 2]])
        return 1;
    return ((uint64_t)row[length - 2] << 16 | pass->ids[i + length - 1]) + 2;
}

static int
name_level(name_pass *pass, int length)
{
    name_table table = {calloc(1 << 12, sizeof(name_slot)), (1 << 12) - 1, 0};
    uint64_t keys[AHEAD];
    if (!table.slots)
        return -1;
    memset(pass->longer, 0, (size_t)pass->size);
    for (int64_t i = -AHEAD; i < pass->size; i++) {
        uint64_t key = 0;
        if (i >= 0)
            key = keys[i % AHEAD];
        if (i + AHEAD < pass->size) {
            uint64_t next = keys[(i + AHEAD) % AHEAD] = name_key(pass, i + AHEAD, length);
            if (next > 1)
                PREFETCH(&table.slots[name_hash(next) & table.mask]);
        }
        if (!key)
            continue;
        uint32_t *name = &pass->index[i * pass->max_length + length - 1];
        *name = (uint32_t)i;
        if (key == 1) {
            pass->distinct++;
            continue;
        }
        name_slot *slot = name_find(&table, key);
        if (slot->key) {
            *name = slot->name;
            pass->longer[slot->name] = 1;
            continue;
        }
        *slot = (name_slot){key, (uint32_t)i};
        pass->distinct++;
        if (++table.used * 8 > (table.mask + 1) * 5 && name_grow(&table) < 0) {
            free(table.slots);
            return -1;
        }
    }
    free(table.slots);
    uint8_t *swap = pass->repeated;
    pass->repeated = pass->longer;
    pass->longer = swap;
    return 0;
}

/* What is known of each substring, as the five results. */
typedef struct {
    uint32_t *starts, *prefix, *suffix;
    uint8_t *sizes;
} substring_columns;

/* Names to numbers in the order of position and length; how often each occurs, and how long it is. */
static void
number_names(name_pass *pass, uint32_t *counts, uint8_t *sizes)
{
    int max_length = pass->max_length;
    uint32_t next = 0;
    for (int64_t i = 0; i < pass->size; i++) {
        uint32_t *row = &pass->index[i * max_length];
        if (i + AHEAD < pass->size)
            for (int n = 0; n < max_length && row[AHEAD * max_length + n] != NONE; n++)
                PREFETCH(&pass->index[(int64_t)row[AHEAD * max_length + n] * max_length + n]);
        for (int n = 0; n < max_length && row[n] != NONE; n++) {
            if (row[n] == (uint32_t)i) {
                counts[next] = 1;
                sizes[next] = (uint8_t)(n + 1);
                row[n] = next++;
            } else {
                row[n] = pass->index[(int64_t)row[n] * max_length + n];
                counts[row[n]]++;
            }
        }
    }
}

/* Counts to ids: the short ones first, of those the most frequent, equals in their order; 0 or -1. */
static int
order_numbers(const name_pass *pass, uint32_t *counts, const uint8_t *sizes)
{
    uint32_t most = 0, next = 0;
    for (size_t number = 0; number < pass->distinct; number++)
        most = counts[number] > most ? counts[number] : most;
    size_t room = (size_t)most + 1;
    uint32_t *firsts = calloc(room * (size_t)pass->max_length, sizeof *firsts);
    if (!firsts)
        return -1;
    for (size_t number = 0; number < pass->distinct; number++)
        firsts[(sizes[number] - 1u) * room + counts[number]]++;
    for (int length = 0; length < pass->max_length; length++)
        for (size_t count = most; count > 0; count--) {
            uint32_t here = firsts[(size_t)length * room + count];
            firsts[(size_t)length * room + count] = next;
            next += here;
        }
    for (size_t number = 0; number < pass->distinct; number++)
        counts[number] = firsts[(sizes[number] - 1u) * room + counts[number]]++;
    free(firsts);
    return 0;
}

/* Numbers to ids, and what is known of each. */
static void
fill_columns(name_pass *pass, const uint32_t *ids, substring_columns *out)
{
    int max_length = pass->max_length;
    uint32_t next = 0;
    for (int64_t i = 0; i < pass->size; i++) {
        uint32_t *row = &pass->index[i * max_length], last = NONE;
        if (i + AHEAD < pass->size)
            for (int n = 0; n < max_length && row[AHEAD * max_length + n] != NONE; n++)
                PREFETCH(&ids[row[AHEAD * max_length + n]]);
        for (int n = 0; n < max_length && row[n] != NONE; n++) {
            uint32_t id = ids[row[n]];
            if (row[n] == next) {
                out->starts[id] = (uint32_t)i;
                out->sizes[id] = (uint8_t)(n + 1);
                out->prefix[id] = last;
                next++;
            }
            row[n] = last = id;
        }
    }
    for (size_t id = 0; id < pass->distinct; id++) {
        int length = out->sizes[id];
        out->suffix[id] = length == 1 ? NONE : pass->index[(out->starts[id] + 1LL) * max_length + length - 2];
    }
}

static PyObject *
substrings(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *ids_object, *result = NULL, *parts[5] = {NULL, NULL, NULL, NULL, NULL};
    int max_length, failed = 0;
    if (!PyArg_ParseTuple(args, "Oi", &ids_object, &max_length) || check_length(max_length) < 0)
        return NULL;
    buffers all = {.held = 0};
    void *ids;
    name_pass pass = {0};
    uint32_t *first = NULL, *ids_of = NULL;
    uint8_t *sizes_of = NULL;
    if ((pass.size = open_items(&all, ids_object, 2, 0, "ids", &ids)) < 0)
        goto done;
    pass.ids = ids;
    pass.max_length = max_length;
    if (!(parts[0] = PyBytes_FromStringAndSize(NULL, pass.size * max_length * 4)))
        goto done;
    pass.index = (uint32_t *)PyBytes_AsString(parts[0]);
    pass.repeated = calloc((size_t)pass.size + 1, 1);
    pass.longer = malloc((size_t)pass.size + 1);
    first = malloc(0x10000 * sizeof *first);
    if (!pass.repeated || !pass.longer || !first) {
        PyErr_NoMemory();
        goto done;
    }
    PyThreadState *state = PyEval_SaveThread();
    memset(pass.index, 0xFF, (size_t)pass.size * max_length * 4);
    name_symbols(&pass, first);
    for (int length = 2; length <= max_length && !failed; length++)
        failed = name_level(&pass, length) < 0 ? 1 : interrupted(&state) ? 2 : 0;
    PyEval_RestoreThread(state);
    if (failed == 1)
        PyErr_NoMemory();
    if (failed)
        goto done;
    for (int i = 1; i < 5; i++)
        if (!(parts[i] = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)pass.distinct * (i == 2 ? 1 : 4))))
            goto done;
    substring_columns columns = {
        (uint32_t *)PyBytes_AsString(parts[1]), (uint32_t *)PyBytes_AsString(parts[3]),
        (uint32_t *)PyBytes_AsString(parts[4]), (uint8_t *)PyBytes_AsString(parts[2])};
    sizes_of = malloc(pass.distinct + 1);
    if (!(ids_of = malloc((pass.distinct + 1) * sizeof *ids_of)) || !sizes_of) {
        PyErr_NoMemory();
        goto done;
    }
    Py_BEGIN_ALLOW_THREADS
    number_names(&pass, ids_of, sizes_of);
    failed = order_numbers(&pass, ids_of, sizes_of);
    if (!failed)
        fill_columns(&pass, ids_of, &columns);
    Py_END_ALLOW_THREADS
    if (failed) {
        PyErr_NoMemory();
        goto done;
    }
    result = PyTuple_Pack(5, parts[0], parts[1], parts[2], parts[3], parts[4]);
done:
    for (int i = 0; i < 5; i++)
        Py_XDECREF(parts[i]);
    free(pass.repeated);
    free(pass.longer);
    free(first);
    free(ids_of);
    free(sizes_of);
    buffers_release(&all);
    return result;
}

/* Kept where float32 has numbers that are not 0, if it was not 0. */
static inline double
single(double value)
{
    return value > 0.0 && value < 0x1p-126 ? 0x1p-126 : value;
}

static inline double
bounded_exp(double value)
{
    double above = value > -80.0 ? value : -80.0;
    return exp(above < 80.0 ? above : 80.0);
}

static PyObject *
spread(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *scores_object, *starts_object, *sizes_object, *result = NULL;
    int max_length;
    if (!PyArg_ParseTuple(args, "OOOi", &scores_object, &starts_object, &sizes_object, &max_length) ||
        check_length(max_length) < 0)
        return NULL;
    buffers all = {.held = 0};
    const int16_t *scores;
    const uint32_t *starts;
    const uint8_t *sizes;
    Py_ssize_t items, found, size;
    if ((items = open_items(&all, scores_object, 2, 0, "scores", &scores)) < 0 ||
        (found = open_items(&all, starts_object, 4, 0, "starts", &starts)) < 0 ||
        (size = open_items(&all, sizes_object, 1, 0, "sizes", &sizes)) < 0)
        goto done;
    if (found != size) {
        PyErr_Format(PyExc_ValueError, "starts: expected %zd items, got %zd", size, found);
        goto done;
    }
    if (!(result = PyBytes_FromStringAndSize(NULL, size * 2)))
        goto done;
    int16_t *out = (int16_t *)PyBytes_AsString(result);
    Py_ssize_t word = 0;
    Py_BEGIN_ALLOW_THREADS
    for (; word < size; word++) {
        int64_t item = (int64_t)starts[word] * max_length + sizes[word] - 1;
        if (sizes[word] < 1 || sizes[word] > max_length || item >= items)
            break;
        out[word] = scores[item];
    }
    Py_END_ALLOW_THREADS
    if (word < size) {
        Py_CLEAR(result);
        PyErr_Format(PyExc_ValueError, "scores: expected one for every substring, got none for %zd", word);
    }
done:
    buffers_release(&all);
    return result;
}

static PyObject *
boosts(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *scores_object, *sizes_object, *result = NULL;
    double gamma;
    if (!PyArg_ParseTuple(args, "OOd", &scores_object, &sizes_object, &gamma))
        return NULL;
    buffers all = {.held = 0};
    const int16_t *scores;
    const uint8_t *sizes;
    Py_ssize_t size = open_items(&all, sizes_object, 1, 0, "sizes", &sizes);
    if (size < 0 || open_sized(&all, scores_object, 2, 0, size, "scores", &scores) < 0 ||
        !(result = PyBytes_FromStringAndSize(NULL, size * 4)))
        goto done;
    float *out = (float *)PyBytes_AsString(result);
    double factor = gamma / 1024.0;
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t word = 0; word < size; word++)
        out[word] = (float)single(bounded_exp(factor * (scores[word] * sizes[word])));
    Py_END_ALLOW_THREADS
done:
    buffers_release(&all);
    return result;
}

/* ---- the restaurant ---------------------------------------------------------------------------------------------- */

typedef struct {
    int32_t customers, tables;
} word_record;

typedef struct {
    word_record *words;
    const float *base;          /* or NULL: every type has one table */
    int64_t customers, tables, single_tables;
    double discount, strength;
    uint64_t random;
} restaurant;

static inline void
add_customer(restaurant *r, uint32_t id, int length)
{
    word_record *word = &r->words[id];
    int opens = !word->customers;
    if (!opens) {
        double opening = (r->strength + r->discount * (double)r->tables) * (r->base ? (double)r->base[id] : 0.0);
        double staying = (double)word->customers - r->discount * (double)word->tables;
        opens = uniform(&r->random) * (staying + opening) < opening;
    }
    if (opens) {
        word->tables++;
        r->tables++;
        r->single_tables += length == 1;
    }
    word->customers++;
    r->customers++;
}

static inline void
remove_customer(restaurant *r, uint32_t id, int length)
{
    word_record *word = &r->words[id];
    if (word->customers == word->tables ||
        (word->tables > 1 &&
         uniform(&r->random) * (double)word->customers < r->discount * (double)word->tables)) {
        word->tables--;
        r->tables--;
        r->single_tables -= length == 1;
    }
    word->customers--;
    r->customers--;
}

/* Counts, tables and totals as bytes. */
static PyObject *
restaurant_bytes(const restaurant *r, Py_ssize_t size)
{
    PyObject *counts = PyBytes_FromStringAndSize(NULL, size * 4), *tables = PyBytes_FromStringAndSize(NULL, size * 4);
    int64_t totals[3] = {r->customers, r->tables, r->single_tables};
    PyObject *sums = PyBytes_FromStringAndSize((const char *)totals, sizeof totals);
    if (!counts || !tables || !sums) {
        Py_XDECREF(counts); Py_XDECREF(tables); Py_XDECREF(sums);
        return NULL;
    }
    int32_t *count = (int32_t *)PyBytes_AsString(counts), *table = (int32_t *)PyBytes_AsString(tables);
    for (Py_ssize_t word = 0; word < size; word++) {
        count[word] = r->words[word].customers;
        table[word] = r->words[word].tables;
    }
    return Py_BuildValue("NNN", counts, tables, sums);
}

static PyObject *
seat(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *index, *lengths, *base_object, *random_object, *result = NULL;
    int max_length;
    Py_ssize_t size;
    restaurant r = {0};
    if (!PyArg_ParseTuple(args, "OiOnOddO", &index, &max_length, &lengths, &size, &base_object, &r.discount,
                          &r.strength, &random_object))
        return NULL;
    buffers all = {.held = 0};
    text t = {0};
    const float *base = NULL;
    uint64_t *random;
    if (text_open(&t, &all, index, max_length, lengths, 0, size) < 0 ||
        (base_object != Py_None && open_sized(&all, base_object, 4, 0, size, "base", &base) < 0) ||
        open_sized(&all, random_object, 8, 1, 1, "random", &random) < 0 || check_discount(r.discount) < 0 ||
        check_strength(r.strength) < 0)
        goto done;
    r.random = *random;
    if (!(r.words = calloc(size > 0 ? (size_t)size : 1, sizeof *r.words))) {
        PyErr_NoMemory();
        goto done;
    }
    Py_BEGIN_ALLOW_THREADS
    r.base = base;
    for (size_t at = 0; at < t.chunk_count; at++)
        for (uint32_t position = t.chunks[at].start; position < t.chunks[at].end; position += t.lengths[position])
            add_customer(&r, t.index[(size_t)position * max_length + t.lengths[position] - 1], t.lengths[position]);
    Py_END_ALLOW_THREADS
    if ((result = restaurant_bytes(&r, size < 0 ? 0 : size)) && base)
        *random = r.random;
done:
    free(r.words);
    free(t.chunks);
    buffers_release(&all);
    return result;
}

/* ---- the base distribution --------------------------------------------------------------------------------------- */

static PyObject *
length_prior(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *sizes_object, *counts_object, *tables_object, *result = NULL;
    int max_length;
    long long min_count;
    if (!PyArg_ParseTuple(args, "OOOiL", &sizes_object, &counts_object, &tables_object, &max_length, &min_count) ||
        check_length(max_length) < 0)
        return NULL;
    buffers all = {.held = 0};
    const uint8_t *sizes;
    const int32_t *counts, *tables;
    Py_ssize_t size = open_items(&all, sizes_object, 1, 0, "sizes", &sizes);
    if (size < 0 || open_sized(&all, counts_object, 4, 0, size, "counts", &counts) < 0 ||
        open_sized(&all, tables_object, 4, 0, size, "tables", &tables) < 0)
        goto done;
    int64_t sums[256] = {0};
    double chances[MAX_LENGTH], total = 0.0;
    for (Py_ssize_t word = 0; word < size; word++)
        if (counts[word] >= min_count)
            sums[sizes[word]] += tables[word];
    for (int length = 1; length <= max_length; length++)
        total += (double)sums[length] + 0.5;
    for (int length = 1; length <= max_length; length++)
        chances[length - 1] = ((double)sums[length] + 0.5) / total;
    result = PyBytes_FromStringAndSize((const char *)chances, max_length * 8);
done:
    buffers_release(&all);
    return result;
}

static PyObject *
description(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *counts_object, *base_object, *result = NULL;
    if (!PyArg_ParseTuple(args, "OO", &counts_object, &base_object))
        return NULL;
    buffers all = {.held = 0};
    const int32_t *counts;
    const float *base;
    Py_ssize_t size = open_items(&all, counts_object, 4, 0, "counts", &counts);
    if (size < 0 || open_sized(&all, base_object, 4, 0, size, "base", &base) < 0)
        goto done;
    int64_t total = 0;
    double nats = 0.0;
    for (Py_ssize_t word = 0; word < size; word++)
        total += counts[word] > 0 ? counts[word] : 0;
    for (Py_ssize_t word = 0; word < size; word++)
        if (counts[word] > 0) {
            nats += (double)counts[word] * log((double)total / (double)counts[word]);
            if (base[word] > 0.0f)
                nats -= log((double)base[word]);
        }
    result = PyFloat_FromDouble(nats);
done:
    buffers_release(&all);
    return result;
}

/* What the spelling model counts of a substring of two or three symbols. Once all is counted, the chance of the last
   symbol after the others (of pairs, in the lower order) replaces the contexts. */
typedef struct {
    uint32_t whole, total, types;
    union {
        uint32_t contexts;
        float chance;
    } of;
} spelling_record;

typedef struct {
    uint32_t whole, total, types, contexts, context_total, context_types;
    double lowest;
} spelling_symbol;

typedef struct {
    const uint8_t *sizes;
    const uint32_t *prefix, *suffix;
    const int32_t *tables;
    Py_ssize_t size;
    const double *length_chances;
    double discount;
    spelling_record *records;             /* by id, from that of the first pair on */
    spelling_symbol *symbols;             /* by id */
    size_t firsts[MAX_LENGTH + 2];        /* the first id of each size, and the one after the last of the size before */
} spelling_model;

static inline double
smooth(uint32_t count, uint32_t total, uint32_t types, double below, double discount)
{
    if (!total)
        return below;
    return ((count ? (double)count - discount : 0.0) + discount * (double)types * below) / (double)total;
}

static inline uint32_t
last_three(const spelling_model *m, uint32_t word, int length)
{
    for (; length > 3; length--)
        word = m->suffix[word];
    return word;
}

static inline spelling_record *
record_of(const spelling_model *m, uint32_t word)
{
    return &m->records[word - m->firsts[2]];
}

static void
count_words(spelling_model *m)
{
    for (int size = 1; size <= MAX_LENGTH; size++)
        for (size_t id = m->firsts[size]; id < m->firsts[size + 1]; id++) {
            if (m->tables[id] <= 0)
                continue;
            uint32_t word = (uint32_t)id, number = (uint32_t)m->tables[id];
            for (int length = size; length > 1; length--) {
                record_of(m, last_three(m, word, length))->whole += number;
                word = m->prefix[word];
            }
            m->symbols[word].whole += number;
        }
}

static void
count_contexts(spelling_model *m)
{
    for (size_t word = m->firsts[3]; word < m->firsts[4]; word++) {
        uint32_t whole = record_of(m, (uint32_t)word)->whole;
        if (whole) {
            record_of(m, m->suffix[word])->of.contexts++;
            record_of(m, m->prefix[word])->total += whole;
            record_of(m, m->prefix[word])->types++;
        }
    }
    for (size_t word = m->firsts[2]; word < m->firsts[3]; word++) {
        spelling_record *pair = record_of(m, (uint32_t)word);
        spelling_symbol *first = &m->symbols[m->prefix[word]];
        if (pair->whole) {
            pair->of.contexts++;
            first->total += pair->whole;
            first->types++;
        }
        if (pair->of.contexts) {
            m->symbols[m->suffix[word]].contexts++;
            first->context_total += pair->of.contexts;
            first->context_types++;
        }
    }
    for (size_t symbol = 0; symbol < m->firsts[2]; symbol++)
        m->symbols[symbol].contexts += m->symbols[symbol].whole > 0;
}

static void
spell_lowest(spelling_model *m)
{
    uint32_t total = 0, types = 0;
    for (size_t symbol = 0; symbol < m->firsts[2]; symbol++) {
        total += m->symbols[symbol].contexts;
        types += m->symbols[symbol].contexts > 0;
    }
    double alike = m->firsts[2] ? 1.0 / (double)m->firsts[2] : 0.0;
    for (size_t symbol = 0; symbol < m->firsts[2]; symbol++)
        m->symbols[symbol].lowest = smooth(m->symbols[symbol].contexts, total, types, alike, m->discount);
}

/* Chances of pairs and of triples, then the products over the symbols of each substring. */
static void
spell_words(spelling_model *m, float *base)
{
    uint32_t total = 0, types = 0;
    for (size_t symbol = 0; symbol < m->firsts[2]; symbol++) {
        total += m->symbols[symbol].whole;
        types += m->symbols[symbol].whole > 0;
    }
    for (size_t symbol = 0; symbol < m->firsts[2]; symbol++) {
        const spelling_symbol *here = &m->symbols[symbol];
        base[symbol] = (float)smooth(here->whole, total, types, here->lowest, m->discount);
    }
    for (size_t word = m->firsts[2]; word < m->firsts[3]; word++) {
        spelling_record *pair = record_of(m, (uint32_t)word);
        const spelling_symbol *first = &m->symbols[m->prefix[word]];
        pair->of.chance = (float)smooth(pair->of.contexts, first->context_total, first->context_types,
                                        m->symbols[m->suffix[word]].lowest, m->discount);
        double chance = smooth(pair->whole, first->total, first->types, (double)pair->of.chance, m->discount);
        base[word] = (float)single((double)base[m->prefix[word]] * chance);
    }
    for (size_t word = m->firsts[3]; word < m->firsts[4]; word++) {
        if (word + AHEAD < m->firsts[4]) {
            PREFETCH(record_of(m, m->prefix[word + AHEAD]));
            PREFETCH(record_of(m, m->suffix[word + AHEAD]));
            PREFETCH(&base[m->prefix[word + AHEAD]]);
        }
        spelling_record *triple = record_of(m, (uint32_t)word);
        const spelling_record *pair = record_of(m, m->prefix[word]);
        double below = (double)record_of(m, m->suffix[word])->of.chance;
        triple->of.chance = (float)smooth(triple->whole, pair->total, pair->types, below, m->discount);
        base[word] = (float)single((double)base[m->prefix[word]] * (double)triple->of.chance);
    }
    for (int size = 4; size <= MAX_LENGTH; size++)
        for (size_t word = m->firsts[size]; word < m->firsts[size + 1]; word++) {
            if (word + AHEAD < m->firsts[size + 1]) {
                PREFETCH(&base[m->prefix[word + AHEAD]]);
                if (size == 4)
                    PREFETCH(record_of(m, m->suffix[word + AHEAD]));
            }
            double chance = (double)record_of(m, last_three(m, (uint32_t)word, size))->of.chance;
            base[word] = (float)single((double)base[m->prefix[word]] * chance);
        }
    for (int size = 1; size <= MAX_LENGTH; size++)
        for (size_t word = m->firsts[size]; word < m->firsts[size + 1]; word++)
            base[word] = (float)single((double)base[word] * m->length_chances[size - 1]);
}

/* Whether sizes ascend, and prefixes and suffixes are what they should be; finds the first of each size. */
static int
check_substrings(spelling_model *m, Py_ssize_t max_length)
{
    int size = 0;
    for (Py_ssize_t word = 0; word < m->size; word++) {
        int length = m->sizes[word];
        if (length < (size > 1 ? size : 1) || length > max_length) {
            PyErr_Format(PyExc_ValueError, "sizes: expected 1 to %zd in ascending order, got %d at %zd", max_length,
                         length, word);
            return -1;
        }
        while (size < length)
            m->firsts[++size] = (size_t)word;
        size_t first = m->firsts[length > 1 ? length - 1 : 0], end = m->firsts[length];
        uint32_t shorter = m->prefix[word], later = m->suffix[word];
        if (length == 1 ? shorter != NONE || later != NONE
                        : shorter < first || shorter >= end || later < first || later >= end) {
            PyErr_Format(PyExc_ValueError, "prefix: expected ids of substrings one symbol shorter, got others at %zd",
                         word);
            return -1;
        }
    }
    while (size <= MAX_LENGTH)
        m->firsts[++size] = (size_t)m->size;
    return 0;
}

static PyObject *
spelling(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *sizes, *prefix, *suffix, *tables, *chances, *result = NULL;
    spelling_model m = {0};
    if (!PyArg_ParseTuple(args, "OOOOOd", &sizes, &prefix, &suffix, &tables, &chances, &m.discount))
        return NULL;
    buffers all = {.held = 0};
    Py_ssize_t max_length;
    if ((m.size = open_items(&all, sizes, 1, 0, "sizes", &m.sizes)) < 0 ||
        open_sized(&all, prefix, 4, 0, m.size, "prefix", &m.prefix) < 0 ||
        open_sized(&all, suffix, 4, 0, m.size, "suffix", &m.suffix) < 0 ||
        open_sized(&all, tables, 4, 0, m.size, "tables", &m.tables) < 0 ||
        (max_length = open_items(&all, chances, 8, 0, "length_chances", &m.length_chances)) < 0 ||
        check_length(max_length) < 0 || check_discount(m.discount) < 0 || check_substrings(&m, max_length) < 0 ||
        !(result = PyBytes_FromStringAndSize(NULL, m.size * 4)))
        goto done;
    float *base = (float *)PyBytes_AsString(result);
    m.records = calloc(m.firsts[4] - m.firsts[2] + 1, sizeof *m.records);
    m.symbols = calloc(m.firsts[2] + 1, sizeof *m.symbols);
    if (!m.records || !m.symbols) {
        Py_CLEAR(result);
        PyErr_NoMemory();
        goto done;
    }
    Py_BEGIN_ALLOW_THREADS
    count_words(&m);
    count_contexts(&m);
    spell_lowest(&m);
    spell_words(&m, base);
    Py_END_ALLOW_THREADS
done:
    free(m.records);
    free(m.symbols);
    buffers_release(&all);
    return result;
}

/* ---- one sweep ----------------------------------------------------------------------------------------------------- */

#define LOW 0x1p-400
#define HIGH 0x1p+400
#define STEP_LOG (400 * 0.6931471805599453)

enum { SWEPT = 0, NO_MEMORY, STOPPED, NO_CUSTOMERS };

typedef struct {
    text text;
    uint8_t *lengths;           /* a copy, so that a sweep that fails has changed nothing */
    restaurant restaurant;
    double factors[MAX_LENGTH];
    const float *boost;
    const float *expert;        /* or NULL */
    class_list classes;
    const double *ratios;       /* class_count x class_count, or NULL */
    Py_ssize_t class_count;
    int sampled;
    uint32_t *blocks;           /* in the order in which they are swept */
    double *rows;               /* row i, item n - 1: of the segmentations up to place i that end in n symbols */
    double *sums;               /* of the rows; without classes */
    uint16_t *kinds;            /* of the words of the rows; with classes */
    int64_t bad_position;       /* where a word without customers stands */
    int32_t bad_count;
} sweep_pass;

/* The weight of a word without its expert and its neighbour. */
static inline double
word_weight(const sweep_pass *pass, uint32_t id, double opening, double scale)
{
    const restaurant *r = &pass->restaurant;
    const word_record *word = &r->words[id];
    return ((double)word->customers - r->discount * (double)word->tables + opening * (double)r->base[id]) *
           ((double)pass->boost[id] * scale);
}

typedef struct {
    double opening, scales[MAX_LENGTH];
} chunk_scales;

static void
set_scales(const sweep_pass *pass, chunk_scales *scales)
{
    const restaurant *r = &pass->restaurant;
    double share = 1.0 / (r->strength + (double)r->customers);
    scales->opening = r->strength + r->discount * (double)r->tables;
    for (int n = 0; n < pass->text.max_length; n++)
        scales->scales[n] = pass->factors[n] * share;
}

/* Rows of a chunk; returns the weight of the whole, and how many times it was divided by 2**400. */
INLINE double
filter(sweep_pass *pass, chunk c, int max_length, int64_t *steps)
{
    const int sampled = pass->sampled;
    double *sums = pass->sums, *row = pass->rows, total = 1.0;
    chunk_scales scales;
    set_scales(pass, &scales);
    *steps = 0;
    sums[0] = 1.0;
    int64_t size = (int64_t)c.end - c.start;
    for (int64_t i = 1; i <= size; i++) {
        row += max_length;
        int most = i < max_length ? (int)i : max_length;
        double odds = pass->expert ? bounded_exp((double)pass->expert[c.start + i - 1]) : 1.0;
        const uint32_t *ids = pass->text.index + (c.start + i) * max_length;
        total = 0.0;
        for (int n = 1; n <= most; n++) {
            ids -= max_length;
            double weight = word_weight(pass, ids[n - 1], scales.opening, scales.scales[n - 1]) * odds;
            double value = row[n - 1] = sums[i - n] * weight;
            if (sampled)
                total += value;
            else if (!(value <= total))
                total = value;
        }
        sums[i] = total;
        if (!(total >= LOW && total <= HIGH) && total > 0.0) {
            double factor = total > HIGH ? LOW : HIGH;
            for (int64_t j = i; j >= 0 && j > i - max_length; j--)
                sums[j] *= factor;
            *steps += total > HIGH ? 1 : -1;
            total = sums[i];
        }
    }
    return total;
}

/* The same, with a factor for each two neighbours. Rows hold zeros where no word fits. */
INLINE double
filter_classes(sweep_pass *pass, chunk c, int max_length, int64_t *steps)
{
    const double *ratios = pass->ratios;
    const int sampled = pass->sampled;
    const size_t class_count = (size_t)pass->class_count;
    double *row = pass->rows, total = 1.0;
    uint16_t *kinds = pass->kinds;
    chunk_scales scales;
    set_scales(pass, &scales);
    *steps = 0;
    for (int n = 0; n < max_length; n++) {
        row[n] = n == 0;
        kinds[n] = 0;
    }
    int64_t size = (int64_t)c.end - c.start;
    for (int64_t i = 1; i <= size; i++) {
        row += max_length;
        kinds += max_length;
        int most = i < max_length ? (int)i : max_length;
        double odds = pass->expert ? bounded_exp((double)pass->expert[c.start + i - 1]) : 1.0;
        const uint32_t *ids = pass->text.index + (c.start + i) * max_length;
        total = 0.0;
        for (int n = 1; n <= most; n++) {
            ids -= max_length;
            uint32_t id = ids[n - 1], kind = class_of(&pass->classes, id);
            double weight = word_weight(pass, id, scales.opening, scales.scales[n - 1]) * odds;
            const double *before = row - n * max_length, *column = ratios + kind;
            const uint16_t *others = kinds - n * max_length;
            double value = 0.0;
            for (int m = 0; m < max_length; m++) {
                double term = before[m] * column[others[m] * class_count];
                if (sampled)
                    value += term;
                else if (!(term <= value))
                    value = term;
            }
            kinds[n - 1] = (uint16_t)kind;
            total += row[n - 1] = value * weight;
        }
        for (int n = most; n < max_length; n++) {
            row[n] = 0.0;
            kinds[n] = 0;
        }
        if (!(total >= LOW && total <= HIGH) && total > 0.0) {
            double factor = total > HIGH ? LOW : HIGH;
            int64_t rows = i < max_length ? i + 1 : max_length;
            for (int64_t item = 0; item < rows * max_length; item++)
                row[max_length - 1 - item] *= factor;
            *steps += total > HIGH ? 1 : -1;
            total *= factor;
        }
    }
    if (!sampled && size > 0) {
        total = 0.0;
        for (int n = 0; n < max_length && n < size; n++)
            if (!(row[n] <= total))
                total = row[n];
    }
    return total;
}

/* A length, in proportion to its weight, or the heaviest. */
static inline int
choose(sweep_pass *pass, const double *row, int most)
{
    if (!pass->sampled) {
        int best = 0;
        for (int n = 1; n < most; n++)
            if (row[n] >= row[best])
                best = n;
        return best + 1;
    }
    double total = 0.0;
    for (int n = 0; n < most; n++)
        total += row[n];
    double rest = uniform(&pass->restaurant.random) * total;
    int last = 1;
    for (int n = 0; n < most; n++) {
        rest -= row[n];
        if (rest < 0.0)
            return n + 1;
        if (row[n] > 0.0)
            last = n + 1;
    }
    return last;  /* rounding only */
}

/* From the last word to the first. */
static void
choose_words(sweep_pass *pass, chunk c)
{
    int max_length = pass->text.max_length;
    int64_t place = (int64_t)c.end - c.start;
    double around[MAX_LENGTH];
    const double *row = pass->rows + place * max_length;
    memset(pass->lengths + c.start, 0, (size_t)place);
    for (;;) {
        int length = choose(pass, row, place < max_length ? (int)place : max_length);
        uint16_t kind = pass->ratios ? pass->kinds[place * max_length + length - 1] : 0;
        place -= length;
        pass->lengths[c.start + place] = (uint8_t)length;
        if (!place)
            return;
        row = pass->rows + place * max_length;
        if (pass->ratios) {
            const uint16_t *others = pass->kinds + place * max_length;
            for (int n = 0; n < max_length; n++)
                around[n] = row[n] * pass->ratios[others[n] * (size_t)pass->class_count + kind];
            row = around;
        }
    }
}

/* Takes the words of a chunk out, segments it anew, puts the new words in. */
static int
resegment(sweep_pass *pass, chunk c, double *score)
{
    const text *t = &pass->text;
    restaurant *r = &pass->restaurant;
    int max_length = t->max_length;
    for (uint32_t position = c.start; position < c.end; position += pass->lengths[position]) {
        int length = pass->lengths[position];
        uint32_t id = t->index[(size_t)position * max_length + length - 1];
        if (r->words[id].customers < 1) {
            pass->bad_position = position;
            pass->bad_count = r->words[id].customers;
            return NO_CUSTOMERS;
        }
        remove_customer(r, id, length);
    }
    int64_t steps;
    double total, logs = 0.0;
    if (pass->ratios)
        total = max_length == 4 ? filter_classes(pass, c, 4, &steps) : filter_classes(pass, c, max_length, &steps);
    else
        total = max_length == 4 ? filter(pass, c, 4, &steps) : filter(pass, c, max_length, &steps);
    if (total > 0.0 && total < INFINITY) {
        logs = log(total) + (double)steps * STEP_LOG;
        if (pass->expert)
            for (uint32_t position = c.start; position < c.end; position++)
                logs -= 0.5 * (double)pass->expert[position];
        choose_words(pass, c);
    }
    for (uint32_t position = c.start; position < c.end; position += pass->lengths[position]) {
        int length = pass->lengths[position];
        add_customer(r, t->index[(size_t)position * max_length + length - 1], length);
    }
    *score += logs;
    return SWEPT;
}

/* Fetches the words of a chunk further on. */
static inline void
fetch_ahead(const sweep_pass *pass, size_t at)
{
    const text *t = &pass->text;
    if (at + CHUNKS_AHEAD >= t->chunk_count)
        return;
    chunk c = t->chunks[at + CHUNKS_AHEAD];
    size_t max_length = (size_t)t->max_length, end = c.end - c.start < 64 ? c.end : c.start + 64u;
    for (size_t item = c.start * max_length; item < end * max_length; item++)
        if (t->index[item] != NONE) {
            PREFETCH(&pass->restaurant.words[t->index[item]]);
            PREFETCH(&pass->restaurant.base[t->index[item]]);
            PREFETCH(&pass->boost[t->index[item]]);
        }
}

/* The numbers from 0 up in random order. */
static void
shuffle_blocks(uint64_t *random, uint32_t *blocks, size_t count)
{
    for (size_t place = 0; place < count; place++)
        blocks[place] = (uint32_t)place;
    for (size_t place = count; place-- > 1;) {
        size_t other = (size_t)((random_bits(random) >> 32) * (place + 1) >> 32);
        uint32_t swap = blocks[place];
        blocks[place] = blocks[other];
        blocks[other] = swap;
    }
}

static int
sweep_chunks(sweep_pass *pass, double *score, PyThreadState **state)
{
    text *t = &pass->text;
    int64_t since = 0;
    size_t block_count = (t->chunk_count + BLOCK - 1) / BLOCK;
    shuffle_blocks(&pass->restaurant.random, pass->blocks, block_count);
    for (size_t block = 0; block < block_count; block++) {
        size_t first = (size_t)pass->blocks[block] * BLOCK;
        for (size_t at = first; at < first + BLOCK && at < t->chunk_count; at++) {
            fetch_ahead(pass, at);
            int status = resegment(pass, t->chunks[at], score);
            if (status != SWEPT)
                return status;
            since += t->chunks[at].end - t->chunks[at].start;
            if (since > TURN) {
                since = 0;
                if (interrupted(state))
                    return STOPPED;
            }
        }
    }
    return SWEPT;
}

/* Room for the longest chunk; 0 or -1. */
static int
sweep_room(sweep_pass *pass, Py_ssize_t size)
{
    size_t places = (size_t)pass->text.longest + 1, items = places * (size_t)pass->text.max_length;
    pass->lengths = malloc((size_t)pass->text.size + 1);
    pass->restaurant.words = large_pages(((size_t)size + 1) * sizeof *pass->restaurant.words);
    pass->rows = malloc(items * sizeof *pass->rows);
    pass->blocks = malloc((pass->text.chunk_count / BLOCK + 1) * sizeof *pass->blocks);
    if (pass->ratios)
        pass->kinds = malloc(items * sizeof *pass->kinds);
    else
        pass->sums = malloc(places * sizeof *pass->sums);
    return pass->lengths && pass->restaurant.words && pass->rows && pass->blocks && (pass->kinds || pass->sums) ? 0 : -1;
}

static int
open_ratios(buffers *all, PyObject *object, sweep_pass *pass)
{
    Py_ssize_t found = open_items(all, object, 8, 0, "ratios", &pass->ratios);
    if (found < 0)
        return -1;
    while (pass->class_count * pass->class_count < found)
        pass->class_count++;
    if (!found || pass->class_count * pass->class_count != found) {
        PyErr_Format(PyExc_ValueError, "ratios: expected a square table, got %zd items", found);
        return -1;
    }
    for (Py_ssize_t item = 0; item < found; item++)
        if (!(pass->ratios[item] >= 0 && pass->ratios[item] < INFINITY))
            return number_error("ratios: expected finite numbers of at least 0, got %R at %zd", pass->ratios[item],
                                item);
    return 0;
}

static PyObject *
sweep(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *index, *counts_object, *tables_object, *totals_object, *lengths_object, *base_object, *boost_object;
    PyObject *factors_object, *random_object, *expert = Py_None, *classes = Py_None, *ratios = Py_None, *result = NULL;
    int max_length, status = NO_MEMORY;
    sweep_pass pass = {0};
    restaurant *r = &pass.restaurant;
    if (!PyArg_ParseTuple(args, "OiOOOOOOOddOp|OOO", &index, &max_length, &counts_object, &tables_object,
                          &totals_object, &lengths_object, &base_object, &boost_object, &factors_object, &r->discount,
                          &r->strength, &random_object, &pass.sampled, &expert, &classes, &ratios))
        return NULL;
    buffers all = {.held = 0};
    int32_t *counts, *tables;
    int64_t *totals;
    uint64_t *random;
    uint8_t *lengths;
    const double *factors;
    Py_ssize_t size = open_items(&all, counts_object, 4, 1, "counts", &counts);
    if (size < 0 || open_sized(&all, tables_object, 4, 1, size, "tables", &tables) < 0 ||
        open_sized(&all, totals_object, 8, 1, 3, "totals", &totals) < 0 ||
        open_items(&all, lengths_object, 1, 1, "lengths", &lengths) < 0 ||
        open_sized(&all, random_object, 8, 1, 1, "random", &random) < 0 ||
        text_open(&pass.text, &all, index, max_length, lengths_object, 1, size) < 0 ||
        open_sized(&all, base_object, 4, 0, size, "base", &r->base) < 0 || check_discount(r->discount) < 0 ||
        check_strength(r->strength) < 0)
        goto done;
    if (totals[0] < pass.text.words) {
        PyErr_Format(PyExc_ValueError, "totals: expected at least %zd customers, got %lld", pass.text.words,
                     (long long)totals[0]);
        goto done;
    }
    if (open_sized(&all, boost_object, 4, 0, size, "boost", &pass.boost) < 0 ||
        open_sized(&all, factors_object, 8, 0, max_length, "factors", &factors) < 0 ||
        (expert != Py_None && open_sized(&all, expert, 4, 0, pass.text.size, "expert", &pass.expert) < 0) ||
        (classes != Py_None && (open_ratios(&all, ratios, &pass) < 0 ||
                                open_classes(&all, classes, size, pass.class_count, &pass.classes) < 0)))
        goto done;
    double score = 0.0;
    PyThreadState *state = PyEval_SaveThread();
    if (sweep_room(&pass, size) == 0) {
        memcpy(pass.lengths, lengths, (size_t)pass.text.size);
        memcpy(pass.factors, factors, (size_t)max_length * 8);
        for (Py_ssize_t word = 0; word < size; word++)
            r->words[word] = (word_record){counts[word], tables[word]};
        r->customers = totals[0];
        r->tables = totals[1];
        r->single_tables = totals[2];
        r->random = *random;
        status = sweep_chunks(&pass, &score, &state);
    }
    if (status == SWEPT) {
        for (Py_ssize_t word = 0; word < size; word++) {
            counts[word] = r->words[word].customers;
            tables[word] = r->words[word].tables;
        }
        totals[0] = r->customers;
        totals[1] = r->tables;
        totals[2] = r->single_tables;
        *random = r->random;
        memcpy(lengths, pass.lengths, (size_t)pass.text.size);
    }
    PyEval_RestoreThread(state);
    if (status == SWEPT)
        result = PyFloat_FromDouble(score);
    else if (status == NO_MEMORY)
        PyErr_NoMemory();
    else if (status == NO_CUSTOMERS)
        PyErr_Format(PyExc_ValueError, "counts: expected customers of every word, got %d at %lld", (int)pass.bad_count,
                     (long long)pass.bad_position);
done:
    free(pass.text.chunks);
    free(pass.lengths);
    free(r->words);
    free(pass.rows);
    free(pass.blocks);
    free(pass.sums);
    free(pass.kinds);
    buffers_release(&all);
    return result;
}

static PyObject *
class_counts(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *index, *lengths, *classes_object, *result = NULL;
    int max_length;
    long long class_count;
    if (!PyArg_ParseTuple(args, "OiOOL", &index, &max_length, &lengths, &classes_object, &class_count))
        return NULL;
    if (class_count < 1 || class_count > 65536)
        return PyErr_Format(PyExc_ValueError, "class_count: expected 1 to 65536, got %lld", class_count);
    buffers all = {.held = 0};
    text t = {0};
    class_list classes;
    size_t count = (size_t)class_count;
    if (open_classes(&all, classes_object, -1, (Py_ssize_t)class_count, &classes) < 0 ||
        text_open(&t, &all, index, max_length, lengths, 0, classes.size) < 0 ||
        !(result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(count * count * 4))))
        goto done;
    uint32_t *out = (uint32_t *)PyBytes_AsString(result);
    Py_BEGIN_ALLOW_THREADS
    memset(out, 0, count * count * 4);
    for (size_t at = 0; at < t.chunk_count; at++) {
        size_t last = 0;
        for (uint32_t position = t.chunks[at].start; position < t.chunks[at].end; position += t.lengths[position]) {
            uint32_t word = t.index[(size_t)position * max_length + t.lengths[position] - 1];
            uint32_t kind = class_of(&classes, word);
            out[last * count + kind]++;
            last = kind;
        }
        out[last * count]++;
    }
    Py_END_ALLOW_THREADS
done:
    free(t.chunks);
    buffers_release(&all);
    return result;
}

PyMethodDef sampling_methods[] = {
    {"substrings", substrings, METH_VARARGS, NULL},
    {"boosts", boosts, METH_VARARGS, NULL},
    {"seat", seat, METH_VARARGS, NULL},
    {"length_prior", length_prior, METH_VARARGS, NULL},
    {"description", description, METH_VARARGS, NULL},
    {"spelling", spelling, METH_VARARGS, NULL},
    {"spread", spread, METH_VARARGS, NULL},
    {"sweep", sweep, METH_VARARGS, NULL},
    {"class_counts", class_counts, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
