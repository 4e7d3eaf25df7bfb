"""Replay: two versions answer what was captured, and are compared."""
