/* Flow kernels: the copy of flow.py, which is the specification. */
#include "_buffers.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NONE 0xFFFFFFFFu
#define STILL 0xFFFFFFFFu  /* the bound of a node that stays where it is */
#define LEAST_GAIN 1e-12
#define TURN 2000000  /* links between two looks for Ctrl-C */

/* What stops a loop that runs without the GIL. */
enum { DONE = 0, NO_MEMORY = -1, INTERRUPTED = -2, STRADDLING = -3 };

/* ---- small helpers ------------------------------------------------------------------------------------------- */

/* As get_items; an empty buffer may be of any items. */
static int
get_items_if_any(PyObject *object, Py_buffer *view, Py_ssize_t itemsize, const char *what)
{
    if (PyObject_GetBuffer(object, view, PyBUF_ND | PyBUF_FORMAT) < 0)
        return -1;
    if ((view->itemsize != itemsize && view->len) || view->ndim > 1) {
        PyErr_Format(PyExc_TypeError, "%s: expected items of %zd bytes, got %zd", what, itemsize, view->itemsize);
        PyBuffer_Release(view);
        return -1;
    }
    return 0;
}

/* Whether Ctrl-C was pressed, looked at once in TURN units of work. */
static inline int
turned(size_t *work, size_t more, PyThreadState **thread)
{
    if ((*work += more) < TURN)
        return 0;
    *work = 0;
    return interrupted(thread);
}

static PyObject *
set_failure(int status)
{
    if (status == NO_MEMORY && !PyErr_Occurred())
        PyErr_NoMemory();
    return NULL;
}

static int
check_length(const char *name, size_t length, size_t expected)
{
    if (length == expected)
        return 0;
    PyErr_Format(PyExc_ValueError, "%s: expected %zu items, got %zu", name, expected, length);
    return -1;
}

static int
check_below(const char *name, const uint32_t *items, size_t count, size_t size)
{
    for (size_t place = 0; place < count; place++)
        if (items[place] >= size) {
            PyErr_Format(PyExc_ValueError, "%s: expected numbers below %zu, got %u at %zu", name, size, items[place],
                         place);
            return -1;
        }
    return 0;
}

static PyObject *
as_bytes(const void *items, size_t size)
{
    return PyBytes_FromStringAndSize(items, (Py_ssize_t)size);
}

static void *
room(size_t count, size_t size)
{
    return malloc((count ? count : 1) * size);
}

static void *
zeros(size_t count, size_t size)
{
    return calloc(count ? count : 1, size);
}

static inline double
plogp(double rate)
{
    return rate > 0.0 ? rate * log2(rate) : 0.0;
}

/* ---- from links to a network --------------------------------------------------------------------------------- */

typedef struct {
    Py_buffer sources, targets, weights;
    const uint32_t *tails, *heads;
    const double *loads;
    size_t size, count;
    int open;
} link_list;

static void
links_close(link_list *links)
{
    Py_buffer *views[] = {&links->sources, &links->targets, &links->weights};
    while (links->open > 0)
        PyBuffer_Release(views[--links->open]);
}

static int
links_open(link_list *links, Py_ssize_t size, PyObject *sources, PyObject *targets, PyObject *weights)
{
    links->open = 0;
    if (size < 0 || size > 0x7FFFFFFF) {
        PyErr_Format(PyExc_ValueError, "size: expected 0 to %d, got %zd", 0x7FFFFFFF, size);
        return -1;
    }
    if (get_items_if_any(sources, &links->sources, 4, "sources") < 0)
        return -1;
    links->open++;
    if (get_items_if_any(targets, &links->targets, 4, "targets") < 0)
        goto failed;
    links->open++;
    if (get_items_if_any(weights, &links->weights, 8, "weights") < 0)
        goto failed;
    links->open++;
    links->size = (size_t)size;
    links->count = (size_t)links->sources.len / 4;
    links->tails = links->sources.buf;
    links->heads = links->targets.buf;
    links->loads = links->weights.buf;
    if (links->count >> 31) {
        PyErr_Format(PyExc_OverflowError, "sources: expected less than 2**31 items, got %zu", links->count);
        goto failed;
    }
    if (check_length("targets", (size_t)links->targets.len / 4, links->count) < 0 ||
        check_length("weights", (size_t)links->weights.len / 8, links->count) < 0 ||
        check_below("sources", links->tails, links->count, links->size) < 0 ||
        check_below("targets", links->heads, links->count, links->size) < 0)
        goto failed;
    return 0;
failed:
    links_close(links);
    return -1;
}

typedef struct {
    uint32_t *starts, *neighbours, *seen;
    double *outflows, *inflows;
    size_t entries;
} row_table;

/* Both ends of every link, in the order of the links, in a row for each node; then parallel ones are added up. */
static int
build_rows(const link_list *links, int symmetric, row_table *rows, PyThreadState **thread)
{
    size_t size = links->size, entries = 0, used = 0, work = 0;
    rows->starts = zeros(size + 1, 4);
    rows->seen = room(size, 4);
    if (!rows->starts || !rows->seen)
        return NO_MEMORY;
    for (size_t k = 0; k < links->count; k++)
        if (links->tails[k] != links->heads[k]) {
            rows->starts[links->tails[k] + 1]++;
            rows->starts[links->heads[k] + 1]++;
            entries += 2;
        }
    for (size_t node = 0; node < size; node++)
        rows->starts[node + 1] += rows->starts[node];
    rows->neighbours = room(entries, 4);
    rows->outflows = room(entries, 8);
    rows->inflows = symmetric ? NULL : room(entries, 8);
    if (!rows->neighbours || !rows->outflows || (!symmetric && !rows->inflows))
        return NO_MEMORY;
    memcpy(rows->seen, rows->starts, size * 4);
    for (size_t k = 0; k < links->count; k++) {
        uint32_t tail = links->tails[k], head = links->heads[k];
        if (turned(&work, 4, thread))
            return INTERRUPTED;
        if (tail == head)
            continue;
        size_t there = rows->seen[tail]++, back = rows->seen[head]++;
        rows->neighbours[there] = head;
        rows->neighbours[back] = tail;
        rows->outflows[there] = links->loads[k];
        rows->outflows[back] = symmetric ? links->loads[k] : 0.0;
        if (!symmetric) {
            rows->inflows[there] = 0.0;
            rows->inflows[back] = links->loads[k];
        }
    }
    memset(rows->seen, 0xFF, size * 4);
    size_t from = 0;
    for (size_t node = 0; node < size; node++) {
        size_t last = rows->starts[node + 1], first = used;
        if (turned(&work, last - from, thread))
            return INTERRUPTED;
        for (; from < last; from++) {
            uint32_t other = rows->neighbours[from], place = rows->seen[other];
            if (place != NONE && place >= first && place < used && rows->neighbours[place] == other) {
                rows->outflows[place] += rows->outflows[from];
                if (!symmetric)
                    rows->inflows[place] += rows->inflows[from];
                continue;
            }
            rows->seen[other] = (uint32_t)used;
            rows->neighbours[used] = other;
            rows->outflows[used] = rows->outflows[from];
            if (!symmetric)
                rows->inflows[used] = rows->inflows[from];
            used++;
        }
        rows->starts[node + 1] = (uint32_t)used;
    }
    rows->entries = used;
    return DONE;
}

static void
rows_close(row_table *rows)
{
    free(rows->starts);
    free(rows->neighbours);
    free(rows->seen);
    free(rows->outflows);
    free(rows->inflows);
}

static PyObject *
adjacency(PyObject *self, PyObject *args)
{
    PyObject *sources, *targets, *weights, *result = NULL;
    Py_ssize_t size;
    int symmetric;
    link_list links;
    row_table rows = {0};
    (void)self;
    if (!PyArg_ParseTuple(args, "nOOOp:adjacency", &size, &sources, &targets, &weights, &symmetric) ||
        links_open(&links, size, sources, targets, weights) < 0)
        return NULL;
    PyThreadState *thread = PyEval_SaveThread();
    int status = build_rows(&links, symmetric, &rows, &thread);
    PyEval_RestoreThread(thread);
    if (status == DONE)
        result = Py_BuildValue("NNNN", as_bytes(rows.starts, (links.size + 1) * 4),
                               as_bytes(rows.neighbours, rows.entries * 4), as_bytes(rows.outflows, rows.entries * 8),
                               as_bytes(rows.inflows, symmetric ? 0 : rows.entries * 8));
    else
        set_failure(status);
    rows_close(&rows);
    links_close(&links);
    return result;
}

typedef struct {
    double *rates, *after, *strengths, *leaps, *shares, *followed;
    size_t steps;
} walk;

static int
run_walk(const link_list *links, const double *landing, const double *jumps, double tolerance, size_t limit, walk *w,
         PyThreadState **thread)
{
    size_t size = links->size, work = 0;
    w->rates = room(size, 8);
    w->after = room(size, 8);
    w->strengths = zeros(size, 8);
    w->leaps = room(size, 8);
    w->followed = room(size, 8);
    w->shares = room(links->count, 8);
    if (!w->rates || !w->after || !w->strengths || !w->leaps || !w->followed || !w->shares)
        return NO_MEMORY;
    for (size_t k = 0; k < links->count; k++)
        w->strengths[links->tails[k]] += links->loads[k];
    for (size_t k = 0; k < links->count; k++)
        w->shares[k] = links->loads[k] / w->strengths[links->tails[k]];
    for (size_t node = 0; node < size; node++)
        w->leaps[node] = w->strengths[node] != 0.0 ? jumps[node] : 1.0;
    memcpy(w->rates, landing, size * 8);
    while (w->steps < limit) {
        double teleported = 0.0, total = 0.0, change = 0.0;
        for (size_t node = 0; node < size; node++)
            teleported += w->rates[node] * w->leaps[node];
        for (size_t node = 0; node < size; node++) {
            w->after[node] = teleported * landing[node];
            w->followed[node] = w->rates[node] * (1.0 - w->leaps[node]);
        }
        for (size_t k = 0; k < links->count; k++)
            w->after[links->heads[k]] += w->followed[links->tails[k]] * w->shares[k];
        for (size_t node = 0; node < size; node++)
            total += w->after[node];
        for (size_t node = 0; node < size; node++) {
            double rate = total > 0.0 ? w->after[node] / total : w->after[node];
            change += fabs(rate - w->rates[node]);
            w->rates[node] = rate;
        }
        w->steps++;
        if (change <= tolerance)
            break;
        work += links->count + size;
        if (work >= TURN) {
            work = 0;
            if (interrupted(thread))
                return INTERRUPTED;
        }
    }
    return DONE;
}

static PyObject *
walked(const link_list *links, const Py_buffer *landing, const Py_buffer *jumps, double tolerance, size_t limit)
{
    walk w = {0};
    if (check_length("landings", (size_t)landing->len / 8, links->size) < 0 ||
        check_length("jumps", (size_t)jumps->len / 8, links->size) < 0)
        return NULL;
    PyThreadState *thread = PyEval_SaveThread();
    int status = run_walk(links, landing->buf, jumps->buf, tolerance, limit, &w, &thread);
    PyEval_RestoreThread(thread);
    PyObject *result = status == DONE
                           ? Py_BuildValue("Nn", as_bytes(w.rates, links->size * 8), (Py_ssize_t)w.steps)
                           : set_failure(status);
    double *all[] = {w.rates, w.after, w.strengths, w.leaps, w.shares, w.followed};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    return result;
}

static PyObject *
visit_rates(PyObject *self, PyObject *args)
{
    PyObject *sources, *targets, *weights, *landings, *leaps, *result = NULL;
    Py_ssize_t size, limit;
    double tolerance;
    link_list links;
    Py_buffer landing, jumps;
    (void)self;
    if (!PyArg_ParseTuple(args, "nOOOOOdn:visit_rates", &size, &sources, &targets, &weights, &landings, &leaps,
                          &tolerance, &limit) ||
        links_open(&links, size, sources, targets, weights) < 0)
        return NULL;
    if (get_items_if_any(landings, &landing, 8, "landings") == 0) {
        if (get_items_if_any(leaps, &jumps, 8, "jumps") == 0) {
            result = walked(&links, &landing, &jumps, tolerance, limit > 0 ? (size_t)limit : 0);
            PyBuffer_Release(&jumps);
        }
        PyBuffer_Release(&landing);
    }
    links_close(&links);
    return result;
}

/* ---- networks ------------------------------------------------------------------------------------------------ */

#define BUFFERS 7

static const char *const NAMES[BUFFERS] = {"starts", "neighbours", "outflows", "inflows",
                                           "flows", "teleports", "landings"};
static const Py_ssize_t ITEM_SIZES[BUFFERS] = {4, 4, 8, 8, 8, 8, 8};

typedef struct {
    Py_buffer views[BUFFERS];
    int open;
    const uint32_t *starts, *neighbours;
    const double *outflows, *inflows, *flows, *teleports, *landings; /* inflows, teleports, landings may be NULL */
    size_t size, links;
} network;

static void
network_close(network *n)
{
    while (n->open > 0)
        PyBuffer_Release(&n->views[--n->open]);
}

static int
network_check(network *n)
{
    size_t lengths[BUFFERS];
    for (int i = 0; i < BUFFERS; i++)
        lengths[i] = (size_t)n->views[i].len / (size_t)ITEM_SIZES[i];
    n->size = lengths[4];
    n->links = lengths[1];
    n->starts = n->views[0].buf;
    n->neighbours = n->views[1].buf;
    n->outflows = n->views[2].buf;
    n->inflows = lengths[3] ? n->views[3].buf : NULL;
    n->flows = n->views[4].buf;
    n->teleports = lengths[5] ? n->views[5].buf : NULL;
    n->landings = lengths[5] ? n->views[6].buf : NULL;
    if (check_length("starts", lengths[0], n->size + 1) < 0 || check_length("outflows", lengths[2], n->links) < 0 ||
        (lengths[3] && check_length("inflows", lengths[3], n->links) < 0))
        return -1;
    if (lengths[5] || lengths[6]) {
        if (check_length("teleports", lengths[5], n->size) < 0 || check_length("landings", lengths[6], n->size) < 0)
            return -1;
        if (!lengths[3] && n->links) {
            PyErr_SetString(PyExc_ValueError, "inflows: expected them with teleports, got 0 items");
            return -1;
        }
    }
    if (n->starts[0] || n->starts[n->size] != n->links) {
        PyErr_Format(PyExc_ValueError, "starts: expected 0 at first and %zu at last, got %u and %u", n->links,
                     n->starts[0], n->starts[n->size]);
        return -1;
    }
    for (size_t place = 0; place < n->size; place++)
        if (n->starts[place] > n->starts[place + 1]) {
            PyErr_Format(PyExc_ValueError, "starts: expected no number below the one before it, got one at %zu",
                         place + 1);
            return -1;
        }
    return check_below("neighbours", n->neighbours, n->links, n->size);
}

static int
network_open(network *n, PyObject **objects)
{
    for (n->open = 0; n->open < BUFFERS; n->open++)
        if (get_items_if_any(objects[n->open], &n->views[n->open], ITEM_SIZES[n->open], NAMES[n->open]) < 0) {
            network_close(n);
            return -1;
        }
    if (network_check(n) < 0) {
        network_close(n);
        return -1;
    }
    return 0;
}

static int
is_symmetric(const network *n)
{
    return n->inflows == NULL;
}

/* ---- aggregation --------------------------------------------------------------------------------------------- */

typedef struct {
    uint32_t *labels, *numbers, *members, *ends, *starts, *neighbours, *slots;
    double *outflows, *inflows, *sums[3], *outs, *ins, *out_to, *in_from;
    size_t count, entries, capacity;
} merging;

static int
merging_grow(merging *m, size_t needed, int symmetric)
{
    if (needed <= m->capacity)
        return 0;
    size_t capacity = m->capacity ? m->capacity : 1024;
    while (capacity < needed)
        capacity *= 2;
    void *grown = realloc(m->neighbours, capacity * 4);
    if (!grown)
        return -1;
    m->neighbours = grown;
    if (!(grown = realloc(m->outflows, capacity * 8)))
        return -1;
    m->outflows = grown;
    if (!symmetric) {
        if (!(grown = realloc(m->inflows, capacity * 8)))
            return -1;
        m->inflows = grown;
    }
    m->capacity = capacity;
    return 0;
}

static int
group_nodes(const network *n, const uint32_t *groups, merging *m)
{
    m->labels = room(n->size, 4);
    m->numbers = room(n->size, 4);
    m->members = room(n->size, 4);
    m->ends = zeros(n->size + 1, 4);
    if (!m->labels || !m->numbers || !m->members || !m->ends)
        return NO_MEMORY;
    memset(m->numbers, 0xFF, n->size * 4);
    for (size_t node = 0; node < n->size; node++) {
        uint32_t *number = &m->numbers[groups[node]];
        if (*number == NONE)
            *number = (uint32_t)m->count++;
        m->labels[node] = *number;
        m->ends[*number + 1]++;
    }
    for (size_t label = 0; label < m->count; label++)
        m->ends[label + 1] += m->ends[label];
    for (size_t node = 0; node < n->size; node++)
        m->members[m->ends[m->labels[node]]++] = (uint32_t)node;
    return DONE;
}

/* The row of one module, from the rows of its nodes. */
static int
merge_rows(const network *n, merging *m, size_t label, size_t first_member, size_t last_member)
{
    size_t touched = 0, first = m->entries;
    for (size_t i = first_member; i < last_member; i++) {
        uint32_t node = m->members[i];
        for (size_t k = n->starts[node]; k < n->starts[node + 1]; k++) {
            uint32_t other = m->labels[n->neighbours[k]];
            if (m->slots[other] == NONE) {
                if (merging_grow(m, first + touched + 1, is_symmetric(n)) < 0)
                    return NO_MEMORY;
                m->slots[other] = 0;
                m->neighbours[first + touched++] = other;
                m->out_to[other] = 0.0;
                if (n->inflows)
                    m->in_from[other] = 0.0;
            }
            m->out_to[other] += n->outflows[k];
            if (n->inflows)
                m->in_from[other] += n->inflows[k];
        }
    }
    double out = 0.0, in = 0.0;
    for (size_t i = first; i < first + touched; i++) {
        uint32_t other = m->neighbours[i];
        m->slots[other] = NONE;
        if (other == label)
            continue;
        m->neighbours[m->entries] = other;
        out += m->outflows[m->entries] = m->out_to[other];
        if (n->inflows)
            in += m->inflows[m->entries] = m->in_from[other];
        m->entries++;
    }
    m->outs[label] = out;
    if (n->inflows)
        m->ins[label] = in;
    return DONE;
}

static int
merge_network(const network *n, const uint32_t *groups, merging *m, PyThreadState **thread)
{
    int status = group_nodes(n, groups, m);
    if (status != DONE)
        return status;
    m->starts = zeros(m->count + 1, 4);
    m->slots = room(m->count, 4);
    m->out_to = room(m->count, 8);
    m->in_from = room(n->inflows ? m->count : 0, 8);
    m->outs = room(m->count, 8);
    m->ins = room(m->count, 8);
    for (int i = 0; i < 3; i++)
        m->sums[i] = zeros(m->count, 8);
    if (!m->starts || !m->slots || !m->out_to || !m->in_from || !m->outs || !m->ins || !m->sums[0] || !m->sums[1] ||
        !m->sums[2] || merging_grow(m, 1, is_symmetric(n)) < 0)
        return NO_MEMORY;
    memset(m->slots, 0xFF, m->count * 4);
    size_t work = 0, first = 0;
    for (size_t label = 0; label < m->count; label++) {
        size_t last = m->ends[label];
        if ((status = merge_rows(n, m, label, first, last)) != DONE)
            return status;
        for (size_t i = first; i < last; i++) {
            uint32_t node = m->members[i];
            m->sums[0][label] += n->flows[node];
            if (n->teleports) {
                m->sums[1][label] += n->teleports[node];
                m->sums[2][label] += n->landings[node];
            }
            work += n->starts[node + 1] - n->starts[node];
        }
        m->starts[label + 1] = (uint32_t)m->entries;
        first = last;
        if (work >= TURN) {
            work = 0;
            if (interrupted(thread))
                return INTERRUPTED;
        }
    }
    return DONE;
}

static void
merging_close(merging *m)
{
    void *all[] = {m->labels, m->numbers, m->members, m->ends, m->starts, m->neighbours, m->slots, m->outflows,
                   m->inflows, m->sums[0], m->sums[1], m->sums[2], m->outs, m->ins, m->out_to, m->in_from};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

static PyObject *
merging_result(const network *n, const merging *m)
{
    size_t tele = n->teleports ? m->count * 8 : 0, in = n->inflows ? m->count * 8 : 0;
    return Py_BuildValue(
        "(NNNNNNN)NNN", as_bytes(m->starts, (m->count + 1) * 4), as_bytes(m->neighbours, m->entries * 4),
        as_bytes(m->outflows, m->entries * 8), as_bytes(m->inflows, n->inflows ? m->entries * 8 : 0),
        as_bytes(m->sums[0], m->count * 8), as_bytes(m->sums[1], tele), as_bytes(m->sums[2], tele),
        as_bytes(m->labels, n->size * 4), as_bytes(m->outs, m->count * 8), as_bytes(m->ins, in));
}

static PyObject *
aggregate(PyObject *self, PyObject *args)
{
    PyObject *parts[BUFFERS], *modules_object, *result = NULL;
    Py_buffer modules;
    network n;
    merging m = {0};
    (void)self;
    if (!PyArg_ParseTuple(args, "(OOOOOOO)O:aggregate", &parts[0], &parts[1], &parts[2], &parts[3], &parts[4],
                          &parts[5], &parts[6], &modules_object) ||
        network_open(&n, parts) < 0)
        return NULL;
    if (get_items_if_any(modules_object, &modules, 4, "modules") == 0) {
        if (check_length("modules", (size_t)modules.len / 4, n.size) == 0 &&
            check_below("modules", modules.buf, n.size, n.size) == 0) {
            PyThreadState *thread = PyEval_SaveThread();
            int status = merge_network(&n, modules.buf, &m, &thread);
            PyEval_RestoreThread(thread);
            result = status == DONE ? merging_result(&n, &m) : set_failure(status);
            merging_close(&m);
        }
        PyBuffer_Release(&modules);
    }
    network_close(&n);
    return result;
}

/* ---- moves --------------------------------------------------------------------------------------------------- */

/* Sums of a module (or of a node): visit rate, flow out and in, teleportation from and to it; rate of entering, term. */
typedef struct {
    double flow, out, into, sent, landed, entry, term;
} sums;

/* The names of the nodes, and by module and name the sum of their rates: an open table with linear steps. A module
   that has become empty and is taken again gets a new number of life, so that what it held is not found any more. */
typedef struct {
    Py_buffer views[3];
    int open;
    const uint32_t *starts, *numbers;
    const double *rates;
    struct share {
        uint64_t key; /* life of the module and name; 0: free */
        double rate;
    } *shares;
    size_t capacity, used;
    uint32_t *lives, last_life;
} name_table;

typedef struct {
    const network *n;
    name_table *names; /* NULL: each node has a name of its own */
    double toll;
    const uint32_t *bounds; /* NULL: all in bound 0 */
    const double *exits;
    size_t bound_count;
    uint32_t *modules, *sizes, *queue, *free_modules, *touched, *bound_of;
    uint8_t *waiting;
    sums *state;
    double *out, *into, *indexes, *out_to, *in_from;
    uint8_t *linked;
    double all_sent;
    size_t free_count;
    uint32_t straddling;
} mover;

static inline void
evaluate(const mover *v, sums *s)
{
    if (!v->n->inflows) {
        double coded = plogp(s->out);
        s->entry = s->out;
        s->term = plogp(s->out + s->flow) - coded - coded;
        return;
    }
    double leave = s->out + s->sent * (1.0 - s->landed), enter = s->into + (v->all_sent - s->sent) * s->landed;
    s->entry = enter;
    s->term = plogp(leave + s->flow) - plogp(leave) - plogp(enter);
}

static struct share *
share_of(const name_table *t, uint32_t life, uint32_t name)
{
    uint64_t key = (uint64_t)life << 32 | name, mixed = key * 0x9E3779B97F4A7C15u;
    size_t place = (size_t)(mixed ^ (mixed >> 29)) & (t->capacity - 1);
    while (t->shares[place].key && t->shares[place].key != key)
        place = (place + 1) & (t->capacity - 1);
    return &t->shares[place];
}

static int
shares_grow(name_table *t)
{
    struct share *old = t->shares;
    size_t before = t->capacity;
    struct share *grown = zeros(before * 2, sizeof *grown);
    if (!grown)
        return NO_MEMORY;
    t->shares = grown;
    t->capacity = before * 2;
    for (size_t i = 0; i < before; i++)
        if (old[i].key)
            *share_of(t, (uint32_t)(old[i].key >> 32), (uint32_t)old[i].key) = old[i];
    free(old);
    return DONE;
}

/* Add the rates of a node to the names of a module, or take them away. */
static int
share_names(name_table *t, uint32_t module, uint32_t node, double sign)
{
    for (size_t k = t->starts[node]; k < t->starts[node + 1]; k++) {
        struct share *s = share_of(t, t->lives[module], t->numbers[k]);
        if (!s->key) {
            if (t->used * 2 >= t->capacity) {
                if (shares_grow(t) != DONE)
                    return NO_MEMORY;
                s = share_of(t, t->lives[module], t->numbers[k]);
            }
            s->key = (uint64_t)t->lives[module] << 32 | t->numbers[k];
            t->used++;
        }
        s->rate += sign * t->rates[k];
    }
    return DONE;
}

static double
gain_of_joining(const name_table *t, uint32_t life, uint32_t node)
{
    double gain = 0.0;
    for (size_t k = t->starts[node]; k < t->starts[node + 1]; k++) {
        double before = life ? share_of(t, life, t->numbers[k])->rate : 0.0;
        gain += plogp(before + t->rates[k]) - plogp(before);
    }
    return gain;
}

static double
gain_of_leaving(const name_table *t, uint32_t life, uint32_t node, int single)
{
    double gain = 0.0;
    for (size_t k = t->starts[node]; k < t->starts[node + 1]; k++) {
        double before = share_of(t, life, t->numbers[k])->rate;
        gain += plogp(before) - (single ? 0.0 : plogp(before - t->rates[k]));
    }
    return gain;
}

static int
names_start(mover *v)
{
    name_table *t = v->names;
    t->capacity = 1024;
    while (t->capacity < v->n->size * 4)
        t->capacity *= 2;
    t->shares = zeros(t->capacity, sizeof *t->shares);
    t->lives = room(v->n->size, 4);
    if (!t->shares || !t->lives)
        return NO_MEMORY;
    for (size_t module = 0; module < v->n->size; module++)
        t->lives[module] = ++t->last_life;
    for (size_t node = 0; node < v->n->size; node++)
        if (share_names(t, v->modules[node], (uint32_t)node, 1.0) != DONE)
            return NO_MEMORY;
    return DONE;
}

static int
mover_room(mover *v)
{
    size_t size = v->n->size;
    v->sizes = zeros(size, 4);
    v->queue = room(size, 4);
    v->free_modules = room(size, 4);
    v->touched = room(size, 4);
    v->bound_of = room(size, 4);
    v->waiting = room(size, 1);
    v->linked = zeros(size, 1);
    v->state = zeros(size, sizeof(sums));
    v->out = zeros(size, 8);
    v->into = zeros(size, 8);
    v->indexes = zeros(v->bound_count, 8);
    v->out_to = room(size, 8);
    v->in_from = room(size, 8);
    return v->sizes && v->queue && v->free_modules && v->touched && v->bound_of && v->waiting && v->linked &&
                   v->state && v->out && v->into && v->indexes && v->out_to && v->in_from
               ? DONE
               : NO_MEMORY;
}

static void
mover_close(mover *v)
{
    void *all[] = {v->sizes, v->queue, v->free_modules, v->touched, v->bound_of, v->waiting, v->linked,
                   v->state, v->out, v->into, v->indexes, v->out_to, v->in_from};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

static int
sum_up(mover *v, PyThreadState **thread)
{
    const network *n = v->n;
    size_t work = 0;
    for (size_t node = 0; node < n->size; node++) {
        uint32_t module = v->modules[node], bound = v->bounds ? v->bounds[node] : 0;
        sums *s = &v->state[module];
        if (turned(&work, n->starts[node + 1] - n->starts[node], thread))
            return INTERRUPTED;
        v->sizes[module]++;
        s->flow += n->flows[node];
        if (n->teleports) {
            s->sent += n->teleports[node];
            s->landed += n->landings[node];
            v->all_sent += n->teleports[node];
        }
        for (size_t k = n->starts[node]; k < n->starts[node + 1]; k++) {
            double out = n->outflows[k], into = n->inflows ? n->inflows[k] : out;
            v->out[node] += out;
            v->into[node] += into;
            if (v->modules[n->neighbours[k]] != module) {
                s->out += out;
                s->into += into;
            }
        }
        if (v->sizes[module] == 1)
            v->bound_of[module] = bound;
        else if (v->bound_of[module] != bound) {
            v->straddling = module;
            return STRADDLING;
        }
    }
    for (size_t module = 0; module < n->size; module++) {
        evaluate(v, &v->state[module]);
        if (v->sizes[module] && v->bound_of[module] != STILL)
            v->indexes[v->bound_of[module]] += v->state[module].entry;
        if (!v->sizes[module])
            v->free_modules[v->free_count++] = (uint32_t)module;
    }
    return DONE;
}

static void
shuffle(uint32_t *order, size_t count, uint64_t seed)
{
    for (size_t place = 0; place < count; place++)
        order[place] = (uint32_t)place;
    for (size_t place = count; place-- > 1;) {
        seed += 0x9E3779B97F4A7C15u;
        uint64_t mixed = (seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9u;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
        mixed ^= mixed >> 31;
        size_t other = (size_t)(((mixed >> 32) * (place + 1)) >> 32);
        uint32_t kept = order[place];
        order[place] = order[other];
        order[other] = kept;
    }
}

/* Flow between a node and the modules in its bound, in out_to and in_from of the touched ones; how many there are. */
static size_t
gather_flows(mover *v, uint32_t node)
{
    const network *n = v->n;
    size_t count = 0;
    uint32_t bound = v->bounds ? v->bounds[node] : 0;
    for (size_t k = n->starts[node]; k < n->starts[node + 1]; k++) {
        uint32_t other = n->neighbours[k];
        if (v->bounds && v->bounds[other] != bound)
            continue;
        uint32_t module = v->modules[other];
        if (!v->linked[module]) {
            v->linked[module] = 1;
            v->touched[count++] = module;
            v->out_to[module] = 0.0;
            v->in_from[module] = 0.0;
        }
        v->out_to[module] += n->outflows[k];
        if (n->inflows)
            v->in_from[module] += n->inflows[k];
    }
    return count;
}

/* 1 if the node was moved, 0 if it stays where it is, NO_MEMORY. */
static int
move_node(mover *v, uint32_t node)
{
    const network *n = v->n;
    uint32_t home = v->modules[node], best = home, bound = v->bounds ? v->bounds[node] : 0;
    size_t count = gather_flows(v, node);
    if (v->sizes[home] == 1 && !count)
        return 0;
    double flow = n->flows[node], out = v->out[node], into = v->into[node];
    double sent = n->teleports ? n->teleports[node] : 0.0, landed = n->teleports ? n->landings[node] : 0.0;
    double outflow = v->linked[home] ? v->out_to[home] : 0.0;
    double inflow = !n->inflows ? outflow : v->linked[home] ? v->in_from[home] : 0.0;
    const sums *old = &v->state[home];
    sums left = {0}, chosen = *old;
    if (v->sizes[home] > 1) {
        left.flow = old->flow - flow;
        left.out = old->out - (out - outflow) + inflow;
        left.into = old->into - (into - inflow) + outflow;
        left.sent = old->sent - sent;
        left.landed = old->landed - landed;
        evaluate(v, &left);
    }
    double index = v->exits[bound] + v->indexes[bound];
    int single = v->sizes[home] == 1;
    double cost = plogp(index) + old->term - left.term;
    if (v->names)
        cost -= gain_of_leaving(v->names, v->names->lives[home], node, single);
    if (single)
        cost += v->toll;
    index += left.entry - old->entry;
    for (size_t i = 0; i < count; i++) {
        uint32_t module = v->touched[i];
        v->linked[module] = 0;
        if (module == home)
            continue;
        const sums *there = &v->state[module];
        sums joined;
        outflow = v->out_to[module];
        inflow = n->inflows ? v->in_from[module] : outflow;
        joined.flow = there->flow + flow;
        joined.out = there->out + (out - outflow) - inflow;
        if (n->inflows) {
            joined.into = there->into + (into - inflow) - outflow;
            joined.sent = there->sent + sent;
            joined.landed = there->landed + landed;
        }
        else {
            joined.into = joined.out;
            joined.sent = joined.landed = 0.0;
        }
        evaluate(v, &joined);
        double value = plogp(index + (joined.entry - there->entry)) + joined.term - there->term;
        if (v->names)
            value -= gain_of_joining(v->names, v->names->lives[module], node);
        if (value < cost - LEAST_GAIN) {
            best = module;
            cost = value;
            chosen = joined;
        }
    }
    if (!single) {
        sums alone = {.flow = flow, .out = out, .into = into, .sent = sent, .landed = landed};
        evaluate(v, &alone);
        double value = plogp(index + alone.entry) + alone.term + v->toll;
        if (v->names)
            value -= gain_of_joining(v->names, 0, node);
        if (value < cost - LEAST_GAIN) {
            best = v->free_modules[--v->free_count];
            chosen = alone;
        }
    }
    if (best == home)
        return 0;
    v->indexes[bound] += left.entry - old->entry;
    v->indexes[bound] += chosen.entry - v->state[best].entry;
    v->state[home] = left;
    v->state[best] = chosen;
    v->sizes[best]++;
    if (!--v->sizes[home])
        v->free_modules[v->free_count++] = home;
    v->modules[node] = best;
    if (v->names) {
        if (single)
            v->names->lives[home] = ++v->names->last_life;
        else if (share_names(v->names, home, node, -1.0) != DONE)
            return NO_MEMORY;
        if (share_names(v->names, best, node, 1.0) != DONE)
            return NO_MEMORY;
    }
    return 1;
}

static int
run_moves(mover *v, uint64_t seed, size_t *moves, PyThreadState **thread)
{
    const network *n = v->n;
    int status = mover_room(v);
    if (status != DONE || (status = sum_up(v, thread)) != DONE || (v->names && (status = names_start(v)) != DONE))
        return status;
    shuffle(v->queue, n->size, seed);
    memset(v->waiting, 1, n->size);
    size_t head = 0, length = 0, work = 0;
    for (size_t place = 0; place < n->size; place++)
        if (!v->bounds || v->bounds[v->queue[place]] != STILL)
            v->queue[length++] = v->queue[place];
    while (length) {
        uint32_t node = v->queue[head];
        head = head + 1 == n->size ? 0 : head + 1;
        length--;
        v->waiting[node] = 0;
        work += n->starts[node + 1] - n->starts[node] + 1;
        int moved = move_node(v, node);
        if (moved < 0)
            return moved;
        if (moved) {
            uint32_t home = v->modules[node];
            ++*moves;
            for (size_t k = n->starts[node]; k < n->starts[node + 1]; k++) {
                uint32_t other = n->neighbours[k];
                if (!v->waiting[other] && v->modules[other] != home &&
                    (!v->bounds || v->bounds[other] == v->bounds[node])) {
                    size_t tail = head + length;
                    v->waiting[other] = 1;
                    v->queue[tail >= n->size ? tail - n->size : tail] = other;
                    length++;
                }
            }
        }
        if (work >= TURN / 4) {
            work = 0;
            if (interrupted(thread))
                return INTERRUPTED;
        }
    }
    return DONE;
}

static void
names_close(name_table *t)
{
    while (t->open > 0)
        PyBuffer_Release(&t->views[--t->open]);
    free(t->shares);
    free(t->lives);
}

static int
names_check(name_table *t, size_t size)
{
    size_t count = (size_t)t->views[1].len / 4;
    t->starts = t->views[0].buf;
    t->numbers = t->views[1].buf;
    t->rates = t->views[2].buf;
    if (check_length("names[0]", (size_t)t->views[0].len / 4, size + 1) < 0 ||
        check_length("names[2]", (size_t)t->views[2].len / 8, count) < 0)
        return -1;
    if (t->starts[0] || t->starts[size] != count) {
        PyErr_Format(PyExc_ValueError, "names[0]: expected 0 at first and %zu at last, got %u and %u", count,
                     t->starts[0], t->starts[size]);
        return -1;
    }
    for (size_t place = 0; place < size; place++)
        if (t->starts[place] > t->starts[place + 1]) {
            PyErr_Format(PyExc_ValueError, "names[0]: expected no number below the one before it, got one at %zu",
                         place + 1);
            return -1;
        }
    return 0;
}

static int
names_open(name_table *t, PyObject *object, size_t size)
{
    static const char *const what[3] = {"names[0]", "names[1]", "names[2]"};
    static const Py_ssize_t sizes[3] = {4, 4, 8};
    PyObject *parts[3];
    if (!PyTuple_Check(object)) {
        PyErr_Format(PyExc_TypeError, "names: expected a tuple of three buffers, got %R", object);
        return -1;
    }
    if (!PyArg_ParseTuple(object, "OOO:names", &parts[0], &parts[1], &parts[2]))
        return -1;
    for (; t->open < 3; t->open++)
        if (get_items_if_any(parts[t->open], &t->views[t->open], sizes[t->open], what[t->open]) < 0)
            return -1;
    return names_check(t, size);
}

static int
check_bounds(const uint32_t *bounds, size_t size, size_t bound_count)
{
    for (size_t node = 0; node < size; node++)
        if (bounds[node] != STILL && bounds[node] >= bound_count) {
            PyErr_Format(PyExc_ValueError, "bounds: expected numbers below %zu, got %u at %zu", bound_count,
                         bounds[node], node);
            return -1;
        }
    return 0;
}

static int
check_moves(const network *n, const Py_buffer *bounds, const Py_buffer *exits, const Py_buffer *modules)
{
    size_t bound_count = (size_t)exits->len / 8;
    if (bounds->len) {
        if (check_length("bounds", (size_t)bounds->len / 4, n->size) < 0 ||
            check_bounds(bounds->buf, n->size, bound_count) < 0)
            return -1;
    }
    else if (!bound_count) {
        PyErr_SetString(PyExc_ValueError, "exits: expected 1 item at least, got 0 items");
        return -1;
    }
    if (check_length("modules", (size_t)modules->len / 4, n->size) < 0)
        return -1;
    return check_below("modules", modules->buf, n->size, n->size);
}

static int
get_seed(PyObject *object, uint64_t *seed)
{
    *seed = PyLong_AsUnsignedLongLong(object);
    if (*seed != (uint64_t)-1 || !PyErr_Occurred())
        return 0;
    if (PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Clear();
        PyErr_Format(PyExc_ValueError, "seed: expected 0 to 2**64 - 1, got %S", object);
    }
    return -1;
}

static PyObject *
moved(mover *v, const Py_buffer *modules, uint64_t seed)
{
    PyObject *out = as_bytes(NULL, v->n->size * 4);
    uint32_t *own = room(v->n->size, 4);
    size_t moves = 0;
    if (!out || !own) {
        Py_XDECREF(out);
        free(own);
        return PyErr_NoMemory();
    }
    memcpy(own, modules->buf, v->n->size * 4);
    v->modules = own;
    PyThreadState *thread = PyEval_SaveThread();
    int status = run_moves(v, seed, &moves, &thread);
    PyEval_RestoreThread(thread);
    mover_close(v);
    memcpy(PyBytes_AsString(out), own, v->n->size * 4);
    free(own);
    if (status == DONE)
        return Py_BuildValue("Nn", out, (Py_ssize_t)moves);
    Py_DECREF(out);
    if (status == STRADDLING)
        return PyErr_Format(PyExc_ValueError, "modules: expected each module within one bound, got module %u in two",
                            v->straddling);
    return set_failure(status);
}

static PyObject *
move_nodes(PyObject *self, PyObject *args)
{
    PyObject *parts[BUFFERS], *objects[3], *seed_object, *names_object = Py_None, *result = NULL;
    static const char *const what[3] = {"bounds", "exits", "modules"};
    static const Py_ssize_t sizes[3] = {4, 8, 4};
    Py_buffer views[3];
    network n;
    name_table names = {.open = 0};
    uint64_t seed;
    double toll = 0.0;
    int open = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "(OOOOOOO)OOOO|dO:move_nodes", &parts[0], &parts[1], &parts[2], &parts[3], &parts[4],
                          &parts[5], &parts[6], &objects[0], &objects[1], &objects[2], &seed_object, &toll,
                          &names_object) ||
        network_open(&n, parts) < 0)
        return NULL;
    while (open < 3 && get_items_if_any(objects[open], &views[open], sizes[open], what[open]) == 0)
        open++;
    if (open == 3 && check_moves(&n, &views[0], &views[1], &views[2]) == 0 && get_seed(seed_object, &seed) == 0 &&
        (names_object == Py_None || names_open(&names, names_object, n.size) == 0)) {
        mover v = {.n = &n, .bounds = views[0].len ? views[0].buf : NULL, .exits = views[1].buf,
                   .bound_count = (size_t)views[1].len / 8, .toll = toll,
                   .names = names_object == Py_None ? NULL : &names};
        result = moved(&v, &views[2], seed);
    }
    names_close(&names);
    while (open > 0)
        PyBuffer_Release(&views[--open]);
    network_close(&n);
    return result;
}

PyMethodDef flow_methods[] = {
    {"adjacency", adjacency, METH_VARARGS, NULL},
    {"aggregate", aggregate, METH_VARARGS, NULL},
    {"move_nodes", move_nodes, METH_VARARGS, NULL},
    {"visit_rates", visit_rates, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
