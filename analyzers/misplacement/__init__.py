"""Which files look as if they belonged to another domain: facts, and what they say."""
