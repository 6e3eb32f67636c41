"""Text: streams, encodings, character classes, sentences."""
