"""Test results in JUnit's XML: read without trust, written without what differs between two equal runs."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

from analyzers.errors import InputError

#: Larger results were not written by a test run that a person would read.
MAX_BYTES = 256 << 20


def parse_junit(content: bytes, name: str) -> dict[str, str]:
    """Each test's outcome by its id `CLASSNAME::NAME`: `passed`, `failed`, `error` or `skipped`.

    A test that is named twice gets the worse outcome.

    Raises:
        InputError: too large, no XML, a document type (it could hide entity bombs), or no results in it.
    """
    if len(content) > MAX_BYTES:
        raise InputError(name, 0, f"is larger than {MAX_BYTES >> 20} MiB", "is it the right file?")
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise InputError(name, 0, "declares a document type", "write plain JUnit XML")
    try:
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError(name, 0, f"is no XML: {str(error)[:120]}", "see how the tests write it") from error
    if root.tag not in ("testsuites", "testsuite"):
        raise InputError(name, 0, f"holds <{root.tag[:40]}>, no test results", "write JUnit XML")
    found: dict[str, str] = {}
    for case in root.iter("testcase"):
        test = f"{case.get('classname', '')}::{case.get('name', '')}"
        outcome = "passed"
        for tag, meaning in (("skipped", "skipped"), ("failure", "failed"), ("error", "error")):
            if case.find(tag) is not None:
                outcome = meaning
        found[test] = max(outcome, found.get(test, outcome), key=_ORDER.index)
    return found


_ORDER = ("skipped", "passed", "failed", "error")


def render_junit(tests: Mapping[str, str], command: str, messages: Mapping[str, str]) -> str:
    """JUnit XML with each test and its outcome, sorted, without times and hosts.

    Args:
        messages: a sentence per failed test, where there is one.
    """
    counts = {kind: sum(outcome == kind for outcome in tests.values()) for kind in _ORDER}
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f"<testsuites name={_attribute(command)}>",
        f'  <testsuite name="tests" tests="{len(tests)}" failures="{counts["failed"]}" '
        f'errors="{counts["error"]}" skipped="{counts["skipped"]}">',
    ]
    for test in sorted(tests):
        place, _, name = test.partition("::")
        head = f"    <testcase classname={_attribute(place)} name={_attribute(name)}"
        tag = {"failed": "failure", "error": "error", "skipped": "skipped"}.get(tests[test])
        if tag is None:
            lines.append(f"{head}/>")
        else:
            lines.append(f"{head}><{tag} message={_attribute(messages.get(test, ''))}/></testcase>")
    return "\n".join([*lines, "  </testsuite>", "</testsuites>", ""])


def _attribute(text: str) -> str:
    """A quoted attribute; characters that XML 1.0 forbids are written as escapes."""
    clean = "".join(
        c
        if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff"
        else repr(c)[1:-1]
        for c in text
    )
    return quoteattr(clean, {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})
