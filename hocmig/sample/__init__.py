"""The generated sample repository: the demo's subject and the test fixture of the whole project."""
