"""Measures Plumbline beside its rivals. See README.md."""
