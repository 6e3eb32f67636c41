/* Template kernels: the copy of templates.py, which is the specification. */
#include "_text.h"

#define MOST_SYMBOLS 0x7FFFFFFF
#define MOST_WINDOW 16
#define MOST_STEPS 8
#define GAP_BITS 4
#define GIANT 0x1p512
#define TURN 100000  /* stretches or places between two looks for Ctrl-C */

/* What stops a loop that runs without the GIL. */
enum { DONE = 0, NO_MEMORY = -1, INTERRUPTED = -2 };

static void
set_failure(int status)
{
    if (status == NO_MEMORY)
        PyErr_NoMemory();
}

/* ---- checks -------------------------------------------------------------------------------------------------- */

static int
check_below(const uint32_t *items, Py_ssize_t count, size_t size, const char *what)
{
    for (Py_ssize_t place = 0; place < count; place++)
        if (items[place] >= size) {
            PyErr_Format(PyExc_ValueError, "%s: expected numbers below %zu, got %u at %zd", what, size, items[place],
                         place);
            return -1;
        }
    return 0;
}

static int
check_window(Py_ssize_t window)
{
    if (1 <= window && window <= MOST_WINDOW)
        return 0;
    PyErr_Format(PyExc_ValueError, "window: expected 1 to %d, got %zd", MOST_WINDOW, window);
    return -1;
}

static int
check_text_size(Py_ssize_t size)
{
    if (!(size >> 31))
        return 0;
    PyErr_Format(PyExc_OverflowError, "tokens: expected less than 2**31 items, got %zd", size);
    return -1;
}

/* An error about a number, shown as Python shows it. */
static int
complain(const char *format, double number, Py_ssize_t place)
{
    PyObject *shown = PyFloat_FromDouble(number);
    if (shown) {
        PyErr_Format(PyExc_ValueError, format, shown, place);
        Py_DECREF(shown);
    }
    return -1;
}

/* ---- tries --------------------------------------------------------------------------------------------------- */

/* The child of a node by a step: open addressing; an empty slot has the key NO_KEY, which no node can have. */
#define NO_KEY UINT64_MAX

typedef struct {
    uint64_t *keys;
    uint32_t *nodes;
    size_t mask, filled;
} child_table;

static inline size_t
first_slot(const child_table *t, uint64_t key)
{
    return (size_t)(key * 0x9E3779B97F4A7C15u >> 20) & t->mask;
}

static int
child_table_open(child_table *t, size_t entries)
{
    size_t slots = 1024;
    while (slots < 2 * entries)
        slots *= 2;
    t->keys = malloc(slots * 8);
    t->nodes = malloc(slots * 4);
    t->mask = slots - 1;
    t->filled = 0;
    if (!t->keys || !t->nodes)
        return NO_MEMORY;
    memset(t->keys, 0xFF, slots * 8);
    return DONE;
}

static void
child_table_close(child_table *t)
{
    free(t->keys);
    free(t->nodes);
}

/* The slot of a key, or the empty one where it would stand. */
static inline size_t
find_slot(const child_table *t, uint64_t key)
{
    size_t slot = first_slot(t, key);
    while (t->keys[slot] != key && t->keys[slot] != NO_KEY)
        slot = (slot + 1) & t->mask;
    return slot;
}

static int
child_table_grow(child_table *t)
{
    child_table larger;
    if (child_table_open(&larger, t->mask + 1) != DONE) {
        child_table_close(&larger);
        return NO_MEMORY;
    }
    for (size_t slot = 0; slot <= t->mask; slot++)
        if (t->keys[slot] != NO_KEY) {
            size_t other = find_slot(&larger, t->keys[slot]);
            larger.keys[other] = t->keys[slot];
            larger.nodes[other] = t->nodes[slot];
        }
    larger.filled = t->filled;
    child_table_close(t);
    *t = larger;
    return DONE;
}

/* ---- paths --------------------------------------------------------------------------------------------------- */

typedef struct {
    uint32_t place;
    uint32_t skips;
    double share;
} onward;

typedef struct {
    double chance;
    uint32_t place, node, length, gap;
} piece;

typedef struct {
    const uint32_t *text;
    const uint64_t *starts;
    const uint32_t *columns;
    const double *weights;
    Py_ssize_t size;
    uint32_t window, most;
    double least;
    child_table children;
    uint32_t *parents, *steps;
    double *sums;
    size_t nodes, room;
    /* of a stretch */
    double *totals, *chances;
    int64_t *levels;
    uint8_t *begins;
    uint32_t *counts;
    onward *links;
    piece *waiting;
} pieces;

static inline double
lowered(double number, int64_t levels)
{
    return !levels ? number : levels == 1 ? number / GIANT : 0.0;
}

/* The weight of the link between two numbers of the text, 0 if there is none. */
static inline double
weight_of(const pieces *p, uint32_t left, uint32_t right)
{
    uint64_t low = p->starts[left - 1], high = p->starts[left], end = high;
    uint32_t column = right - 1;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (p->columns[middle] < column)
            low = middle + 1;
        else
            high = middle;
    }
    return low < end && p->columns[low] == column ? p->weights[low] : 0.0;
}

static void
find_chances(pieces *p, const uint32_t *stretch, size_t size)
{
    memset(p->begins, 1, size);
    for (size_t place = size; place-- > 0;) {
        onward *found = p->links + place * p->window;
        uint32_t count = 0;
        p->totals[place] = 1.0;
        p->levels[place] = 0;
        p->counts[place] = 0;
        if (p->starts[stretch[place] - 1] == p->starts[stretch[place]])
            continue;
        int64_t level = 0;
        for (size_t other = place + 1; other < size && other <= place + p->window; other++) {
            double weight = weight_of(p, stretch[place], stretch[other]);
            if (weight > 0.0) {
                found[count++] = (onward){(uint32_t)other, other > place + 1, weight};
                if (p->levels[other] > level)
                    level = p->levels[other];
            }
        }
        if (!count)
            continue;
        double total = 0.0;
        for (uint32_t i = 0; i < count; i++) {
            uint32_t other = found[i].place;
            p->begins[other] = 0;
            found[i].share *= lowered(p->totals[other], level - p->levels[other]);
            total += found[i].share;
        }
        for (uint32_t i = 0; i < count; i++)
            found[i].share /= total;
        p->counts[place] = count;
        if (total > GIANT) {
            total /= GIANT;
            level++;
        }
        p->totals[place] = total;
        p->levels[place] = level;
    }
    int64_t top = 0;
    for (size_t place = 0; place < size; place++)
        if (p->begins[place] && p->levels[place] > top)
            top = p->levels[place];
    double whole = 0.0;
    for (size_t place = 0; place < size; place++)
        if (p->begins[place])
            whole += lowered(p->totals[place], top - p->levels[place]);
    for (size_t place = 0; place < size; place++)
        p->chances[place] = p->begins[place] ? lowered(p->totals[place], top - p->levels[place]) / whole : 0.0;
}

/* The child of a node, new or known, or 0 where there is no memory. */
static uint32_t
child_of(pieces *p, uint32_t node, uint32_t step)
{
    uint64_t key = (uint64_t)node << 32 | step;
    size_t slot = find_slot(&p->children, key);
    if (p->children.keys[slot] == key)
        return p->children.nodes[slot];
    if (p->nodes == p->room) {
        size_t room = p->room * 2;
        uint32_t *parents = realloc(p->parents, room * 4);
        if (parents)
            p->parents = parents;
        uint32_t *steps = realloc(p->steps, room * 4);
        if (steps)
            p->steps = steps;
        double *sums = realloc(p->sums, room * 8);
        if (sums)
            p->sums = sums;
        if (!parents || !steps || !sums)
            return 0;
        p->room = room;
    }
    if (p->nodes >= UINT32_MAX)
        return 0;
    p->children.keys[slot] = key;
    p->children.nodes[slot] = (uint32_t)p->nodes;
    p->parents[p->nodes] = node;
    p->steps[p->nodes] = step;
    p->sums[p->nodes] = 0.0;
    p->nodes++;
    if (++p->children.filled * 2 > p->children.mask && child_table_grow(&p->children) != DONE)
        return 0;
    return (uint32_t)p->nodes - 1;
}

static int
list_pieces(pieces *p, const uint32_t *stretch, uint32_t start, double chance)
{
    size_t waiting = 0;
    p->waiting[waiting++] = (piece){chance, start, 0, 1, 0};
    while (waiting) {
        piece here = p->waiting[--waiting];
        uint32_t child = child_of(p, here.node, (stretch[here.place] - 1) << 1 | here.gap);
        if (!child)
            return NO_MEMORY;
        p->sums[child] += here.chance;
        if (here.length < p->most)
            for (uint32_t i = p->counts[here.place]; i-- > 0;) {
                const onward *next_link = p->links + (size_t)here.place * p->window + i;
                double next = here.chance * next_link->share;
                if (next >= p->least)
                    p->waiting[waiting++] = (piece){next, next_link->place, child, here.length + 1, next_link->skips};
            }
    }
    return DONE;
}

static int
add_stretch(pieces *p, const uint32_t *stretch, size_t size)
{
    find_chances(p, stretch, size);
    for (size_t place = 0; place < size; place++) {
        double chance = p->chances[place];
        const onward *links = p->links + place * p->window;
        for (uint32_t i = 0; i < p->counts[place]; i++)
            p->chances[links[i].place] += chance * links[i].share;
        if (chance >= p->least && list_pieces(p, stretch, (uint32_t)place, chance) != DONE)
            return NO_MEMORY;
    }
    return DONE;
}

static int
add_text(pieces *p)
{
    int status = DONE;
    Py_ssize_t since = 0;
    PyThreadState *state = PyEval_SaveThread();
    for (Py_ssize_t start = 0, end; start < p->size && status == DONE; start = end + 1) {
        for (end = start; end < p->size && p->text[end]; end++)
            ;
        if (end > start)
            status = add_stretch(p, p->text + start, (size_t)(end - start));
        since += end - start + 1;
        if (status == DONE && since > TURN) {
            since = 0;
            if (interrupted(&state))
                status = INTERRUPTED;
        }
    }
    PyEval_RestoreThread(state);
    return status;
}

static int
check_links(const pieces *p, Py_ssize_t rows, Py_ssize_t entries)
{
    int rising = rows >= 0 && p->starts[0] == 0 && p->starts[rows] == (uint64_t)entries;
    for (Py_ssize_t row = 0; rising && row < rows; row++)
        rising = p->starts[row] <= p->starts[row + 1];
    if (!rising) {
        PyErr_Format(PyExc_ValueError, "starts: expected rising numbers from 0 to %zd", entries);
        return -1;
    }
    if (rows > MOST_SYMBOLS) {
        PyErr_Format(PyExc_ValueError, "starts: expected at most %d rows, got %zd", MOST_SYMBOLS, rows);
        return -1;
    }
    return 0;
}

static int
check_weights(const pieces *p, Py_ssize_t rows, Py_ssize_t entries)
{
    if (check_below(p->text, p->size, (size_t)rows + 1, "tokens") < 0 ||
        check_below(p->columns, entries, (size_t)rows, "columns") < 0)
        return -1;
    for (Py_ssize_t row = 0; row < rows; row++)
        for (uint64_t place = p->starts[row] + 1; place < p->starts[row + 1]; place++)
            if (p->columns[place] <= p->columns[place - 1]) {
                PyErr_Format(PyExc_ValueError, "columns: expected rising numbers in a row, got %u at %zd",
                             p->columns[place], (Py_ssize_t)place);
                return -1;
            }
    for (Py_ssize_t place = 0; place < entries; place++)
        if (!(p->weights[place] >= 1.0 && p->weights[place] < GIANT))
            return complain("weights: expected numbers of 1 or more, got %R at %zd", p->weights[place], place);
    return 0;
}

static size_t
longest_stretch(const uint32_t *text, Py_ssize_t size)
{
    size_t longest = 1, run = 0;
    for (Py_ssize_t place = 0; place < size; place++) {
        run = text[place] ? run + 1 : 0;
        if (run > longest)
            longest = run;
    }
    return longest;
}

static int
pieces_open(pieces *p)
{
    size_t longest = longest_stretch(p->text, p->size);
    p->room = 1024;
    p->parents = calloc(p->room, 4);
    p->steps = calloc(p->room, 4);
    p->sums = calloc(p->room, 8);
    p->nodes = 1;
    p->totals = malloc(longest * 8);
    p->chances = malloc(longest * 8);
    p->levels = malloc(longest * 8);
    p->begins = malloc(longest);
    p->counts = malloc(longest * 4);
    p->links = malloc(longest * p->window * sizeof *p->links);
    p->waiting = malloc(((size_t)p->most * p->window + 1) * sizeof *p->waiting);
    int found = p->parents && p->steps && p->sums && p->totals && p->chances && p->levels && p->begins && p->counts &&
                p->links && p->waiting;
    return found ? child_table_open(&p->children, 1024) : NO_MEMORY;
}

static void
pieces_close(pieces *p)
{
    child_table_close(&p->children);
    free(p->parents);
    free(p->steps);
    free(p->sums);
    free(p->totals);
    free(p->chances);
    free(p->levels);
    free(p->begins);
    free(p->counts);
    free(p->links);
    free(p->waiting);
}

static PyObject *
path_pieces(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *objects[4], *result = NULL;
    Py_ssize_t window, most;
    pieces p = {0};
    if (!PyArg_ParseTuple(args, "OOOOnnd:path_pieces", &objects[0], &objects[1], &objects[2], &objects[3], &window,
                          &most, &p.least))
        return NULL;
    buffers all = {.held = 0};
    Py_ssize_t bounds, entries;
    if ((p.size = open_items(&all, objects[0], 4, 0, "tokens", &p.text)) < 0 ||
        (bounds = open_items(&all, objects[1], 8, 0, "starts", &p.starts)) < 0 ||
        (entries = open_items(&all, objects[2], 4, 0, "columns", &p.columns)) < 0 ||
        open_sized(&all, objects[3], 8, 0, entries, "weights", &p.weights) < 0 ||
        check_links(&p, bounds - 1, entries) < 0 || check_text_size(p.size) < 0 || check_window(window) < 0)
        goto done;
    if (most < 1 || most > MOST_STEPS) {
        PyErr_Format(PyExc_ValueError, "most: expected 1 to %d, got %zd", MOST_STEPS, most);
        goto done;
    }
    if (!(p.least > 0.0 && p.least <= 1.0)) {
        complain("least: expected a chance above 0 and at most 1, got %R", p.least, 0);
        goto done;
    }
    if (check_weights(&p, bounds - 1, entries) < 0)
        goto done;
    p.window = (uint32_t)window;
    p.most = (uint32_t)most;
    int status = pieces_open(&p);
    if (status == DONE)
        status = add_text(&p);
    if (status == DONE)
        result = Py_BuildValue("y#y#y#", p.parents, (Py_ssize_t)(p.nodes * 4), p.steps, (Py_ssize_t)(p.nodes * 4),
                               p.sums, (Py_ssize_t)(p.nodes * 8));
    else
        set_failure(status);
    pieces_close(&p);
done:
    buffers_release(&all);
    return result;
}

/* ---- templates in the text ----------------------------------------------------------------------------------- */

typedef struct {
    uint32_t place, node, gaps, shift;
} partial;

typedef struct {
    const uint32_t *text, *classes, *parents, *steps, *templates;
    Py_ssize_t size, symbols, nodes;
    uint32_t window;
    child_table children;
    uint8_t *inner;        /* of each node, whether it has children */
    uint32_t *columns[4];  /* begins, ends, templates, slots */
    size_t found, room;
    partial *waiting;
} matcher;

/* The child of a node by a step, or 0. */
static inline uint32_t
child_at(const child_table *children, uint32_t node, uint64_t step)
{
    uint64_t key = (uint64_t)node << 32 | step;
    size_t slot = find_slot(children, key);
    return children->keys[slot] == key ? children->nodes[slot] : 0;
}

static inline uint32_t
child_by(const matcher *m, uint32_t node, uint32_t symbol, uint32_t gap)
{
    return child_at(&m->children, node, (uint64_t)(symbol - 1) << 1 | gap);
}

static int
add_match(matcher *m, uint32_t begin, uint32_t end, uint32_t name, uint32_t gaps)
{
    if (m->found == m->room) {
        size_t room = m->room * 2;
        for (int i = 0; i < 4; i++) {
            uint32_t *column = realloc(m->columns[i], room * 4);
            if (!column)
                return NO_MEMORY;
            m->columns[i] = column;
        }
        m->room = room;
    }
    m->columns[0][m->found] = begin;
    m->columns[1][m->found] = end;
    m->columns[2][m->found] = name;
    m->columns[3][m->found++] = gaps;
    return DONE;
}

/* The templates that begin at a place; what waits last goes on first. */
static int
match_from(matcher *m, uint32_t begin)
{
    size_t waiting = 0;
    uint32_t word = m->text[begin], group = m->classes[word], node;
    if (group && (node = child_by(m, 0, group, 0)))
        m->waiting[waiting++] = (partial){begin, node, 0, 0};
    if ((node = child_by(m, 0, word, 0)))
        m->waiting[waiting++] = (partial){begin, node, 0, 0};
    while (waiting) {
        partial here = m->waiting[--waiting];
        uint32_t name = m->templates[here.node];
        if (name != NONE && add_match(m, begin, here.place + 1, name, here.gaps) != DONE)
            return NO_MEMORY;
        if (!m->inner[here.node])
            continue;
        uint32_t reach = 0;
        while (reach < m->window && here.place + reach + 1 < (size_t)m->size && m->text[here.place + reach + 1])
            reach++;
        for (uint32_t ahead = reach; ahead > 0; ahead--) {
            uint32_t gap = ahead > 1, gaps = here.gaps | (ahead - 1) << here.shift;
            uint32_t shift = here.shift + GAP_BITS * gap;
            word = m->text[here.place + ahead];
            group = m->classes[word];
            if (group && (node = child_by(m, here.node, group, gap)))
                m->waiting[waiting++] = (partial){here.place + ahead, node, gaps, shift};
            if ((node = child_by(m, here.node, word, gap)))
                m->waiting[waiting++] = (partial){here.place + ahead, node, gaps, shift};
        }
    }
    return DONE;
}

static int
match_text(matcher *m)
{
    int status = DONE;
    PyThreadState *state = PyEval_SaveThread();
    for (Py_ssize_t place = 0; place < m->size && status == DONE; place++) {
        if (m->text[place])
            status = match_from(m, (uint32_t)place);
        if (status == DONE && place % TURN == TURN - 1 && interrupted(&state))
            status = INTERRUPTED;
    }
    PyEval_RestoreThread(state);
    return status;
}

static int
check_depths(const uint32_t *parents, Py_ssize_t nodes)
{
    if (!nodes) {
        PyErr_SetString(PyExc_ValueError, "parents: expected one item or more, 0 for the root, got 0 items");
        return -1;
    }
    uint8_t *depths = calloc((size_t)nodes, 1);
    if (!depths) {
        PyErr_NoMemory();
        return -1;
    }
    Py_ssize_t node = 1;
    for (; node < nodes; node++) {
        if (parents[node] >= (size_t)node) {
            PyErr_Format(PyExc_ValueError, "parents: expected a node below %zd, got %u", node, parents[node]);
            break;
        }
        depths[node] = (uint8_t)(depths[parents[node]] + 1);
        if (depths[node] > MOST_STEPS) {
            PyErr_Format(PyExc_ValueError, "parents: expected at most %d steps from the root, got more at node %zd",
                         MOST_STEPS, node);
            break;
        }
    }
    free(depths);
    return node == nodes ? 0 : -1;
}

/* The children of all nodes; -1 with an error set. */
static int
list_children(child_table *children, const uint32_t *parents, const uint32_t *steps, Py_ssize_t nodes)
{
    if (child_table_open(children, (size_t)nodes) != DONE) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t node = 1; node < nodes; node++) {
        uint64_t key = (uint64_t)parents[node] << 32 | steps[node];
        size_t slot = find_slot(children, key);
        if (children->keys[slot] == key) {
            PyErr_Format(PyExc_ValueError, "steps: expected each step of a node once, got %u again at %zd", steps[node],
                         node);
            return -1;
        }
        children->keys[slot] = key;
        children->nodes[slot] = (uint32_t)node;
    }
    return 0;
}

static int
matcher_open(matcher *m)
{
    m->room = 1024;
    for (int i = 0; i < 4; i++)
        m->columns[i] = malloc(m->room * 4);
    m->waiting = malloc((2 * (size_t)m->window * MOST_STEPS + 2) * sizeof *m->waiting);
    m->inner = calloc((size_t)m->nodes, 1);
    if (!m->inner || !m->columns[0] || !m->columns[1] || !m->columns[2] || !m->columns[3] || !m->waiting) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t node = 1; node < m->nodes; node++)
        m->inner[m->parents[node]] = 1;
    return list_children(&m->children, m->parents, m->steps, m->nodes);
}

static void
matcher_close(matcher *m)
{
    child_table_close(&m->children);
    for (int i = 0; i < 4; i++)
        free(m->columns[i]);
    free(m->inner);
    free(m->waiting);
}

static PyObject *
template_matches(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *objects[5], *result = NULL;
    Py_ssize_t window;
    if (!PyArg_ParseTuple(args, "OOOOOn:template_matches", &objects[0], &objects[1], &objects[2], &objects[3],
                          &objects[4], &window))
        return NULL;
    buffers all = {.held = 0};
    matcher m = {0};
    if ((m.size = open_items(&all, objects[0], 4, 0, "tokens", &m.text)) < 0 ||
        (m.symbols = open_items(&all, objects[1], 4, 0, "classes", &m.classes)) < 0 ||
        (m.nodes = open_items(&all, objects[2], 4, 0, "parents", &m.parents)) < 0 ||
        open_sized(&all, objects[3], 4, 0, m.nodes, "steps", &m.steps) < 0 ||
        open_sized(&all, objects[4], 4, 0, m.nodes, "templates", &m.templates) < 0 || check_text_size(m.size) < 0 ||
        check_window(window) < 0 || check_below(m.text, m.size, (size_t)m.symbols, "tokens") < 0 ||
        check_depths(m.parents, m.nodes) < 0)
        goto done;
    m.window = (uint32_t)window;
    if (matcher_open(&m) < 0)
        goto closing;
    int status = match_text(&m);
    Py_ssize_t bytes = (Py_ssize_t)(m.found * 4);
    if (status == DONE)
        result = Py_BuildValue("y#y#y#y#", m.columns[0], bytes, m.columns[1], bytes, m.columns[2], bytes, m.columns[3],
                               bytes);
    else
        set_failure(status);
closing:
    matcher_close(&m);
done:
    buffers_release(&all);
    return result;
}

/* ---- the best cover ------------------------------------------------------------------------------------------ */

typedef struct {
    const uint32_t *begins, *ends, *templates, *slots;
    const double *values, *costs;
    Py_ssize_t size, matches, kinds;
    double word;
    double *best;
    uint32_t *choice;
    uint32_t *cover;
    size_t covered;
} coverage;

static int
check_matches(const coverage *c)
{
    uint32_t before = 0;
    if (check_below(c->templates, c->matches, (size_t)c->kinds, "templates") < 0)
        return -1;
    for (Py_ssize_t place = 0; place < c->matches; place++) {
        uint32_t first = c->begins[place], last = c->ends[place];
        if (first < before || last <= first || last > c->size) {
            PyErr_Format(PyExc_ValueError,
                         "begins: expected matches in rising order within %zd places, got another at %zd", c->size,
                         place);
            return -1;
        }
        before = first;
    }
    return 0;
}

static void
choose_cover(coverage *c)
{
    Py_ssize_t match = c->matches;
    c->best[c->size] = 0.0;
    for (Py_ssize_t place = c->size; place-- > 0;) {
        double highest = c->best[place + 1];
        uint32_t chosen = NONE;
        Py_ssize_t behind = match;
        while (match > 0 && c->begins[match - 1] == place)
            match--;
        for (Py_ssize_t number = match; number < behind; number++) {
            double slots = 0.0;
            for (uint32_t packed = c->slots[number]; packed; packed >>= GAP_BITS)
                slots += c->costs[packed & 15];
            uint32_t end = c->ends[number];
            double value = c->values[c->templates[number]] - slots + c->word * (double)(end - place) + c->best[end];
            if (value > highest) {
                highest = value;
                chosen = (uint32_t)number;
            }
        }
        c->best[place] = highest;
        c->choice[place] = chosen;
    }
    for (Py_ssize_t place = 0; place < c->size;)
        if (c->choice[place] == NONE)
            place++;
        else {
            c->cover[c->covered++] = c->choice[place];
            place = c->ends[c->choice[place]];
        }
}

static PyObject *
cover_text(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *objects[6], *result = NULL;
    coverage c = {0};
    if (!PyArg_ParseTuple(args, "nOOOOOOd:cover_text", &c.size, &objects[0], &objects[1], &objects[2], &objects[3],
                          &objects[4], &objects[5], &c.word))
        return NULL;
    buffers all = {.held = 0};
    if ((c.matches = open_items(&all, objects[0], 4, 0, "begins", &c.begins)) < 0 ||
        open_sized(&all, objects[1], 4, 0, c.matches, "ends", &c.ends) < 0 ||
        open_sized(&all, objects[2], 4, 0, c.matches, "templates", &c.templates) < 0 ||
        open_sized(&all, objects[3], 4, 0, c.matches, "slots", &c.slots) < 0 ||
        (c.kinds = open_items(&all, objects[4], 8, 0, "values", &c.values)) < 0 ||
        open_sized(&all, objects[5], 8, 0, 1 << GAP_BITS, "costs", &c.costs) < 0)
        goto done;
    if (c.size < 0 || c.size >> 31) {
        PyErr_Format(PyExc_ValueError, "size: expected 0 to %d, got %zd", 0x7FFFFFFF, c.size);
        goto done;
    }
    if (check_matches(&c) < 0)
        goto done;
    c.best = malloc(((size_t)c.size + 1) * 8);
    c.choice = malloc(((size_t)c.size + 1) * 4);
    c.cover = malloc(((size_t)c.size + 1) * 4);
    if (c.best && c.choice && c.cover) {
        Py_BEGIN_ALLOW_THREADS
        choose_cover(&c);
        Py_END_ALLOW_THREADS
        result = PyBytes_FromStringAndSize((const char *)c.cover, (Py_ssize_t)(c.covered * 4));
    }
    else
        PyErr_NoMemory();
    free(c.best);
    free(c.choice);
    free(c.cover);
done:
    buffers_release(&all);
    return result;
}

/* ---- templates without one ----------------------------------------------------------------------------------- */

typedef struct {
    const uint32_t *parents, *steps, *templates, *classes;
    const double *values;
    Py_ssize_t nodes, kinds, symbols;
    double unit;
    child_table children;
    uint32_t *ends;  /* of each template its node, 0 for none */
} rest;

#define NO_STEP UINT64_MAX

/* The same step over the class of its word, or NO_STEP. */
static inline uint64_t
class_step(const rest *r, uint32_t step)
{
    size_t number = (size_t)(step >> 1) + 1;
    uint32_t group = number < (size_t)r->symbols ? r->classes[number] : 0;
    return group ? (uint64_t)(group - 1) << 1 | (step & 1) : NO_STEP;
}

/* The one of two numbers that Python's max() gives. */
static inline double
greater(double one, double other)
{
    return other > one ? other : one;
}

static double
rest_of(const rest *r, uint32_t name)
{
    uint32_t row[MOST_STEPS], nodes[2][1 << MOST_STEPS];
    uint64_t others[MOST_STEPS];
    size_t size = 0;
    for (uint32_t node = r->ends[name]; node; node = r->parents[node])
        size++;
    uint32_t end = r->ends[name];
    for (size_t place = size; place-- > 0; end = r->parents[end]) {
        row[place] = r->steps[end];
        others[place] = class_step(r, row[place]);
    }
    double best[MOST_STEPS + 1], reached[MOST_STEPS + 1];
    for (size_t place = 0; place <= size; place++) {
        best[place] = 0.0;
        reached[place] = -INFINITY;
    }
    for (size_t start = 0; start < size; start++) {
        if (start)
            best[start] = greater(best[start - 1] - r->unit, reached[start]);
        uint32_t *here = nodes[0], *after = nodes[1], node;
        size_t count = 0;
        if ((node = child_at(&r->children, 0, row[start] & ~1u)))
            here[count++] = node;
        if (others[start] != NO_STEP && (node = child_at(&r->children, 0, others[start] & ~(uint64_t)1)))
            here[count++] = node;
        for (size_t last = start + 1; last < size && count; last++) {
            size_t found = 0;
            for (size_t i = 0; i < count; i++) {
                if ((node = child_at(&r->children, here[i], row[last])))
                    after[found++] = node;
                if (others[last] != NO_STEP && (node = child_at(&r->children, here[i], others[last])))
                    after[found++] = node;
            }
            for (size_t i = 0; i < found; i++) {
                uint32_t other = r->templates[after[i]];
                if (other != NONE && other != name)
                    reached[last + 1] = greater(reached[last + 1], best[start] + r->values[other]);
            }
            uint32_t *swap = here; here = after; after = swap;
            count = found;
        }
    }
    return size ? greater(best[size - 1] - r->unit, reached[size]) : 0.0;
}

/* The node of each template; -1 with an error set. */
static int
rest_open(rest *r)
{
    if (list_children(&r->children, r->parents, r->steps, r->nodes) < 0)
        return -1;
    r->ends = calloc((size_t)r->kinds + 1, 4);
    if (!r->ends) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t node = 0; node < r->nodes; node++) {
        uint32_t name = r->templates[node];
        if (name == NONE)
            continue;
        if (name >= (size_t)r->kinds) {
            PyErr_Format(PyExc_ValueError, "templates: expected numbers below %zd, got %u at %zd", r->kinds, name, node);
            return -1;
        }
        r->ends[name] = (uint32_t)node;
    }
    return 0;
}

static PyObject *
rest_values(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *objects[5], *result = NULL;
    rest r = {0};
    if (!PyArg_ParseTuple(args, "OOOOOd:rest_values", &objects[0], &objects[1], &objects[2], &objects[3], &objects[4],
                          &r.unit))
        return NULL;
    buffers all = {.held = 0};
    if ((r.nodes = open_items(&all, objects[0], 4, 0, "parents", &r.parents)) < 0 ||
        open_sized(&all, objects[1], 4, 0, r.nodes, "steps", &r.steps) < 0 ||
        open_sized(&all, objects[2], 4, 0, r.nodes, "templates", &r.templates) < 0 ||
        (r.kinds = open_items(&all, objects[3], 8, 0, "values", &r.values)) < 0 ||
        (r.symbols = open_items(&all, objects[4], 4, 0, "classes", &r.classes)) < 0 ||
        check_depths(r.parents, r.nodes) < 0)
        goto done;
    if (rest_open(&r) == 0 && (result = PyBytes_FromStringAndSize(NULL, r.kinds * 8)) != NULL) {
        char *bytes = PyBytes_AsString(result);
        for (Py_ssize_t name = 0; name < r.kinds; name++) {
            double value = rest_of(&r, (uint32_t)name);
            memcpy(bytes + 8 * name, &value, 8);
        }
    }
    child_table_close(&r.children);
    free(r.ends);
done:
    buffers_release(&all);
    return result;
}

PyMethodDef templates_methods[] = {
    {"cover_text", cover_text, METH_VARARGS, NULL},
    {"path_pieces", path_pieces, METH_VARARGS, NULL},
    {"rest_values", rest_values, METH_VARARGS, NULL},
    {"template_matches", template_matches, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
