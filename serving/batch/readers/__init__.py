"""A module for each kind of file: from its bytes to rows."""
