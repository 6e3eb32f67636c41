/* Merging kernel: the copy of merges.py, which is the specification. */
#include "_text.h"

#define TURN 1000000  /* steps between two looks for Ctrl-C */

enum { DONE = 0, NO_MEMORY, STOPPED, NO_CUSTOMERS };

typedef struct {
    uint32_t left, right, word, places;
    double gain;
    uint32_t group;
} merge;

/* A pair that is frequent enough, and where its places are listed. */
typedef struct {
    uint32_t word, first, count;
    double gain;
} pair;

typedef struct {
    text text;
    uint8_t *lengths;
    int32_t *counts, *tables;
    const float *base, *boost;
    uint16_t *classes;
    const double *rows;
    double *columns, *totals;
    size_t class_count, size;
    int64_t customers, table_count;
    double discount, strength;
    uint32_t *places, *before, *after;
    pair *pairs;
    size_t pair_count;
    merge *merges;
    size_t merge_count;
    int64_t steps;
    uint32_t bad_word;           /* with too few customers */
    int64_t bad_change;
} merging;

/* ---- gains --------------------------------------------------------------------------------------------------- */

static double
log_gamma(double x)
{
    double shift = 1.0;
    while (x < 10.0) {
        shift *= x;
        x += 1.0;
    }
    double y = 1.0 / (x * x);
    double series =
        (1.0 / 12 - y * (1.0 / 360 - y * (1.0 / 1260 - y * (1.0 / 1680 - y * (1.0 / 1188))))) / x;
    return (x - 0.5) * log(x) - x + 0.9189385332046727 + series - log(shift);
}

static double
tokens_log(int64_t count, int64_t tables, int64_t added, double mass, double discount)
{
    double first = 0.0;
    if (added && !count) {
        first = log(mass);
        count = tables = 1;
        added--;
    }
    double seated = (double)count - discount * (double)tables + mass;
    return added ? first + log_gamma(seated + (double)added) - log_gamma(seated) : first;
}

/* ln of what it does to the restaurant that a word gets more customers, or fewer: then 1 if it has not so many. */
static int
seats(merging *m, uint32_t word, int64_t change, double *gain)
{
    int64_t count = m->counts[word], tables = m->tables[word];
    double mass = (m->strength + m->discount * (double)m->table_count) * (double)m->base[word];
    if (change >= 0) {
        *gain = tokens_log(count, tables, change, mass, m->discount);
        return 0;
    }
    int64_t rest = count + change;
    if (rest < 0) {
        m->bad_word = word;
        m->bad_change = -change;
        return 1;
    }
    *gain = -tokens_log(rest, tables < rest ? tables : rest, -change, mass, m->discount);
    return 0;
}

/* How often each class stands before the pairs at these places, and after them, ends of chunks left out. */
static void
count_beside(merging *m, const uint32_t *places, size_t count)
{
    const uint32_t *index = m->text.index;
    size_t width = (size_t)m->text.max_length, size = (size_t)m->text.size;
    memset(m->before, 0, m->class_count * 4);
    memset(m->after, 0, m->class_count * 4);
    for (size_t i = 0; i < count; i++) {
        size_t place = places[i], group = 0, end = place + 2;
        if (place && index[(place - 1) * width] != NONE) {
            size_t start = place - 1;
            while (!m->lengths[start])
                start--;
            group = m->classes[index[start * width + place - start - 1]];
        }
        m->before[group]++;
        if (end < size && index[end * width] != NONE)
            m->after[m->classes[index[end * width + m->lengths[end] - 1]]]++;
    }
    m->steps += (int64_t)count * 8;
}

static double
ratios_of(const merging *m, size_t first, size_t last)
{
    double total = 0.0;
    for (size_t other = 0; other < m->class_count; other++)
        if (m->before[other])
            total += (double)m->before[other] * m->rows[other * m->class_count + first];
    for (size_t other = 0; other < m->class_count; other++)
        if (m->after[other])
            total += (double)m->after[other] * m->rows[last * m->class_count + other];
    return total;
}

/* The class of a new word that suits its neighbours best, the lowest of equals. */
static size_t
best_group(merging *m, double *total)
{
    size_t classes = m->class_count, best = 1;
    double *totals = m->totals;
    for (size_t group = 0; group < classes; group++)
        totals[group] = 0.0;
    for (int side = 0; side < 2; side++) {
        const uint32_t *seen = side ? m->after : m->before;
        const double *table = side ? m->columns : m->rows;
        for (size_t other = 0; other < classes; other++) {
            if (!seen[other])
                continue;
            double number = (double)seen[other];
            const double *row = table + other * classes;
            for (size_t group = 0; group < classes; group++)
                totals[group] += number * row[group];
            m->steps += (int64_t)classes;
        }
    }
    for (size_t group = 2; group < classes; group++)
        if (totals[group] > totals[best])
            best = group;
    *total = totals[best];
    return best;
}

/* What it gains to merge a pair at these places; DONE or NO_CUSTOMERS. */
static int
score(merging *m, uint32_t word, const uint32_t *places, size_t count, merge *found)
{
    size_t width = (size_t)m->text.max_length, classes = m->class_count;
    uint32_t left = m->text.index[places[0] * width], right = m->text.index[(places[0] + 1) * width];
    int64_t number = (int64_t)count;
    double gain, part, best;
    seats(m, word, number, &gain);
    gain += (double)number * log(m->strength + (double)m->customers);
    gain += (double)number *
            (log((double)m->boost[word]) - log((double)m->boost[left]) - log((double)m->boost[right]));
    if (seats(m, left, -number, &part))
        return NO_CUSTOMERS;
    gain += part;
    if (seats(m, right, -number, &part))
        return NO_CUSTOMERS;
    gain += part;
    count_beside(m, places, count);
    size_t first = m->classes[left], last = m->classes[right], group = m->classes[word];
    gain -= ratios_of(m, first, last) + (double)number * m->rows[first * classes + last];
    if (m->counts[word])
        best = ratios_of(m, group, group);
    else
        group = best_group(m, &best);
    *found = (merge){left, right, word, (uint32_t)count, gain + best, (uint32_t)group};
    return DONE;
}

/* ---- where pairs stand --------------------------------------------------------------------------------------- */

static int
may_merge(const merging *m, uint32_t word, size_t place)
{
    size_t width = (size_t)m->text.max_length;
    uint32_t left = m->text.index[place * width], right = m->text.index[(place + 1) * width];
    return left != right && m->base[word] > 0 && m->boost[word] > 0 && m->base[left] > 0 && m->boost[left] > 0 &&
           m->base[right] > 0 && m->boost[right] > 0;
}

/* Lists the places of every pair of one-symbol words that is frequent enough, word by word. */
static int
find_pairs(merging *m, int64_t min_count)
{
    size_t width = (size_t)m->text.max_length, place_count = 0;
    const uint32_t *index = m->text.index;
    const uint8_t *lengths = m->lengths;
    uint32_t *next = calloc(m->size + 1, 4);
    if (!next)
        return NO_MEMORY;
    for (size_t at = 0; at < m->text.chunk_count; at++)
        for (size_t place = m->text.chunks[at].start; place + 1 < m->text.chunks[at].end; place++)
            if (lengths[place] == 1 && lengths[place + 1] == 1)
                next[index[place * width + 1]]++;
    for (size_t word = 0; word < m->size; word++)
        m->pair_count += (int64_t)next[word] >= min_count;
    m->pairs = malloc((m->pair_count + 1) * sizeof *m->pairs);
    m->merges = malloc((m->pair_count + 1) * sizeof *m->merges);
    if (!m->pairs || !m->merges) {
        free(next);
        return NO_MEMORY;
    }
    size_t used = 0;
    for (size_t word = 0; word < m->size; word++)
        if ((int64_t)next[word] >= min_count) {
            m->pairs[used++] = (pair){(uint32_t)word, (uint32_t)place_count, 0, 0.0};
            place_count += next[word];
            next[word] = (uint32_t)used;
        } else {
            next[word] = 0;
        }
    m->places = malloc((place_count + 1) * 4);
    if (m->places)
        for (size_t at = 0; at < m->text.chunk_count; at++)
            for (size_t place = m->text.chunks[at].start; place + 1 < m->text.chunks[at].end; place++)
                if (lengths[place] == 1 && lengths[place + 1] == 1 && next[index[place * width + 1]]) {
                    pair *found = &m->pairs[next[index[place * width + 1]] - 1];
                    m->places[found->first + found->count++] = (uint32_t)place;
                }
    free(next);
    return m->places ? DONE : NO_MEMORY;
}

static int
by_gain(const void *a, const void *b)
{
    const pair *one = a, *other = b;
    if (one->gain != other->gain)
        return one->gain > other->gain ? -1 : 1;
    return one->word < other->word ? -1 : one->word > other->word;
}

/* ---- doing it ------------------------------------------------------------------------------------------------ */

static void
seat_word(merging *m, uint32_t word, int64_t count, int64_t tables)
{
    m->customers += count - m->counts[word];
    m->table_count += tables - m->tables[word];
    m->counts[word] = (int32_t)count;
    m->tables[word] = (int32_t)tables;
}

static void
apply_merge(merging *m, const merge *found, const uint32_t *places)
{
    for (size_t i = 0; i < found->places; i++) {
        m->lengths[places[i]] = 2;
        m->lengths[places[i] + 1] = 0;
    }
    int64_t number = found->places, tables = m->tables[found->word];
    seat_word(m, found->word, m->counts[found->word] + number, tables > 1 ? tables : 1);
    const uint32_t parts[2] = {found->left, found->right};
    for (int side = 0; side < 2; side++) {
        int64_t rest = m->counts[parts[side]] - number;
        tables = m->tables[parts[side]];
        seat_word(m, parts[side], rest, tables < rest ? tables : rest);
    }
    m->classes[found->word] = (uint16_t)found->group;
}

static int
take_turn(merging *m, PyThreadState **state)
{
    if (m->steps < TURN)
        return 0;
    m->steps = 0;
    return interrupted(state);
}

static int
run(merging *m, int64_t min_count, PyThreadState **state)
{
    int status = find_pairs(m, min_count);
    size_t kept = 0;
    merge found;
    for (size_t i = 0; i < m->pair_count && status == DONE; i++) {
        pair here = m->pairs[i];
        if (!may_merge(m, here.word, m->places[here.first]))
            continue;
        status = score(m, here.word, m->places + here.first, here.count, &found);
        if (status == DONE && found.gain > 0) {
            here.gain = found.gain;
            m->pairs[kept++] = here;
        }
        if (status == DONE && take_turn(m, state))
            status = STOPPED;
    }
    qsort(m->pairs, kept, sizeof *m->pairs, by_gain);
    for (size_t i = 0; i < kept && status == DONE; i++) {
        uint32_t *places = m->places + m->pairs[i].first;
        size_t left = 0;
        for (size_t at = 0; at < m->pairs[i].count; at++)
            if (m->lengths[places[at]] == 1 && m->lengths[places[at] + 1] == 1)
                places[left++] = places[at];
        if ((int64_t)left < min_count)
            continue;
        status = score(m, m->pairs[i].word, places, left, &found);
        if (status == DONE && found.gain > 0) {
            apply_merge(m, &found, places);
            m->merges[m->merge_count++] = found;
        }
        if (status == DONE && take_turn(m, state))
            status = STOPPED;
    }
    return status;
}

/* ---- the kernel ---------------------------------------------------------------------------------------------- */

static int
check_tables(const int32_t *counts, const int32_t *tables, Py_ssize_t size)
{
    for (Py_ssize_t word = 0; word < size; word++)
        if (tables[word] < 0 || tables[word] > counts[word]) {
            PyErr_Format(PyExc_ValueError, "tables: expected 0 to %d for the word %zd, got %d", (int)counts[word], word,
                         (int)tables[word]);
            return -1;
        }
    return 0;
}

static int
make_room(merging *m, const uint8_t *lengths, const int32_t *counts, const int32_t *tables, const class_list *classes)
{
    size_t class_count = m->class_count;
    m->lengths = malloc((size_t)m->text.size + 1);
    m->counts = malloc((m->size + 1) * 4);
    m->tables = malloc((m->size + 1) * 4);
    m->classes = malloc((m->size + 1) * 2);
    m->columns = malloc(class_count * class_count * sizeof(double));
    m->totals = malloc(class_count * sizeof(double));
    m->before = malloc(class_count * 4);
    m->after = malloc(class_count * 4);
    if (!m->lengths || !m->counts || !m->tables || !m->classes || !m->columns || !m->totals || !m->before || !m->after)
        return NO_MEMORY;
    memcpy(m->lengths, lengths, (size_t)m->text.size);
    memcpy(m->counts, counts, m->size * 4);
    memcpy(m->tables, tables, m->size * 4);
    for (size_t word = 0; word < m->size; word++) {
        m->classes[word] = (uint16_t)class_of(classes, (uint32_t)word);
        m->customers += counts[word];
        m->table_count += tables[word];
    }
    for (size_t row = 0; row < class_count; row++)
        for (size_t column = 0; column < class_count; column++)
            m->columns[column * class_count + row] = m->rows[row * class_count + column];
    return DONE;
}

static PyObject *
merged_result(const merging *m)
{
    PyObject *merges = PyList_New((Py_ssize_t)m->merge_count), *lengths;
    for (size_t i = 0; merges && i < m->merge_count; i++) {
        const merge *found = &m->merges[i];
        PyObject *item = Py_BuildValue("IIIIdI", found->left, found->right, found->word, found->places, found->gain,
                                       found->group);
        if (!item || PyList_SetItem(merges, (Py_ssize_t)i, item) < 0)
            Py_CLEAR(merges);
    }
    if (!merges || !(lengths = PyBytes_FromStringAndSize((const char *)m->lengths, m->text.size))) {
        Py_XDECREF(merges);
        return NULL;
    }
    return Py_BuildValue("NN", merges, lengths);
}

static PyObject *
merge_words(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *index, *lengths_object, *counts_object, *tables_object, *base, *boost, *classes_object, *ratios;
    PyObject *result = NULL;
    int max_length, status;
    long long min_count;
    merging m = {0};
    if (!PyArg_ParseTuple(args, "OiOOOOOOOddL", &index, &max_length, &lengths_object, &counts_object, &tables_object,
                          &base, &boost, &classes_object, &ratios, &m.discount, &m.strength, &min_count))
        return NULL;
    buffers all = {.held = 0};
    int32_t *counts, *tables;
    class_list classes;
    Py_ssize_t found, size = open_items(&all, counts_object, 4, 0, "counts", &counts);
    if (size < 0 || open_sized(&all, tables_object, 4, 0, size, "tables", &tables) < 0 ||
        check_tables(counts, tables, size) < 0 ||
        text_open(&m.text, &all, index, max_length, lengths_object, 0, size) < 0 ||
        open_sized(&all, base, 4, 0, size, "base", &m.base) < 0 ||
        open_sized(&all, boost, 4, 0, size, "boost", &m.boost) < 0 ||
        (found = open_items(&all, ratios, 8, 0, "log_ratios", &m.rows)) < 0)
        goto done;
    while ((Py_ssize_t)(m.class_count * m.class_count) < found)
        m.class_count++;
    if (m.class_count < 2 || (Py_ssize_t)(m.class_count * m.class_count) != found) {
        PyErr_Format(PyExc_ValueError, "log_ratios: expected a square number of items from 4 up, got %zd", found);
        goto done;
    }
    if (open_classes(&all, classes_object, size, (Py_ssize_t)m.class_count, &classes) < 0 ||
        check_discount(m.discount) < 0 || check_strength(m.strength) < 0)
        goto done;
    if (max_length < 2) {
        PyErr_Format(PyExc_ValueError, "max_length: expected 2 or more, got %d", max_length);
        goto done;
    }
    if (min_count < 1) {
        PyErr_Format(PyExc_ValueError, "min_count: expected 1 or more, got %lld", min_count);
        goto done;
    }
    m.size = (size_t)size;
    PyThreadState *state = PyEval_SaveThread();
    status = make_room(&m, m.text.lengths, counts, tables, &classes);
    if (status == DONE)
        status = run(&m, min_count, &state);
    PyEval_RestoreThread(state);
    if (status == DONE)
        result = merged_result(&m);
    else if (status == NO_MEMORY)
        PyErr_NoMemory();
    else if (status == NO_CUSTOMERS)
        PyErr_Format(PyExc_ValueError, "counts: expected at least %lld for the word %zu, got %d",
                     (long long)m.bad_change, (size_t)m.bad_word, (int)m.counts[m.bad_word]);
done:
    free(m.text.chunks);
    free(m.lengths);
    free(m.counts);
    free(m.tables);
    free(m.classes);
    free(m.columns);
    free(m.totals);
    free(m.before);
    free(m.after);
    free(m.places);
    free(m.pairs);
    free(m.merges);
    buffers_release(&all);
    return result;
}

PyMethodDef merges_methods[] = {
    {"merge_words", merge_words, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
