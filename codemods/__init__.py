"""LibCST commands: every change of source text that hocmig makes."""
