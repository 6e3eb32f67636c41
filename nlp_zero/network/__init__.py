"""Graphs, random walks on them, and the communities that shorten their description (the map equation)."""
