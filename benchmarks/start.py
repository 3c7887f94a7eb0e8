"""How long `python -m mode --help` takes, that it loads nothing heavy, and what `diagnose` adds."""

import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.measurements import clocked, row

LIMIT = 0.5
HEAVY = ("tensorflow", "keras", "matplotlib")
HELP = ["-m", "mode", "--help"]
PEER = ["-c", "import mode.models"]
SCRIPT = """
import keras, numpy as np
x = np.random.default_rng(0).normal(size=(640, 4)).astype("float32")
layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(2, "softmax")]
model = keras.Sequential([keras.Input((4,)), *layers])
model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
model.fit(x, (x[:, 0] > 0).astype("int32"), epochs=10, verbose=0)
"""


def rows(*, repeats: int = 5) -> list[dict]:
    """Return one row: the command against a start that loads the models first."""
    ours = _seconds(HELP, repeats)
    peer = _seconds(PEER, repeats)
    timing = row("start", "python -m mode --help", ours, peer, peer=f"python {' '.join(PEER)}")
    loaded = heavy_imports(HELP)
    holds = "yes" if ours < LIMIT and not loaded else "no"
    target = f"under {LIMIT} s without {', '.join(HEAVY)}"
    return [{**timing, "target": target, "holds": holds, "imports": " ".join(loaded) or "none"}]


def script_rows(*, repeats: int = 5) -> list[dict]:
    """Return one row: a small script under `diagnose` against the script alone, in processor time.

    Both start Python and TensorFlow, so that the difference is what the diagnosis adds.
    """
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "train.py"
        script.write_text(SCRIPT)
        commands = {"ours": ["-m", "mode", "diagnose", str(script)], "peer": [str(script)]}
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(repeats):  # in turns, for a machine that does other work as well
            for name, command in commands.items():
                seconds[name].append(_processor_seconds(command))
    ours, peer = (median(seconds[name]) for name in commands)
    added = {"added_seconds": round(ours - peer, 2)}
    return [row("script", "python -m mode diagnose train.py", ours, peer, peer="python train.py",
                **added)]  # fmt: skip


def _processor_seconds(arguments: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _python(arguments)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


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
