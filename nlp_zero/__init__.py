"""nlp-zero: raw Chinese text in, words, a model and a segmentation out."""

__version__ = "0.2.0"
