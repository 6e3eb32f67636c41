/* Chart kernels: the copy of chart.py, which is the specification.
 *
 * All items of a sentence stand in one array, those of a start side by side; `before` and `older` are places in it.
 */
#include "_text.h"

#define LONGEST 512
#define LIMIT ((int64_t)1 << 50)
#define LOWEST (-((int64_t)1 << 62))
#define TURN 65536 /* Steps between two looks for Ctrl-C. */

/* What stops a loop that runs without the GIL. */
enum { DONE = 0, NO_MEMORY = -1, STOPPED = -2, BAD_EDGES = -3, BAD_TARGET = -4, BAD_FINAL = -5, BAD_WEIGHT = -6 };

typedef struct {
    int32_t node, end, before, older;
    union {
        int64_t score;
        double sum;
    } value;
} item;

typedef struct {
    const int32_t *edges, *keys, *targets, *slots, *finals;
    int32_t nodes, labels, templates;
} tries;

/* The open slots of a start, each with the last item before it, in the order in which they were first opened. A table
 * with open addressing finds them by their nodes. */
typedef struct {
    int32_t *slot, *head, *table;
    int32_t count, room;
} openings;

typedef struct {
    Py_ssize_t size, wide;
    const int32_t *words, *classes;
    tries trie;
    item *items;
    Py_ssize_t count, room, *begins; /* begins[start]: the first item of a start; begins[size]: unused */
    openings opened;
    int status;
    Py_ssize_t steps;
    PyThreadState *thread;
} charts;

/* ---- the trie ------------------------------------------------------------------------------------------------ */

static int32_t
checked(charts *c, int32_t node, int32_t target)
{
    if (node < target && target < c->trie.nodes)
        return target;
    c->status = BAD_TARGET;
    return -1;
}

static int32_t
follow(charts *c, int32_t node, int32_t label)
{
    const tries *t = &c->trie;
    int32_t low = t->edges[node], high = t->edges[node + 1];
    if (!(0 <= low && low <= high && high <= t->labels)) {
        c->status = BAD_EDGES;
        return -1;
    }
    int32_t end = high;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (t->keys[middle] < label)
            low = middle + 1;
        else
            high = middle;
    }
    return low < end && t->keys[low] == label ? checked(c, node, t->targets[low]) : -1;
}

static int32_t
slot_of(charts *c, int32_t node)
{
    return c->trie.slots[node] < 0 ? -1 : checked(c, node, c->trie.slots[node]);
}

static int32_t
final_of(charts *c, int32_t node)
{
    if (c->trie.finals[node] >= c->trie.templates) {
        c->status = BAD_FINAL;
        return -1;
    }
    return c->trie.finals[node];
}

/* Whether a slot that ends before the word at a place can end a template or go on. */
static int
serves(charts *c, int32_t node, Py_ssize_t place)
{
    if (final_of(c, node) >= 0 || c->trie.slots[node] >= 0)
        return 1;
    if (place == c->size)
        return 0;
    if (c->words[place] >= 0 && follow(c, node, c->words[place]) >= 0)
        return 1;
    return c->classes[place] >= 0 && follow(c, node, c->classes[place]) >= 0;
}

/* ---- items --------------------------------------------------------------------------------------------------- */

static item *
add_item(charts *c, int32_t node, Py_ssize_t end, Py_ssize_t before)
{
    if (c->count == c->room) {
        Py_ssize_t room = c->room ? 2 * c->room : 256;
        item *grown = room < INT32_MAX ? realloc(c->items, (size_t)room * sizeof *grown) : NULL;
        if (!grown) {
            c->status = NO_MEMORY;
            return NULL;
        }
        c->items = grown;
        c->room = room;
    }
    item *made = &c->items[c->count++];
    *made = (item){.node = node, .end = (int32_t)end, .before = (int32_t)before, .older = -1};
    made->value.score = 0;
    return made;
}

static uint32_t
place_of(const openings *o, int32_t slot)
{
    uint32_t mask = 2 * (uint32_t)o->room - 1, place = ((uint32_t)slot * 0x9E3779B1u) >> 7 & mask;
    while (o->table[place] >= 0 && o->slot[o->table[place]] != slot)
        place = (place + 1) & mask;
    return place;
}

/* Room for twice as many open slots; `room` is a power of two and at least half of the table stays free. */
static int
grow_openings(openings *o)
{
    int32_t room = o->room ? 2 * o->room : 32;
    int32_t *slot = realloc(o->slot, (size_t)room * sizeof *slot);
    if (slot)
        o->slot = slot;
    int32_t *head = realloc(o->head, (size_t)room * sizeof *head);
    if (head)
        o->head = head;
    int32_t *table = realloc(o->table, 2 * (size_t)room * sizeof *table);
    if (table)
        o->table = table;
    if (!slot || !head || !table)
        return NO_MEMORY;
    o->room = room;
    memset(table, 0xFF, 2 * (size_t)room * sizeof *table);
    for (int32_t number = 0; number < o->count; number++)
        table[place_of(o, slot[number])] = number;
    return DONE;
}

/* From their ends on, the items behind `first` may be followed by a slot. */
static void
open_slots(charts *c, Py_ssize_t first)
{
    openings *o = &c->opened;
    for (Py_ssize_t number = first; number < c->count && !c->status; number++) {
        int32_t slot = slot_of(c, c->items[number].node);
        if (slot < 0)
            continue;
        if (o->count == o->room && grow_openings(o) < 0) {
            c->status = NO_MEMORY;
            return;
        }
        uint32_t place = place_of(o, slot);
        if (o->table[place] < 0) {
            o->table[place] = o->count;
            o->slot[o->count] = slot;
            o->head[o->count++] = -1;
        }
        int32_t *head = &o->head[o->table[place]];
        c->items[number].older = *head;
        *head = (int32_t)number;
    }
}

/* The items that the last word of a span makes of those that end before it: items `last` to `next`. */
static void
by_labels(charts *c, Py_ssize_t start, Py_ssize_t end, Py_ssize_t last, Py_ssize_t next, int sums)
{
    const int32_t labels[] = {c->words[end - 1], c->classes[end - 1]};
    if (end - 1 == start)
        for (int i = 0; i < 2 && !c->status; i++) {
            int32_t node = labels[i] >= 0 ? follow(c, 0, labels[i]) : -1;
            item *made = node >= 0 ? add_item(c, node, end, -1) : NULL;
            if (made && sums)
                made->value.sum = 1.0;
        }
    for (Py_ssize_t number = last; number < next; number++)
        for (int i = 0; i < 2 && !c->status; i++) {
            int32_t node = labels[i] >= 0 ? follow(c, c->items[number].node, labels[i]) : -1;
            item *made = node >= 0 ? add_item(c, node, end, number) : NULL;
            if (made)
                made->value = c->items[number].value;
        }
}

/* A new start: its items begin here, and no slot is open. */
static void
begin(charts *c, Py_ssize_t start)
{
    openings *o = &c->opened;
    c->begins[start] = c->count;
    o->count = 0;
    if (o->room)
        memset(o->table, 0xFF, 2 * (size_t)o->room * sizeof *o->table);
}

static void
look(charts *c, Py_ssize_t steps)
{
    if ((c->steps += steps) >= TURN) {
        c->steps = 0;
        if (!c->status && interrupted(&c->thread))
            c->status = STOPPED;
    }
}

static int
charts_open(charts *c, buffers *all, PyObject *words, PyObject *classes, PyObject *const trie[5], Py_ssize_t templates)
{
    tries *t = &c->trie;
    if ((c->size = open_items(all, words, 4, 0, "words", &c->words)) < 0)
        return -1;
    Py_ssize_t others = open_items(all, classes, 4, 0, "classes", &c->classes);
    if (others < 0)
        return -1;
    if (c->size < 1 || c->size > LONGEST || others != c->size) {
        PyErr_Format(PyExc_ValueError, "words: expected 1 to %d, with as many classes", LONGEST);
        return -1;
    }
    const int32_t **const rows[] = {&t->edges, &t->keys, &t->targets, &t->slots, &t->finals};
    static const char *const names[] = {"edges", "keys", "targets", "slots", "finals"};
    Py_ssize_t sizes[5];
    for (int i = 0; i < 5; i++)
        if ((sizes[i] = open_items(all, trie[i], 4, 0, names[i], rows[i])) < 0)
            return -1;
    if (sizes[3] < 1 || sizes[3] != sizes[4] || sizes[3] != sizes[0] - 1 || sizes[1] != sizes[2] ||
        sizes[3] >= INT32_MAX || sizes[1] >= INT32_MAX || templates >= INT32_MAX) {
        PyErr_SetString(PyExc_ValueError, "trie: expected arrays of one length by nodes, and by edges");
        return -1;
    }
    t->nodes = (int32_t)sizes[3];
    t->labels = (int32_t)sizes[1];
    t->templates = (int32_t)templates;
    c->wide = c->size + 1;
    c->begins = malloc((size_t)c->wide * sizeof *c->begins);
    if (!c->begins) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static void
charts_close(charts *c, buffers *all)
{
    free(c->items);
    free(c->begins);
    free(c->opened.slot);
    free(c->opened.head);
    free(c->opened.table);
    buffers_release(all);
}

static void
set_failure(int status)
{
    if (status == NO_MEMORY)
        PyErr_NoMemory();
    else if (status == BAD_EDGES)
        PyErr_SetString(PyExc_ValueError, "trie: edges out of range");
    else if (status == BAD_TARGET)
        PyErr_SetString(PyExc_ValueError, "trie: an edge leads to no node of a higher number");
    else if (status == BAD_FINAL)
        PyErr_SetString(PyExc_ValueError, "trie: a node ends no template");
    else if (status == BAD_WEIGHT)
        PyErr_SetString(PyExc_ValueError, "weights: expected numbers from -2**50 to 2**50");
}

/* ---- the best derivation ------------------------------------------------------------------------------------- */

typedef struct {
    charts chart;
    const int64_t *weights, *bonus; /* bonus: NULL where there is none */
    int64_t null;
    int64_t *block, *item, *list;
    int32_t *ended, *split;
    uint8_t *plain, *joined;
    void *memory;
} bests;

static void
best_by_slots(bests *b, Py_ssize_t end)
{
    charts *c = &b->chart;
    for (int32_t number = 0; number < c->opened.count && !c->status; number++) {
        int32_t slot = c->opened.slot[number], chosen = -1;
        if (!serves(c, slot, end))
            continue;
        int64_t best = LOWEST;
        for (int32_t from = c->opened.head[number]; from >= 0; from = c->items[from].older) {
            int64_t value = c->items[from].value.score + b->block[c->items[from].end * c->wide + end];
            if (value > best) {
                best = value;
                chosen = from;
            }
            c->steps++;
        }
        item *made = add_item(c, slot, end, chosen);
        if (made)
            made->value.score = best;
    }
}

static int64_t
bounded(charts *c, int64_t weight)
{
    if (-LIMIT <= weight && weight <= LIMIT)
        return weight;
    c->status = BAD_WEIGHT;
    return 0;
}

static void
choose(bests *b, Py_ssize_t start, Py_ssize_t end, Py_ssize_t first)
{
    charts *c = &b->chart;
    Py_ssize_t row = start * c->wide, cell = row + end;
    int64_t best = LOWEST, listed = LOWEST;
    int32_t template = -1;
    for (Py_ssize_t number = first; number < c->count; number++) {
        int32_t final = final_of(c, c->items[number].node);
        if (final < 0)
            continue;
        int64_t value = c->items[number].value.score + bounded(c, b->weights[final]);
        if (value > best || (value == best && final < template)) {
            best = value;
            template = final;
            b->ended[cell] = (int32_t)number;
        }
    }
    for (Py_ssize_t place = end - 1; place > start; place--) {
        int64_t value = b->item[place * c->wide + end];
        if (value == LOWEST)
            continue;
        value += b->list[row + place] + b->null;
        if (value > listed) {
            listed = value;
            b->split[cell] = (int32_t)place;
        }
    }
    b->plain[cell] = listed > best;
    b->block[cell] = (listed > best ? listed : best) + (b->bonus ? bounded(c, b->bonus[cell]) : 0);
    int64_t whole = b->bonus ? b->block[cell] : best;
    b->item[cell] = whole;
    b->joined[cell] = listed > whole || (listed == whole && b->plain[cell]);
    b->list[cell] = listed > whole ? listed : whole;
}

static void
best_fill(bests *b, Py_ssize_t start)
{
    charts *c = &b->chart;
    begin(c, start);
    int32_t first_slot = slot_of(c, 0);
    Py_ssize_t last = c->count, next = c->count;
    for (Py_ssize_t end = start + 1; end <= c->size && !c->status; end++) {
        Py_ssize_t first = c->count;
        by_labels(c, start, end, last, next, 0);
        if (!c->status)
            best_by_slots(b, end);
        open_slots(c, first);
        if (end - start > 1 && !c->status)
            choose(b, start, end, first);
        if (!c->status && first_slot >= 0 && serves(c, first_slot, end)) {
            item *made = add_item(c, first_slot, end, -1);
            if (made) {
                made->value.score = b->block[start * c->wide + end];
                open_slots(c, c->count - 1);
            }
        }
        last = first;
        next = c->count;
        look(c, end - start + next - last);
    }
}

typedef struct {
    int32_t start, end;
    int explained; /* must be a template */
} spans;

/* Put the items of a list that are brackets, the last first, behind `pending`; how many there are then. */
static Py_ssize_t
list_items(const bests *b, int32_t start, int32_t end, spans *pending, Py_ssize_t count)
{
    const Py_ssize_t row = start * b->chart.wide;
    const int explained = !b->bonus;
    for (int32_t place; (place = b->split[row + end]) >= 0;) {
        if (end - place > 1)
            pending[count++] = (spans){place, end, explained};
        end = place;
        if (!b->joined[row + end]) {
            if (end - start > 1)
                pending[count++] = (spans){start, end, explained};
            break;
        }
    }
    return count;
}

/* The brackets of the best derivation, three numbers each; NULL without memory. A sentence has fewer than twice as
 * many brackets as words: those of two words or more that differ, and the whole. */
static int32_t *
best_read(const bests *b, Py_ssize_t *size)
{
    const charts *c = &b->chart;
    int32_t *found = malloc((size_t)c->wide * 2 * 3 * sizeof *found);
    spans *pending = malloc((size_t)c->wide * 2 * sizeof *pending);
    Py_ssize_t count = 0, filled = 0;
    if (!found || !pending) {
        free(found);
        free(pending);
        return NULL;
    }
    pending[count++] = (spans){0, (int32_t)c->size, 0};
    while (count) {
        spans here = pending[--count];
        Py_ssize_t cell = here.start * c->wide + here.end;
        found[filled++] = here.start;
        found[filled++] = here.end;
        if (here.end - here.start <= 1 || !(here.explained || !b->plain[cell])) {
            found[filled++] = -1;
            count = list_items(b, here.start, here.end, pending, count);
            continue;
        }
        int32_t number = b->ended[cell];
        found[filled++] = c->trie.finals[c->items[number].node];
        while (number >= 0) {
            int32_t before = c->items[number].before;
            int32_t place = before >= 0 ? c->items[before].end : here.start;
            if (c->items[number].end - place > 1)
                pending[count++] = (spans){place, c->items[number].end, 0};
            number = before;
        }
    }
    free(pending);
    *size = filled;
    return found;
}

/* Tables of a number for each start and end. */
static int
bests_open(bests *b)
{
    size_t cells = (size_t)b->chart.size * (size_t)b->chart.wide;
    b->memory = calloc(cells, 3 * 8 + 2 * 4 + 2);
    if (!b->memory) {
        PyErr_NoMemory();
        return -1;
    }
    b->block = b->memory;
    b->item = b->block + cells;
    b->list = b->item + cells;
    b->ended = (int32_t *)(b->list + cells);
    b->split = b->ended + cells;
    b->plain = (uint8_t *)(b->split + cells);
    b->joined = b->plain + cells;
    memset(b->ended, 0xFF, 2 * cells * sizeof *b->ended);
    return 0;
}

/* An array of module array with these int32. */
static PyObject *
new_array(const int32_t *numbers, Py_ssize_t size)
{
    PyObject *module = PyImport_ImportModule("array");
    PyObject *made = module ? PyObject_CallMethod(module, "array", "sy#", "i", (const char *)numbers, size * 4) : NULL;
    Py_XDECREF(module);
    return made;
}

static PyObject *
best_brackets(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *words, *classes, *trie[5], *weights, *bonus, *result = NULL;
    bests b = {.memory = NULL};
    long long null;
    if (!PyArg_ParseTuple(args, "OO(OOOOO)OLO:best_brackets", &words, &classes, &trie[0], &trie[1], &trie[2], &trie[3],
                          &trie[4], &weights, &null, &bonus))
        return NULL;
    buffers all = {.held = 0};
    charts *c = &b.chart;
    Py_ssize_t templates = open_items(&all, weights, 8, 0, "weights", &b.weights);
    Py_ssize_t cells = templates < 0 ? -1 : open_items(&all, bonus, 8, 0, "bonus", &b.bonus);
    if (cells < 0 || charts_open(c, &all, words, classes, trie, templates) < 0)
        goto done;
    if (cells && cells != c->size * c->wide) {
        PyErr_SetString(PyExc_ValueError, "bonus: expected none, or a number for each start and end");
        goto done;
    }
    b.null = bounded(c, null);
    if (c->status) {
        set_failure(c->status);
        goto done;
    }
    if (!cells)
        b.bonus = NULL;
    if (bests_open(&b) < 0)
        goto done;
    int32_t *found = NULL;
    Py_ssize_t size = 0;
    c->thread = PyEval_SaveThread();
    for (Py_ssize_t start = c->size - 1; start >= 0 && !c->status; start--)
        best_fill(&b, start);
    if (!c->status && !(found = best_read(&b, &size)))
        c->status = NO_MEMORY;
    PyEval_RestoreThread(c->thread);
    if (c->status)
        set_failure(c->status);
    else
        result = Py_BuildValue("LN", (long long)b.block[c->size], new_array(found, size));
    free(found);
done:
    free(b.memory);
    charts_close(c, &all);
    return result;
}

/* ---- sums over all derivations ------------------------------------------------------------------------------- */

typedef struct {
    charts chart;
    const double *weights;
    double null;
    double *block, *item, *outer, *outer_item, *around;
    Py_ssize_t *firsts, *lasts; /* by cell: the first item of an end; behind the last of those that may end a template */
    void *memory;
} sums;

static void
sum_by_slots(sums *s, Py_ssize_t end)
{
    charts *c = &s->chart;
    for (int32_t number = 0; number < c->opened.count && !c->status; number++) {
        int32_t slot = c->opened.slot[number], head = c->opened.head[number];
        if (!serves(c, slot, end))
            continue;
        double total = 0.0;
        for (int32_t from = head; from >= 0; from = c->items[from].older) {
            total += c->items[from].value.sum * s->block[c->items[from].end * c->wide + end];
            c->steps++;
        }
        item *made = add_item(c, slot, end, head);
        if (made)
            made->value.sum = total;
    }
}

static void
add_up(sums *s, Py_ssize_t start, Py_ssize_t end, Py_ssize_t first)
{
    charts *c = &s->chart;
    Py_ssize_t row = start * c->wide;
    double explained = 0.0, listed = 0.0;
    for (Py_ssize_t number = first; number < c->count; number++) {
        int32_t final = final_of(c, c->items[number].node);
        if (final >= 0)
            explained += c->items[number].value.sum * s->weights[final];
    }
    for (Py_ssize_t place = end - 1; place > start; place--)
        listed += s->block[row + place] * s->null * s->item[place * c->wide + end];
    s->item[row + end] = explained;
    s->block[row + end] = explained + listed;
}

static void
sum_fill(sums *s, Py_ssize_t start)
{
    charts *c = &s->chart;
    begin(c, start);
    int32_t first_slot = slot_of(c, 0);
    Py_ssize_t last = c->count, next = c->count;
    for (Py_ssize_t end = start + 1; end <= c->size && !c->status; end++) {
        Py_ssize_t first = c->count, cell = start * c->wide + end;
        s->firsts[cell] = first;
        by_labels(c, start, end, last, next, 1);
        if (!c->status)
            sum_by_slots(s, end);
        open_slots(c, first);
        s->lasts[cell] = c->count;
        if (end - start == 1)
            s->block[cell] = s->item[cell] = 1.0;
        else if (!c->status)
            add_up(s, start, end, first);
        if (!c->status && first_slot >= 0 && serves(c, first_slot, end)) {
            item *made = add_item(c, first_slot, end, -1);
            if (made) {
                made->value.sum = s->block[cell];
                open_slots(c, c->count - 1);
            }
        }
        last = first;
        next = c->count;
        look(c, end - start + next - last);
    }
}

/* What stands outside of an item goes to the one before it, and to the block in its slot. */
static void
share_item(sums *s, Py_ssize_t number)
{
    charts *c = &s->chart;
    const item *here = &c->items[number];
    int32_t before = here->before;
    double around = s->around[number];
    if (before < 0)
        return;
    if (c->trie.slots[c->items[before].node] != here->node) {
        s->around[before] += around;
        return;
    }
    for (; before >= 0; before = c->items[before].older) {
        Py_ssize_t cell = c->items[before].end * c->wide + here->end;
        s->around[before] += around * s->block[cell];
        s->outer[cell] += around * c->items[before].value.sum;
        c->steps++;
    }
}

static void
share_start(sums *s, Py_ssize_t start, double *expected)
{
    charts *c = &s->chart;
    Py_ssize_t row = start * c->wide, behind = start ? c->begins[start - 1] : c->count;
    for (Py_ssize_t end = c->size; end > start; end--) {
        Py_ssize_t cell = row + end, first = s->firsts[cell], last = s->lasts[cell];
        if (last < behind && c->items[last].end == end)
            s->outer[cell] += s->around[last];
        if (end - start > 1) {
            double explained = s->outer[cell] + s->outer_item[cell];
            for (Py_ssize_t number = first; number < last; number++) {
                int32_t final = final_of(c, c->items[number].node);
                if (final < 0)
                    continue;
                s->around[number] += explained * s->weights[final];
                expected[final] += explained * (c->items[number].value.sum * s->weights[final]);
            }
            double listed = s->outer[cell] * s->null;
            for (Py_ssize_t place = end - 1; place > start; place--) {
                s->outer[row + place] += listed * s->item[place * c->wide + end];
                s->outer_item[place * c->wide + end] += listed * s->block[row + place];
            }
        }
        for (Py_ssize_t number = last - 1; number >= first; number--)
            share_item(s, number);
    }
}

/* Everything between the tables and the total; the total, whatever the status. */
static double
sum_up(sums *s, double *expected)
{
    charts *c = &s->chart;
    for (Py_ssize_t start = c->size - 1; start >= 0 && !c->status; start--)
        sum_fill(s, start);
    double total = s->block[c->size];
    if (c->status || !(0.0 < total && total < Py_HUGE_VAL))
        return total;
    s->around = calloc(c->count ? (size_t)c->count : 1, sizeof *s->around);
    if (!s->around) {
        c->status = NO_MEMORY;
        return total;
    }
    s->outer[c->size] = 1.0 / total;
    for (Py_ssize_t start = 0; start < c->size; start++)
        share_start(s, start, expected);
    return total;
}

static int
sums_open(sums *s)
{
    size_t cells = (size_t)s->chart.size * (size_t)s->chart.wide;
    s->memory = calloc(cells, 4 * sizeof(double) + 2 * sizeof(Py_ssize_t));
    if (!s->memory) {
        PyErr_NoMemory();
        return -1;
    }
    s->block = s->memory;
    s->item = s->block + cells;
    s->outer = s->item + cells;
    s->outer_item = s->outer + cells;
    s->firsts = (Py_ssize_t *)(s->outer_item + cells);
    s->lasts = s->firsts + cells;
    return 0;
}

static PyObject *
template_sums(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *words, *classes, *trie[5], *weights, *expected, *result = NULL;
    sums s = {.memory = NULL};
    if (!PyArg_ParseTuple(args, "OO(OOOOO)OdO:template_sums", &words, &classes, &trie[0], &trie[1], &trie[2], &trie[3],
                          &trie[4], &weights, &s.null, &expected))
        return NULL;
    buffers all = {.held = 0};
    charts *c = &s.chart;
    double *shares;
    Py_ssize_t templates = open_items(&all, weights, 8, 0, "weights", &s.weights);
    Py_ssize_t others = templates < 0 ? -1 : open_items(&all, expected, 8, 1, "expected", &shares);
    if (others < 0)
        goto done;
    if (others != templates) {
        PyErr_SetString(PyExc_ValueError, "expected: a number for each template");
        goto done;
    }
    if (charts_open(c, &all, words, classes, trie, templates) < 0 || sums_open(&s) < 0)
        goto done;
    c->thread = PyEval_SaveThread();
    double total = sum_up(&s, shares);
    PyEval_RestoreThread(c->thread);
    if (c->status)
        set_failure(c->status);
    else
        result = PyFloat_FromDouble(total);
done:
    free(s.around);
    free(s.memory);
    charts_close(c, &all);
    return result;
}

PyMethodDef chart_methods[] = {
    {"best_brackets", best_brackets, METH_VARARGS, NULL},
    {"template_sums", template_sums, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
