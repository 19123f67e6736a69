"""Who owns a path, by the repository's CODEOWNERS file.

Source: the documentation of GitHub, "About code owners": patterns as in gitignore, the last match wins; the
file is looked for in `.github/`, the root and `docs/`, in this order.
"""

from __future__ import annotations

from collections.abc import Callable

from analyzers.ignore_patterns import RuleSet

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")


class CodeOwners:
    """The rules of one CODEOWNERS file; without text nobody owns anything."""

    def __init__(self, text: str = "") -> None:
        self._rules: list[tuple[RuleSet, tuple[str, ...]]] = []
        for line in text.splitlines():
            parts = line.partition(" #")[0].replace("\t", " ").replace("\\ ", "\0").split()
            if not parts or parts[0].startswith(("#", "[", "^[")):
                continue
            pattern = parts[0].replace("\0", "\\ ")
            owners = tuple(part for part in parts[1:] if "@" in part)
            self._rules.append((RuleSet("", [pattern]), owners))

    def owners_of(self, path: str) -> tuple[str, ...]:
        """The owners of a path, in their order; empty when no rule names it."""
        parts = path.split("/")
        for rules, owners in reversed(self._rules):
            for count in range(len(parts), 0, -1):
                piece = "/".join(parts[:count])
                if rules.verdict(piece, parts[count - 1], count < len(parts)):
                    return owners
        return ()


def read_owners(read: Callable[[str], bytes | None]) -> CodeOwners:
    """The rules of the first CODEOWNERS file that there is; `read` gives the bytes of a path, or None."""
    for place in PLACES:
        content = read(place)
        if content is not None:
            return CodeOwners(content.decode("utf-8", "replace"))
    return CodeOwners()
