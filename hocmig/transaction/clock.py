"""The time that is written into files; nothing that a transaction decides depends on it."""

from __future__ import annotations

import datetime
import os

from analyzers.errors import InputError


def timestamp() -> str:
    """Now in UTC to the second, as `2026-01-27T10:00:00Z`; SOURCE_DATE_EPOCH (seconds) stands in for now.

    Raises:
        InputError: SOURCE_DATE_EPOCH is set and no number of seconds.

    Source: https://reproducible-builds.org/specs/source-date-epoch/
    """
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    try:
        moment = (
            datetime.datetime.fromtimestamp(int(given), datetime.timezone.utc)
            if given
            else datetime.datetime.now(datetime.timezone.utc)
        )
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(
            "SOURCE_DATE_EPOCH", 0, f"is no number of seconds: {given[:40]!r}", "unset or mend it"
        ) from error
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def compact(time: str) -> str:
    """`time` as it stands in file names: `2026-01-27T10:00:00Z` -> `20260127T100000Z`."""
    return time.replace("-", "").replace(":", "")
