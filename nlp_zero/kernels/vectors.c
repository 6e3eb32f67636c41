/* Vector kernels: the copy of vectors.py, which is the specification. */
#include "_lanes.h"

#define MOST_VECTORS 256
#define FEW_VECTORS 4
#define STRETCH 512      /* items of a vector that stay in the cache while it meets the others */

/* ---- arguments ----------------------------------------------------------------------------------------------- */

/* The float32 vectors of a call. */
typedef struct {
    Py_buffer views[MOST_VECTORS];
    const float *items[MOST_VECTORS];
    Py_ssize_t count;
} history;

static void
history_release(history *h)
{
    while (h->count)
        PyBuffer_Release(&h->views[--h->count]);
}

static int
size_error(Py_ssize_t expected, Py_ssize_t found)
{
    PyErr_Format(PyExc_ValueError, "vectors: expected %zd items, got %zd", expected, found);
    return -1;
}

static int
history_open(history *h, PyObject *others, Py_ssize_t size)
{
    Py_ssize_t count = PySequence_Size(others);
    if (count > MOST_VECTORS)
        PyErr_Format(PyExc_ValueError, "vectors: expected %d at most, got %zd", MOST_VECTORS, count);
    if (count < 0 || count > MOST_VECTORS)
        return -1;
    while (h->count < count) {
        PyObject *other = PySequence_GetItem(others, h->count);
        Py_buffer *view = &h->views[h->count];
        int status = other ? PyObject_GetBuffer(other, view, PyBUF_ND | PyBUF_FORMAT) : -1;
        Py_XDECREF(other);
        if (status < 0)
            return -1;
        h->items[h->count++] = view->buf;
        if ((view->itemsize != 4 && view->len) || view->ndim > 1) {
            PyErr_Format(PyExc_TypeError, "vector: expected items of 4 bytes, got %zd", view->itemsize);
            return -1;
        }
        if (view->len / 4 != size)
            return size_error(size, view->len / 4);
    }
    return 0;
}

/* A vector of doubles, the first of a call (size < 0) or as long as the first; its size or -1. */
static Py_ssize_t
open_vector(buffers *all, PyObject *object, int writable, Py_ssize_t size, const char *what, void *items)
{
    Py_ssize_t found = open_numbers(all, object, 8, writable, what, items);
    return found < 0 ? -1 : size >= 0 && found != size ? size_error(size, found) : found;
}

INLINE double
lane_sum(const lanes *sum)
{
#if LANES == 4
    return ((*sum)[0] + (*sum)[1]) + ((*sum)[2] + (*sum)[3]);
#else
    return *sum;
#endif
}

/* ---- kernels ------------------------------------------------------------------------------------------------- */

#if LANES == 4
typedef float quarters __attribute__((vector_size(16), aligned(4), may_alias));
#define WIDEN(from) __builtin_convertvector(*(const quarters *)(from), lanes)
#else
#define WIDEN(from) ((double)*(from))
#endif

/* The few vectors that meet the others; `single` says which are float32. */
typedef struct {
    const void *items[FEW_VECTORS];
    int single[FEW_VECTORS];
    Py_ssize_t count;
} few;

/* A stretch of a vector as doubles. */
INLINE const double *
stretch_of(const few *f, Py_ssize_t k, Py_ssize_t start, Py_ssize_t stop, double *scratch)
{
    if (!f->single[k])
        return (const double *)f->items[k] + start;
    const float *from = (const float *)f->items[k] + start;
    for (Py_ssize_t i = 0; i < stop - start; i++)
        scratch[i] = (double)from[i];
    return scratch;
}

/* Adds to totals the products of `count` vectors (known when this is compiled) with a stretch of another. */
INLINE void
multiply_stretch(const double *const *own, const float *other, Py_ssize_t size, double *totals, Py_ssize_t apart,
                 const int count)
{
    lanes sum[2 * FEW_VECTORS];
    for (int v = 0; v < 2 * count; v++)
        sum[v] = (lanes){0.0};
    Py_ssize_t i = 0;
    for (; i + 2 * LANES <= size; i += 2 * LANES) {
        lanes here = WIDEN(other + i), next = WIDEN(other + i + LANES);
        for (int v = 0; v < count; v++) {
            sum[2 * v] += *(const lanes *)(own[v] + i) * here;
            sum[2 * v + 1] += *(const lanes *)(own[v] + i + LANES) * next;
        }
    }
    for (int v = 0; v < count; v++) {
        lanes both = sum[2 * v] + sum[2 * v + 1];
        double total = lane_sum(&both);
        for (Py_ssize_t k = i; k < size; k++)
            total += own[v][k] * (double)other[k];
        totals[v * apart] += total;
    }
}

INLINE double
product_of(const double *one, const double *other, Py_ssize_t begin, Py_ssize_t end)
{
    lanes sum = {0.0}, more = {0.0};
    Py_ssize_t i = begin;
    for (; i + 2 * LANES <= end; i += 2 * LANES) {
        sum += *(const lanes *)(one + i) * *(const lanes *)(other + i);
        more += *(const lanes *)(one + i + LANES) * *(const lanes *)(other + i + LANES);
    }
    sum += more;
    double total = lane_sum(&sum);
    for (; i < end; i++)
        total += one[i] * other[i];
    return total;
}

WIDE static void
multiply(const few *f, const history *h, Py_ssize_t begin, Py_ssize_t end, double *totals)
{
    double scratch[FEW_VECTORS][STRETCH];
    const double *own[FEW_VECTORS];
    Py_ssize_t apart = h->count + 1;
    for (Py_ssize_t start = begin; start < end; start += STRETCH) {
        Py_ssize_t size = start + STRETCH < end ? STRETCH : end - start;
        for (Py_ssize_t v = 0; v < f->count; v++) {
            own[v] = stretch_of(f, v, start, start + size, scratch[v]);
            totals[v * apart + h->count] += product_of(own[v], own[v], 0, size);
        }
        for (Py_ssize_t k = 0; k < h->count; k++)
            switch (f->count) {
            case 1: multiply_stretch(own, h->items[k] + start, size, totals + k, apart, 1); break;
            case 2: multiply_stretch(own, h->items[k] + start, size, totals + k, apart, 2); break;
            case 3: multiply_stretch(own, h->items[k] + start, size, totals + k, apart, 3); break;
            case 4: multiply_stretch(own, h->items[k] + start, size, totals + k, apart, 4); break;
            default: break;
            }
    }
}

static PyObject *
float_list(const double *items, Py_ssize_t count)
{
    PyObject *list = PyList_New(0);
    for (Py_ssize_t k = 0; list && k < count; k++) {
        PyObject *item = PyFloat_FromDouble(items[k]);
        if (!item || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

/* The size of the vectors, or -1; -2 where there are none. */
static Py_ssize_t
few_open(few *f, buffers *all, PyObject *vectors)
{
    Py_ssize_t count = PySequence_Size(vectors), size = -2;
    if (count > FEW_VECTORS)
        PyErr_Format(PyExc_ValueError, "vectors: expected %d at most, got %zd", FEW_VECTORS, count);
    if (count < 0 || count > FEW_VECTORS)
        return -1;
    for (f->count = 0; f->count < count; f->count++) {
        PyObject *vector = PySequence_GetItem(vectors, f->count);
        Py_buffer peek;
        int status = vector ? PyObject_GetBuffer(vector, &peek, PyBUF_ND | PyBUF_FORMAT) : -1;
        f->single[f->count] = status == 0 && peek.itemsize == 4;
        if (status == 0)
            PyBuffer_Release(&peek);
        Py_ssize_t found = -1;
        if (status == 0)
            found = open_numbers(all, vector, f->single[f->count] ? 4 : 8, 0, "vector", &f->items[f->count]);
        Py_XDECREF(vector);
        if (found < 0 || (size >= 0 && found != size && size_error(size, found) < 0))
            return -1;
        size = found;
    }
    return size;
}

static PyObject *
dot_products(PyObject *self, PyObject *args)
{
    PyObject *vectors, *others, *result = NULL;
    Py_ssize_t begin, end, size;
    buffers all = {.held = 0};
    history h;
    few f;
    double totals[FEW_VECTORS * (MOST_VECTORS + 1)] = {0.0};
    (void)self;
    h.count = 0;
    if (!PyArg_ParseTuple(args, "OOnn:dot_products", &vectors, &others, &begin, &end))
        return NULL;
    if ((size = few_open(&f, &all, vectors)) != -1 && history_open(&h, others, size) == 0 &&
        check_range(begin, end, size < 0 ? 0 : size) == 0) {
        Py_BEGIN_ALLOW_THREADS
        multiply(&f, &h, begin, end, totals);
        Py_END_ALLOW_THREADS
        result = PyList_New(0);
        for (Py_ssize_t v = 0; result && v < f.count; v++) {
            PyObject *row = float_list(totals + v * (h.count + 1), h.count + 1);
            if (!row || PyList_Append(result, row) < 0)
                Py_CLEAR(result);
            Py_XDECREF(row);
        }
    }
    history_release(&h);
    buffers_release(&all);
    return result;
}

WIDE static double
whole_product(const double *one, const double *other, Py_ssize_t begin, Py_ssize_t end)
{
    return product_of(one, other, begin, end);
}

static PyObject *
dot_product(PyObject *self, PyObject *args)
{
    PyObject *first, *second, *result = NULL;
    Py_ssize_t begin, end, size;
    buffers all = {.held = 0};
    const double *one, *other;
    double total;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOnn:dot_product", &first, &second, &begin, &end))
        return NULL;
    if ((size = open_vector(&all, first, 0, -1, "vector", &one)) >= 0 &&
        open_vector(&all, second, 0, size, "vector", &other) >= 0 && check_range(begin, end, size) == 0) {
        Py_BEGIN_ALLOW_THREADS
        total = whole_product(one, other, begin, end);
        Py_END_ALLOW_THREADS
        result = PyFloat_FromDouble(total);
    }
    buffers_release(&all);
    return result;
}

WIDE static void
subtract(const double *restrict new, const double *restrict old, float *restrict out, Py_ssize_t begin, Py_ssize_t end)
{
    for (Py_ssize_t i = begin; i < end; i++)
        out[i] = (float)(new[i] - old[i]);
}

static PyObject *
difference(PyObject *self, PyObject *args)
{
    PyObject *after, *before, *target, *result = NULL;
    Py_ssize_t begin, end, size, room;
    buffers all = {.held = 0};
    const double *new, *old;
    float *out;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOnnO:difference", &after, &before, &begin, &end, &target))
        return NULL;
    if ((size = open_vector(&all, after, 0, -1, "vector", &new)) >= 0 &&
        open_vector(&all, before, 0, size, "vector", &old) >= 0 &&
        (room = open_numbers(&all, target, 4, 1, "out", &out)) >= 0 &&
        (room == size || size_error(size, room) == 0) && check_range(begin, end, size) == 0) {
        Py_BEGIN_ALLOW_THREADS
        subtract(new, old, out, begin, end);
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    buffers_release(&all);
    return result;
}

WIDE static void
add_up(const double *own, double factor, const history *h, const double *factors, Py_ssize_t begin, Py_ssize_t end,
       double *out)
{
    Py_ssize_t i = begin;
    for (; i + LANES <= end; i += LANES) {
        lanes total = factor * *(const lanes *)(own + i);
        for (Py_ssize_t k = 0; k < h->count; k++)
            total += factors[k] * WIDEN(h->items[k] + i);
        *(lanes *)(out + i) = total;
    }
    for (; i < end; i++) {
        double total = factor * own[i];
        for (Py_ssize_t k = 0; k < h->count; k++)
            total += factors[k] * (double)h->items[k][i];
        out[i] = total;
    }
}

static int
get_factors(PyObject *sequence, Py_ssize_t count, double *factors)
{
    Py_ssize_t found = PySequence_Size(sequence);
    if (found != count && found >= 0)
        PyErr_Format(PyExc_ValueError, "factors: expected %zd items, got %zd", count, found);
    if (found != count)
        return -1;
    for (Py_ssize_t k = 0; k < count; k++) {
        PyObject *factor = PySequence_GetItem(sequence, k);
        factors[k] = factor ? PyFloat_AsDouble(factor) : -1.0;
        Py_XDECREF(factor);
        if (PyErr_Occurred())
            return -1;
    }
    return 0;
}

static PyObject *
combine(PyObject *self, PyObject *args)
{
    PyObject *vector, *others, *factor_list, *target, *result = NULL;
    Py_ssize_t begin, end, size;
    buffers all = {.held = 0};
    history h;
    const double *own;
    double factor, factors[MOST_VECTORS], *out;
    (void)self;
    h.count = 0;
    if (!PyArg_ParseTuple(args, "OdOOnnO:combine", &vector, &factor, &others, &factor_list, &begin, &end, &target))
        return NULL;
    if ((size = open_vector(&all, vector, 0, -1, "vector", &own)) >= 0 &&
        open_vector(&all, target, 1, size, "out", &out) >= 0 && history_open(&h, others, size) == 0 &&
        get_factors(factor_list, h.count, factors) == 0 && check_range(begin, end, size) == 0) {
        Py_BEGIN_ALLOW_THREADS
        add_up(own, factor, &h, factors, begin, end, out);
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    history_release(&h);
    buffers_release(&all);
    return result;
}

/* What the kernels of penalties share. */
typedef struct {
    const double *weights, *slopes, *l1_factors, *l2_factors;
    double *out, l1, l2;
} penalty;

WIDE static double
add_penalty(const penalty *p, Py_ssize_t begin, Py_ssize_t end)
{
    double double_l2 = 2.0 * p->l2, total = 0.0, rest = 0.0;
    lanes sum = {0.0};
    Py_ssize_t i = begin;
    if (p->l1) {
        for (; i < end; i++)
            total += fabs(p->l1_factors ? p->weights[i] * p->l1_factors[i] : p->weights[i]);
        total = p->l1 * total;
    }
    if (!p->l2)
        return total;
    for (i = begin; i + LANES <= end; i += LANES) {
        lanes weight = *(const lanes *)(p->weights + i), scaled = weight;
        if (p->l2_factors)
            scaled = weight * *(const lanes *)(p->l2_factors + i);
        sum += weight * scaled;
        *(lanes *)(p->out + i) += double_l2 * scaled;
    }
    for (; i < end; i++) {
        double weight = p->weights[i], scaled = p->l2_factors ? weight * p->l2_factors[i] : weight;
        rest += weight * scaled;
        p->out[i] += double_l2 * scaled;
    }
    return total + p->l2 * (lane_sum(&sum) + rest);
}

static PyObject *
penalise(PyObject *self, PyObject *args)
{
    PyObject *weights, *gradient, *l1_factors, *l2_factors, *result = NULL;
    Py_ssize_t begin, end, size;
    buffers all = {.held = 0};
    penalty p;
    double total;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOdOdOnn:penalise", &weights, &gradient, &p.l1, &l1_factors, &p.l2, &l2_factors, &begin,
                          &end))
        return NULL;
    if ((size = open_vector(&all, weights, 0, -1, "weights", &p.weights)) >= 0 &&
        open_vector(&all, gradient, 1, size, "gradient", &p.out) >= 0 && check_range(begin, end, size) == 0 &&
        open_optional(&all, l1_factors, 8, size, "factors", &p.l1_factors) == 0 &&
        open_optional(&all, l2_factors, 8, size, "factors", &p.l2_factors) == 0) {
        Py_BEGIN_ALLOW_THREADS
        total = add_penalty(&p, begin, end);
        Py_END_ALLOW_THREADS
        result = PyFloat_FromDouble(total);
    }
    buffers_release(&all);
    return result;
}

WIDE static void
find_slopes(const penalty *p, Py_ssize_t begin, Py_ssize_t end)
{
    for (Py_ssize_t i = begin; i < end; i++) {
        double weight = p->weights[i], slope = p->slopes[i], edge = p->l1_factors ? p->l1 * p->l1_factors[i] : p->l1;
        double still = slope < -edge ? slope + edge : slope > edge ? slope - edge : 0.0;
        p->out[i] = weight > 0.0 ? slope + edge : weight < 0.0 ? slope - edge : still;
    }
}

static PyObject *
pseudo_gradient(PyObject *self, PyObject *args)
{
    PyObject *weights, *gradient, *l1_factors, *target, *result = NULL;
    Py_ssize_t begin, end, size;
    buffers all = {.held = 0};
    penalty p;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOdOnnO:pseudo_gradient", &weights, &gradient, &p.l1, &l1_factors, &begin, &end,
                          &target))
        return NULL;
    if ((size = open_vector(&all, weights, 0, -1, "weights", &p.weights)) >= 0 &&
        open_vector(&all, gradient, 0, size, "gradient", &p.slopes) >= 0 &&
        open_vector(&all, target, 1, size, "out", &p.out) >= 0 && check_range(begin, end, size) == 0 &&
        open_optional(&all, l1_factors, 8, size, "factors", &p.l1_factors) == 0) {
        Py_BEGIN_ALLOW_THREADS
        find_slopes(&p, begin, end);
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    buffers_release(&all);
    return result;
}

static PyObject *
turn_to(PyObject *self, PyObject *args)
{
    PyObject *direction, *slope_list, *result = NULL;
    Py_ssize_t begin, end, size;
    buffers all = {.held = 0};
    const double *slopes;
    double *out, total = 0.0;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOnn:turn_to", &direction, &slope_list, &begin, &end))
        return NULL;
    if ((size = open_vector(&all, direction, 1, -1, "direction", &out)) >= 0 &&
        open_vector(&all, slope_list, 0, size, "slopes", &slopes) >= 0 && check_range(begin, end, size) == 0) {
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t i = begin; i < end; i++) {
            double product = out[i] * slopes[i];
            total += product < 0.0 ? product : 0.0;
            out[i] = product < 0.0 ? out[i] : 0.0;
        }
        Py_END_ALLOW_THREADS
        result = PyFloat_FromDouble(total);
    }
    buffers_release(&all);
    return result;
}

typedef struct {
    const double *weights, *direction, *slopes;
    double *out, step, gained, square;
} stride;

WIDE static void
take_step(stride *s, Py_ssize_t begin, Py_ssize_t end)
{
    Py_ssize_t i = begin;
    if (s->slopes)
        for (Py_ssize_t k = begin; k < end; k++) {
            double old = s->weights[k], new = old + s->step * s->direction[k];
            double side = old != 0.0 ? old : -s->slopes[k];
            new = new * side > 0.0 ? new : 0.0;
            s->gained += s->slopes[k] * (new - old);
            s->out[k] = new;
        }
    else
        for (; i + LANES <= end; i += LANES)
            *(lanes *)(s->out + i) = *(const lanes *)(s->weights + i) + s->step * *(const lanes *)(s->direction + i);
    for (; i < end && !s->slopes; i++)
        s->out[i] = s->weights[i] + s->step * s->direction[i];
    lanes sum = {0.0};
    for (i = begin; i + LANES <= end; i += LANES)
        sum += *(const lanes *)(s->out + i) * *(const lanes *)(s->out + i);
    s->square = lane_sum(&sum);
    for (; i < end; i++)
        s->square += s->out[i] * s->out[i];
}

static PyObject *
descend(PyObject *self, PyObject *args)
{
    PyObject *weights, *direction, *slopes, *target, *result = NULL;
    Py_ssize_t begin, end, size, found = 0;
    buffers all = {.held = 0};
    stride s = {.gained = 0.0};
    (void)self;
    if (!PyArg_ParseTuple(args, "OOdOnnO:descend", &weights, &direction, &s.step, &slopes, &begin, &end, &target))
        return NULL;
    if ((size = open_vector(&all, weights, 0, -1, "weights", &s.weights)) >= 0 &&
        open_vector(&all, direction, 0, size, "direction", &s.direction) >= 0 &&
        open_vector(&all, target, 1, size, "out", &s.out) >= 0 && check_range(begin, end, size) == 0 &&
        (found = open_numbers(&all, slopes, 8, 0, "slopes", &s.slopes)) >= 0 &&
        (!found || found == size || size_error(size, found) == 0)) {
        if (!found)
            s.slopes = NULL;
        Py_BEGIN_ALLOW_THREADS
        take_step(&s, begin, end);
        Py_END_ALLOW_THREADS
        result = Py_BuildValue("dd", s.gained, s.square);
    }
    buffers_release(&all);
    return result;
}

PyMethodDef vectors_methods[] = {
    {"combine", combine, METH_VARARGS, NULL},
    {"descend", descend, METH_VARARGS, NULL},
    {"difference", difference, METH_VARARGS, NULL},
    {"dot_product", dot_product, METH_VARARGS, NULL},
    {"dot_products", dot_products, METH_VARARGS, NULL},
    {"penalise", penalise, METH_VARARGS, NULL},
    {"pseudo_gradient", pseudo_gradient, METH_VARARGS, NULL},
    {"turn_to", turn_to, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
