"""The command line: global options, the table of commands, and the way from an error to an exit code."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from analyzers.errors import HocmigError
from hocmig import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

#: command -> (module below hocmig.commands, one-line help); modules are imported on first use, so that
#: `hocmig --help` stays fast. The order is the order of the work.
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "Write a sample repository and migrate it."),
    "init": ("init", "Detect the layout of a repository and write hocmig.yaml."),
    "suggest": ("suggest", "Find files that look misplaced, as a draft of a workbook."),
    "manifest": ("manifest", "P0: from the audit workbook to the migration manifest."),
    "resolve": ("resolve", "Settle rows of the manifest that wait for a decision."),
    "validate": ("validate", "P1: check the plan: files, targets, cycles, layers, callers."),
    "move": ("move", "P2: carry out the manifest: move files, rewrite references, or roll back."),
    "lock": ("lock", "P3: freeze the structure of the domains."),
    "guard": ("guard", "CI: find what changed against the locks."),
    "duplicates": ("duplicates", "P5: find duplicates and say what to do about them."),
    "verify": ("verify", "P4: imports, layers, tests, cycles, domains and hashes after the migration."),
    "consolidate": ("consolidate", "P6: merge duplicates into one copy and repoint their callers."),
    "refactor": ("refactor", "P7: move definitions between files, cluster by cluster."),
    "normalize": ("normalize", "P8: one import path for each shared name, and the final audit."),
    "check": ("check", "CI: find what breaks the architecture rules and contracts."),
    "mv": ("mv", "Move modules, packages or symbols without a workbook."),
    "run": ("run", "All phases in order, each behind the gate of the one before."),
    "recover": ("recover", "End an interrupted transaction."),
    "report": ("report", "The story of the migration as one HTML file."),
    "status": ("status", "Where a migration stands, and which command comes next."),
}

#: Phase numbers answer like the names of the phases.
ALIASES = {
    "p0": "manifest",
    "p1": "validate",
    "p2": "move",
    "p3": "lock",
    "p4": "verify",
    "p5": "duplicates",
    "p6": "consolidate",
    "p7": "refactor",
    "p8": "normalize",
}


class LazyGroup(click.Group):
    """A group that imports a command's module only when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"hocmig.commands.{COMMANDS[name][0]}")
        command: click.Command = module.command
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands that begin so; unlike click's own, this imports none of them."""
        found = [
            CompletionItem(name, help=text)
            for name, (_, text) in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--root", type=click.Path(path_type=Path), help="Repository root (default: where hocmig.yaml is)."
)
@click.option("--config", type=click.Path(path_type=Path), help="Configuration file (default: hocmig.yaml).")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document.")
@click.option("--quiet", is_flag=True, help="Print only errors and results.")
@click.option("--verbose", is_flag=True, help="Print more, and tracebacks of internal errors.")
@click.option("--no-progress", is_flag=True, help="No progress bars.")
@click.option("--jobs", type=click.IntRange(min=0), default=0, help="Processes (default: one per core).")
@click.version_option(__version__, prog_name="hocmig")
@click.pass_context
def cli(ctx: click.Context, /, **options: Any) -> None:
    """Move code between the parts of a large Python code base, rewrite every reference, and prove it."""
    ctx.obj = options


def main(argv: Sequence[str] | None = None) -> None:
    """Run hocmig and leave with its exit code (see the product contract)."""
    # Syntax trees and records hold no reference cycles: searching them for some costs a tenth of a run
    # (benchmarks/move_speed.py) and frees nothing.
    gc.set_threshold(100_000, 50, 50)
    sys.exit(run(sys.argv[1:] if argv is None else list(argv)))


def run(argv: list[str]) -> int:
    """Run hocmig with `argv` and return the exit code: 0 to 5 as documented, 130 after Ctrl-C."""
    verbose = "--verbose" in argv
    try:
        result = cli.main(args=argv, prog_name="hocmig", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Abort:
        return _fail("interrupted", 130)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.ClickException as error:
        return _fail(_one_line(error.format_message()), 2)
    except HocmigError as error:
        return _fail(str(error), error.exit_code)
    except BrokenPipeError:
        # The reader went away (`hocmig … | head`); keep Python from complaining at shutdown.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if verbose:
            traceback.print_exc()
        return _fail(
            f"internal: {type(error).__name__}: {_one_line(str(error))}; run again with --verbose", 5
        )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _fail(message: str, code: int) -> int:
    click.echo(f"error: {message}", err=True)
    return code


if __name__ == "__main__":
    main()
