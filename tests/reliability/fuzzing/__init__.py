"""Mutated inputs of every kind that is read from outside: each is answered, or refused in order."""
