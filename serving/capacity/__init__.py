"""How much of everything a load needs: from what requests cost, by queueing theory and by simulation.

`costs.json` has the measured costs, which docs/performance.md shows, too.
"""
