"""What the gateway measures of itself."""
