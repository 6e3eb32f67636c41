"""The errors of nlp-zero: one family, each also the builtin that a caller would catch."""

from __future__ import annotations


class NlpZeroError(Exception):
    """Any error that this library raises on purpose."""


class InputError(NlpZeroError, ValueError):
    """Text that cannot be used: missing, empty, damaged; the message names the file and the place."""


class DecodingError(InputError):
    """Bytes that are not text in the stated encoding (exit status 3 of the command line)."""


class LexiconError(NlpZeroError, ValueError):
    """A lexicon file or entry that cannot be read."""


class GraphError(NlpZeroError, ValueError):
    """A link, a node or a partition that no graph can have."""


class GrammarError(NlpZeroError, ValueError):
    """A template, a word class or a file of them that cannot be read; the message names file and line."""


class LabelError(NlpZeroError, ValueError):
    """A label, or a sequence of labels, that its scheme does not know; the message names the position."""


class ModelError(NlpZeroError, ValueError):
    """A model file that is damaged, of another kind, or of a version that this program does not know."""
