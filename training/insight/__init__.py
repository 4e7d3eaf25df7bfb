"""What the rows of a run tell: how fields are distributed, which of them tell the target, where the model is weak."""
