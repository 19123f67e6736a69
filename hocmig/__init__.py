"""Command line, phases, transactions and reports."""

__version__ = "0.1.0"
