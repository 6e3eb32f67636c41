"""Drawings in SVG, from plain data: strings, numbers and lists of them."""
