/* What the C files of the extension share: the method tables that _module.c joins. */
#ifndef NLP_ZERO_MODULE_H
#define NLP_ZERO_MODULE_H
#define PY_SSIZE_T_CLEAN
#include <Python.h>

extern PyMethodDef attributes_methods[];
extern PyMethodDef brackets_methods[];
extern PyMethodDef chain_methods[];
extern PyMethodDef chart_methods[];
extern PyMethodDef clustering_methods[];
extern PyMethodDef counting_methods[];
extern PyMethodDef experts_methods[];
extern PyMethodDef flow_methods[];
extern PyMethodDef grams_methods[];
extern PyMethodDef hmm_methods[];
extern PyMethodDef lattice_methods[];
extern PyMethodDef local_methods[];
extern PyMethodDef merges_methods[];
extern PyMethodDef pairs_methods[];
extern PyMethodDef perceptron_methods[];
extern PyMethodDef profiles_methods[];
extern PyMethodDef reach_methods[];
extern PyMethodDef rows_methods[];
extern PyMethodDef runs_methods[];
extern PyMethodDef sampling_methods[];
extern PyMethodDef sieve_methods[];
extern PyMethodDef templates_methods[];
extern PyMethodDef vectors_methods[];
extern PyMethodDef windows_methods[];

/* Add the types of these files to the module; 0 or -1 with an error set. */
int attributes_add_types(PyObject *module);
int hmm_add_types(PyObject *module);
int lattice_add_types(PyObject *module);
int pairs_add_types(PyObject *module);

#endif
