"""The C extension, and nothing else; everything said in words stands in pyproject.toml.

The extension is optional: without a compiler, or with NLP_ZERO_PURE=1, the build goes on and the pure-Python
engine serves.
"""

import os
import sys
import sysconfig

from setuptools import Extension, setup

KERNELS = "nlp_zero/kernels"
KERNEL_NAMES = (
    "_module",
    "attributes",
    "brackets",
    "chain",
    "chart",
    "clustering",
    "counting",
    "experts",
    "flow",
    "grams",
    "hmm",
    "lattice",
    "local",
    "merges",
    "pairs",
    "perceptron",
    "profiles",
    "reach",
    "rows",
    "runs",
    "sampling",
    "sieve",
    "templates",
    "vectors",
    "windows",
)

# One wheel for Python 3.11 and later. The free-threaded build has no limited API before 3.15.
limited = not sysconfig.get_config_var("Py_GIL_DISABLED") and sys.implementation.name == "cpython"

# Fused multiply-add would change the last bit of sums; both engines must give the same bits.
flags = ["/O2", "/fp:precise"] if sys.platform == "win32" else ["-O3", "-std=c11", "-ffp-contract=off"]

fast = Extension(
    "nlp_zero.kernels._fast",
    sources=[f"{KERNELS}/{name}.c" for name in KERNEL_NAMES],
    depends=[f"{KERNELS}/_{name}.h" for name in ("buffers", "lanes", "lines", "module", "table", "text")],
    define_macros=[("Py_LIMITED_API", "0x030B0000")] if limited else [],
    extra_compile_args=flags,
    py_limited_api=limited,
    optional=os.environ.get("NLP_ZERO_PURE") != "0",
)

setup(
    ext_modules=[] if os.environ.get("NLP_ZERO_PURE") == "1" else [fast],
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if limited and os.environ.get("NLP_ZERO_PURE") != "1" else {},
)
