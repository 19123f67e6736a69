"""Definitions that move between files: what goes together, what they need, and the edits of both files."""
