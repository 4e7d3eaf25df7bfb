"""Models of real data, one file each: `plumbline train wine --tasks examples`; docs/examples.md has their figures."""
