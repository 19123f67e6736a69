"""Sphinx (reStructuredText) and Markdown: roles, directives, code spans and code blocks as regions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzers.text_references.reference import Certainty
from analyzers.text_references.regions import Region, Role, in_order, lines_of, stripped

_ROLES = "mod|func|class|meth|attr|exc|data|obj|const|type|any|module|deco"
_ROLE = re.compile(rf":(?:py:)?(?:{_ROLES}):`(?P<body>[^`\n]+)`")
_MYST_ROLE = re.compile(rf"\{{(?:py:)?(?:{_ROLES})\}}`(?P<body>[^`\n]+)`")
_TARGET = re.compile(r"<(?P<target>[^<>]+)>$")
_NAME_DIRECTIVES = (
    r"auto(?:module|class|function|method|data|attribute|exception|decorator|property|program|enum|pydantic_\w+)"
    r"|(?:py:)?(?:current)?module|automod\w+|click|argparse|apischema|inheritance-diagram|plantuml-class"
)
_DIRECTIVE = re.compile(
    rf"(?P<indent>[ \t]*)\.\. (?:(?P<names>{_NAME_DIRECTIVES})|(?P<paths>literalinclude|include|csv-table)"
    r"|(?P<summary>autosummary)|(?P<code>code|code-block|sourcecode|doctest|testcode|ipython)"
    r"|(?P<other>[\w:-]+))::[ \t]*(?P<argument>[^\n\r]*)"
)
_OPTION = re.compile(r"[ \t]*:(?P<name>[\w-]+):[ \t]*(?P<value>[^\n\r]*)")
_RST_LITERAL = re.compile(r"``(?P<body>[^`\n]+)``")
_DOCTEST = re.compile(r"[ \t]*(?:>>>|\.\.\.)[ \t](?P<code>[^\n\r]*)")
_SHELL_PROMPT = re.compile(r"[ \t]*[$%#>][ \t]+(?P<command>[^\n\r]*)")

_FENCE = re.compile(r"[ \t>]*(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[^\n\r`]*)")
_INLINE = re.compile(r"(?<![`}])(?P<ticks>`{1,5})(?!`)(?P<body>[^\n]{0,300}?[^`\n])(?P=ticks)(?!`)")
_LINK = re.compile(r"\]\((?P<target>[^()\s]{1,400})(?:[ \t][^()\n]{0,200})?\)")
_CROSS_REFERENCE = re.compile(r"\]\[(?P<target>[\w.]+)\]")
_MKDOCSTRINGS = re.compile(r"[ \t]*:::[ \t]+(?P<name>[\w.:]+)")
_FENCED_DIRECTIVE = re.compile(rf"\{{(?P<name>{_NAME_DIRECTIVES})\}}[ \t]+(?P<argument>\S+)")
_PYTHON = frozenset(
    {"python", "py", "python3", "pycon", "py3", "ipython", "pyi", "python-console", "{code-cell}"}
)
_SHELL = frozenset(
    {"bash", "sh", "shell", "console", "zsh", "shell-session", "dockerfile", "docker", "makefile"}
)


def rst_regions(text: str, path: str) -> list[Region]:
    """Roles and directives (names), literals, code blocks and doctests of a reStructuredText document."""
    return in_order((*_rst_blocks(text), *role_regions(text), *_literals(text, _RST_LITERAL)))


def role_regions(text: str) -> Iterator[Region]:
    """The target of every Sphinx role: without `~`, `!` and a title (`title <a.b>`)."""
    for pattern in (_ROLE, _MYST_ROLE):
        for role in pattern.finditer(text):
            start, end = role.span("body")
            target = _TARGET.search(role["body"])
            if target is not None:
                start, end = start + target.start("target"), start + target.end("target")
            while start < end and text[start] in "~!.":
                start += 1
            yield Region(start, end, Role.NAME, "a role")


def _literals(text: str, pattern: re.Pattern[str]) -> Iterator[Region]:
    for literal in pattern.finditer(text):
        start, end = stripped(text, *literal.span("body"))
        yield Region(start, end, Role.LITERAL, "a code span", Certainty.LIKELY)


def _rst_blocks(text: str) -> Iterator[Region]:
    block, depth = "", -1
    for start, end in lines_of(text):
        line = text[start:end]
        if not line.strip():
            continue
        indent = len(line) - len(line.lstrip())
        if indent <= depth:
            block, depth = "", -1
        directive = _DIRECTIVE.match(text, start, end)
        if directive is not None and block != "code":
            depth = len(directive["indent"])
            span = directive.span("argument")
            block = "code" if directive["code"] else "summary" if directive["summary"] else "other"
            if directive["code"] and directive["argument"].strip() in _SHELL:
                block = "shell"
            if directive["names"]:
                yield Region(*stripped(text, *span), Role.NAME, directive["names"])
            elif directive["paths"]:
                yield Region(*stripped(text, *span), Role.PATH, directive["paths"])
            continue
        if block in ("code", "shell"):
            yield _code_line(text, start, end, Role.CODE if block == "code" else Role.COMMAND)
        elif block in ("summary", "other"):
            option = _OPTION.match(text, start, end)
            if option is not None:
                role = Role.NAME if option["name"] in ("module", "members", "py:module") else Role.LITERAL
                yield Region(*stripped(text, *option.span("value")), role, option["name"], Certainty.LIKELY)
            elif block == "summary":
                first, last = stripped(text, start, end)
                first += text[first] in "~!"
                yield Region(first, last, Role.NAME, "autosummary")
        if block not in ("code", "shell") and _DOCTEST.match(text, start, end):
            yield _code_line(text, start, end, Role.CODE)
        elif line.rstrip().endswith("::") and block == "":
            block, depth = "code", indent


def _code_line(text: str, start: int, end: int, role: Role) -> Region:
    prompt = _DOCTEST.match(text, start, end) if role is Role.CODE else _SHELL_PROMPT.match(text, start, end)
    first = prompt.start("code" if role is Role.CODE else "command") if prompt else start
    return Region(*stripped(text, first, end), role, "a code block", Certainty.LIKELY)


def markdown_regions(text: str, path: str) -> list[Region]:
    """mkdocstrings blocks and MyST roles (names), code spans, fenced code and link targets."""
    blocks = list(_markdown_blocks(text))
    spans: list[Region] = []
    for start, end in _outside(text, [(r.start, r.end) for r in blocks if r.role is not Role.NAME]):
        spans += _markdown_inline(text, start, end)
    return in_order((*(b for b in blocks if b.where != "fence"), *role_regions(text), *spans))


def _outside(text: str, spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    position = 0
    for start, end in spans:
        yield position, start
        position = end
    yield position, len(text)


def _markdown_inline(text: str, start: int, end: int) -> Iterator[Region]:
    for code in _INLINE.finditer(text, start, end):
        yield Region(*stripped(text, *code.span("body")), Role.LITERAL, "a code span", Certainty.LIKELY)
    for link in _LINK.finditer(text, start, end):
        yield Region(*link.span("target"), Role.LITERAL, "a link", Certainty.LIKELY)
    for link in _CROSS_REFERENCE.finditer(text, start, end):
        yield Region(*link.span("target"), Role.NAME, "a cross-reference", Certainty.LIKELY)


def _markdown_blocks(text: str) -> Iterator[Region]:
    fence = info = ""
    for start, end in lines_of(text):
        mark = _FENCE.match(text, start, end)
        if mark is not None and (not fence or (mark["fence"].startswith(fence) and not mark["info"].strip())):
            fence, info = ("", "") if fence else (mark["fence"], mark["info"].strip())
            directive = _FENCED_DIRECTIVE.search(text, *mark.span("info")) if fence else None
            if directive is not None:
                yield Region(*directive.span("argument"), Role.NAME, directive["name"])
            continue
        if not fence:
            name = _MKDOCSTRINGS.match(text, start, end)
            if name is not None:
                yield Region(*name.span("name"), Role.NAME, "mkdocstrings")
            continue
        language = info.split()[0].lower().strip("{}.") if info.split() else ""
        if language in _PYTHON or language == "code-cell":
            yield _code_line(text, start, end, Role.CODE)
        elif language in _SHELL:
            yield _code_line(text, start, end, Role.COMMAND)
        else:
            role = Role.CODE if _DOCTEST.match(text, start, end) or not language else Role.LITERAL
            yield Region(*stripped(text, start, end), role, "a code block", Certainty.LIKELY)
