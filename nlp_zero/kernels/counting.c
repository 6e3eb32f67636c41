#include "_module.h"
PyMethodDef counting_methods[] = {{NULL, NULL, 0, NULL}};
