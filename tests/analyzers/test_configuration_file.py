from __future__ import annotations

import contextlib
from pathlib import Path

import jsonschema
import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from analyzers.configuration import Configuration
from analyzers.configuration_file import parse_configuration, read_configuration
from analyzers.errors import InputError
from analyzers.safe_yaml import MAX_BYTES
from hocmig.configuration_schema import configuration_schema

SCHEMA = Path(__file__).parents[2] / "docs" / "hocmig.schema.json"

EXAMPLE = """\
version: 1
import_roots: [src, .]
domain_root: src/shop
domains: [billing, general]
layers:
  order: [L3_adapters, L5_engines]
  forbidden_libraries:
    L5_engines: [sqlalchemy]
  header: "Layer: (L[0-9])"
exclude: ["*_pb2.py"]
workbook: src/shop/_domain_map/AUDIT.md
expect:
  misplaced: 84
architecture:
  contracts:
    - name: independence
      modules: [a, b]
duplicates:
  threshold: 0.9
execution: {jobs: 2, executor: "dask://host:8786"}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "src" / "shop").mkdir(parents=True)
    return tmp_path


def message(root: Path, text: str | bytes) -> str:
    content = text.encode() if isinstance(text, str) else text
    with pytest.raises(InputError) as caught:
        parse_configuration(content, root)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_reads_every_kind_of_key(root: Path) -> None:
    (root / "hocmig.yaml").write_text(EXAMPLE)
    config = read_configuration(root / "hocmig.yaml", root)
    assert config.import_roots == ("src", ".")
    assert config.layers.order == ("L3_adapters", "L5_engines")
    assert config.layers.forbidden_libraries == {"L5_engines": ("sqlalchemy",)}
    assert config.expect.misplaced == 84
    assert config.duplicates.threshold == 0.9
    assert config.execution.executor == "dask://host:8786"
    assert config.architecture.contracts[0]["name"] == "independence"


@pytest.mark.parametrize(
    "text", ["", "# only a comment\n", "---\n", "version: 1\nworkbook:\nexpect:\n  misplaced:\n"]
)
def test_keys_without_a_value_keep_their_default(root: Path, text: str) -> None:
    assert parse_configuration(text.encode(), root) == Configuration()


def test_tolerates_a_byte_order_mark_and_crlf(root: Path) -> None:
    content = b"\xef\xbb\xbf" + EXAMPLE.replace("\n", "\r\n").encode()
    assert parse_configuration(content, root) == parse_configuration(EXAMPLE.encode(), root)


def test_words_that_yaml_1_1_takes_for_booleans_stay_text(root: Path) -> None:
    assert parse_configuration(b"domain_root: src\ndomains: [on, yes]\n", root).domains == ("on", "yes")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "version: 1\ndomain_rot: x\n",
            "hocmig.yaml:2: unknown key `domain_rot`; did you mean `domain_root`?",
        ),
        ("layers:\n  ordr: []\n", "hocmig.yaml:2: unknown key `ordr` in `layers`; did you mean `order`?"),
        ("\nversion: one\n", "hocmig.yaml:2: version: expected a whole number, got text"),
        ("version: 2\n", "hocmig.yaml:1: version: expected a whole number <= 1"),
        ("import_roots: []\n", "hocmig.yaml:1: import_roots: expected a list of length >= 1"),
        ("import_roots:\n- .\n- /etc\n", "hocmig.yaml:3: import_roots '/etc' is absolute"),
        ("import_roots: [../up]\n", "hocmig.yaml:1: import_roots '../up' holds `..`"),
        ("import_roots: [lib]\n", "hocmig.yaml:1: import_roots 'lib' is no folder"),
        ("scan: [src/none]\n", "hocmig.yaml:1: scan 'src/none' is no folder"),
        ("domain_root: C:/x\n", "hocmig.yaml:1: domain_root 'C:/x' is absolute"),
        ('artifacts: "a\\tb"\n', "hocmig.yaml:1: artifacts 'a\\tb' holds a control character"),
        ("artifacts: hocmig.yaml\n", "hocmig.yaml:1: artifacts 'hocmig.yaml' is no folder"),
        ("workbook: src\n", "hocmig.yaml:1: workbook 'src' is a folder"),
        ("duplicates:\n  baseline: a/../../b\n", "hocmig.yaml:2: duplicates.baseline 'a/../../b' holds `..`"),
        ("domain_root: src\ndomains:\n- a-b\n", "hocmig.yaml:3: 'a-b' is no package name"),
        ("domain_root: src\ndomains:\n- a\n- a\n", "hocmig.yaml:4: domains names 'a' twice"),
        ("domains: [a]\n", "hocmig.yaml:1: domains are listed, but no domain_root"),
        (
            "layers:\n  order: [L3]\n  allowed: {L9: []}\n",
            "hocmig.yaml:3: layers.allowed: 'L9' is not in layers.order",
        ),
        ('layers: {header: "("}\n', "hocmig.yaml:1: layers.header: missing )"),
        ("layers: {header: a}\n", "hocmig.yaml:1: layers.header has no group"),
        ("references: {level: sure}\n", "hocmig.yaml:1: references.level: expected one of certain, likely"),
        ("duplicates: {threshold: 2}\n", "hocmig.yaml:1: duplicates.threshold: expected a number <= 1"),
        ("execution: {executor: ssh://x}\n", "hocmig.yaml:1: execution.executor: "),
        ("a: &x [1]\nb: *x\n", "hocmig.yaml:2: uses the alias *x"),
        ("version: !!python/name:os.system 1\n", "hocmig.yaml:1: uses the tag "),
        ("version: 1\nversion: 1\n", "hocmig.yaml:2: repeats the key `version` of line 1"),
        ("? [a]\n: b\n", "hocmig.yaml:1: has a key that is no text"),
        ("a:\n\tb: 1\n", "hocmig.yaml:2: is no YAML: "),
        ("version: 1\nbroken: [\n", "hocmig.yaml:3: is no YAML: "),
        ("--- 1\n--- 2\n", "hocmig.yaml:2: holds a second document"),
        ("- a\n", "hocmig.yaml:1: holds no mapping"),
        ("[" * 100_000, "hocmig.yaml:1: is nested deeper than 40 levels"),
        ("\n\n\0", "hocmig.yaml:3: holds a character that YAML forbids"),
    ],
)
def test_says_where_what_and_what_to_do(root: Path, text: str, expected: str) -> None:
    (root / "hocmig.yaml").touch()
    assert message(root, text).startswith(expected)


def test_refuses_what_is_no_utf_8_and_what_is_too_large(root: Path) -> None:
    assert message(root, b"version: 1\n# \xff\n").startswith("hocmig.yaml:2: is not UTF-8")
    assert message(root, b"#" * (MAX_BYTES + 1)).startswith("hocmig.yaml: is larger than 1 MiB")


def test_refuses_a_bomb_of_aliases_without_building_it(root: Path) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 60))
    assert "alias" in message(root, bomb)


def test_refuses_a_link_that_leads_out_of_the_root(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (root / "out").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    assert "leads out of the repository root" in message(root, "import_roots: [out]\n")


def test_an_unreadable_file_is_an_input_error(root: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read"):
        read_configuration(root / "none.yaml", root)


@given(st.one_of(st.binary(max_size=300), st.text(alphabet="abv:-[]{}*&!|>'\"#\n\t ,?%@`1.", max_size=200)))
def test_rubbish_raises_nothing_but_input_errors(
    tmp_path_factory: pytest.TempPathFactory, content: bytes | str
) -> None:
    folder = tmp_path_factory.getbasetemp()
    with contextlib.suppress(InputError):
        parse_configuration(content if isinstance(content, bytes) else content.encode(), folder)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(Configuration.__struct_fields__), VALUES, max_size=4))
def test_wrong_types_raise_nothing_but_input_errors(
    tmp_path_factory: pytest.TempPathFactory, value: object
) -> None:
    with contextlib.suppress(InputError):
        parse_configuration(yaml.safe_dump(value).encode(), tmp_path_factory.getbasetemp())


def test_published_schema_is_current() -> None:
    assert SCHEMA.read_bytes() == configuration_schema(), (
        "run python -m hocmig.configuration_schema docs/hocmig.schema.json"
    )


def test_published_schema_accepts_the_example_and_refuses_what_the_reader_refuses() -> None:
    schema = msgspec.json.decode(SCHEMA.read_bytes())
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    assert not list(validator.iter_errors(yaml.safe_load(EXAMPLE)))
    for wrong in (
        {"domain_rot": "x"},
        {"version": 2},
        {"references": {"level": "sure"}},
        {"import_roots": []},
    ):
        assert list(validator.iter_errors(wrong)), wrong
