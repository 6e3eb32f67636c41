"""Measurements of nlp-zero beside its peers; each script writes one Markdown table. See README.md."""
