"""Measures Plumbline and its rivals. See README.md."""
