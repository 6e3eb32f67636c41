/* The copy of lattice.py in C: the same edges, the same sums in the same order, the same ties, the same errors.
 *
 * The lexicon is a trie in one hash table with open addressing: the slot of a node is its name, and its key is (slot of
 * the parent, code point). Words come sorted, so that each node is inserted once and never looked up while building
 * (110,000 words in about 5 ms). The first character of the basic plane goes through a table of 65,536 slots.
 *
 * Text is copied out of its str objects in batches; the dynamic program runs over a batch without the GIL; then words
 * become str objects. A long text is solved piece by piece from the right: between two characters that no word has side
 * by side every path stops, so the sums of a piece can begin with that of the piece behind it, which gives the bits of
 * one long run, and the steps of one piece are forgotten before the next. They stay in the first-level cache, and new
 * memory, whose pages cost more than the work (2 microseconds a page), is 13 bytes a character instead of 33.
 * A str of a lexicon word is made once and kept: handing it out again is a reference count.
 *
 * Shapes have a trie of their own, which is empty and takes no memory where the lexicon has none. Their edges are found
 * before the pieces are cut, in the order of their starts.
 */
#include "_module.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { OTHER, SPACE, PUNCTUATION, HAN, LATIN, DIGIT, KANA, LETTER, MARK,
       SEPARATOR, PERCENT, JOINER, REGIONAL, PICTOGRAPH, COMMA, NUMERAL, END = 255 };

#define CLASSES 9
#define CODE_POINTS 0x110000
#define STRETCH 32
#define LIMIT 1e9
#define MAX_LENGTH 1000
#define MAX_CHARACTERS 2147483646

/* What stands for runs in shapes: U+FDD0 to U+FDD3. */
enum { NUMBER = 0xFDD0, YEAR, LETTERS, RARE };

/* Symbols, as the text of the expert has them: see symbols.py. */
#define SPELT_MOST 16
enum { SYMBOL_NUMBER = 1, SYMBOL_YEAR, SYMBOL_LATIN, SYMBOL_RARE, FIRST_SYMBOL = 8, MOST_SYMBOLS = 0xEFF8 };

/* A flag byte: the class in the low bits, and these. CROSSED: a shape passes over the place. */
#define CLASS_OF 0x0F
#define INNER 0x10
#define CLOSED 0x20
#define STARTS 0x40
#define CROSSED 0x80

#define SIEVE 20    /* The logarithm of the bits of a sieve: 128 KB lie in the second-level cache. */
#define CALL 8      /* How many places ahead words of two characters are called for. */
#define BATCH 16384 /* Characters a batch: its arrays of 13 bytes a character stay in the second-level cache. */
#ifndef PIECE
#define PIECE 1024 /* Characters a piece, at least: steps of 24 bytes. */
#endif

static const uint8_t class_of_kind[] = {OTHER, SPACE, PUNCTUATION, HAN, LATIN, DIGIT, KANA, LETTER, MARK,
                                        PUNCTUATION, PUNCTUATION, MARK, OTHER, OTHER, PUNCTUATION, HAN};

/* ---- The trie ------------------------------------------------------------------------------------------------- */

#define NONE 0xFFFFFFFFu
#define ROOT 0xFFFFFFFEu
#define CODE 0x1FFFFFu
#define WORD 0x80000000u
#define BASIC 0x10000u

typedef struct {
    uint32_t parent; /* NONE: the slot is free. */
    uint32_t label;  /* The code point, a filter of ten bits for the children, and WORD. */
    double score;
} Entry;

/* The classes that a word shows to its neighbours, and the gaps inside it that count as ends of words, by bits. */
typedef struct Company {
    uint32_t joints;
    uint8_t left, right;
} Company;

typedef struct {
    Entry *table;
    uint32_t *word;  /* The number of the word that ends in a slot, or NONE. */
    uint32_t *first; /* The slot of a first character of the basic plane, or NONE. */
    uint8_t *bonds;  /* A bit for each hash of two characters that stand side by side in a word. */
    uint8_t (*shown)[2]; /* The classes of the word that ends in a slot, or NULL; */
    uint32_t *joints;    /* and its joints, or NULL where no word has any. */
    uint64_t mask;
    size_t words;
} Trie;

static inline int
is_placeholder(uint32_t code)
{
    return code >= NUMBER && code <= RARE;
}

static inline uint32_t
filter_bit(uint32_t code)
{
    return (1u << 21) << (code % 10);
}

static inline uint64_t
hash(uint32_t parent, uint32_t code)
{
    uint64_t key = (((uint64_t)parent << 21) ^ code) * 0x9E3779B97F4A7C15u;
    return key ^ (key >> 32);
}

/* The child of a node, or NONE, looked for from the slot where its hash says that it is. */
static inline uint32_t
probe(const Trie *trie, uint64_t slot, uint32_t parent, uint32_t code)
{
    for (;; slot = (slot + 1) & trie->mask) {
        const Entry *entry = &trie->table[slot];
        if (entry->parent == parent && (entry->label & CODE) == code)
            return (uint32_t)slot;
        if (entry->parent == NONE)
            return NONE;
    }
}

static inline uint32_t
child(const Trie *trie, uint32_t parent, uint32_t code)
{
    return probe(trie, hash(parent, code) & trie->mask, parent, code);
}

static inline uint32_t
root_child(const Trie *trie, uint32_t code)
{
    return code < BASIC ? trie->first[code] : child(trie, ROOT, code);
}

/* The child of a node, or NONE: the filter spares most probes that would fail. */
static inline uint32_t
next_node(const Trie *trie, uint32_t node, uint32_t code)
{
    return trie->table[node].label & filter_bit(code) ? child(trie, node, code) : NONE;
}

#define BONDS 20
#define NEXT 12 /* Nodes that are called for from memory before they are made. */

static inline uint32_t
bond(uint32_t left, uint32_t right)
{
    return (uint32_t)(((((uint64_t)left << 21) | right) * 0x9E3779B97F4A7C15u) >> (64 - BONDS));
}

/* Whether a word may have these characters side by side; never 0 where one has. */
static inline int
bonded(const Trie *trie, uint32_t left, uint32_t right)
{
    uint32_t bit = bond(left, right);
    return trie->bonds[bit >> 3] >> (bit & 7) & 1;
}

static void
trie_free(Trie *trie)
{
    free(trie->bonds);
    free(trie->table);
    free(trie->word);
    free(trie->first);
    free(trie->shown);
    free(trie->joints);
    memset(trie, 0, sizeof *trie);
}

/* Words joined by line ends, as code points. */
typedef struct {
    uint32_t *text;
    size_t size, count, longest, nodes;
    size_t lead, shape_nodes; /* The characters before the first placeholder, at most; those of all shapes. */
} Joined;

static size_t
word_end(const Joined *joined, size_t start)
{
    while (start < joined->size && joined->text[start] != '\n')
        start++;
    return start;
}

static uint32_t
insert(Trie *trie, uint32_t parent, uint32_t code)
{
    uint64_t slot = hash(parent, code) & trie->mask;
    while (trie->table[slot].parent != NONE)
        slot = (slot + 1) & trie->mask;
    trie->table[slot] = (Entry){parent, code, 0.0};
    if (parent != ROOT)
        trie->table[parent].label |= filter_bit(code);
    else if (code < BASIC)
        trie->first[code] = (uint32_t)slot;
    return (uint32_t)slot;
}

/* Where the first placeholder of a word stands; its length if it has none. */
static size_t
shape_lead(const uint32_t *word, size_t length)
{
    size_t place = 0;
    while (place < length && !is_placeholder(word[place]))
        place++;
    return place;
}

/* A word on its way into the trie: its place in the text, how much of it the word before begins with, and the node
 * that its characters have led to. */
typedef struct {
    uint32_t start, length, common, node, number;
} Growing;

/* The words of a trie, of the shapes or the others; NULL without memory (no Python error set). */
static Growing *
growing_words(Trie *trie, const Joined *joined, int shapes)
{
    Growing *words = malloc((joined->count + 1) * sizeof *words);
    const uint32_t *before = NULL;
    size_t before_length = 0, start = 0;
    for (size_t index = 0; words && index < joined->count; index++) {
        const uint32_t *word = joined->text + start;
        size_t length = word_end(joined, start) - start, common = 0;
        start += length + 1;
        if (joined->shape_nodes && (shape_lead(word, length) < length) != shapes)
            continue;
        while (common < length && common < before_length && word[common] == before[common])
            common++;
        words[trie->words++] = (Growing){(uint32_t)(word - joined->text), (uint32_t)length, (uint32_t)common, ROOT,
                                         (uint32_t)index};
        before = word;
        before_length = length;
    }
    return words;
}

static int
trie_reserve(Trie *trie, size_t nodes, int shown, int joints)
{
    uint64_t size = 16;
    while (size < (uint64_t)nodes / 2 * 3 + 2)
        size *= 2;
    if (size > ROOT)
        return -1;
    trie->mask = size - 1;
    trie->table = malloc(size * sizeof(Entry));
    trie->word = malloc(size * sizeof(uint32_t));
    trie->first = malloc(BASIC * sizeof(uint32_t));
    trie->bonds = calloc((1 << BONDS) / 8, 1);
    trie->shown = shown ? calloc(size, sizeof *trie->shown) : NULL;
    trie->joints = joints ? calloc(size, sizeof(uint32_t)) : NULL;
    if (!trie->table || !trie->word || !trie->first || !trie->bonds || (shown && !trie->shown)
        || (joints && !trie->joints))
        return -1;
    memset(trie->table, 0xFF, size * sizeof(Entry));
    memset(trie->word, 0xFF, size * sizeof(uint32_t));
    memset(trie->first, 0xFF, BASIC * sizeof(uint32_t));
    return 0;
}

/* Builds the trie of checked, sorted words, of the shapes or the others; 0, or -1 without memory (no Python error
 * set). `nodes` is how many nodes it may have. It grows by levels, so that the places of the nodes to come are known
 * beforehand and can be called for from memory. */
static int
trie_build(Trie *trie, const Joined *joined, size_t nodes, int shapes, const double *scores, const Company *company,
           int joints)
{
    Growing *words = growing_words(trie, joined, shapes);
    if (!words || trie_reserve(trie, nodes, company != NULL, joints)) {
        free(words);
        return -1;
    }
    size_t left = trie->words;
    for (uint32_t depth = 0; left; depth++) {
        size_t kept = 0;
        uint32_t node = ROOT;
        for (size_t place = 0; place < left; place++) {
            if (place + NEXT < left) {
                const Growing *later = &words[place + NEXT];
                uint64_t slot = hash(later->node, joined->text[later->start + depth]) & trie->mask;
                __builtin_prefetch(&trie->table[slot], 1);
                __builtin_prefetch(&trie->word[slot], 1);
            }
            Growing word = words[place];
            const uint32_t *code = joined->text + word.start + depth;
            if (word.common <= depth) {
                node = insert(trie, word.node, *code);
                uint32_t bit = depth ? bond(code[-1], *code) : 0;
                trie->bonds[bit >> 3] |= (uint8_t)((depth != 0) << (bit & 7));
            }
            word.node = node;
            if (word.length > depth + 1) {
                words[kept++] = word;
                continue;
            }
            trie->table[node].label |= WORD;
            trie->table[node].score = scores ? scores[word.number] : 0.0;
            if (company) {
                trie->shown[node][0] = company[word.number].left;
                trie->shown[node][1] = company[word.number].right;
            }
            if (joints)
                trie->joints[node] = company[word.number].joints;
            trie->word[node] = word.number;
        }
        left = kept;
    }
    free(words);
    return 0;
}

static inline Company
company_of(const Trie *trie, uint32_t node)
{
    if (!trie->shown)
        return (Company){0, 0, 0};
    return (Company){trie->joints ? trie->joints[node] : 0, trie->shown[node][0], trie->shown[node][1]};
}

/* ---- The object ----------------------------------------------------------------------------------------------- */

/* What there is to know of a character that has a symbol, in one cache line: the word of it alone and the node of the
 * trie that it leads to, its weights by its place around a gap, and how it is spelt at the beginning, inside and at the
 * end of a word. */
typedef struct {
    double score;
    uint32_t slot, label;
    Company company;
    float spelling[3];
    int16_t weights[4];
} Head;

/* What the neighbourhood of a word has to say: see "Context" in lattice.py. */
typedef struct {
    int on;
    unsigned classes, pool_count;
    float *ratios;    /* classes x classes */
    Company *company; /* of each word; only while the tries are built */
    int joints;       /* whether a word has any */
    uint8_t pools[256];
    uint16_t *symbols; /* of each code point; 0 for one that the alphabet does not have */
    Head *heads;       /* of each symbol */
    int8_t *weights;
    uint8_t *sieve; /* A bit for each 1 << (bits - sieve_bits) weights: whether one of them is not 0. */
    int bits, sieve_bits;
    double unit, limit;
    size_t longest; /* The symbols of a spelt word, at most. */
    double extents[SPELT_MOST + 1], most;
} Context;

typedef struct {
    PyObject_HEAD
    Trie lexicon, shapes, forced;
    Context context;
    size_t lead; /* The longest lead of a shape. */
    double unknown[2 * CLASSES];
    double single[CLASSES];
    uint8_t runs[CLASSES];
    int whole;
    PyObject *kinds_object;
    const uint8_t *kinds;
    /* str objects made so far, by slot and, of unknown characters, by code point; the GIL guards them. */
    PyObject **known_words, **known_characters;
} Segmenter;

/* One way on from a place: how good, how long the word, how many words to the end, which node of the trie. */
typedef struct {
    double score;
    uint32_t length, count, slot;
} Step;

/* ---- Atoms ---------------------------------------------------------------------------------------------------- */

static inline int
extends(uint8_t kind)
{
    return kind == MARK || kind == JOINER;
}

static size_t
skip_marks(const uint8_t *kinds, size_t place)
{
    while (extends(kinds[place]))
        place++;
    return place;
}

/* How many digits stand from here on, counted to four. */
static int
digits_after(const uint8_t *kinds, size_t place)
{
    int count = 0;
    while (count < 4 && kinds[place + count] == DIGIT)
        count++;
    return count;
}

/* The same before here, inside the number that starts at `start`. */
static int
digits_before(const uint8_t *kinds, size_t start, size_t place)
{
    int count = 0;
    while (count < 4 && place > start + count && kinds[place - 1 - count] == DIGIT)
        count++;
    return count;
}

static size_t
number_end(const uint8_t *kinds, size_t start)
{
    size_t place = start + 1;
    for (;;) {
        if (extends(kinds[place]) || kinds[place] == DIGIT)
            place++;
        else if (kinds[place] == SEPARATOR && kinds[place + 1] == DIGIT)
            place += 2;
        else if (kinds[place] == COMMA && digits_after(kinds, place + 1) == 3 && digits_before(kinds, start, place) < 4)
            place++;
        else
            break;
    }
    return kinds[place] == PERCENT ? skip_marks(kinds, place + 1) : place;
}

/* Where the atom that starts here ends. `kinds` holds END behind the text. */
static size_t
atom_end(const uint32_t *text, const uint8_t *kinds, size_t start, size_t size)
{
    uint8_t kind = kinds[start];
    size_t end = start + 1;
    switch (kind) {
    case PICTOGRAPH:
        end = skip_marks(kinds, end);
        while (kinds[end] == PICTOGRAPH && kinds[end - 1] == JOINER)
            end = skip_marks(kinds, end + 1);
        return end;
    case REGIONAL:
        return skip_marks(kinds, kinds[end] == REGIONAL ? end + 1 : end);
    case DIGIT:
        return number_end(kinds, start);
    case LATIN:
    case KANA:
    case LETTER:
        while (kinds[end] == kind || extends(kinds[end]))
            end++;
        return end;
    case SPACE:
        while (kinds[end] == SPACE)
            end++;
        return end;
    case PUNCTUATION:
    case SEPARATOR:
    case PERCENT:
    case COMMA:
        while (end < size && text[end] == text[start])
            end++;
        return skip_marks(kinds, end);
    default:
        return skip_marks(kinds, end);
    }
}

/* Where the number ends that numerals from here on make; `start` if they make none. Only kinds behind it are in `kinds`. */
static size_t
numerals_end(const Segmenter *self, const uint32_t *text, const uint8_t *kinds, size_t start)
{
    uint8_t before = start > 0 ? self->kinds[text[start - 1]] : END;
    if (before == DIGIT || before == NUMERAL || !self->runs[DIGIT])
        return start;
    size_t end = start + 1;
    while (kinds[end] == NUMERAL)
        end++;
    return end - start < 2 || kinds[end] == DIGIT || extends(kinds[end]) ? start : end;
}

/* Turns the kinds of an atom into flags, in place. */
static void
mark_atom(const Segmenter *self, uint8_t *flags, size_t start, size_t end)
{
    uint8_t code = class_of_kind[flags[start]];
    int solid = code == OTHER || code == HAN || code == MARK;
    int run = self->runs[code] || solid;
    int whole = self->whole && (code == LATIN || code == DIGIT);
    flags[start] = code;
    for (size_t place = start + 1; place < end; place++) {
        uint8_t kind = flags[place];
        if (solid || extends(kind))
            flags[place] = code | INNER | CLOSED;
        else
            flags[place] = (run ? code | INNER : class_of_kind[kind]) | (whole ? CLOSED : 0);
    }
}

/* The flags of text[0..size]; flags has a byte more than the text. */
static void
mark_atoms(const Segmenter *self, const uint32_t *text, size_t size, uint8_t *flags)
{
    for (size_t place = 0; place < size; place++)
        flags[place] = self->kinds[text[place]];
    flags[size] = END;
    for (size_t start = 0, end; start < size; start = end) {
        if (flags[start] == HAN && !extends(flags[start + 1])) {
            end = start + 1; /* HAN is both the kind and the class: nothing to write. */
            continue;
        }
        end = flags[start] == NUMERAL ? numerals_end(self, text, flags, start) : start;
        if (end > start)
            memset(flags + start, DIGIT, end - start);
        else
            end = atom_end(text, flags, start, size);
        mark_atom(self, flags, start, end);
    }
    flags[size] = 0;
}

/* ---- Shapes --------------------------------------------------------------------------------------------------- */

/* The word text[start..end) that a shape stands for. */
typedef struct {
    size_t start, end;
    uint32_t word;
    double score;
    Company company;
} Shape;

typedef struct {
    Shape *shapes;
    size_t count, room;
} Shapes;

/* Whether a run that a placeholder can stand for starts here. */
static inline int
is_run(const Segmenter *self, const uint8_t *flags, size_t place)
{
    uint8_t code = flags[place] & CLASS_OF;
    return (code == DIGIT || code == LATIN) && !(flags[place] & INNER) && self->runs[code];
}

static size_t
run_end(const uint8_t *flags, size_t place)
{
    do
        place++;
    while (flags[place] & INNER);
    return place;
}

static uint32_t
run_placeholder(const Segmenter *self, const uint32_t *text, const uint8_t *flags, size_t start, size_t end)
{
    if ((flags[start] & CLASS_OF) == LATIN)
        return LETTERS;
    int digits = 0;
    while (digits < 4 && start + digits < end && self->kinds[text[start + digits]] == DIGIT)
        digits++;
    return digits == 4 && end == start + 4 ? YEAR : NUMBER;
}

/* Whether the lexicon has this stretch spelt out. */
static int
spelt_out(const Trie *trie, const uint32_t *text, size_t start, size_t end)
{
    uint32_t node = root_child(trie, text[start]);
    for (size_t place = start + 1; place < end && node != NONE; place++)
        node = next_node(trie, node, text[place]);
    return node != NONE && (trie->table[node].label & WORD);
}

static int
add_shape(Shapes *shapes, Shape shape)
{
    if (shapes->count == shapes->room) {
        size_t room = shapes->room ? shapes->room * 2 : 64;
        Shape *grown = realloc(shapes->shapes, room * sizeof(Shape));
        if (!grown)
            return -1;
        shapes->shapes = grown;
        shapes->room = room;
    }
    shapes->shapes[shapes->count++] = shape;
    return 0;
}

/* Adds the shapes from a start; -1 without memory. */
static int
shapes_from(const Segmenter *self, const uint32_t *text, size_t size, const uint8_t *flags, size_t start,
            Shapes *shapes)
{
    const Trie *trie = &self->shapes;
    uint32_t node = ROOT;
    for (size_t place = start, end; place < size; place = end) {
        uint32_t code = text[place];
        end = place + 1;
        if (is_run(self, flags, place)) {
            end = run_end(flags, place);
            code = run_placeholder(self, text, flags, place, end);
        }
        else if (is_placeholder(code))
            break;
        node = node == ROOT ? root_child(trie, code) : next_node(trie, node, code);
        if (node == NONE)
            break;
        const Entry *entry = &trie->table[node];
        if ((entry->label & WORD) && !(flags[end] & CLOSED) && !spelt_out(&self->lexicon, text, start, end)
            && add_shape(shapes, (Shape){start, end, trie->word[node], entry->score,
                                         company_of(trie, node)}) < 0)
            return -1;
    }
    return 0;
}

/* Finds the shapes of a marked text, by their starts, and marks the places that they pass over. */
static int
find_shapes(const Segmenter *self, const uint32_t *text, size_t size, uint8_t *flags, Shapes *shapes)
{
    shapes->count = 0;
    for (size_t run = 0, behind = 0; run < size; run++) {
        if (!is_run(self, flags, run))
            continue;
        for (size_t start = run - behind > self->lead ? run - self->lead : behind; start <= run; start++)
            if (!(flags[start] & CLOSED) && shapes_from(self, text, size, flags, start, shapes) < 0)
                return -1;
        behind = run_end(flags, run);
    }
    size_t crossed = 0;
    for (size_t index = 0; index < shapes->count; index++) {
        const Shape *shape = &shapes->shapes[index];
        for (crossed = shape->start >= crossed ? shape->start + 1 : crossed; crossed < shape->end; crossed++)
            flags[crossed] |= CROSSED;
    }
    return 0;
}

/* ---- The dynamic program -------------------------------------------------------------------------------------- */

static inline void
offer(Step *top, const Step *rest, double score, uint32_t length, uint32_t slot)
{
    double total = score + rest->score;
    uint32_t count = rest->count + 1;
    if (total > top->score
        || (total == top->score && (count < top->count || (count == top->count && length > top->length))))
        *top = (Step){total, length, count, slot};
}

static inline double
unknown_score(const Segmenter *self, uint8_t code, size_t length)
{
    return self->unknown[2 * code] + self->unknown[2 * code + 1] * (double)length;
}

/* A word of the best path: its length, and its node of the trie or NONE. */
typedef struct {
    uint32_t length, slot;
} Token;

/* The start of the last of the first `count` shapes, or NOWHERE. */
#define NOWHERE ((size_t)-1)

static inline size_t
last_start(const Shapes *shapes, size_t count)
{
    return count ? shapes->shapes[count - 1].start : NOWHERE;
}

/* A released GIL: taken back now and then to look for Ctrl-C. */
typedef PyThreadState *Saved;

static int
interrupted(Saved *saved)
{
    PyEval_RestoreThread(*saved);
    int result = PyErr_CheckSignals();
    *saved = PyEval_SaveThread();
    return result;
}

/* A way on from a place in context: the best of those whose first word shows this class to what stands before. */
typedef struct {
    double total;
    uint32_t length, count, slot, next; /* next: which state follows behind the word */
    uint8_t left;
} State;

/* Room for a batch of text, one place more for each text in it; and the steps of one piece. With a context: the log
 * odds of a word ending at each place of one text, the symbols there and their places; the states, those of place p
 * from first[p] up to first[p - 1]. */
typedef struct {
    double *odds;
    uint16_t *symbols;
    uint32_t *places, *first;
    size_t judged_room;
    State *states;
    size_t state_count, states_room;
    uint32_t *text;
    uint8_t *flags, *line_flags;
    Token *tokens;
    size_t room;
    Step *steps;
    size_t steps_room;
    Shapes shapes;
} Work;

enum { DONE = 0, NO_MEMORY = -1, INTERRUPTED = -2 };

/* The best way from every place of text[first..last) to the end of the text, into steps[0..last - first); the last step
 * is there already. The shapes from these places are the last of the first `*shape`, which becomes less by them.
 * A text of 2^18 characters or more must come with the GIL released. */
static int
solve_piece(const Segmenter *self, const uint32_t *text, size_t first, size_t last, uint8_t *flags, Step *steps,
            const Shapes *shapes, size_t *shape, Saved *saved)
{
    const Trie *trie = &self->lexicon;
    size_t end_of_atom = last, next_shape = last_start(shapes, *shape);
    for (size_t start = last; start-- > first;) {
        if ((start & 0x3FFFF) == 0x3FFFF && interrupted(saved) < 0)
            return INTERRUPTED;
        uint8_t flag = flags[start];
        if (!(flags[start + 1] & INNER))
            end_of_atom = start + 1;
        Step top = {-INFINITY, 0, 0, NONE};
        if ((flag & INNER) && (flag & CLOSED)) {
            steps[start - first] = top;
            continue;
        }
        uint64_t matched = 0; /* One bit for each length of a word that starts here, up to 63 characters. */
        int matched_atom = 0;
        if (!(flag & CLOSED)) {
            size_t end = start + 1;
            uint32_t node = root_child(trie, text[start]);
            while (node != NONE) {
                const Entry *entry = &trie->table[node];
                if ((entry->label & WORD) && !(flags[end] & CLOSED)) {
                    offer(&top, &steps[end - first], entry->score, (uint32_t)(end - start), node);
                    matched |= end - start < 64 ? (uint64_t)1 << (end - start) : 1;
                    matched_atom |= end == end_of_atom;
                }
                if (end == last)
                    break;
                node = next_node(trie, node, text[end++]);
            }
            if (start == next_shape) {
                do {
                    const Shape *edge = &shapes->shapes[--*shape];
                    size_t length = edge->end - start;
                    offer(&top, &steps[edge->end - first], edge->score, (uint32_t)length, NONE);
                    matched |= length < 64 ? (uint64_t)1 << length : 1;
                    matched_atom |= edge->end == end_of_atom;
                    next_shape = last_start(shapes, *shape);
                } while (start == next_shape);
            }
            if (matched)
                flags[start] = flag | STARTS;
        }
        uint8_t code = flag & CLASS_OF;
        if (end_of_atom == start + 1) {
            if (!matched_atom)
                offer(&top, &steps[end_of_atom - first], self->single[code], 1, NONE);
        }
        else {
            for (size_t end = start + 1; end < end_of_atom && end <= start + STRETCH; end++)
                if ((flags[end] & STARTS) && !(matched >> (end - start) & 1))
                    offer(&top, &steps[end - first], unknown_score(self, code, end - start), (uint32_t)(end - start),
                          NONE);
            if (!matched_atom)
                offer(&top, &steps[end_of_atom - first], unknown_score(self, code, end_of_atom - start),
                      (uint32_t)(end_of_atom - start), NONE);
        }
        steps[start - first] = top;
    }
    return DONE;
}

/* ---- Context --------------------------------------------------------------------------------------------------- */

#ifdef __GNUC__
#define FETCH(address) __builtin_prefetch(address)
#else
#define FETCH(address) ((void)(address))
#endif

#define FIELD(place) ((uint64_t)0xFFFF << (48 - 16 * (place)))

/* The hash of a feature of the symbols around a gap (see experts.py); its upper bits are the cell of its weight. */
static inline uint64_t
feature(uint64_t window, uint64_t mask, uint64_t number)
{
    uint64_t h = (window & mask) ^ number * 0x9E3779B97F4A7C15u;
    h = (h ^ h >> 32) * 0x9E3779B97F4A7C15u;
    return (h ^ h >> 32) * 0xD6E8FEB86659FD93u;
}

#define FEATURES 6 /* of several symbols */
#define AHEAD 16

/* Gaps that are judged together, and the weights of theirs that the sieve lets through. Most weights are 0, and the
 * table is larger than the caches, so the sieve is asked first. */
typedef struct {
    size_t gaps, count;
    uint32_t places[AHEAD];
    int sums[AHEAD];
    uint32_t cells[AHEAD * FEATURES + 1];
    uint8_t owners[AHEAD * FEATURES + 1];
} Bench;

static inline void
sift(const Context *context, Bench *bench, uint64_t window, uint64_t mask, uint64_t number)
{
    uint64_t h = feature(window, mask, number);
    uint32_t bit = (uint32_t)(h >> (64 - context->sieve_bits));
    bench->cells[bench->count] = (uint32_t)(h >> (64 - context->bits));
    bench->owners[bench->count] = (uint8_t)bench->gaps;
    bench->count += context->sieve[bit >> 3] >> (bit & 7) & 1;
}

/* Puts the gap between the second and the third of four symbols on the bench. */
static inline void
put_gap(const Context *context, Bench *bench, const uint16_t *four, uint32_t place)
{
    uint64_t window = (uint64_t)four[0] << 48 | (uint64_t)four[1] << 32 | (uint64_t)four[2] << 16 | four[3];
    sift(context, bench, window, FIELD(0) | FIELD(1), 5);
    sift(context, bench, window, FIELD(1) | FIELD(2), 6);
    sift(context, bench, window, FIELD(2) | FIELD(3), 7);
    sift(context, bench, window, FIELD(0) | FIELD(1) | FIELD(2), 8);
    sift(context, bench, window, FIELD(1) | FIELD(2) | FIELD(3), 9);
    sift(context, bench, window, ~(uint64_t)0, 10);
    bench->places[bench->gaps] = place;
    bench->sums[bench->gaps++] = context->heads[four[0]].weights[0] + context->heads[four[1]].weights[1]
                                 + context->heads[four[2]].weights[2] + context->heads[four[3]].weights[3];
}

/* Writes the log odds of the gaps on the bench, and clears it. */
static inline void
judge_gaps(const Context *context, Bench *bench, double *odds)
{
    for (size_t index = 0; index < bench->count; index++)
        FETCH(context->weights + bench->cells[index]);
    for (size_t index = 0; index < bench->count; index++)
        bench->sums[bench->owners[index]] += context->weights[bench->cells[index]];
    for (size_t gap = 0; gap < bench->gaps; gap++) {
        double value = bench->sums[gap] * context->unit;
        odds[bench->places[gap]]
            = value > context->limit ? context->limit : value < -context->limit ? -context->limit : value;
    }
    bench->gaps = bench->count = 0;
}

/* The symbol of the character at a place where one starts. */
static uint16_t
symbol_at(const Segmenter *self, const uint32_t *text, const uint8_t *flags, size_t place)
{
    uint8_t code = flags[place] & CLASS_OF;
    if (code == LATIN)
        return SYMBOL_LATIN;
    if (code == DIGIT)
        return is_run(self, flags, place)
                       && run_placeholder(self, text, flags, place, run_end(flags, place)) == YEAR
                   ? SYMBOL_YEAR
                   : SYMBOL_NUMBER;
    uint16_t symbol = self->context.symbols[text[place]];
    if (symbol == 0 && (code == HAN || code == KANA || code == LETTER || code == MARK))
        return SYMBOL_RARE;
    return symbol;
}

static int
reserve_judged(Work *work, size_t room)
{
    if (room <= work->judged_room)
        return DONE;
    free(work->odds);
    free(work->symbols);
    free(work->places);
    free(work->first);
    work->odds = malloc(room * sizeof(double));
    work->symbols = malloc((room + 3) * sizeof(uint16_t));
    work->places = malloc(room * sizeof(uint32_t));
    work->first = malloc(room * sizeof(uint32_t));
    work->judged_room = work->odds && work->symbols && work->places && work->first ? room : 0;
    return work->judged_room ? DONE : NO_MEMORY;
}

/* The log odds of a word ending at each place of a marked text. */
static int
judge(const Segmenter *self, Work *work, const uint32_t *text, size_t size, const uint8_t *flags)
{
    if (reserve_judged(work, size + 1) < 0)
        return NO_MEMORY;
    uint16_t *symbols = work->symbols;
    size_t count = 0;
    *symbols++ = 0;
    for (size_t place = 0; place < size; place++) {
        work->odds[place] = 0.0;
        uint8_t flag = flags[place], code = flag & CLASS_OF;
        if ((flag & INNER) && ((flag & CLOSED) || code == LATIN || code == DIGIT))
            continue;
        work->places[count] = (uint32_t)place;
        symbols[count++] = symbol_at(self, text, flags, place);
    }
    work->odds[size] = 0.0;
    symbols[count] = 0;
    Bench bench;
    bench.gaps = bench.count = 0;
    for (size_t gap = 1; gap < count; gap++) {
        if (!symbols[gap - 1] || !symbols[gap])
            continue;
        put_gap(&self->context, &bench, symbols + gap - 2, work->places[gap]);
        if (bench.gaps == AHEAD)
            judge_gaps(&self->context, &bench, work->odds);
    }
    judge_gaps(&self->context, &bench, work->odds);
    return DONE;
}

/* What an unknown stretch shows to its neighbours. */
static inline Company
stranger(const Context *context, uint8_t code, size_t length)
{
    uint8_t shown = 0;
    if (code == LATIN || code == DIGIT)
        shown = context->pools[0];
    else if (code == HAN || code == KANA || code == LETTER || code == MARK)
        shown = context->pools[(length < context->pool_count ? length : context->pool_count) - 1];
    return (Company){0, shown, shown};
}

static inline double
word_in_context(double score, const double *odds, size_t start, size_t end, uint32_t joints)
{
    score += odds[end];
    for (size_t place = start + 1; joints; joints >>= 1, place++)
        if (joints & 1)
            score += odds[place];
    return score;
}

/* Which of the states at a place is the best behind a word that shows `right`; `*best` is what they come to. */
static inline const State *
follow(const Context *context, uint8_t right, const State *state, const State *stop, double *best)
{
    const float *row = context->ratios + (size_t)right * context->classes;
    const State *top = NULL;
    for (; state < stop; state++) {
        double value = (double)row[state->left] + state->total;
        if (!top || value > *best
            || (value == *best
                && (state->count < top->count || (state->count == top->count && state->length > top->length)))) {
            top = state;
            *best = value;
        }
    }
    return top;
}

/* Offers a word text[start..end) to the states of its start, which are the last ones. */
static inline void
offer_state(const Context *context, Work *work, double score, size_t start, size_t end, Company company,
            uint32_t slot)
{
    State *states = work->states;
    double best = 0.0;
    const State *next = follow(context, company.right, states + work->first[end], states + work->first[end - 1],
                               &best);
    if (!next)
        return;
    double total = word_in_context(score, work->odds, start, end, company.joints) + best;
    State state = {total, (uint32_t)(end - start), next->count + 1, slot, (uint32_t)(next - states), company.left};
    for (State *other = states + work->first[start]; other < states + work->state_count; other++)
        if (other->left == state.left) {
            if (total > other->total
                || (total == other->total
                    && (state.count < other->count
                        || (state.count == other->count && state.length > other->length))))
                *other = state;
            return;
        }
    states[work->state_count++] = state;
}

/* Whether a spelt word may go on over a place. */
static inline int
is_spelt_over(const Context *context, const uint8_t *flags, const double *odds, size_t place)
{
    return context->longest > 1 && (flags[place - 1] & CLASS_OF) == HAN && (flags[place] & CLASS_OF) == HAN
           && odds[place] <= context->most;
}

static inline const float *
spelling(const Context *context, uint32_t code)
{
    uint16_t symbol = context->symbols[code];
    return context->heads[symbol ? symbol : SYMBOL_RARE].spelling;
}

/* The lengths of the spelt words from a place, but for those that the lexicon has, and their scores; how many. */
static inline int
spelt_words(const Context *context, const uint32_t *text, size_t size, const uint8_t *flags, const double *odds,
            size_t start, uint64_t matched, size_t *lengths, double *scores)
{
    int count = 0;
    if ((flags[start] & ~STARTS & ~CROSSED) != HAN || odds[start + 1] > context->most
        || (flags[start + 1] & (CLASS_OF | INNER)) != HAN)
        return 0;
    double sum = spelling(context, text[start])[0];
    size_t end = start + 1;
    while (end < size && end - start < context->longest && (flags[end] & (CLASS_OF | INNER)) == HAN
           && odds[end] <= context->most) {
        const float *last = spelling(context, text[end]);
        end++;
        if (!(flags[end] & CLOSED) && !(matched >> (end - start) & 1)) {
            lengths[count] = end - start;
            scores[count++] = sum + last[2] + context->extents[end - start];
        }
        sum += last[1];
    }
    return count;
}

/* What is known of a character that has a symbol; NULL of others. */
static inline const Head *
head_of(const Context *context, uint32_t code)
{
    uint16_t symbol = context->symbols[code];
    return symbol ? &context->heads[symbol] : NULL;
}

/* Where to look for the node of the two characters from a place; NONE if no word begins with them. (A function that did
 * nothing but fetch would be dropped by compilers, since it has no result.) */
static inline uint32_t
pair_slot(const Trie *trie, const Context *context, const uint32_t *text, size_t size, size_t place)
{
    if (place + 1 >= size)
        return NONE;
    const Head *head = head_of(context, text[place]);
    uint32_t code = text[place + 1];
    if (!head || !(head->label & filter_bit(code)) || !bonded(trie, text[place], code))
        return NONE;
    return (uint32_t)(hash(head->slot, code) & trie->mask);
}

/* All states of one place; `pair` is what pair_slot() says of it. The shapes from it are the last of the first `*shape`,
 * which becomes less by them. */
static inline void
states_at(const Segmenter *self, Work *work, const uint32_t *text, size_t size, uint8_t *flags, size_t start,
          size_t end_of_atom, uint32_t pair, size_t *shape)
{
    const Trie *trie = &self->lexicon;
    const Context *context = &self->context;
    uint8_t flag = flags[start], code = flag & CLASS_OF;
    uint64_t matched = 0;
    int matched_atom = 0;
    if (!(flag & CLOSED)) {
        size_t end = start + 1;
        const Head *head = head_of(context, text[start]);
        uint32_t node = head ? head->slot : root_child(trie, text[start]);
        if (head && node != NONE) {
            if ((head->label & WORD) && !(flags[end] & CLOSED)) {
                offer_state(context, work, head->score, start, end, head->company, node);
                matched = 2;
                matched_atom = end == end_of_atom;
            }
            node = pair != NONE ? probe(trie, pair, node, text[end]) : NONE;
            end++;
        }
        while (node != NONE) {
            const Entry *entry = &trie->table[node];
            if ((entry->label & WORD) && !(flags[end] & CLOSED)) {
                offer_state(context, work, entry->score, start, end, company_of(trie, node), node);
                matched |= end - start < 64 ? (uint64_t)1 << (end - start) : 1;
                matched_atom |= end == end_of_atom;
            }
            if (end == size)
                break;
            node = next_node(trie, node, text[end++]);
        }
        while (last_start(&work->shapes, *shape) == start) {
            const Shape *edge = &work->shapes.shapes[--*shape];
            offer_state(context, work, edge->score, start, edge->end, edge->company, NONE);
            matched |= edge->end - start < 64 ? (uint64_t)1 << (edge->end - start) : 1;
            matched_atom |= edge->end == end_of_atom;
        }
        if (matched)
            flags[start] = flag | STARTS;
    }
    size_t lengths[SPELT_MOST];
    double scores[SPELT_MOST];
    int spelt = spelt_words(context, text, size, flags, work->odds, start, matched, lengths, scores);
    for (int word = 0; word < spelt; word++) {
        Company company = stranger(context, code, lengths[word]);
        offer_state(context, work, scores[word], start, start + lengths[word], company, NONE);
    }
    for (size_t end = start + 1; end < end_of_atom && end <= start + STRETCH; end++)
        if ((flags[end] & STARTS) && !(matched >> (end - start) & 1)) {
            Company company = stranger(context, code, end - start);
            offer_state(context, work, unknown_score(self, code, end - start), start, end, company, NONE);
        }
    if (!matched_atom) {
        Company company = stranger(context, code, end_of_atom - start);
        offer_state(context, work, unknown_score(self, code, end_of_atom - start), start, end_of_atom, company, NONE);
    }
}

static int
reserve_states(Work *work)
{
    size_t room = work->state_count + 256; /* A place has a state a class at most. */
    if (room <= work->states_room)
        return DONE;
    room *= 2;
    State *grown = realloc(work->states, room * sizeof(State));
    if (!grown)
        return NO_MEMORY;
    work->states = grown;
    work->states_room = room;
    return DONE;
}

/* Writes the words of the way that begins with a state, up to a place; they are the last of the tokens. */
static void
write_tokens(const Work *work, const State *state, size_t place, size_t last, Token *tokens, size_t size)
{
    Token *token = tokens + (size - state->count);
    while (place < last) {
        *token++ = (Token){state->length, state->slot};
        place += state->length;
        state = work->states + state->next;
    }
}

/* The same as solve(), for a marked text and with the context. States of what lies behind are forgotten where there is
 * but one, all paths stop and enough have come together. */
static int
solve_context(const Segmenter *self, Work *work, const uint32_t *text, size_t size, uint8_t *flags, Token *tokens,
              size_t *count, Saved *saved)
{
    if (judge(self, work, text, size, flags) < 0)
        return NO_MEMORY;
    const Trie *trie = &self->lexicon;
    const Context *context = &self->context;
    size_t shape = work->shapes.count, end_of_atom = size, last = size;
    work->state_count = 0;
    if (reserve_states(work) < 0)
        return NO_MEMORY;
    uint32_t pairs[CALL];
    for (size_t place = size; place-- > 0 && place + CALL >= size;)
        pairs[place % CALL] = pair_slot(trie, context, text, size, place);
    work->first[size] = 0;
    work->states[work->state_count++] = (State){0.0, 0, 0, NONE, 0, 0};
    for (size_t start = size; start-- > 0;) {
        if ((start & 0xFFFF) == 0xFFFF && interrupted(saved) < 0)
            return INTERRUPTED;
        if (!(flags[start + 1] & INNER))
            end_of_atom = start + 1;
        uint32_t pair = pairs[start % CALL];
        uint32_t ahead = start < CALL ? NONE : pair_slot(trie, context, text, size, start - CALL);
        pairs[start % CALL] = ahead;
        if (ahead != NONE) { /* The trie is larger than the caches. */
            FETCH(&trie->table[ahead]);
            FETCH(&trie->shown[ahead]);
        }
        work->first[start] = (uint32_t)work->state_count;
        if (reserve_states(work) < 0)
            return NO_MEMORY;
        if ((flags[start] & INNER) && (flags[start] & CLOSED))
            continue;
        states_at(self, work, text, size, flags, start, end_of_atom, pair, &shape);
        if (work->state_count > PIECE && start && work->state_count - work->first[start] == 1
            && !(flags[start] & (INNER | CROSSED)) && !bonded(trie, text[start - 1], text[start])
            && !is_spelt_over(context, flags, work->odds, start)) {
            State only = work->states[work->state_count - 1];
            write_tokens(work, &only, start, last, tokens, size);
            work->states[0] = only;
            work->first[start] = 0;
            work->state_count = 1;
            last = start;
        }
    }
    if (size == 0) {
        *count = 0;
        return DONE;
    }
    double best = 0.0;
    const State *top = follow(context, 0, work->states + work->first[0], work->states + work->state_count, &best);
    write_tokens(work, top, 0, last, tokens, size);
    *count = top->count;
    return DONE;
}

/* Where a piece that ends here may start: every path stops there. */
static size_t
piece_start(const Trie *trie, const uint32_t *text, const uint8_t *flags, size_t end)
{
    size_t start = end > PIECE ? end - PIECE : 0;
    while (start > 0 && ((flags[start] & (INNER | CROSSED)) || bonded(trie, text[start - 1], text[start])))
        start--;
    return start;
}

static int
reserve_steps(Work *work, size_t room)
{
    if (room <= work->steps_room)
        return DONE;
    free(work->steps);
    work->steps = malloc(room * sizeof(Step));
    work->steps_room = work->steps ? room : 0;
    return work->steps ? DONE : NO_MEMORY;
}

/* Marks and solves a text. The words of its best path become the last of tokens[0..size), and are counted. */
static int
solve(const Segmenter *self, Work *work, const uint32_t *text, size_t size, uint8_t *flags, Token *tokens,
      size_t *count, Saved *saved)
{
    mark_atoms(self, text, size, flags);
    if (self->shapes.words && find_shapes(self, text, size, flags, &work->shapes) < 0)
        return NO_MEMORY;
    if (self->context.on)
        return solve_context(self, work, text, size, flags, tokens, count, saved);
    size_t shape = work->shapes.count;
    Step rest = {0.0, 0, 0, NONE};
    for (size_t end = size, start; end > 0; end = start) {
        start = piece_start(&self->lexicon, text, flags, end);
        if (reserve_steps(work, end - start + 1) < 0)
            return NO_MEMORY;
        Step *steps = work->steps;
        steps[end - start] = rest;
        int status = solve_piece(self, text, start, end, flags, steps, &work->shapes, &shape, saved);
        if (status < 0)
            return status;
        Token *token = tokens + (size - steps[0].count);
        for (size_t place = 0; place < end - start; place += steps[place].length)
            *token++ = (Token){steps[place].length, steps[place].slot};
        rest = steps[0];
    }
    *count = rest.count;
    return DONE;
}

static size_t
longest_forced(const Trie *trie, const uint32_t *text, size_t size, const uint8_t *flags, size_t start)
{
    size_t end = start + 1, longest = 0;
    uint32_t node = root_child(trie, text[start]);
    while (node != NONE) {
        if ((trie->table[node].label & WORD) && !(flags[end] & CLOSED))
            longest = end;
        if (end == size)
            break;
        node = next_node(trie, node, text[end++]);
    }
    return longest;
}

/* Where the next forced word starts and ends, from `place` on; both are `size` where there is none. */
static void
next_forced(const Segmenter *self, const uint32_t *text, size_t size, const uint8_t *flags, size_t place,
            size_t *start, size_t *end)
{
    for (; place < size; place++) {
        if (flags[place] & CLOSED)
            continue;
        size_t longest = longest_forced(&self->forced, text, size, flags, place);
        if (longest) {
            *start = place;
            *end = longest;
            return;
        }
    }
    *start = *end = size;
}

/* ---- Work space ----------------------------------------------------------------------------------------------- */

static void
work_free(Work *work)
{
    free(work->text);
    free(work->flags);
    free(work->line_flags);
    free(work->tokens);
    free(work->steps);
    free(work->shapes.shapes);
    free(work->odds);
    free(work->symbols);
    free(work->places);
    free(work->first);
    free(work->states);
    memset(work, 0, sizeof *work);
}

/* Makes room, what was there is lost; DONE or NO_MEMORY. */
static int
work_fit(Work *work, size_t room)
{
    if (room <= work->room)
        return DONE;
    work_free(work);
    work->text = malloc(room * sizeof(uint32_t));
    work->flags = malloc(room);
    work->line_flags = malloc(room);
    work->tokens = malloc(room * sizeof(Token));
    if (!work->text || !work->flags || !work->line_flags || !work->tokens) {
        work_free(work);
        return NO_MEMORY;
    }
    work->room = room;
    return DONE;
}

/* The same; 0, or -1 with an error set. */
static int
work_reserve(Work *work, size_t room)
{
    if (work_fit(work, room) == DONE)
        return 0;
    PyErr_NoMemory();
    return -1;
}

/* Segments text[0..size) at an offset of the work space, into as many tokens from that offset on as it has words. */
static int
segment_text(const Segmenter *self, Work *work, size_t offset, size_t size, size_t *words, Saved *saved)
{
    const uint32_t *text = work->text + offset;
    uint8_t *flags = work->flags + offset, *line_flags = work->line_flags + offset;
    Token *tokens = work->tokens + offset;
    *words = 0;
    if (self->forced.words)
        mark_atoms(self, text, size, line_flags);
    for (size_t place = 0; place < size;) {
        size_t start = size, end = size, count;
        if (self->forced.words)
            next_forced(self, text, size, line_flags, place, &start, &end);
        if (place < start) {
            int status = solve(self, work, text + place, start - place, flags + place, tokens + place, &count, saved);
            if (status < 0)
                return status;
            memmove(tokens + *words, tokens + start - count, count * sizeof(Token));
            *words += count;
        }
        if (start < size)
            tokens[(*words)++] = (Token){(uint32_t)(end - start), NONE};
        place = end;
    }
    return DONE;
}

/* ---- From and to Python --------------------------------------------------------------------------------------- */

static int
expect_type(const char *name, PyObject *value, int fits, const char *expected)
{
    if (fits)
        return 0;
    PyObject *type = PyType_GetName(Py_TYPE(value));
    if (type) {
        PyErr_Format(PyExc_TypeError, "%s: expected %s, got %U", name, expected, type);
        Py_DECREF(type);
    }
    return -1;
}

/* The length of a text, or -1 with an error set. */
static Py_ssize_t
text_length(PyObject *text)
{
    if (expect_type("text", text, PyUnicode_Check(text), "str") < 0)
        return -1;
    Py_ssize_t size = PyUnicode_GetLength(text);
    if (size > MAX_CHARACTERS) {
        PyErr_Format(PyExc_ValueError, "text: expected at most %d characters, got %zd", MAX_CHARACTERS, size);
        return -1;
    }
    return size;
}

/* A new reference to the word that starts at a place of the text. */
static PyObject *
word_object(Segmenter *self, PyObject *text, const uint32_t *codes, size_t place, const Token *token)
{
    PyObject **kept = NULL;
#ifndef Py_GIL_DISABLED
    if (token->slot != NONE)
        kept = &self->known_words[token->slot];
    else if (token->length == 1 && codes[place] < BASIC)
        kept = &self->known_characters[codes[place]];
    if (kept && *kept)
        return Py_NewRef(*kept);
#endif
    PyObject *word = PyUnicode_Substring(text, (Py_ssize_t)place, (Py_ssize_t)(place + token->length));
    if (word && kept)
        *kept = Py_NewRef(word);
    return word;
}

static PyObject *
word_list(Segmenter *self, PyObject *text, const Work *work, size_t offset, size_t count)
{
    PyObject *words = PyList_New((Py_ssize_t)count);
    const Token *tokens = work->tokens + offset;
    size_t place = 0;
    for (size_t index = 0; words && index < count; place += tokens[index++].length) {
        PyObject *word = word_object(self, text, work->text + offset, place, &tokens[index]);
        if (!word || PyList_SetItem(words, (Py_ssize_t)index, word) < 0)
            Py_CLEAR(words);
    }
    return words;
}

/* -1 with an error set if there is one. */
static int
check_status(int status)
{
    if (status == NO_MEMORY)
        PyErr_NoMemory();
    return status < 0 ? -1 : 0;
}

/* Copies and segments one text; 0, or -1 with an error set. */
static int
run_text(Segmenter *self, PyObject *text, Py_ssize_t size, Work *work, size_t *count)
{
    if (work_reserve(work, (size_t)size + 1) < 0)
        return -1;
    if (size && !PyUnicode_AsUCS4(text, work->text, size, 0))
        return -1;
    if (size <= 4096) /* Too short to let others run. */
        return check_status(segment_text(self, work, 0, (size_t)size, count, NULL));
    Saved saved = PyEval_SaveThread();
    int status = segment_text(self, work, 0, (size_t)size, count, &saved);
    PyEval_RestoreThread(saved);
    return check_status(status);
}

static PyObject *
segmenter_segment(PyObject *object, PyObject *text)
{
    Segmenter *self = (Segmenter *)object;
    Work work = {0};
    PyObject *words = NULL;
    size_t count;
    Py_ssize_t size = text_length(text);
    if (size < 0)
        return NULL;
    if (run_text(self, text, size, &work, &count) == 0)
        words = word_list(self, text, &work, 0, count);
    work_free(&work);
    return words;
}

static PyObject *
segmenter_cuts(PyObject *object, PyObject *text)
{
    Segmenter *self = (Segmenter *)object;
    Work work = {0};
    PyObject *cuts = NULL;
    size_t count, place = 0;
    Py_ssize_t size = text_length(text);
    if (size < 0)
        return NULL;
    if (run_text(self, text, size, &work, &count) == 0)
        cuts = PyList_New((Py_ssize_t)count);
    for (size_t index = 0; cuts && index < count; index++) {
        place += work.tokens[index].length;
        PyObject *number = PyLong_FromSize_t(place);
        if (!number || PyList_SetItem(cuts, (Py_ssize_t)index, number) < 0)
            Py_CLEAR(cuts);
    }
    work_free(&work);
    return cuts;
}

/* A batch of lines: where each lies in the work space, and how many words it has. */
typedef struct {
    size_t offset[BATCH + 1], size[BATCH + 1], count[BATCH + 1];
    size_t lines;
} Batch;

/* Copies lines from number `first` on into the work space until it is full; -1 with an error set. */
static int
fill_batch(Batch *batch, Work *work, PyObject *lines, Py_ssize_t first)
{
    size_t used = 0;
    Py_ssize_t total = PyList_Size(lines);
    for (batch->lines = 0; first < total; first++, batch->lines++) {
        PyObject *line = PyList_GetItem(lines, first);
        Py_ssize_t size = line ? text_length(line) : -1;
        if (size < 0)
            return -1;
        if (batch->lines && used + (size_t)size + 1 > BATCH)
            break;
        if (work_reserve(work, (size_t)size + 1 > BATCH ? (size_t)size + 1 : BATCH) < 0)
            return -1;
        if (size && !PyUnicode_AsUCS4(line, work->text + used, size, 0))
            return -1;
        batch->offset[batch->lines] = used;
        batch->size[batch->lines] = (size_t)size;
        used += (size_t)size + 1;
    }
    return 0;
}

static int
run_batch(Segmenter *self, Batch *batch, Work *work)
{
    Saved saved = PyEval_SaveThread();
    int status = DONE;
    for (size_t line = 0; line < batch->lines && status == DONE; line++)
        status = segment_text(self, work, batch->offset[line], batch->size[line], &batch->count[line], &saved);
    PyEval_RestoreThread(saved);
    return status < 0 ? check_status(status) : PyErr_CheckSignals();
}

/* Fills `results`, a list as long as `lines`; -1 with an error set. */
static int
segment_batches(Segmenter *self, PyObject *lines, PyObject *results, Batch *batch, Work *work)
{
    Py_ssize_t total = PyList_Size(lines);
    for (Py_ssize_t done = 0; done < total;) {
        if (fill_batch(batch, work, lines, done) < 0 || run_batch(self, batch, work) < 0)
            return -1;
        for (size_t line = 0; line < batch->lines; line++, done++) {
            PyObject *words = word_list(self, PyList_GetItem(lines, done), work, batch->offset[line],
                                        batch->count[line]);
            if (!words || PyList_SetItem(results, done, words) < 0)
                return -1;
        }
    }
    return 0;
}

static PyObject *
segmenter_segment_lines(PyObject *object, PyObject *lines)
{
    Segmenter *self = (Segmenter *)object;
    if (expect_type("lines", lines, PyList_Check(lines), "list") < 0)
        return NULL;
    Work work = {0};
    Batch *batch = malloc(sizeof *batch);
    PyObject *copy = PyList_GetSlice(lines, 0, PY_SSIZE_T_MAX); /* Others may change the list while we work. */
    PyObject *results = copy ? PyList_New(PyList_Size(copy)) : NULL;
    if (!batch)
        PyErr_NoMemory();
    if (results && (!batch || segment_batches(self, copy, results, batch, &work) < 0))
        Py_CLEAR(results);
    Py_XDECREF(copy);
    free(batch);
    work_free(&work);
    return results;
}

/* UTF-8 under way; `odd` if it holds a lone surrogate, which is none. */
typedef struct {
    uint8_t *bytes;
    size_t size, room;
    int odd;
} Joint;

static inline uint8_t *
put_code(uint8_t *at, uint32_t code)
{
    if (code < 0x80) {
        *at++ = (uint8_t)code;
        return at;
    }
    if (code < 0x800)
        *at++ = (uint8_t)(0xC0 | code >> 6);
    else {
        if (code < 0x10000)
            *at++ = (uint8_t)(0xE0 | code >> 12);
        else {
            *at++ = (uint8_t)(0xF0 | code >> 18);
            *at++ = (uint8_t)(0x80 | (code >> 12 & 0x3F));
        }
        *at++ = (uint8_t)(0x80 | (code >> 6 & 0x3F));
    }
    *at++ = (uint8_t)(0x80 | (code & 0x3F));
    return at;
}

/* Adds the words of the line in the work space, the delimiter between them and a line end; DONE or NO_MEMORY. */
static int
join_line(Joint *joint, const Work *work, size_t size, size_t count, const char *delimiter, size_t width)
{
    size_t most = joint->size + 4 * size + count * width + 1;
    if (most > joint->room) {
        size_t room = most + most / 2;
        uint8_t *bytes = realloc(joint->bytes, room);
        if (!bytes)
            return NO_MEMORY;
        joint->bytes = bytes;
        joint->room = room;
    }
    uint8_t *at = joint->bytes + joint->size;
    const uint32_t *text = work->text;
    for (size_t word = 0; word < count; word++) {
        for (size_t place = 0; word && place < width; place++)
            *at++ = (uint8_t)delimiter[place];
        for (const uint32_t *end = text + work->tokens[word].length; text < end; text++) {
            joint->odd |= *text >> 11 == 0xD800 >> 11;
            at = put_code(at, *text);
        }
    }
    *at++ = '\n';
    joint->size = (size_t)(at - joint->bytes);
    return DONE;
}

/* Cuts and joins all lines of a text, without the GIL; DONE, NO_MEMORY, or INTERRUPTED with an error set. */
static int
join_codes(const Segmenter *self, const uint32_t *codes, size_t size, const char *delimiter, size_t width, Work *work,
           Joint *joint, Saved *saved)
{
    size_t unseen = 0, count;
    for (size_t start = 0, end; start <= size; start = end + 1) {
        for (end = start; end < size && codes[end] != '\n'; end++)
            ;
        size_t line = end - start;
        int status = line < work->room ? DONE : work_fit(work, line < BATCH ? BATCH : line + line / 2);
        if (status == DONE) {
            memcpy(work->text, codes + start, line * sizeof *codes);
            status = segment_text(self, work, 0, line, &count, saved);
        }
        if (status == DONE)
            status = join_line(joint, work, line, count, delimiter, width);
        if (status != DONE)
            return status;
        if ((unseen += line + 1) > 1 << 20) {
            if (interrupted(saved) < 0)
                return INTERRUPTED;
            unseen = 0;
        }
    }
    return DONE;
}

/* Bytes; for what is no UTF-8 the error that Python raises. */
static PyObject *
joint_bytes(const Joint *joint)
{
    if (!joint->odd)
        return PyBytes_FromStringAndSize((const char *)joint->bytes, (Py_ssize_t)joint->size);
    PyObject *text = PyUnicode_DecodeUTF8((const char *)joint->bytes, (Py_ssize_t)joint->size, "surrogatepass");
    PyObject *bytes = text ? PyUnicode_AsUTF8String(text) : NULL;
    Py_XDECREF(text);
    return bytes;
}

static PyObject *
segmenter_join_text(PyObject *object, PyObject *args)
{
    PyObject *text, *between;
    if (!PyArg_ParseTuple(args, "OO", &text, &between))
        return NULL;
    Py_ssize_t size = text_length(text);
    if (size < 0 || expect_type("delimiter", between, PyUnicode_Check(between), "str") < 0)
        return NULL;
    Work work = {0};
    Joint joint = {0};
    PyObject *result = NULL, *delimiter = PyUnicode_AsUTF8String(between);
    uint32_t *codes = malloc(((size_t)size + 1) * sizeof *codes);
    if (!codes)
        PyErr_NoMemory();
    else if (delimiter && (!size || PyUnicode_AsUCS4(text, codes, size, 0))) {
        const char *bytes = PyBytes_AsString(delimiter);
        size_t width = (size_t)PyBytes_Size(delimiter);
        Saved saved = PyEval_SaveThread();
        int status = join_codes((Segmenter *)object, codes, (size_t)size, bytes, width, &work, &joint, &saved);
        PyEval_RestoreThread(saved);
        if (check_status(status) == 0)
            result = joint_bytes(&joint);
    }
    Py_XDECREF(delimiter);
    free(codes);
    free(joint.bytes);
    work_free(&work);
    return result;
}

static PyObject *
segmenter_find(PyObject *object, PyObject *word)
{
    Segmenter *self = (Segmenter *)object;
    Py_ssize_t size = text_length(word);
    if (size < 0)
        return NULL;
    uint32_t *codes = malloc(((size_t)size + 1) * sizeof(uint32_t));
    if (!codes)
        return PyErr_NoMemory();
    if (size && !PyUnicode_AsUCS4(word, codes, size, 0)) {
        free(codes);
        return NULL;
    }
    int shape = self->shapes.words && shape_lead(codes, (size_t)size) < (size_t)size;
    const Trie *trie = shape ? &self->shapes : &self->lexicon;
    uint32_t node = size ? root_child(trie, codes[0]) : NONE;
    for (Py_ssize_t place = 1; place < size && node != NONE; place++)
        node = next_node(trie, node, codes[place]);
    free(codes);
    uint32_t number = node == NONE ? NONE : trie->word[node];
    return PyLong_FromLong(number == NONE ? -1 : (long)number);
}

/* ---- The lattice as numbers ----------------------------------------------------------------------------------- */

typedef struct {
    int start, end, word;
    double score;
    uint8_t left, right;
} Edge;

typedef struct {
    Edge *edges;
    size_t count, room;
} Edges;

/* Adds an edge, kept sorted by end behind `first`; -1 without memory. */
static int
add_edge(Edges *edges, size_t first, Edge edge)
{
    if (edges->count == edges->room) {
        size_t room = edges->room ? edges->room * 2 : 256;
        Edge *grown = realloc(edges->edges, room * sizeof(Edge));
        if (!grown)
            return -1;
        edges->edges = grown;
        edges->room = room;
    }
    size_t place = edges->count++;
    for (; place > first && edges->edges[place - 1].end > edge.end; place--)
        edges->edges[place] = edges->edges[place - 1];
    edges->edges[place] = edge;
    return 0;
}

static int
has_end(const Edges *edges, size_t first, int end)
{
    for (size_t place = first; place < edges->count; place++)
        if (edges->edges[place].end == end)
            return 1;
    return 0;
}

/* What the context adds to an edge: classes, and the odds of an end where it ends and at its joints. */
static void
in_company(Edge *edge, const double *odds, size_t start, size_t end, Company company)
{
    edge->score = word_in_context(edge->score, odds, start, end, company.joints);
    edge->left = company.left;
    edge->right = company.right;
}

/* Adds the edges from one place of a solved text; `*shape` is the first shape that starts here or behind. -1 without
 * memory. */
static int
edges_from(const Segmenter *self, const uint32_t *text, size_t size, const uint8_t *flags, size_t start,
           size_t end_of_atom, size_t offset, const Shapes *shapes, size_t *shape, const double *odds, Edges *edges)
{
    const Trie *trie = &self->lexicon;
    size_t first = edges->count;
    uint8_t code = flags[start] & CLASS_OF;
    if (!(flags[start] & CLOSED)) {
        size_t end = start + 1;
        for (uint32_t node = root_child(trie, text[start]); node != NONE;) {
            const Entry *entry = &trie->table[node];
            if ((entry->label & WORD) && !(flags[end] & CLOSED)) {
                Edge edge = {(int)(offset + start), (int)(offset + end), (int)trie->word[node], entry->score, 0, 0};
                if (odds)
                    in_company(&edge, odds, start, end, company_of(trie, node));
                if (add_edge(edges, first, edge) < 0)
                    return -1;
            }
            if (end == size)
                break;
            node = next_node(trie, node, text[end++]);
        }
    }
    for (; *shape < shapes->count && shapes->shapes[*shape].start == start; ++*shape) {
        const Shape *found = &shapes->shapes[*shape];
        Edge edge = {(int)(offset + start), (int)(offset + found->end), (int)found->word, found->score, 0, 0};
        if (odds)
            in_company(&edge, odds, start, found->end, found->company);
        if (add_edge(edges, first, edge) < 0)
            return -1;
    }
    if (odds) {
        uint64_t matched = 0;
        size_t lengths[SPELT_MOST];
        double scores[SPELT_MOST];
        for (size_t place = first; place < edges->count; place++) {
            size_t length = (size_t)edges->edges[place].end - offset - start;
            matched |= length < 64 ? (uint64_t)1 << length : 0;
        }
        int spelt = spelt_words(&self->context, text, size, flags, odds, start, matched, lengths, scores);
        for (int word = 0; word < spelt; word++) {
            size_t end = start + lengths[word];
            Edge edge = {(int)(offset + start), (int)(offset + end), -1, scores[word], 0, 0};
            Company company = stranger(&self->context, code, lengths[word]);
            in_company(&edge, odds, start, end, company);
            if (add_edge(edges, first, edge) < 0)
                return -1;
        }
    }
    for (size_t end = start + 1; end <= end_of_atom; end++) {
        int wanted = end == end_of_atom || (end <= start + STRETCH && (flags[end] & STARTS));
        if (wanted && !has_end(edges, first, (int)(offset + end))) {
            Edge edge = {(int)(offset + start), (int)(offset + end), -1, unknown_score(self, code, end - start), 0, 0};
            if (odds) {
                Company company = stranger(&self->context, code, end - start);
                in_company(&edge, odds, start, end, company);
            }
            if (add_edge(edges, first, edge) < 0)
                return -1;
        }
        if (end == start + STRETCH && end < end_of_atom)
            end = end_of_atom - 1;
    }
    return 0;
}

/* Adds every edge of a stretch of text that a path from its start can use. */
static int
stretch_edges(const Segmenter *self, Work *work, size_t offset, size_t size, Edges *edges, Saved *saved)
{
    const uint32_t *text = work->text + offset;
    uint8_t *flags = work->flags + offset, *reached = work->line_flags;
    size_t count;
    int status = solve(self, work, text, size, flags, work->tokens + offset, &count, saved);
    if (status < 0)
        return status;
    memset(reached, 0, size + 1);
    reached[0] = 1;
    const Shapes *shapes = &work->shapes;
    size_t end_of_atom = 0, shape = 0;
    for (size_t start = 0; start < size; start++) {
        if (start >= end_of_atom)
            for (end_of_atom = start + 1; flags[end_of_atom] & INNER;)
                end_of_atom++;
        while (shape < shapes->count && shapes->shapes[shape].start < start)
            shape++;
        if (!reached[start])
            continue;
        size_t first = edges->count;
        if (edges_from(self, text, size, flags, start, end_of_atom, offset, shapes, &shape,
                       self->context.on ? work->odds : NULL, edges) < 0)
            return NO_MEMORY;
        for (size_t place = first; place < edges->count; place++)
            reached[(size_t)edges->edges[place].end - offset] = 1;
    }
    return DONE;
}

/* As segment_text, but all edges; `line_flags` is work space of the caller. */
static int
text_edges(const Segmenter *self, Work *work, size_t size, uint8_t *line_flags, Edges *edges, Saved *saved)
{
    int result = 0;
    if (self->forced.words)
        mark_atoms(self, work->text, size, line_flags);
    for (size_t place = 0; place < size && result == 0;) {
        size_t start = size, end = size;
        if (self->forced.words)
            next_forced(self, work->text, size, line_flags, place, &start, &end);
        if (place < start)
            result = stretch_edges(self, work, place, start - place, edges, saved);
        if (start < size && result == 0)
            result = add_edge(edges, edges->count, (Edge){(int)start, (int)end, -2, 0.0, 0, 0});
        place = end;
    }
    return result;
}

/* The odds at each place of a text: those of each stretch between forced words. */
static int
text_odds(const Segmenter *self, Work *work, size_t size, double *odds)
{
    int result = DONE;
    if (self->forced.words)
        mark_atoms(self, work->text, size, work->line_flags);
    for (size_t place = 0; place < size && result == DONE;) {
        size_t start = size, end = size;
        if (self->forced.words)
            next_forced(self, work->text, size, work->line_flags, place, &start, &end);
        if (place < start) {
            mark_atoms(self, work->text + place, start - place, work->flags + place);
            result = judge(self, work, work->text + place, start - place, work->flags + place);
            if (result == DONE)
                memcpy(odds + place, work->odds, (start - place) * sizeof(double));
        }
        place = end;
    }
    return result;
}

static PyObject *
edge_tuple(const Edges *edges, int in_context)
{
    size_t count = edges->count;
    int *ints = malloc((3 * count + 1) * sizeof(int));
    double *scores = malloc((count + 1) * sizeof(double));
    uint8_t *classes = malloc(2 * count + 1);
    PyObject *tuple = NULL;
    if (ints && scores && classes) {
        for (size_t place = 0; place < count; place++) {
            ints[place] = edges->edges[place].start;
            ints[count + place] = edges->edges[place].end;
            ints[2 * count + place] = edges->edges[place].word;
            scores[place] = edges->edges[place].score;
            classes[2 * place] = edges->edges[place].left;
            classes[2 * place + 1] = edges->edges[place].right;
        }
        Py_ssize_t bytes = (Py_ssize_t)(count * sizeof(int));
        tuple = Py_BuildValue(in_context ? "(y#y#y#y#y#)" : "(y#y#y#y#)", (char *)ints, bytes, (char *)(ints + count),
                              bytes, (char *)scores, (Py_ssize_t)(count * sizeof(double)), (char *)(ints + 2 * count),
                              bytes, (char *)classes, (Py_ssize_t)(2 * count));
    }
    else
        PyErr_NoMemory();
    free(ints);
    free(scores);
    free(classes);
    return tuple;
}

static PyObject *
segmenter_lattice(PyObject *object, PyObject *text)
{
    Segmenter *self = (Segmenter *)object;
    Py_ssize_t size = text_length(text);
    if (size < 0)
        return NULL;
    Work work = {0};
    Edges edges = {0};
    PyObject *result = NULL;
    uint8_t *line_flags = malloc((size_t)size + 1);
    if (!line_flags)
        PyErr_NoMemory();
    else if (work_reserve(&work, (size_t)size + 1) == 0
             && (!size || PyUnicode_AsUCS4(text, work.text, size, 0))) {
        Saved saved = PyEval_SaveThread();
        int status = text_edges(self, &work, (size_t)size, line_flags, &edges, &saved);
        PyEval_RestoreThread(saved);
        if (check_status(status) == 0)
            result = edge_tuple(&edges, self->context.on);
    }
    free(line_flags);
    free(edges.edges);
    work_free(&work);
    return result;
}

static PyObject *
segmenter_odds(PyObject *object, PyObject *text)
{
    Segmenter *self = (Segmenter *)object;
    Py_ssize_t size = text_length(text);
    if (size < 0)
        return NULL;
    Work work = {0};
    PyObject *result = NULL;
    double *odds = calloc((size_t)size + 1, sizeof(double));
    if (!odds)
        PyErr_NoMemory();
    else if (work_reserve(&work, (size_t)size + 1) == 0
             && (!size || PyUnicode_AsUCS4(text, work.text, size, 0))) {
        Saved saved = PyEval_SaveThread();
        int status = self->context.on ? text_odds(self, &work, (size_t)size, odds) : DONE;
        PyEval_RestoreThread(saved);
        if (check_status(status) == 0)
            result = PyBytes_FromStringAndSize((char *)odds, (size + 1) * (Py_ssize_t)sizeof(double));
    }
    free(odds);
    work_free(&work);
    return result;
}

/* ---- Making and freeing --------------------------------------------------------------------------------------- */

/* The words of a str joined by line ends, checked; 0, or -1 with an error set. */
static int
join_words(const char *name, PyObject *value, Joined *joined)
{
    if (expect_type(name, value, PyUnicode_Check(value), "str") < 0)
        return -1;
    Py_ssize_t size = PyUnicode_GetLength(value);
    joined->size = (size_t)size;
    joined->text = malloc(((size_t)size + 1) * sizeof(uint32_t));
    if (!joined->text) {
        PyErr_NoMemory();
        return -1;
    }
    if (size == 0)
        return 0;
    if (!PyUnicode_AsUCS4(value, joined->text, size, 0))
        return -1;
    if (joined->text[0] == '\n') {
        PyErr_Format(PyExc_ValueError, "%s: expected words that are not empty, got '' at 0", name);
        return -1;
    }
    int shaped = shape_lead(joined->text, joined->size) < joined->size;
    size_t before = 0, before_length = 0, lead;
    for (size_t start = 0; start <= joined->size;) {
        size_t length = word_end(joined, start) - start, same = 0;
        const uint32_t *word = joined->text + start, *last = joined->text + before;
        while (same < length && same < before_length && word[same] == last[same])
            same++;
        if (joined->count && (same == length || (same < before_length && word[same] < last[same]))) {
            PyObject *got = PyUnicode_Substring(value, (Py_ssize_t)start, (Py_ssize_t)(start + length));
            PyObject *after = PyUnicode_Substring(value, (Py_ssize_t)before, (Py_ssize_t)(before + before_length));
            if (got && after)
                PyErr_Format(PyExc_ValueError, "%s: expected rising code-point order, got %R after %R at %zd", name,
                             got, after, (Py_ssize_t)joined->count);
            Py_XDECREF(got);
            Py_XDECREF(after);
            return -1;
        }
        if (shaped && (lead = shape_lead(word, length)) < length) {
            joined->lead = lead > joined->lead ? lead : joined->lead;
            joined->shape_nodes += length;
        }
        joined->nodes += length - same;
        joined->longest = length > joined->longest ? length : joined->longest;
        joined->count++;
        before = start;
        before_length = length;
        start += length + 1;
    }
    if (joined->longest > MAX_LENGTH) {
        PyErr_Format(PyExc_ValueError, "%s: expected words of at most %d characters, got one of %zd", name, MAX_LENGTH,
                     (Py_ssize_t)joined->longest);
        return -1;
    }
    return 0;
}

/* A new array of checked doubles, or NULL with an error set. */
static double *
read_numbers(const char *name, PyObject *value, size_t count)
{
    double *numbers = NULL;
    Py_buffer buffer;
    PyObject *view = PyMemoryView_FromObject(value);
    if (!view)
        return NULL;
    if (PyObject_GetBuffer(view, &buffer, PyBUF_FULL_RO) < 0) {
        Py_DECREF(view);
        return NULL;
    }
    const char *format = buffer.format ? buffer.format : "B";
    if (strcmp(format, "d") || buffer.ndim != 1 || !PyBuffer_IsContiguous(&buffer, 'C'))
        PyErr_Format(PyExc_TypeError, "%s: expected a buffer of doubles, such as array('d'), got format '%s'", name,
                     format);
    else if ((size_t)buffer.len != count * sizeof(double))
        PyErr_Format(PyExc_ValueError, "%s: expected %zd numbers, got %zd", name, (Py_ssize_t)count,
                     buffer.len / (Py_ssize_t)sizeof(double));
    else if (!(numbers = malloc((count + 1) * sizeof(double))))
        PyErr_NoMemory();
    else
        memcpy(numbers, buffer.buf, count * sizeof(double));
    PyBuffer_Release(&buffer);
    Py_DECREF(view);
    for (size_t index = 0; numbers && index < count; index++)
        if (!(numbers[index] >= -LIMIT && numbers[index] <= LIMIT)) {
            PyObject *got = PyFloat_FromDouble(numbers[index]);
            if (got)
                PyErr_Format(PyExc_ValueError, "%s: expected numbers between -1e9 and 1e9, got %R at %zd", name, got,
                             (Py_ssize_t)index);
            Py_XDECREF(got);
            free(numbers);
            numbers = NULL;
        }
    return numbers;
}

/* The bytes of a table, checked; NULL with an error set. */
static const uint8_t *
read_table(const char *name, PyObject *value, Py_ssize_t size, int limit)
{
    if (expect_type(name, value, PyBytes_Check(value), "bytes") < 0)
        return NULL;
    if (PyBytes_Size(value) != size) {
        PyErr_Format(PyExc_ValueError, "%s: expected %zd bytes, got %zd", name, size, PyBytes_Size(value));
        return NULL;
    }
    const uint8_t *bytes = (const uint8_t *)PyBytes_AsString(value);
    uint8_t largest = 0;
    for (Py_ssize_t index = 0; index < size; index++)
        largest = bytes[index] > largest ? bytes[index] : largest;
    if (largest > limit) {
        PyErr_Format(PyExc_ValueError, "%s: expected bytes up to %d, got %d", name, limit, (int)largest);
        return NULL;
    }
    return bytes;
}

/* Everything but the tries, in the order in which lattice.py checks it. */
static int
read_settings(Segmenter *self, PyObject *kinds, PyObject *unknown, PyObject *runs, PyObject *whole)
{
    self->kinds = read_table("kinds", kinds, CODE_POINTS, NUMERAL);
    if (!self->kinds)
        return -1;
    self->kinds_object = Py_NewRef(kinds);
    double *numbers = read_numbers("unknown", unknown, 2 * CLASSES);
    if (!numbers)
        return -1;
    memcpy(self->unknown, numbers, sizeof self->unknown);
    free(numbers);
    for (int code = 0; code < CLASSES; code++)
        self->single[code] = unknown_score(self, (uint8_t)code, 1);
    const uint8_t *bytes = read_table("runs", runs, CLASSES, 1);
    if (!bytes)
        return -1;
    memcpy(self->runs, bytes, CLASSES);
    self->whole = PyObject_IsTrue(whole);
    return self->whole < 0 ? -1 : 0;
}

static void
context_free(Context *context)
{
    free(context->ratios);
    free(context->company);
    free(context->symbols);
    free(context->heads);
    free(context->weights);
    free(context->sieve);
    memset(context, 0, sizeof *context);
}

/* The bytes of a part of the context, checked for their number; NULL with an error set. */
static const uint8_t *
read_bytes(const char *name, PyObject *value, size_t size)
{
    if (expect_type(name, value, PyBytes_Check(value), "bytes") < 0)
        return NULL;
    if ((size_t)PyBytes_Size(value) != size) {
        PyErr_Format(PyExc_ValueError, "%s: expected %zd bytes, got %zd", name, (Py_ssize_t)size, PyBytes_Size(value));
        return NULL;
    }
    return (const uint8_t *)PyBytes_AsString(value);
}

static int
read_classes(Context *context, PyObject *lefts, PyObject *rights, PyObject *joints, PyObject *pools, size_t words)
{
    const uint8_t *left, *right, *joint, *pool;
    unsigned limit = context->classes;
    if (!(left = read_table("lefts", lefts, (Py_ssize_t)words, (int)limit - 1))
        || !(right = read_table("rights", rights, (Py_ssize_t)words, (int)limit - 1))
        || !(joint = read_bytes("joints", joints, 4 * words)))
        return -1;
    size_t count = PyBytes_Check(pools) ? (size_t)PyBytes_Size(pools) : 0;
    if (expect_type("pools", pools, PyBytes_Check(pools), "bytes") < 0)
        return -1;
    if (count < 1 || count > 255) {
        PyErr_Format(PyExc_ValueError, "pools: expected 1 to 255 bytes, got %zd", (Py_ssize_t)count);
        return -1;
    }
    if (!(pool = read_table("pools", pools, (Py_ssize_t)count, (int)limit - 1)))
        return -1;
    memcpy(context->pools, pool, count);
    context->pool_count = (unsigned)count;
    if (!(context->company = calloc(words + 1, sizeof(Company)))) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t word = 0; word < words; word++) {
        Company *company = &context->company[word];
        memcpy(&company->joints, joint + 4 * word, 4);
        company->left = left[word];
        company->right = right[word];
        context->joints |= company->joints != 0;
    }
    return 0;
}

/* A joint behind the end of its word would look behind the text. */
static int
check_joints(const Context *context, const Joined *words)
{
    for (size_t start = 0, word = 0; word < words->count; word++) {
        size_t length = word_end(words, start) - start;
        uint32_t joints = context->company[word].joints;
        if (length < 33 && joints >> (length - 1)) {
            PyErr_Format(PyExc_ValueError, "joints: expected gaps inside the word, got %lu at %zd",
                         (unsigned long)joints, (Py_ssize_t)word);
            return -1;
        }
        start += length + 1;
    }
    return 0;
}

static int
read_ratios(Context *context, PyObject *ratios)
{
    Py_ssize_t size = PyBytes_Check(ratios) ? PyBytes_Size(ratios) : 0;
    if (expect_type("ratios", ratios, PyBytes_Check(ratios), "bytes") < 0)
        return -1;
    unsigned classes = 1;
    while (classes < 256 && (Py_ssize_t)(4 * (classes + 1) * (classes + 1)) <= size)
        classes++;
    if (size != (Py_ssize_t)(4 * classes * classes)) {
        PyErr_Format(PyExc_ValueError, "ratios: expected a square table of at most 256 classes, got %zd bytes", size);
        return -1;
    }
    context->classes = classes;
    if (!(context->ratios = malloc((size_t)size))) {
        PyErr_NoMemory();
        return -1;
    }
    memcpy(context->ratios, PyBytes_AsString(ratios), (size_t)size);
    for (size_t cell = 0; cell < classes * classes; cell++)
        if (!(context->ratios[cell] >= -1e6f && context->ratios[cell] <= 1e6f)) {
            PyErr_Format(PyExc_ValueError, "ratios: expected logarithms between -1e6 and 1e6, got another at %zd",
                         (Py_ssize_t)cell);
            return -1;
        }
    return 0;
}

static int
read_alphabet(Context *context, PyObject *alphabet)
{
    if (expect_type("alphabet", alphabet, PyUnicode_Check(alphabet), "str") < 0)
        return -1;
    Py_ssize_t size = PyUnicode_GetLength(alphabet);
    if (size > MOST_SYMBOLS) {
        PyErr_Format(PyExc_ValueError, "alphabet: expected at most %d characters, got %zd", MOST_SYMBOLS, size);
        return -1;
    }
    uint32_t *codes = malloc(((size_t)size + 1) * sizeof(uint32_t));
    context->symbols = calloc(CODE_POINTS, sizeof(uint16_t));
    context->heads = calloc((size_t)size + FIRST_SYMBOL, sizeof *context->heads);
    if (!codes || !context->symbols || !context->heads)
        PyErr_NoMemory();
    else if (!size || PyUnicode_AsUCS4(alphabet, codes, size, 0))
        for (Py_ssize_t place = 0; place < size; place++)
            if (!context->symbols[codes[place]])
                context->symbols[codes[place]] = (uint16_t)(FIRST_SYMBOL + place);
    free(codes);
    return PyErr_Occurred() ? -1 : 0;
}

/* Unpacks the weights as expert.unpack() does. */
static int
read_weights(Context *context, PyObject *skips, PyObject *weights, Py_ssize_t alphabet)
{
    if (expect_type("skips", skips, PyBytes_Check(skips), "bytes") < 0)
        return -1;
    size_t count = (size_t)PyBytes_Size(skips), size = (size_t)1 << context->bits, cell = 0;
    const uint8_t *skip = (const uint8_t *)PyBytes_AsString(skips), *value = read_bytes("weights", weights, count);
    if (!value)
        return -1;
    context->sieve_bits = context->bits < SIEVE ? context->bits : SIEVE;
    int coarser = context->bits - context->sieve_bits;
    context->weights = calloc(size, 1);
    context->sieve = calloc(((size_t)1 << context->sieve_bits) / 8 + 1, 1);
    if (!context->weights || !context->sieve) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t place = 0; place < count; place++) {
        cell += skip[place];
        if (skip[place] == 255)
            continue;
        if (cell >= size) {
            PyErr_Format(PyExc_ValueError, "skips: expected at most %zd weights, got more", (Py_ssize_t)size);
            return -1;
        }
        context->sieve[cell >> coarser >> 3] |= (uint8_t)(1 << (cell >> coarser & 7));
        context->weights[cell++] = (int8_t)value[place];
    }
    for (Py_ssize_t symbol = 0; symbol < alphabet + FIRST_SYMBOL; symbol++)
        for (int place = 0; place < 4; place++) {
            uint64_t h = feature((uint64_t)symbol << (48 - 16 * place), FIELD(place), (uint64_t)place + 1);
            context->heads[symbol].weights[place] = context->weights[h >> (64 - context->bits)];
        }
    return 0;
}

/* Three floats for each symbol up to the last of the alphabet, and one for each length of a spelt word. */
static int
read_spelling(Context *context, PyObject *spelling, PyObject *extents, Py_ssize_t alphabet)
{
    size_t size = ((size_t)alphabet + FIRST_SYMBOL) * 3 * sizeof(float);
    if (expect_type("extents", extents, PyBytes_Check(extents), "bytes") < 0)
        return -1;
    size_t longest = (size_t)PyBytes_Size(extents) / sizeof(float);
    if (PyBytes_Size(extents) % (Py_ssize_t)sizeof(float) || longest > SPELT_MOST) {
        PyErr_Format(PyExc_ValueError, "extents: expected at most %d floats, got %zd bytes", SPELT_MOST,
                     PyBytes_Size(extents));
        return -1;
    }
    const uint8_t *bytes = read_bytes("spelling", spelling, size);
    if (!bytes)
        return -1;
    context->longest = longest;
    float numbers[SPELT_MOST];
    memcpy(numbers, PyBytes_AsString(extents), longest * sizeof(float));
    int fine = 1;
    for (size_t length = 1; length <= longest; length++) {
        context->extents[length] = numbers[length - 1];
        fine = fine && numbers[length - 1] >= -1e6f && numbers[length - 1] <= 1e6f;
    }
    for (size_t symbol = 0; symbol < (size_t)alphabet + FIRST_SYMBOL; symbol++) {
        float *parts = context->heads[symbol].spelling;
        memcpy(parts, bytes + symbol * 3 * sizeof(float), 3 * sizeof(float));
        for (int place = 0; place < 3; place++)
            fine = fine && parts[place] >= -1e6f && parts[place] <= 1e6f;
    }
    if (!fine) {
        PyErr_SetString(PyExc_ValueError, "spelling, extents: expected logarithms between -1e6 and 1e6, got another");
        return -1;
    }
    return 0;
}

static int
read_context(Context *context, PyObject *value, const Joined *words)
{
    PyObject *lefts, *rights, *joints, *pools, *ratios, *alphabet, *skips, *weights, *spelling, *extents;
    if (expect_type("context", value, PyTuple_Check(value), "tuple") < 0)
        return -1;
    if (PyTuple_Size(value) != 14) {
        PyErr_Format(PyExc_ValueError, "context: expected 14 parts, got %zd", PyTuple_Size(value));
        return -1;
    }
    if (!PyArg_ParseTuple(value, "OOOOOOOOiddOOd:context", &lefts, &rights, &joints, &pools, &ratios, &alphabet, &skips,
                          &weights, &context->bits, &context->unit, &context->limit, &spelling, &extents, &context->most))
        return -1;
    if (context->bits < 1 || context->bits > 26) {
        PyErr_Format(PyExc_ValueError, "bits: expected 1 to 26, got %d", context->bits);
        return -1;
    }
    if (!(context->unit >= 0.0 && context->unit <= 1e3 && context->limit >= 0.0 && context->limit <= 1e3
          && context->most >= -1e3 && context->most <= 1e3)) {
        PyErr_SetString(PyExc_ValueError,
                        "unit, limit, most: expected numbers up to 1000, such as 0.0625, 6.0 and 1.0");
        return -1;
    }
    if (read_ratios(context, ratios) < 0 || read_classes(context, lefts, rights, joints, pools, words->count) < 0
        || check_joints(context, words) < 0 || read_alphabet(context, alphabet) < 0
        || read_weights(context, skips, weights, PyUnicode_GetLength(alphabet)) < 0
        || read_spelling(context, spelling, extents, PyUnicode_GetLength(alphabet)) < 0)
        return -1;
    context->on = 1;
    return 0;
}

/* Writes down what the trie has for the characters that have symbols. */
static void
fill_heads(const Trie *trie, Context *context)
{
    for (uint32_t code = 0; context->on && code < CODE_POINTS; code++) {
        if (!context->symbols[code])
            continue;
        Head *head = &context->heads[context->symbols[code]];
        head->slot = root_child(trie, code);
        if (head->slot != NONE) {
            head->label = trie->table[head->slot].label;
            head->score = trie->table[head->slot].score;
            head->company = company_of(trie, head->slot);
        }
    }
}

static int
build(Segmenter *self, const Joined *words, const double *scores, const Joined *forced)
{
    self->lead = words->lead;
    const Company *company = self->context.company;
    int joints = self->context.joints;
    if (trie_build(&self->lexicon, words, words->nodes, 0, scores, company, joints) == 0
        && (!words->shape_nodes
            || trie_build(&self->shapes, words, words->shape_nodes, 1, scores, company, joints) == 0)
        && trie_build(&self->forced, forced, forced->nodes, 0, NULL, NULL, 0) == 0) {
        fill_heads(&self->lexicon, &self->context);
        self->known_words = calloc(self->lexicon.mask + 1, sizeof(PyObject *));
        self->known_characters = calloc(BASIC, sizeof(PyObject *));
    }
    if (!self->known_words || !self->known_characters) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static PyObject *
segmenter_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"words", "scores", "kinds", "unknown", "runs", "whole", "forced", "context", NULL};
    PyObject *words, *scores, *kinds, *unknown, *runs, *whole, *forced = NULL, *context = NULL, *empty = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OOOOOO|OO:Segmenter", names, &words, &scores, &kinds, &unknown,
                                     &runs, &whole, &forced, &context))
        return NULL;
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Segmenter *self = (Segmenter *)allocate(type, 0);
    Joined lexicon_words = {0}, forced_words = {0};
    double *numbers = NULL;
    int ready = self && (forced || (forced = empty = PyUnicode_FromString("")))
                && join_words("words", words, &lexicon_words) == 0
                && (numbers = read_numbers("scores", scores, lexicon_words.count))
                && read_settings(self, kinds, unknown, runs, whole) == 0
                && join_words("forced", forced, &forced_words) == 0
                && (!context || context == Py_None || read_context(&self->context, context, &lexicon_words) == 0)
                && build(self, &lexicon_words, numbers, &forced_words) == 0;
    free(lexicon_words.text);
    free(forced_words.text);
    free(numbers);
    Py_XDECREF(empty);
    if (self) {
        free(self->context.company);
        self->context.company = NULL;
    }
    if (!ready)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static void
free_objects(PyObject **objects, size_t count)
{
    for (size_t index = 0; objects && index < count; index++)
        Py_XDECREF(objects[index]);
    free(objects);
}

static void
segmenter_dealloc(PyObject *object)
{
    Segmenter *self = (Segmenter *)object;
    PyTypeObject *type = Py_TYPE(object);
    free_objects(self->known_words, self->lexicon.mask + 1);
    free_objects(self->known_characters, BASIC);
    trie_free(&self->lexicon);
    trie_free(&self->shapes);
    trie_free(&self->forced);
    context_free(&self->context);
    Py_XDECREF(self->kinds_object);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

static PyMethodDef segmenter_methods[] = {
    {"find", segmenter_find, METH_O, "The number of the word in the lexicon, or -1."},
    {"segment", segmenter_segment, METH_O, "The words of the best path; joined they are the text."},
    {"segment_lines", segmenter_segment_lines, METH_O, "segment() of each line, in one call."},
    {"join_text", segmenter_join_text, METH_VARARGS, "The words of all lines of a text, as UTF-8."},
    {"cuts", segmenter_cuts, METH_O, "The places where the words of the best path end."},
    {"lattice", segmenter_lattice, METH_O, "Every edge that a path from the start can use."},
    {"odds", segmenter_odds, METH_O, "What the expert of the context has to say about each place."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot segmenter_slots[] = {
    {Py_tp_doc, "The words of a lexicon, ready to cut text: see lattice.py."},
    {Py_tp_new, segmenter_new},
    {Py_tp_dealloc, segmenter_dealloc},
    {Py_tp_methods, segmenter_methods},
    {0, NULL},
};

static PyType_Spec segmenter_spec = {
    "nlp_zero.kernels._fast.Segmenter", sizeof(Segmenter), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    segmenter_slots,
};

PyMethodDef lattice_methods[] = {{NULL, NULL, 0, NULL}};

int
lattice_add_types(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &segmenter_spec, NULL);
    int result = type ? PyModule_AddType(module, (PyTypeObject *)type) : -1;
    Py_XDECREF(type);
    return result;
}
