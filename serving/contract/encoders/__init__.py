"""Encoders: each reads the values of one field and makes a block of a tensor of them."""
