"""The tasks of the models whose captures are measured: they allow that everything is kept, which costs most."""
