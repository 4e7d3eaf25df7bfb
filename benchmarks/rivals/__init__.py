"""What the rivals run, each in its own environment: nothing else imports it."""
