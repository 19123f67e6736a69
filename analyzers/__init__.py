"""Read-only knowledge about a Python code base: what is there, what refers to what."""
