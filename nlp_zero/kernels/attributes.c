/* From text to numbered attributes: the copy of attributes.py, which is the specification. */
#include "_text.h"

enum { LITERAL, CELL, END };
#define MOST_ROWS 64
#define MOST_PIECES 64
#define MOST_WIDTH (1 << 16)
#define AHEAD 256   /* attributes that are called for together */
#define TURN (1 << 20)  /* attributes between two looks for Ctrl-C */
#define BASE 0x9E3779B97F4A7C15u  /* of the polynomial; odd, so that its powers never vanish */

/* ---- strings as polynomials ------------------------------------------------------------------------------------ */

/* A string with its hash, and BASE to the power of its length: joined, the hash is left * right.power + right.hash. */
typedef struct {
    uint64_t hash, power;
    const char *bytes;
    uint32_t length;
} piece;

static piece
piece_of(const char *bytes, size_t length)
{
    piece made = {0, 1, bytes, (uint32_t)length};
    for (size_t place = 0; place < length; place++) {
        made.hash = made.hash * BASE + (unsigned char)bytes[place] + 1;
        made.power *= BASE;
    }
    return made;
}

static inline uint64_t
scattered(uint64_t hash)
{
    hash = (hash ^ hash >> 33) * 0xFF51AFD7ED558CCDu;
    hash = (hash ^ hash >> 33) * 0xC4CEB9FE1A85EC53u;
    return hash ^ hash >> 33;
}

/* ---- the table ------------------------------------------------------------------------------------------------- */

typedef struct {
    uint32_t tag, number;  /* number is that of the attribute plus 1; 0: free */
    uint32_t start, length;
} slot;

typedef struct {
    slot *slots;
    size_t mask;
    uint64_t *hashes;  /* by attribute; only of a table that grows */
    uint32_t *ends;
    size_t count, room;
    char *names;
    size_t size, names_room;
} table;

static void
table_free(table *t)
{
    free(t->slots);
    free(t->hashes);
    free(t->ends);
    free(t->names);
    memset(t, 0, sizeof *t);
}

static int
table_slots(table *t, size_t slots)
{
    slot *made = large_pages(slots * sizeof *made);
    if (!made)
        return -1;
    memset(made, 0, slots * sizeof *made);
    free(t->slots);
    t->slots = made;
    t->mask = slots - 1;
    return 0;
}

static void
table_put(table *t, uint64_t hash, size_t number, uint32_t start, uint32_t length)
{
    size_t place = hash & t->mask;
    while (t->slots[place].number)
        place = (place + 1) & t->mask;
    t->slots[place] = (slot){(uint32_t)(hash >> 32), (uint32_t)number + 1, start, length};
}

static int
same_bytes(const char *left, const char *right, uint32_t length)
{
    while (length && *left == *right)
        left++, right++, length--;
    return !length;
}

static inline int
spells(const char *name, const piece *const *pieces, int count)
{
    for (int part = 0; part < count; part++) {
        if (!same_bytes(name, pieces[part]->bytes, pieces[part]->length))
            return 0;
        name += pieces[part]->length;
    }
    return 1;
}

/* The number of a spelt attribute, or -1. */
static inline int32_t
table_find(const table *t, uint64_t hash, uint32_t length, const piece *const *pieces, int count)
{
    for (size_t place = hash & t->mask; t->slots[place].number; place = (place + 1) & t->mask) {
        const slot *found = &t->slots[place];
        if (found->tag == (uint32_t)(hash >> 32) && found->length == length
            && spells(t->names + found->start, pieces, count))
            return (int32_t)(found->number - 1);
    }
    return -1;
}

enum { DONE = 0, NO_MEMORY = -1, STOPPED = -2, TOO_LONG = -3, FAILED = -4 };

/* Makes room for one more attribute of this length. */
static int
table_room(table *t, uint32_t length)
{
    if (t->count == t->room) {
        size_t room = t->room ? t->room * 2 : 1024;
        uint64_t *hashes = realloc(t->hashes, room * sizeof *hashes);
        if (hashes)
            t->hashes = hashes;
        uint32_t *ends = realloc(t->ends, room * sizeof *ends);
        if (ends)
            t->ends = ends;
        if (!hashes || !ends || room >> 30)
            return NO_MEMORY;
        t->room = room;
        if (table_slots(t, room * 2) < 0)
            return NO_MEMORY;
        for (size_t number = 0, start = 0; number < t->count; start = t->ends[number++])
            table_put(t, t->hashes[number], number, (uint32_t)start, t->ends[number] - (uint32_t)start);
    }
    if (t->size + length > 0xFFFFFFFFu)
        return TOO_LONG;
    if (t->size + length > t->names_room) {
        size_t room = (t->size + length) * 2;
        char *names = realloc(t->names, room);
        if (!names)
            return NO_MEMORY;
        t->names = names;
        t->names_room = room;
    }
    return DONE;
}

static int
table_add(table *t, uint64_t hash, uint32_t length, const piece *const *pieces, int count)
{
    int status = table_room(t, length);
    if (status < 0)
        return status;
    table_put(t, hash, t->count, (uint32_t)t->size, length);
    for (int part = 0; part < count; part++) {
        memcpy(t->names + t->size, pieces[part]->bytes, pieces[part]->length);
        t->size += pieces[part]->length;
    }
    t->hashes[t->count] = hash;
    t->ends[t->count++] = (uint32_t)t->size;
    return DONE;
}

/* ---- what comes in --------------------------------------------------------------------------------------------- */

typedef struct {
    int kind;
    int row, column;
    piece literal;
} part;

typedef struct {
    const char *text;
    const int64_t *edges, *starts;
    Py_ssize_t sentences, positions, width;
    part *parts;        /* of all templates */
    int *counts;        /* parts of each template */
    Py_ssize_t templates;
    int first;
    char borders[2][MOST_ROWS + 1][8];
    piece outside[2][MOST_ROWS + 1];  /* _B-1, _B-2, ...; _B+1, _B+2, ... */
} reading;

static void
reading_close(reading *r)
{
    free(r->parts);
    free(r->counts);
}

static int
check_width(Py_ssize_t width)
{
    if (width >= 1 && width <= MOST_WIDTH)
        return 0;
    PyErr_Format(PyExc_ValueError, "width: expected 1 to %d, got %zd", MOST_WIDTH, width);
    return -1;
}

static int
check_rising(const char *name, const int64_t *numbers, Py_ssize_t count)
{
    if (!count)
        PyErr_Format(PyExc_ValueError, "%s: expected at least 1 item, got 0", name);
    else if (numbers[0] != 0)
        PyErr_Format(PyExc_ValueError, "%s: expected 0 at 0, got %lld", name, (long long)numbers[0]);
    if (!count || numbers[0])
        return -1;
    for (Py_ssize_t place = 1; place < count; place++)
        if (numbers[place] < numbers[place - 1]) {
            PyErr_Format(PyExc_ValueError, "%s: expected %lld or more at %zd, got %lld", name,
                         (long long)numbers[place - 1], place, (long long)numbers[place]);
            return -1;
        }
    return 0;
}

static int
read_program(reading *r, const int32_t *numbers, Py_ssize_t size, const char *literals, Py_ssize_t literals_size)
{
    if (size % 3 || (size && numbers[size - 3] != END)) {
        PyErr_SetString(PyExc_ValueError, "program: expected three numbers a piece and an end after each template");
        return -1;
    }
    r->parts = calloc((size_t)size / 3 + 1, sizeof *r->parts);
    r->counts = calloc((size_t)size / 3 + 1, sizeof *r->counts);
    if (!r->parts || !r->counts) {
        PyErr_NoMemory();
        return -1;
    }
    part *next = r->parts;
    for (Py_ssize_t place = 0; place < size; place += 3) {
        int kind = numbers[place], left = numbers[place + 1], right = numbers[place + 2];
        if (kind == END) {
            r->templates++;
            continue;
        }
        int literal = kind == LITERAL && left >= 0 && left <= right && right <= literals_size;
        int cell = kind == CELL && left >= -MOST_ROWS && left <= MOST_ROWS && right >= 0 && right < r->width;
        if (!(literal || cell) || r->counts[r->templates] == MOST_PIECES) {
            PyErr_Format(PyExc_ValueError, "program: expected a literal or a cell that is there, got %d, %d, %d", kind,
                         left, right);
            return -1;
        }
        next->kind = kind;
        if (kind == LITERAL)
            next->literal = piece_of(literals + left, (size_t)(right - left));
        next->row = left;
        next->column = right;
        next++;
        r->counts[r->templates]++;
    }
    for (int away = 1; away <= MOST_ROWS; away++) {
        for (int side = 0; side < 2; side++) {
            char *name = r->borders[side][away], *end = name;
            *end++ = '_';
            *end++ = 'B';
            *end++ = side ? '+' : '-';
            if (away >= 10)
                *end++ = (char)('0' + away / 10);
            *end++ = (char)('0' + away % 10);
            r->outside[side][away] = piece_of(name, (size_t)(end - name));
        }
    }
    return 0;
}

/* Opens text, edges, starts, width, program, literals; 0 or -1. */
static int
reading_open(reading *r, buffers *all, PyObject *const *given, Py_ssize_t width, int first)
{
    const int64_t *edges, *starts;
    const int32_t *program;
    const char *literals;
    Py_ssize_t text_size, edge_count, start_count, program_size, literals_size;
    memset(r, 0, sizeof *r);
    if (check_width(width) < 0 || (text_size = open_items(all, given[0], 1, 0, "text", &r->text)) < 0 ||
        (edge_count = open_items(all, given[1], 8, 0, "edges", &edges)) < 0 ||
        (start_count = open_items(all, given[2], 8, 0, "starts", &starts)) < 0 ||
        check_rising("starts", starts, start_count) < 0)
        return -1;
    r->sentences = start_count - 1;
    r->positions = (Py_ssize_t)starts[r->sentences];
    r->width = width;
    if (r->positions > edge_count || r->positions * width != edge_count - 1) {
        PyErr_Format(PyExc_ValueError, "edges: expected %zd x %zd + 1 items, got %zd", r->positions, width, edge_count);
        return -1;
    }
    if (check_rising("edges", edges, edge_count) < 0)
        return -1;
    if (edges[edge_count - 1] != text_size) {
        PyErr_Format(PyExc_ValueError, "text: expected %lld bytes, got %zd", (long long)edges[edge_count - 1],
                     text_size);
        return -1;
    }
    for (Py_ssize_t place = 1; place < edge_count; place++)
        if (edges[place] - edges[place - 1] > 0x7FFFFFF) {
            PyErr_SetString(PyExc_OverflowError, "edges: expected cells of less than 2**27 bytes");
            return -1;
        }
    if ((program_size = open_items(all, given[3], 4, 0, "program", &program)) < 0 ||
        (literals_size = open_items(all, given[4], 1, 0, "literals", &literals)) < 0 ||
        read_program(r, program, program_size, literals, literals_size) < 0)
        return -1;
    r->edges = edges;
    r->starts = starts;
    r->first = first;
    return 0;
}

/* ---- reading sentences ------------------------------------------------------------------------------------------ */

/* Attributes as they come: where each position begins, and their numbers. */
typedef struct {
    int64_t *offsets;
    int32_t *numbers;
    size_t count, room;
} rows;

static int
rows_room(rows *found, size_t more)
{
    if (found->count + more <= found->room)
        return 0;
    size_t room = (found->count + more) * 2;
    int32_t *numbers = realloc(found->numbers, room * sizeof *numbers);
    if (!numbers)
        return -1;
    found->numbers = numbers;
    found->room = room;
    return 0;
}

typedef struct {
    uint64_t hash;
    uint32_t length;
} key;

static inline const piece *
piece_at(const reading *r, const piece *cells, Py_ssize_t size, Py_ssize_t position, const part *p)
{
    if (p->kind == LITERAL)
        return &p->literal;
    Py_ssize_t place = position + p->row;
    if (place < 0)
        return &r->outside[0][-place];
    if (place >= size)
        return &r->outside[1][place - size + 1];
    return &cells[place * r->width + p->column];
}

/* The number of an attribute, or -1: what the hash finds is compared piece by piece. */
static inline int32_t
find_spelt(const reading *r, const table *t, const key *k, const piece *cells, Py_ssize_t size, Py_ssize_t position,
           const part *parts, int count)
{
    for (size_t place = k->hash & t->mask; t->slots[place].number; place = (place + 1) & t->mask) {
        const slot *found = &t->slots[place];
        if (found->tag != (uint32_t)(k->hash >> 32) || found->length != k->length)
            continue;
        const char *name = t->names + found->start;
        int part = 0;
        for (; part < count; part++) {
            const piece *piece = piece_at(r, cells, size, position, &parts[part]);
            if (!same_bytes(name, piece->bytes, piece->length))
                break;
            name += piece->length;
        }
        if (part == count)
            return (int32_t)(found->number - 1);
    }
    return -1;
}

/* The attributes of the positions `from` to `to` of a sentence; those that a growing table does not know are added. */
static int
read_positions(const reading *r, table *t, int growing, const piece *cells, Py_ssize_t size, Py_ssize_t from,
               Py_ssize_t to, key *keys, rows *found)
{
    key *next = keys;
    for (Py_ssize_t position = from; position < to; position++) {
        const part *p = r->parts;
        for (Py_ssize_t template = 0; template < r->templates; template++) {
            key made = {0, 0};
            for (int count = r->counts[template]; count; count--, p++) {
                const piece *piece = piece_at(r, cells, size, position, p);
                made.hash = made.hash * piece->power + piece->hash;
                made.length += piece->length;
            }
            made.hash = scattered(made.hash);
            if (t->slots)
                PREFETCH(&t->slots[made.hash & t->mask]);
            *next++ = made;
        }
    }
    if (t->slots)
        for (const key *k = keys; k < next; k++) {
            const slot *likely = &t->slots[k->hash & t->mask];
            if (likely->tag == (uint32_t)(k->hash >> 32))
                PREFETCH(t->names + likely->start);
        }
    const key *k = keys;
    for (Py_ssize_t position = from; position < to; position++) {
        const part *p = r->parts;
        for (Py_ssize_t template = 0; template < r->templates; template++, k++) {
            const part *its = p;
            p += r->counts[template];
            int32_t number = t->slots ? find_spelt(r, t, k, cells, size, position, its, r->counts[template]) : -1;
            if (number < 0) {
                if (!growing)
                    continue;
                const piece *pieces[MOST_PIECES];
                for (int part = 0; part < r->counts[template]; part++)
                    pieces[part] = piece_at(r, cells, size, position, &its[part]);
                int status = table_add(t, k->hash, k->length, pieces, r->counts[template]);
                if (status < 0)
                    return status;
                number = (int32_t)t->count - 1;
            }
            found->numbers[found->count++] = number;
        }
        *++found->offsets = (int64_t)found->count;
    }
    return DONE;
}

static int
read_sentences(const reading *r, table *t, int growing, rows *found, PyThreadState **thread)
{
    piece *cells = NULL;
    size_t room = 0, seen = 0;
    Py_ssize_t step = r->templates && r->templates < AHEAD ? AHEAD / r->templates : 1;
    key *keys = malloc(((size_t)step * (size_t)r->templates + 1) * sizeof *keys);
    int status = keys ? DONE : NO_MEMORY;
    found->offsets[0] = 0;
    int64_t *offsets = found->offsets;
    for (Py_ssize_t sentence = 0; sentence < r->sentences && status == DONE; sentence++) {
        Py_ssize_t start = (Py_ssize_t)r->starts[sentence], size = (Py_ssize_t)r->starts[sentence + 1] - start;
        size_t count = (size_t)(size * r->width);
        if (count > room) {
            free(cells);
            room = count * 2;
            if (!(cells = malloc(room * sizeof *cells))) {
                status = NO_MEMORY;
                break;
            }
        }
        const int64_t *edges = r->edges + start * r->width;
        for (size_t cell = 0; cell < count; cell++)
            cells[cell] = piece_of(r->text + edges[cell], (size_t)(edges[cell + 1] - edges[cell]));
        Py_ssize_t from = 0;
        if (!r->first && size) {
            *++found->offsets = (int64_t)found->count;
            from = 1;
        }
        for (Py_ssize_t to; from < size && status == DONE; from = to) {
            to = from + step < size ? from + step : size;
            size_t more = (size_t)((to - from) * r->templates);
            status = rows_room(found, more) < 0 ? NO_MEMORY
                                                : read_positions(r, t, growing, cells, size, from, to, keys, found);
            if ((seen += more + 1) >= TURN && status == DONE) {
                seen = 0;
                if (interrupted(thread))
                    status = STOPPED;
            }
        }
    }
    found->offsets = offsets;
    free(keys);
    free(cells);
    return status;
}

static int
rows_open(rows *found, const reading *r)
{
    memset(found, 0, sizeof *found);
    found->offsets = malloc(((size_t)r->positions + 1) * sizeof *found->offsets);
    found->numbers = malloc(sizeof *found->numbers);
    if (found->offsets && found->numbers)
        return 0;
    PyErr_NoMemory();
    return -1;
}

static void
rows_close(rows *found)
{
    free(found->offsets);
    free(found->numbers);
}

static int
set_failure(int status)
{
    if (status == NO_MEMORY)
        PyErr_NoMemory();
    else if (status == TOO_LONG)
        PyErr_SetString(PyExc_OverflowError, "names: expected at most 2**32 - 1 bytes in all");
    return -1;
}

static int
run(const reading *r, table *t, int growing, rows *found)
{
    PyThreadState *thread = PyEval_SaveThread();
    int status = read_sentences(r, t, growing, found, &thread);
    PyEval_RestoreThread(thread);
    return status < 0 ? set_failure(status) : 0;
}

/* ---- finding attributes ------------------------------------------------------------------------------------------ */

/* Leaves out the attributes that are rarer, and their numbers; 0 or -1. */
static int
cut_off(table *t, rows *found, Py_ssize_t positions, Py_ssize_t min_count)
{
    size_t *counts = calloc(t->count + 1, sizeof *counts);
    int32_t *new = malloc((t->count + 1) * sizeof *new);
    if (!counts || !new) {
        free(counts);
        free(new);
        PyErr_NoMemory();
        return -1;
    }
    for (size_t place = 0; place < found->count; place++)
        counts[found->numbers[place]]++;
    size_t kept = 0, size = 0, start = 0;
    for (size_t number = 0; number < t->count; number++) {
        size_t end = t->ends[number], length = end - start;
        new[number] = counts[number] >= (size_t)min_count ? (int32_t)kept : -1;
        if (new[number] >= 0) {
            memmove(t->names + size, t->names + start, length);
            size += length;
            t->ends[kept++] = (uint32_t)size;
        }
        start = end;
    }
    t->count = kept;
    t->size = size;
    size_t place = 0, left = 0;
    for (Py_ssize_t position = 1; position <= positions; position++) {
        for (; place < (size_t)found->offsets[position]; place++)
            if (new[found->numbers[place]] >= 0)
                found->numbers[left++] = new[found->numbers[place]];
        found->offsets[position] = (int64_t)left;
    }
    found->count = left;
    free(counts);
    free(new);
    return 0;
}

static PyObject *
find_attributes(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *given[5], *result = NULL;
    Py_ssize_t width, min_count;
    int first;
    if (!PyArg_ParseTuple(args, "OOOnOOin:find_attributes", &given[0], &given[1], &given[2], &width, &given[3],
                          &given[4], &first, &min_count))
        return NULL;
    buffers all = {.held = 0};
    reading r;
    table t = {0};
    rows found = {0};
    if (reading_open(&r, &all, given, width, first) == 0 && rows_open(&found, &r) == 0 && run(&r, &t, 1, &found) == 0
        && (min_count <= 1 || cut_off(&t, &found, r.positions, min_count) == 0))
        result = Py_BuildValue("y#y#y#y#", t.names ? t.names : "", (Py_ssize_t)t.size, t.ends ? (char *)t.ends : "",
                               (Py_ssize_t)(t.count * sizeof *t.ends), (char *)found.offsets,
                               (r.positions + 1) * (Py_ssize_t)sizeof *found.offsets, (char *)found.numbers,
                               (Py_ssize_t)(found.count * sizeof *found.numbers));
    rows_close(&found);
    table_free(&t);
    reading_close(&r);
    buffers_release(&all);
    return result;
}

/* ---- the type ----------------------------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    table table;
} AttributeTable;

static int
table_fill(table *t, const char *names, Py_ssize_t size, const uint32_t *ends, Py_ssize_t count)
{
    uint32_t start = 0;
    for (Py_ssize_t number = 0; number < count; start = ends[number++])
        if (ends[number] < start) {
            PyErr_Format(PyExc_ValueError, "ends: expected %lld or more at %zd, got %lld", (long long)start,
                         number + 1, (long long)ends[number]);
            return -1;
        }
    if ((Py_ssize_t)start != size) {
        PyErr_Format(PyExc_ValueError, "names: expected %lld bytes, got %zd", (long long)start, size);
        return -1;
    }
    size_t slots = 8;
    while (slots < (size_t)count * 2)
        slots *= 2;
    if (slots >> 31 || !(t->names = malloc((size_t)size + 1)) || table_slots(t, slots) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    memcpy(t->names, names, (size_t)size);
    start = 0;
    for (Py_ssize_t number = 0; number < count; start = ends[number++]) {
        piece name = piece_of(t->names + start, ends[number] - start);
        const piece *spelt = &name;
        uint64_t hash = scattered(name.hash);
        int32_t other = table_find(t, hash, name.length, &spelt, 1);
        if (other >= 0) {
            PyErr_Format(PyExc_ValueError, "names: expected no name twice, got %d again at %zd", (int)other, number);
            return -1;
        }
        table_put(t, hash, (size_t)number, start, name.length);
    }
    return 0;
}

static PyObject *
attribute_table_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"names", "ends", NULL};
    PyObject *names_object, *ends_object;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO:AttributeTable", names, &names_object, &ends_object))
        return NULL;
    buffers all = {.held = 0};
    const char *bytes;
    const uint32_t *ends;
    Py_ssize_t size, count;
    AttributeTable *self = NULL;
    if ((size = open_items(&all, names_object, 1, 0, "names", &bytes)) >= 0 &&
        (count = open_items(&all, ends_object, 4, 0, "ends", &ends)) >= 0) {
        allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
        self = (AttributeTable *)allocate(type, 0);
        if (self && table_fill(&self->table, bytes, size, ends, count) < 0)
            Py_CLEAR(self);
    }
    buffers_release(&all);
    return (PyObject *)self;
}

static void
attribute_table_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    table_free(&((AttributeTable *)object)->table);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

static PyObject *
attribute_table_find(PyObject *object, PyObject *args)
{
    PyObject *given[5], *result = NULL;
    Py_ssize_t width;
    int first;
    if (!PyArg_ParseTuple(args, "OOOnOOi:find", &given[0], &given[1], &given[2], &width, &given[3], &given[4], &first))
        return NULL;
    buffers all = {.held = 0};
    reading r;
    rows found = {0};
    if (reading_open(&r, &all, given, width, first) == 0 && rows_open(&found, &r) == 0
        && run(&r, &((AttributeTable *)object)->table, 0, &found) == 0)
        result = Py_BuildValue("y#y#", (char *)found.offsets, (r.positions + 1) * (Py_ssize_t)sizeof *found.offsets,
                               (char *)found.numbers, (Py_ssize_t)(found.count * sizeof *found.numbers));
    rows_close(&found);
    reading_close(&r);
    buffers_release(&all);
    return result;
}

static PyMethodDef attribute_table_methods[] = {
    {"find", attribute_table_find, METH_VARARGS, "The known attributes of every position."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot attribute_table_slots[] = {
    {Py_tp_doc, "The attributes of a tagger, ready to be found in text: see attributes.py."},
    {Py_tp_new, attribute_table_new},
    {Py_tp_dealloc, attribute_table_dealloc},
    {Py_tp_methods, attribute_table_methods},
    {0, NULL},
};

static PyType_Spec attribute_table_spec = {
    "nlp_zero.kernels._fast.AttributeTable", sizeof(AttributeTable), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    attribute_table_slots,
};

int
attributes_add_types(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &attribute_table_spec, NULL);
    int result = type ? PyModule_AddType(module, (PyTypeObject *)type) : -1;
    Py_XDECREF(type);
    return result;
}

/* ---- cells --------------------------------------------------------------------------------------------------------- */

/* The cells of a text as they are cut. */
typedef struct {
    char *text;
    int64_t *edges, *starts;
    size_t size, cells, sentences;
} cutting;

static PyObject *
cutting_done(cutting *cut, int fine)
{
    PyObject *result = NULL;
    if (fine)
        result = Py_BuildValue("y#y#y#", cut->text, (Py_ssize_t)cut->size, (char *)cut->edges,
                               (Py_ssize_t)((cut->cells + 1) * sizeof *cut->edges), (char *)cut->starts,
                               (Py_ssize_t)((cut->sentences + 1) * sizeof *cut->starts));
    free(cut->text);
    free(cut->edges);
    free(cut->starts);
    return result;
}

/* Room for all that `size` bytes can hold. */
static int
cutting_open(cutting *cut, size_t size)
{
    memset(cut, 0, sizeof *cut);
    cut->text = malloc(size + 1);
    cut->edges = malloc((size + 2) * sizeof *cut->edges);
    cut->starts = malloc((size + 3) * sizeof *cut->starts);
    if (!cut->text || !cut->edges || !cut->starts) {
        PyErr_NoMemory();
        return -1;
    }
    cut->edges[0] = cut->starts[0] = 0;
    return 0;
}

static int
cut_characters(cutting *cut, const char *bytes, size_t size, size_t width)
{
    size_t line = 0, begun = 0;
    for (size_t place = 0; place <= size; place++) {
        if (place == size || bytes[place] == '\n') {
            if ((cut->cells - begun) % width) {
                PyErr_Format(PyExc_ValueError, "line %zu: expected a multiple of %zu characters, got %zu", line, width,
                             cut->cells - begun);
                return -1;
            }
            begun = cut->cells;
            cut->starts[++cut->sentences] = (int64_t)(begun / width);
            line++;
            continue;
        }
        if (((unsigned char)bytes[place] & 0xC0) != 0x80)
            cut->edges[cut->cells++] = (int64_t)cut->size;
        cut->text[cut->size++] = bytes[place];
    }
    cut->edges[cut->cells] = (int64_t)cut->size;
    return 0;
}

static int
cut_columns(cutting *cut, const char *bytes, size_t size, size_t width)
{
    size_t line = 0, row = 0;
    Py_ssize_t empty = -1;
    int inside = 0;
    for (size_t place = 0; place <= size; place++) {
        char byte = place == size ? '\n' : bytes[place];
        if (byte != ' ' && byte != '\t' && byte != '\n') {
            cut->text[cut->size++] = byte;
            inside = 1;
            continue;
        }
        if (inside) {
            cut->edges[++cut->cells] = (int64_t)cut->size;
            row++;
            inside = 0;
        }
        if (byte != '\n')
            continue;
        size_t begun = (size_t)cut->starts[cut->sentences] * width;
        if (row) {
            if (empty >= 0) {
                PyErr_Format(PyExc_ValueError,
                             "line %zd: expected a position, got a blank line, an empty sentence", empty);
                return -1;
            }
            if (row != width) {
                PyErr_Format(PyExc_ValueError, "line %zu: expected %zu columns, got %zu", line, width, row);
                return -1;
            }
        }
        else if (cut->cells > begun)
            cut->starts[++cut->sentences] = (int64_t)(cut->cells / width);
        else if (empty < 0)
            empty = (Py_ssize_t)line;
        row = 0;
        line++;
    }
    if (cut->cells > (size_t)cut->starts[cut->sentences] * width)
        cut->starts[++cut->sentences] = (int64_t)(cut->cells / width);
    return 0;
}

static PyObject *
cut_text(PyObject *args, const char *format, int (*cutter)(cutting *, const char *, size_t, size_t))
{
    PyObject *text;
    Py_ssize_t width, size;
    char *bytes;
    if (!PyArg_ParseTuple(args, format, &text, &width) || check_width(width) < 0)
        return NULL;
    PyObject *encoded = PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass");
    if (!encoded || PyBytes_AsStringAndSize(encoded, &bytes, &size) < 0) {
        Py_XDECREF(encoded);
        return NULL;
    }
    cutting cut;
    int fine = cutting_open(&cut, (size_t)size) == 0 && cutter(&cut, bytes, (size_t)size, (size_t)width) == 0;
    Py_DECREF(encoded);
    return cutting_done(&cut, fine);
}

static PyObject *
character_cells(PyObject *self, PyObject *args)
{
    (void)self;
    return cut_text(args, "Un:character_cells", cut_characters);
}

static PyObject *
column_cells(PyObject *self, PyObject *args)
{
    (void)self;
    return cut_text(args, "Un:column_cells", cut_columns);
}

PyMethodDef attributes_methods[] = {
    {"character_cells", character_cells, METH_VARARGS, NULL},
    {"column_cells", column_cells, METH_VARARGS, NULL},
    {"find_attributes", find_attributes, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
