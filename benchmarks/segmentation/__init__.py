"""Segmentation: word F1 on the fixed protocol, characters a second with a given lexicon."""
