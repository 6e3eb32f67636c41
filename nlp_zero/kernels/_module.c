/* The extension's method table, nothing else. */
#include "_module.h"

static int
module_exec(PyObject *module)
{
    PyMethodDef *const tables[] = {
        attributes_methods,
        brackets_methods,
        chain_methods,
        chart_methods,
        clustering_methods,
        counting_methods,
        experts_methods,
        flow_methods,
        grams_methods,
        hmm_methods,
        lattice_methods,
        local_methods,
        merges_methods,
        pairs_methods,
        perceptron_methods,
        profiles_methods,
        reach_methods,
        rows_methods,
        runs_methods,
        sampling_methods,
        sieve_methods,
        templates_methods,
        vectors_methods,
        windows_methods,
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (PyModule_AddFunctions(module, tables[i]) < 0)
            return -1;
    if (attributes_add_types(module) < 0 || lattice_add_types(module) < 0 || hmm_add_types(module) < 0)
        return -1;
    return pairs_add_types(module);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)module_exec},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_fast", "The hot loops of nlp-zero in C: see the Python files beside it.", 0, NULL,
    slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC
PyInit__fast(void)
{
    return PyModuleDef_Init(&definition);
}
