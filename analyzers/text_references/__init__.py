"""References to moved modules, symbols and files in text that is not Python."""
