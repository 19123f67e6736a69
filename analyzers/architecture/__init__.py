"""Architecture rules and contracts, judged on the import graph: one contract type per file."""
