"""Which modules do more than define things when they are imported."""

from __future__ import annotations

import pytest

from analyzers.import_effects import first_effect


@pytest.mark.parametrize(
    "text",
    [
        "",
        '"""Text."""\nimport os\nX = compute()\n',
        "@register\ndef f():\n    go()\n",
        "class A:\n    run()\n",
        "if __name__ == '__main__':\n    main()\n",
        "try:\n    import fast\nexcept ImportError:\n    fast = None\n",
    ],
)
def test_definitions_are_harmless(text: str) -> None:
    assert first_effect(text.encode()) == 0


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("import os\nregister(f)\n", 2),
        ("TABLE['x'] = f\n", 1),
        ("settings.X = 1\n", 1),
        ("X = 1\nfor x in y:\n    pass\n", 2),
        ("if fast:\n    go()\n", 2),
        ("if __name__ == '__main__':\n    pass\nelse:\n    go()\n", 4),
        ("try:\n    x = 1\nfinally:\n    go()\n", 4),
        ("def broken(:\n", 1),
    ],
)
def test_what_acts_on_something_else(text: str, line: int) -> None:
    assert first_effect(text.encode()) == line
