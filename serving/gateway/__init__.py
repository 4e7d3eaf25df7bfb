"""The HTTP gateway: raw instances in, answers out."""
