"""What the gateway measures: metrics, drift and exemplars, of all its worker processes together."""
