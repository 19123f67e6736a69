"""A small project of three domains, and what its files held before the trials."""

from __future__ import annotations

from pathlib import Path

NO_WORKBOOK, WORKBOOK = 'workbook: ""', "workbook: AUDIT.md"
MORE_SETTINGS = """\
expect: {misplaced: 2, domains: 3}
architecture:
  rules: [ARCH-001]
  include_typing_only: false
  shared_utility_domains: 3
  canonical: defining
  contracts:
    - {type: forbidden, name: no store, source: [app.hoc.logs], forbidden: [app.hoc.billing.L6_drivers]}
    - {type: independence, name: apart, modules: [app.hoc.logs, app.hoc.billing]}
    - {type: layers, name: order, layers: [app.hoc.logs, app.hoc.general]}
references: {include: ["*.md"], exclude: ["docs/**"], level: likely}
duplicates: {min_lines: 5, threshold: 0.9, scope: across}
commands: {tests: "true"}
execution: {jobs: 1, executor: local}
"""

_BODY = "".join(f"    step_{n} = amount * {n} + len(str(amount))\n" for n in range(14))
_FACADE = "from app.hoc.general.L6_drivers.store import read\n\n__all__ = ['read']\n"
_CANARY = "open('imported', 'w').close()\n"
_FILES = {
    "app/__init__.py": _CANARY,
    "app/hoc/__init__.py": "",
    "app/hoc/billing/L5_engines/limits.py": "from app.hoc.general.L6_drivers.store import read\n\n\n"
    f"def check(amount):\n{_BODY}    return read(amount)\n",
    "app/hoc/billing/L5_engines/use.py": "from .limits import check\n\n\ndef run():\n    return check(1)\n",
    "app/hoc/logs/L5_engines/trace.py": f"def trace(amount):\n{_BODY}    return read(amount)\n\n\n"
    "def read(amount):\n    return amount\n",
    "app/hoc/logs/L5_engines/trace_a.py": "from .trace import trace\n\n\ndef first():\n    return trace(1)\n",
    "app/hoc/logs/L5_engines/trace_b.py": "from .trace_a import first\n\n\ndef second():\n"
    "    return first()\n",
    "app/hoc/logs/L5_engines/trace_c.py": "from app.hoc.general import read\n\n\ndef third():\n"
    "    return read(2)\n",
    "app/hoc/general/L6_drivers/store.py": "def read(amount):\n    return amount\n",
    "README.md": "See app/hoc/logs/L5_engines/trace_c.py\n",
    "AUDIT.md": """# Audit

### [x] `logs/L5_engines/trace_c.py`

| Attribute | Value |
|-----------|-------|
| **Current Domain** | logs |
| **Layer** | L5 — Domain Engine |

**DECISION:** `billing` ⚠️ (MISPLACED)
**Reason:** used there;
and only there.

### [~] `billing/L5_engines/use.py`

```
Attribute: Current Domain
Value: billing
────────────────────────
Attribute: Layer
Value: L5 — Engine

ASSIGN TO: general/L5_engines/flow/ ⚠️ (MISPLACED → INFRASTRUCTURE)
Reason: everybody uses it
  as said.
```

### [x] `general/L6_drivers/store.py`

**DECISION:** `general` ✓ (CONFIRMED)

### [ ] `logs/L5_engines/trace.py`

**DECISION:** `DELETE`
""",
}
MOVES = (
    "old_path,new_path\napp/hoc/logs/L5_engines/trace_c.py,app/hoc/billing/L5_engines/trace_c.py\n"
    "app/hoc/billing/L5_engines/use.py,app/hoc/logs/L5_engines/use.py\n"
)
CLUSTERS = """\
clusters:
  logs_trace:
    domain: logs
    description: "Traces"
    current_files:
      - L5_engines/trace_a.py
      - L5_engines/trace_b.py
    target_structure:
      L5_engines/trace_group.py: [trace_a, trace_b]
"""


def write_project(tree: Path, outside: Path) -> None:
    """A small project of three domains; `out` and `app/hoc/out` lead to the folder outside."""
    files = dict(_FILES)
    for domain in ("billing", "logs", "general"):
        for folder in ("", "/L5_engines", "/L6_drivers"):
            files[f"app/hoc/{domain}{folder}/__init__.py"] = ""
    files["app/hoc/general/__init__.py"] = _FACADE
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    for link in ("out", "app/hoc/out"):
        (tree / link).symlink_to(outside)
