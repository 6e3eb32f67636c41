/* What nearly every kernel needs: the buffer of an argument, and a look for Ctrl-C. */
#ifndef NLP_ZERO_BUFFERS_H
#define NLP_ZERO_BUFFERS_H
#include "_module.h"

/* A buffer of items of one size; 0, or -1 with an error set. */
static inline int
get_items(PyObject *object, Py_buffer *view, Py_ssize_t itemsize, const char *what)
{
    if (PyObject_GetBuffer(object, view, PyBUF_ND | PyBUF_FORMAT) < 0)
        return -1;
    if (view->itemsize != itemsize || view->ndim > 1) {
        PyErr_Format(PyExc_TypeError, "%s: expected items of %zd bytes, got %zd", what, itemsize, view->itemsize);
        PyBuffer_Release(view);
        return -1;
    }
    return 0;
}

/* Looks for Ctrl-C from a loop that runs without the GIL; 1 with an error set. */
static inline int
interrupted(PyThreadState **state)
{
    PyEval_RestoreThread(*state);
    int raised = PyErr_CheckSignals() < 0;
    *state = PyEval_SaveThread();
    return raised;
}

#endif
