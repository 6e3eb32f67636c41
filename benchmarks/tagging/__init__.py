"""Sequence tagging: hidden Markov models, conditional random fields and their peers."""
