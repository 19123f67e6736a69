"""One click command per module; `hocmig.cli` loads them on first use."""
