"""nlp-zero: raw Chinese text in, words, a model and a segmentation out.

A tour. Train on any iterable of strings; no dictionary and no labelled text is needed:

>>> from nlp_zero import Tokenizer, WordFinder
>>> lines = ["葡萄酒很甜", "他买葡萄酒", "葡萄酒贵", "我爱葡萄酒", "葡萄酒涩", "一瓶葡萄酒"]
>>> lexicon = WordFinder(min_count=3).train(lines).find()
>>> "葡萄酒" in lexicon, lexicon["葡萄酒"].count
(True, 6)

Cut text with a lexicon, here a small one written by hand; the words put together give the text back:

>>> tokenizer = Tokenizer({"自然": 6, "语言": 6, "自然语言": 9, "处理": 12, "很": 20, "有趣": 8})
>>> tokenizer.tokenize("自然语言处理很有趣。")
['自然语言', '处理', '很', '有趣', '。']

``import nlp_zero`` itself reads nothing but this file; a name loads its room at its first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import DecodingError, GraphError, InputError, LexiconError, ModelError, NlpZeroError
    from .evaluation import Scores, segmentation_scores
    from .kernels import backend
    from .network.clusters import word_clusters
    from .network.communities import Communities, communities
    from .network.contrast import contrast
    from .network.cooccurrence import Cooccurrence, cooccurrence
    from .network.graph import Graph
    from .network.keywords import keywords
    from .network.map_equation import map_equation
    from .network.similarity import Profiles
    from .text.corpus import Corpus
    from .words.discovery import WordFinder
    from .words.lexicon import Entry, Lexicon
    from .words.tokenizer import Token, Tokenizer

__version__ = "0.2.0"

__all__ = [
    "Communities",
    "Cooccurrence",
    "Corpus",
    "DecodingError",
    "Entry",
    "Graph",
    "GraphError",
    "InputError",
    "Lexicon",
    "LexiconError",
    "ModelError",
    "NlpZeroError",
    "Profiles",
    "Scores",
    "Token",
    "Tokenizer",
    "WordFinder",
    "__version__",
    "backend",
    "communities",
    "contrast",
    "cooccurrence",
    "keywords",
    "map_equation",
    "segmentation_scores",
    "word_clusters",
]

_HOMES = {
    **dict.fromkeys(("DecodingError", "GraphError", "InputError", "LexiconError"), ".errors"),
    **dict.fromkeys(("ModelError", "NlpZeroError"), ".errors"),
    **dict.fromkeys(("Scores", "segmentation_scores"), ".evaluation"),
    "backend": ".kernels",
    **dict.fromkeys(("Communities", "communities"), ".network.communities"),
    "contrast": ".network.contrast",
    **dict.fromkeys(("Cooccurrence", "cooccurrence"), ".network.cooccurrence"),
    "Graph": ".network.graph",
    "keywords": ".network.keywords",
    "map_equation": ".network.map_equation",
    "Profiles": ".network.similarity",
    "word_clusters": ".network.clusters",
    "Corpus": ".text.corpus",
    "WordFinder": ".words.discovery",
    **dict.fromkeys(("Entry", "Lexicon"), ".words.lexicon"),
    **dict.fromkeys(("Token", "Tokenizer"), ".words.tokenizer"),
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for (PEP 562); ``backend`` is asked anew, tests swap it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name], __name__), name)
    if name != "backend":
        globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
