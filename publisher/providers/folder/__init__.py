"""A folder: one message a file."""
