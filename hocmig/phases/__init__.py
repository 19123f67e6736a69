"""One recipe per phase of a migration."""
