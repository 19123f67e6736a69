"""Finds copied code: whole files, functions and classes, blocks; renamed, reformatted or edited since."""
