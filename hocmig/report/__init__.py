"""The migration report: facts collected once, then rendered as one HTML page, SVG and PNG."""
