"""How long `python -m mode --help` takes, and that it loads nothing heavy."""

import re
import subprocess
import sys
from statistics import median

from benchmarks.measurements import clocked, row

LIMIT = 0.5
HEAVY = ("tensorflow", "keras", "matplotlib")
HELP = ["-m", "mode", "--help"]
PEER = ["-c", "import mode.models"]


def rows(*, repeats: int = 5) -> list[dict]:
    """Return one row: the command against a start that loads the models first."""
    ours = _seconds(HELP, repeats)
    peer = _seconds(PEER, repeats)
    found = row("start", "python -m mode --help", ours, peer, peer=f"python {' '.join(PEER)}")
    loaded = heavy_imports(HELP)
    holds = "yes" if ours < LIMIT and not loaded else "no"
    target = f"under {LIMIT} s without {', '.join(HEAVY)}"
    return [{**found, "target": target, "holds": holds, "imports": " ".join(loaded) or "none"}]


def heavy_imports(arguments: list[str]) -> list[str]:
    """Return which of HEAVY the interpreter loads when it is started with these arguments."""
    imported = _python(["-X", "importtime", *arguments]).stderr
    loaded = set(re.findall(r"\| +(\w+)$", imported, flags=re.MULTILINE))
    return [name for name in HEAVY if name in loaded]


def _seconds(arguments: list[str], repeats: int) -> float:
    """The median over several starts, after one that fills the caches of the disk."""
    _python(arguments)
    return median(clocked(lambda: _python(arguments))[0] for _ in range(repeats))


def _python(arguments: list[str]) -> subprocess.CompletedProcess:
    command = [sys.executable, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True)
