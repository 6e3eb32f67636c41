"""Sequence tagging: labels of characters and words, the models that give them, and what they learn from."""
