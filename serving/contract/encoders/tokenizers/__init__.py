"""Tokenizers: each turns one text into ids, in a way of its own."""
