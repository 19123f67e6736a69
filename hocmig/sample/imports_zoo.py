"""Where the sample meets each form of reference that a module move must rewrite.

Source: `import-rewriting.md`; `case` is its number there. Forms that concern symbol moves only (2, 5, 27,
40-42, 56) or cannot run on Python 3.10 (29) are not in the sample, nor are those that a move refuses (52).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

_DATA = Path(__file__).parent / "data" / "import_forms.csv"


@dataclass(frozen=True, slots=True)
class ImportForm:
    """One planted reference.

    `text` stands once in the file `path` and names the misplaced module `stem`; `test` is the sample's test
    file that fails when the reference is wrong.
    """

    case: int
    name: str
    path: str
    text: str
    stem: str
    test: str

    @property
    def broken_text(self) -> str:
        """The reference, naming a module that does not exist."""
        head, _, tail = self.text.partition(self.stem)
        return f"{head}{self.stem}_gone{tail}"


def import_forms() -> tuple[ImportForm, ...]:
    """Returns the planted references, by case."""
    with _DATA.open(encoding="utf-8", newline="") as stream:
        return tuple(
            ImportForm(
                int(row["case"]),
                row["name"],
                row["path"],
                row["text"],
                row["stem"],
                f"backend/tests/{row['test']}",
            )
            for row in csv.DictReader(stream)
        )
