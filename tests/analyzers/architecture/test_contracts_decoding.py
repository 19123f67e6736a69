"""`architecture.contracts` of hocmig.yaml: what is wrong is said with its line."""

from __future__ import annotations

import pytest

from analyzers.architecture.contracts import check_rules, decode_contracts
from analyzers.errors import InputError
from analyzers.safe_yaml import parse_yaml

HEAD = "architecture:\n  contracts:\n"


def decode(text: str) -> list[str]:
    return [d.contract.name for d in decode_contracts(parse_yaml(text.encode(), "hocmig.yaml"))]


def test_contracts_keep_their_order_and_lines() -> None:
    text = (
        HEAD + "    - {type: acyclic, name: one}\n    - type: layers\n      name: two\n      layers: [a, b]\n"
    )
    document = parse_yaml(text.encode(), "hocmig.yaml")
    assert [(d.contract.name, d.line) for d in decode_contracts(document)] == [("one", 3), ("two", 4)]
    assert decode("version: 1\n") == []


@pytest.mark.parametrize(
    ("entry", "line", "problem"),
    [
        ("    - {type: layer, name: x}\n", 3, "did you mean layers?"),
        ("    - {name: x}\n", 3, "is no contract with a type"),
        ("    - just text\n", 3, "is no contract with a type"),
        ("    - type: layers\n      name: x\n      layerz: [a]\n", 5, "did you mean `layers`?"),
        ("    - type: forbidden\n      name: x\n      source: a\n      forbidden: [b]\n", 5, "source"),
        ("    - {type: forbidden, name: x, source: [a]}\n", 3, "forbidden"),
        ("    - {type: acyclic}\n", 3, "name"),
        ("    - {type: acyclic, name: x}\n    - {type: acyclic, name: x}\n", 4, "declared in line 3, too"),
        ("    - {type: acyclic, name: 'a -> b'}\n", 3, "holds `->`"),
        ("    - {type: acyclic, name: ' '}\n", 3, "is empty or has spaces"),
        ("    - {type: acyclic, name: x, depth: deep}\n", 3, "depth"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(entry: str, line: int, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        decode(HEAD + entry)
    assert str(caught.value).startswith(f"hocmig.yaml:{line}: ")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_rules_are_refused_with_the_nearest_one() -> None:
    document = parse_yaml(b"architecture:\n  rules:\n    - ARCH-01\n", "hocmig.yaml")
    with pytest.raises(
        InputError, match=r"hocmig.yaml:3: there is no rule 'ARCH-01'; did you mean ARCH-001\?"
    ):
        check_rules(document, ("ARCH-01",))
