/* The extension's method table, nothing else. */
#include "_module.h"

static int
module_exec(PyObject *module)
{
    if (PyModule_AddFunctions(module, clustering_methods) < 0 || PyModule_AddFunctions(module, counting_methods) < 0 ||
        PyModule_AddFunctions(module, experts_methods) < 0 || PyModule_AddFunctions(module, flow_methods) < 0 ||
        PyModule_AddFunctions(module, hmm_methods) < 0 || PyModule_AddFunctions(module, lattice_methods) < 0 || PyModule_AddFunctions(module, merges_methods) < 0 ||
        PyModule_AddFunctions(module, reach_methods) < 0 || PyModule_AddFunctions(module, sampling_methods) < 0 ||
        PyModule_AddFunctions(module, windows_methods) < 0)
        return -1;
    return lattice_add_types(module) < 0 ? -1 : hmm_add_types(module);
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
