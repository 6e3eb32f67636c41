"""Counting kernels (to come)."""

__all__: list[str] = []
