"""What turned out to be true of answers: records of it, the join with captured answers, measures with intervals."""
