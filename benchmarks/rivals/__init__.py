"""What the rivals run, each in an environment of its own: nothing here is imported by anything else."""
