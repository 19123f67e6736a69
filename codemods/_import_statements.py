"""Edit one import statement node: what leaves, stays or is renamed, with its comments and parentheses.

Shared by the codemods that change imports. A statement is taken apart into names and the gaps around them;
the comment at the end of a name's line and the comment lines above it go where the name goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import libcst as cst

from analyzers.import_changes import NewImport

PlainImport = cst.Import | cst.LazyImport
FromImport = cst.ImportFrom | cst.LazyImportFrom
AnyImport = PlainImport | FromImport
_LAZY = (cst.LazyImport, cst.LazyImportFrom)
Gap = cst.BaseParenthesizableWhitespace

#: Longer split-off statements are written one name a line.
LINE_LENGTH = 88


def edit_statement(node: AnyImport, imports: Sequence[NewImport]) -> list[AnyImport]:
    """The statements that replace `node`: the old one edited where that is possible, then the new ones.

    Args:
        node: `Import`, `ImportFrom` or their lazy twins of Python 3.15.
        imports: all names after the change; empty: the statement goes.
    """
    plain = [new for new in imports if new.base is None]
    groups: dict[str, list[NewImport]] = {}
    for new in imports:
        if new.base is not None:
            groups.setdefault(new.base, []).append(new)
    if isinstance(node, PlainImport):
        old = [dotted_text(alias.name) for alias in node.names]
        first, *more = plain_groups(old, plain) or [[]]
        result: list[AnyImport] = [_edit_plain(node, first)] if first else []
        result += [_new_plain(node, group) for group in more]
        return result + [_new_from(node, base, group) for base, group in groups.items()]
    old_base = written_base(node)
    main = old_base if old_base in groups else next(iter(groups), None)
    result = []
    if main is not None:
        result.append(_edit_from(node, main, groups.pop(main)))
    result += [_new_from(node, base, group) for base, group in groups.items()]
    return result + [_new_plain(node, group) for group in plain_groups([], plain)]


def plain_groups(old: Sequence[str], plain: Sequence[NewImport]) -> list[list[NewImport]]:
    """The plain imports that replace a statement, by statement; `old` are the modules that it named.

    One import that became several others is several statements. What comes to a statement of which something
    stays is written beside that (import-rewriting case 5), as is what comes to a list.
    """
    stay = {name for module in old for name in (module, module.partition(".")[0])}
    if len(plain) < 2 or len(old) > 1 or any(new.name in stay for new in plain):
        return [list(plain)] if plain else []
    return [[new] for new in plain]


def written_base(node: FromImport) -> str:
    """What stands between `from` and `import`, dots included."""
    module = dotted_text(node.module) if node.module is not None else ""
    return "." * len(node.relative) + module


def dotted_text(node: cst.BaseExpression) -> str:
    """The text of a `Name` or of an `Attribute` chain of names, without white space."""
    parts: list[str] = []
    while isinstance(node, cst.Attribute):
        parts.append(node.attr.value)
        node = node.value
    assert isinstance(node, cst.Name)
    parts.append(node.value)
    return ".".join(reversed(parts))


def dotted_node(text: str) -> cst.Name | cst.Attribute:
    """The node of a dotted name."""
    first, *rest = text.split(".")
    node: cst.Name | cst.Attribute = cst.Name(first)
    for part in rest:
        node = cst.Attribute(node, cst.Name(part))
    return node


# -- plain imports -----------------------------------------------------------------------------------------


def _edit_plain(node: PlainImport, imports: Sequence[NewImport]) -> AnyImport:
    old = list(node.names)
    aliases = [_alias(old[new.alias_index] if new.alias_index is not None else None, new) for new in imports]
    return node.with_changes(names=_with_commas(aliases))


def _new_plain(node: AnyImport, imports: Sequence[NewImport]) -> AnyImport:
    kind = cst.LazyImport if isinstance(node, _LAZY) else cst.Import
    return kind(names=_with_commas([_alias(None, new) for new in imports]))


def _with_commas(aliases: list[cst.ImportAlias]) -> list[cst.ImportAlias]:
    result = []
    for alias in aliases[:-1]:
        if isinstance(alias.comma, cst.MaybeSentinel):
            alias = alias.with_changes(comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")))
        result.append(alias)
    result.append(aliases[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT))
    return result


def _alias(old: cst.ImportAlias | None, new: NewImport) -> cst.ImportAlias:
    if old is None:
        asname = _as(new.asname) if new.asname else None
        return cst.ImportAlias(name=dotted_node(new.name), asname=asname)
    changed = old
    if dotted_text(old.name) != new.name:
        changed = changed.with_changes(name=dotted_node(new.name))
    written = old.asname.name.value if old.asname and isinstance(old.asname.name, cst.Name) else None
    if written != new.asname:
        if new.asname is None:
            changed = changed.with_changes(asname=None)
        elif old.asname is not None:
            changed = changed.with_changes(asname=old.asname.with_changes(name=cst.Name(new.asname)))
        else:
            changed = changed.with_changes(asname=_as(new.asname))
    return changed


def _as(name: str) -> cst.AsName:
    space = cst.SimpleWhitespace(" ")
    return cst.AsName(cst.Name(name), whitespace_before_as=space, whitespace_after_as=space)


# -- from imports ------------------------------------------------------------------------------------------


@dataclass
class _Name:
    """A name of a `from` statement with its comments: at the end of its line, and on the lines above it."""

    alias: cst.ImportAlias
    comment: cst.Comment | None = None
    above: tuple[cst.Comment, ...] = ()


def _edit_from(node: FromImport, base: str, imports: Sequence[NewImport]) -> AnyImport:
    node = _with_base(node, base)
    if isinstance(node.names, cst.ImportStar):
        return node
    keep = {new.alias_index: new for new in imports if new.alias_index is not None}
    aliases = list(node.names)
    gaps = _gaps(node)
    trailing_comma = isinstance(aliases[-1].comma, cst.Comma)
    for index in reversed(range(len(aliases))):
        if index not in keep:
            gaps[index : index + 2] = [_merge(gaps[index], gaps[index + 1], index == len(aliases) - 1)]
            del aliases[index]
        else:
            aliases[index] = _alias(aliases[index], keep[index])
    for new in imports:
        if new.alias_index is None:
            gaps.insert(len(gaps) - 1, _separator(gaps))
            aliases.append(_alias(None, new))
    return _assemble(node, aliases, gaps, trailing_comma)


def _separator(gaps: list[Gap]) -> Gap:
    """A gap for one more name at the end, in the style of the statement."""
    inner = gaps[1] if len(gaps) > 2 else gaps[0]
    if isinstance(inner, cst.ParenthesizedWhitespace):
        return inner.with_changes(first_line=cst.TrailingWhitespace(), empty_lines=[])
    return cst.SimpleWhitespace(" ")


def _aliases(node: FromImport) -> Sequence[cst.ImportAlias]:
    """The names of a statement that is no star import."""
    assert not isinstance(node.names, cst.ImportStar)
    return node.names


def _gaps(node: FromImport) -> list[Gap]:
    """The white space around the names: before the first, between two, after the last."""
    gaps: list[Gap] = [node.lpar.whitespace_after if node.lpar else cst.SimpleWhitespace("")]
    for alias in _aliases(node):
        if isinstance(alias.comma, cst.Comma):
            gaps.append(alias.comma.whitespace_after)
        else:
            gaps.append(node.rpar.whitespace_before if node.rpar else cst.SimpleWhitespace(""))
    return gaps


def _merge(before: Gap, after: Gap, is_last: bool) -> Gap:
    """The gap that remains where a name went; it keeps the comments of the neighbours only."""
    if isinstance(before, cst.ParenthesizedWhitespace):
        if isinstance(after, cst.ParenthesizedWhitespace):
            return after.with_changes(first_line=before.first_line)
        if not is_last:
            return before.with_changes(empty_lines=[])
        if before.first_line.comment is not None:
            return before.with_changes(empty_lines=[], last_line=cst.SimpleWhitespace(""))
        return after
    if isinstance(after, cst.ParenthesizedWhitespace):
        line = after.first_line.with_changes(comment=None, whitespace=cst.SimpleWhitespace(""))
        return after.with_changes(first_line=line)
    return after if is_last else before


def _assemble(
    node: FromImport, aliases: list[cst.ImportAlias], gaps: list[Gap], trailing_comma: bool
) -> AnyImport:
    names: list[cst.ImportAlias] = []
    for index, alias in enumerate(aliases):
        last = index == len(aliases) - 1
        if last and not trailing_comma:
            names.append(alias.with_changes(comma=cst.MaybeSentinel.DEFAULT))
            continue
        comma = alias.comma if isinstance(alias.comma, cst.Comma) else cst.Comma()
        names.append(alias.with_changes(comma=comma.with_changes(whitespace_after=gaps[index + 1])))
    changes: dict[str, object] = {"names": names}
    if node.lpar and node.rpar:
        changes["lpar"] = node.lpar.with_changes(whitespace_after=gaps[0])
        if not trailing_comma:
            changes["rpar"] = node.rpar.with_changes(whitespace_before=gaps[-1])
    return node.with_changes(**changes)


def _with_base(node: FromImport, base: str) -> FromImport:
    if written_base(node) == base:
        return node
    module = base.lstrip(".")
    space = cst.SimpleWhitespace(" ")
    return node.with_changes(
        module=dotted_node(module) if module else None,
        relative=[cst.Dot() for _ in range(len(base) - len(module))],
        whitespace_after_from=node.whitespace_after_from if node.whitespace_after_from.value else space,
        whitespace_before_import=node.whitespace_before_import
        if node.whitespace_before_import.value
        else space,
    )


def _new_from(node: AnyImport, base: str, imports: Sequence[NewImport]) -> AnyImport:
    """A statement for names that leave `node`, one name a line when they have comments or are many."""
    kind = cst.LazyImportFrom if isinstance(node, _LAZY) else cst.ImportFrom
    names = [_taken_out(node, new) for new in imports]
    module = base.lstrip(".")
    relative = [cst.Dot() for _ in range(len(base) - len(module))]
    fresh = kind(
        module=dotted_node(module) if module else None,
        relative=relative,
        names=_with_commas([n.alias.with_changes(comma=cst.MaybeSentinel.DEFAULT) for n in names]),
    )
    commented = any(n.comment or n.above for n in names)
    if not commented and (len(cst.Module([]).code_for_node(fresh)) <= LINE_LENGTH or len(names) == 1):
        return fresh
    return fresh.with_changes(**_spread(names))


def _taken_out(node: AnyImport, new: NewImport) -> _Name:
    if new.alias_index is None or isinstance(node, PlainImport) or isinstance(node.names, cst.ImportStar):
        return _Name(_alias(None, new))
    gaps = _gaps(node)
    before, after = gaps[new.alias_index], gaps[new.alias_index + 1]
    comment = after.first_line.comment if isinstance(after, cst.ParenthesizedWhitespace) else None
    above: tuple[cst.Comment, ...] = ()
    if isinstance(before, cst.ParenthesizedWhitespace):
        above = tuple(line.comment for line in before.empty_lines if line.comment is not None)
    return _Name(_alias(node.names[new.alias_index], new), comment, above)


def _spread(names: list[_Name]) -> dict[str, object]:
    def gap(comment: cst.Comment | None, above: tuple[cst.Comment, ...], indent: str) -> Gap:
        space = cst.SimpleWhitespace("  " if comment else "")
        lines = [cst.EmptyLine(whitespace=cst.SimpleWhitespace("    "), comment=c) for c in above]
        return cst.ParenthesizedWhitespace(
            first_line=cst.TrailingWhitespace(whitespace=space, comment=comment),
            empty_lines=lines,
            indent=True,
            last_line=cst.SimpleWhitespace(indent),
        )

    aliases = []
    for index, name in enumerate(names):
        last = index == len(names) - 1
        following = () if last else names[index + 1].above
        comma = cst.Comma(whitespace_after=gap(name.comment, following, "" if last else "    "))
        aliases.append(name.alias.with_changes(comma=comma))
    return {
        "names": aliases,
        "lpar": cst.LeftParen(whitespace_after=gap(None, names[0].above, "    ")),
        "rpar": cst.RightParen(),
    }
