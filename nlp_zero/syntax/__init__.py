"""Sentence templates, word classes and trees, induced from raw text; and parsing with them."""
