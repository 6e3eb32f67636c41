/* Reach kernel: the copy of reach.py, which is the specification. */
#include "_text.h"

#define DIGITS 65536

typedef struct {
    uint16_t *lefts, *rights;
    uint32_t *keys, *sorted, *slots;
    size_t count;
} pair_list;

/* Sorts `keys`, 16 bits at a time. */
static void
sort_keys(pair_list *list)
{
    for (int shift = 0; shift < 32; shift += 16) {
        memset(list->slots, 0, DIGITS * 4);
        for (size_t i = 0; i < list->count; i++)
            list->slots[list->keys[i] >> shift & 0xFFFF]++;
        uint32_t next = 0;
        for (size_t digit = 0; digit < DIGITS; digit++) {
            uint32_t here = list->slots[digit];
            list->slots[digit] = next;
            next += here;
        }
        for (size_t i = 0; i < list->count; i++)
            list->sorted[list->slots[list->keys[i] >> shift & 0xFFFF]++] = list->keys[i];
        uint32_t *swap = list->keys;
        list->keys = list->sorted;
        list->sorted = swap;
    }
}

/* The sum of n log2 n over distinct pairs, n their counts. */
static double
joint_log(pair_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        list->keys[i] = (uint32_t)list->lefts[i] << 16 | list->rights[i];
    sort_keys(list);
    /* How many pairs have each count: counted where the sorted keys were. */
    uint32_t *numbers = list->sorted;
    memset(numbers, 0, (list->count + 1) * 4);
    for (size_t i = 0, end; i < list->count; i = end) {
        for (end = i + 1; end < list->count && list->keys[end] == list->keys[i]; end++)
            ;
        numbers[end - i]++;
    }
    double total = 0.0;
    for (size_t count = 1; count <= list->count; count++)
        if (numbers[count])
            total += (double)numbers[count] * ((double)count * log2((double)count));
    return total;
}

static void
shuffle_rights(pair_list *list, uint64_t random)
{
    for (size_t place = list->count; place-- > 1;) {
        size_t other = (size_t)((random_bits(&random) >> 32) * (place + 1) >> 32);
        uint16_t swap = list->rights[place];
        list->rights[place] = list->rights[other];
        list->rights[other] = swap;
    }
}

static void
list_pairs(pair_list *list, const uint16_t *ids, Py_ssize_t size, Py_ssize_t distance)
{
    Py_ssize_t run = 0;
    for (Py_ssize_t place = 0; place < size; place++) {
        run = is_word(ids[place]) ? run + 1 : 0;
        if (run > distance) {
            list->lefts[list->count] = ids[place - distance];
            list->rights[list->count++] = ids[place];
        }
    }
}

static PyObject *
association(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *ids_object, *seed_object, *result = NULL;
    Py_ssize_t distance, size;
    if (!PyArg_ParseTuple(args, "OnO!:association", &ids_object, &distance, &PyLong_Type, &seed_object))
        return NULL;
    uint64_t seed = PyLong_AsUnsignedLongLongMask(seed_object);
    if (seed == (uint64_t)-1 && PyErr_Occurred())
        return NULL;
    buffers all = {.held = 0};
    pair_list list = {0};
    const uint16_t *ids;
    if ((size = open_items(&all, ids_object, 2, 0, "ids", &ids)) < 0)
        goto done;
    if (distance < 1) {
        PyErr_Format(PyExc_ValueError, "distance: expected 1 or more, got %zd", distance);
        goto done;
    }
    list.lefts = malloc(((size_t)size + 1) * 2);
    list.rights = malloc(((size_t)size + 1) * 2);
    list.keys = malloc(((size_t)size + 1) * 4);
    list.sorted = malloc(((size_t)size + 1) * 4);
    list.slots = malloc(DIGITS * 4);
    if (!list.lefts || !list.rights || !list.keys || !list.sorted || !list.slots) {
        PyErr_NoMemory();
        goto done;
    }
    double bits = 0.0;
    Py_BEGIN_ALLOW_THREADS
    list_pairs(&list, ids, size, distance);
    if (list.count) {
        double real = joint_log(&list);
        shuffle_rights(&list, seed);
        bits = (real - joint_log(&list)) / (double)list.count;
    }
    Py_END_ALLOW_THREADS
    result = PyFloat_FromDouble(bits);
done:
    free(list.lefts);
    free(list.rights);
    free(list.keys);
    free(list.sorted);
    free(list.slots);
    buffers_release(&all);
    return result;
}

PyMethodDef reach_methods[] = {
    {"association", association, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
