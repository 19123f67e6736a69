"""`hocmig recover`: end a transaction that was interrupted, forward or back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from analyzers.configuration import CONFIG_NAME
from analyzers.errors import InputError, InterruptedTransactionError
from hocmig.terminal import Terminal
from hocmig.transaction.recovery import Pending, Recovered, pending, recover
from hocmig.transaction.safe_path import STATE_FOLDER

EXAMPLES = """
\b
Examples:
  hocmig recover                 (says what was interrupted, changes nothing)
  hocmig recover --resume
  hocmig recover --rollback
"""


@click.command(
    "recover",
    epilog=EXAMPLES,
    help="End an interrupted transaction: go on to the new tree, or back to the old one.",
)
@click.option("--resume", is_flag=True, help="Go on: the tree becomes exactly the new one.")
@click.option("--rollback", is_flag=True, help="Go back: the tree becomes exactly the old one.")
@click.option(
    "--force",
    is_flag=True,
    help=f"Move files that people changed since the interruption below {STATE_FOLDER}/rescued.",
)
@click.pass_obj
def command(options: dict[str, Any], resume: bool, rollback: bool, force: bool) -> None:
    """Print what was found and done.

    Raises:
        InterruptedTransactionError: one is pending, and neither direction was given (exit code 3).
        InputError: both directions were given, or `recovery.recover` refuses (exit code 2).
    """
    terminal = Terminal(json=options["as_json"], quiet=options["quiet"], verbose=options["verbose"])
    if resume and rollback:
        raise InputError("--resume", 0, "cannot be given together with --rollback", "choose one")
    root = find_root(options["root"])
    state = pending(root) if (root / STATE_FOLDER).is_dir() else None
    if state is None:
        terminal.say("Nothing to recover: no transaction was interrupted.")
        terminal.document({"pending": None, "recovered": None})
        return
    if not (resume or rollback):
        terminal.document({"pending": _pending_document(state), "recovered": None})
        raise InterruptedTransactionError(_question(state))
    direction = "--resume" if resume else "--rollback"
    done = recover(root, resume=resume, force=force, command=("hocmig", "recover", direction))
    if done is None:
        terminal.say("Nothing to recover: the transaction ended meanwhile.")
        terminal.document({"pending": None, "recovered": None})
        return
    _report(terminal, done)


def find_root(given: Path | None) -> Path:
    """The repository root: `given`, else the nearest folder upwards with hocmig's state or configuration.

    The configuration itself is not read: it may be one of the files that the transaction was changing.
    """
    if given is not None:
        if not given.is_dir():
            raise InputError(str(given), 0, "is no directory", "name the repository root with --root")
        return given.resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / STATE_FOLDER).is_dir() or (folder / CONFIG_NAME).is_file():
            return folder
    return here


def _question(state: Pending) -> str:
    strangers = ""
    if state.strangers:
        shown = ", ".join(state.strangers[:5]) + (" ..." if len(state.strangers) > 5 else "")
        strangers = f"; changed by people since: {shown}"
    return f"interrupted: {state}{strangers}; say --resume for the new tree or --rollback for the old one"


def _pending_document(state: Pending) -> dict[str, Any]:
    return {
        "transaction_id": state.transaction_id,
        "phase": state.phase,
        "command": list(state.command),
        "time": state.time,
        "written": state.written,
        "total": state.total,
        "strangers": list(state.strangers),
        "running": str(state.running) if state.running else None,
    }


def _report(terminal: Terminal, done: Recovered) -> None:
    tree = "new" if done.resumed else "old"
    terminal.say(f"{done.phase}: the tree is the {tree} one; {len(done.changed)} paths had to be changed.")
    for path, place in sorted(done.rescued.items()):
        terminal.say(f"put aside: {path} -> {place}")
    for path in done.kept:
        terminal.say(f"left as edited: {path}")
    terminal.document(
        {
            "pending": None,
            "recovered": {
                "transaction_id": done.transaction_id,
                "phase": done.phase,
                "direction": "resume" if done.resumed else "rollback",
                "changed": list(done.changed),
                "rescued": dict(done.rescued),
                "kept": list(done.kept),
            },
        }
    )
