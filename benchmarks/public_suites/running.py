"""Run one program in a process of its own, in a copy of its folder, and say what came of it.

The processes are forks of one that has imported Keras and TensorFlow, so that the start, which
takes most of the time of a small program, is taken once; `start_seconds` measures it.
"""

import importlib
import json
import multiprocessing
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.public_suites.programs import Program
from benchmarks.public_suites.tables import START
from mode.data.archives import ENVIRONMENT

FIT_SECONDS, SECONDS = 240, 1800  # of one fit, and of a whole program: a loaded machine is slow
ROOT = Path(__file__).parents[2]
# one start at a time: a process that inherits another's pipe would keep that one from ending
_STARTING = threading.Lock()
_NOWHERE = "http://127.0.0.1:9"  # nothing listens there: a download fails at once
_SETTINGS = {"MPLBACKEND": "Agg", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore",
             "http_proxy": _NOWHERE, "https_proxy": _NOWHERE}  # fmt: skip
# what a program lacks that cannot run offline, by what it says in the end
_LACKS = (
    (r"FileNotFoundError: (?:\[Errno 2\] )?(?:No such file or directory: |\w.*? )?'?([^'\n]+)",
     "file"),
    (r"URL fetch failure on (\S+?):? ", "download"),
    (r"(?:urlopen error|Connection refused|Max retries exceeded|ConnectionError)(.{0,60})",
     "download"),
    (r"ModuleNotFoundError: No module named '([^']+)'", "package"),
    (r"(?:MemoryError|ResourceExhaustedError)(.{0,60})", "memory"),
)  # fmt: skip


def prepare() -> None:
    """Import what every program needs into this process, which the programs are forked from."""
    os.environ |= _SETTINGS
    os.environ["KERAS_HOME"] = tempfile.mkdtemp()
    if os.environ.get(ENVIRONMENT):
        os.environ[ENVIRONMENT] = str(Path(os.environ[ENVIRONMENT]).resolve())
    for name in ("offline", "programs"):
        importlib.import_module(f"benchmarks.public_suites.{name}")


def run_program(program: Program, *, repair: bool = False) -> dict:
    """Return the row of one program: what it took, what was found, its score; with `repair` also
    what came of the automatic repair of its first fit with findings."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        script = program.copy_to(folder)
        options = [] if program.form == "buggy" else ["--watch-only"]
        options += ["--repair"] if repair else []
        began = time.perf_counter()
        child = multiprocessing.get_context("fork").Process(
            target=_child, args=(script, options, folder)
        )
        with _STARTING:
            child.start()
        child.join(SECONDS)
        late = child.is_alive()
        if late:
            os.killpg(child.pid or 0, signal.SIGKILL)
            child.join()
        done = {name: _text(folder / name) for name in ("out", "err")}
        done |= {"code": None if late else child.exitcode,
                 "seconds": round(time.perf_counter() - began, 1)}  # fmt: skip
        facts = json.loads(_text(folder / "facts") or "{}")
    return {"program": program.name, "form": program.form, **_row(done, facts)}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _child(script: Path, options: list[str], folder: Path) -> None:
    """Be `python -m mode diagnose` on a script, in its folder, with output to files."""
    os.setsid()
    os.chdir(script.parent)
    for number, name in ((0, os.devnull), (1, folder / "out"), (2, folder / "err")):
        kind = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT
        os.dup2(os.open(name, kind), number)
    sys.stdin = os.fdopen(0)  # what the parent had stays behind
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    sys.argv = ["mode", "diagnose", "--json", "--seconds", str(FIT_SECONDS), *options, script.name]
    offline = importlib.import_module("benchmarks.public_suites.offline")
    scores: list[dict] = []
    try:
        offline.run(scores)
    finally:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        facts = {"scores": scores, "cpu": round(usage.ru_utime + usage.ru_stime, 1)}
        (folder / "facts").write_text(json.dumps(facts), encoding="utf-8")
        sys.stdout.flush()


def start_seconds() -> dict:
    """Return the row of a program that only imports, in a new Python: what the start takes."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "start.py"
        script.write_text("import keras, numpy, tensorflow\n", encoding="utf-8")
        command = [sys.executable, "-m", "mode", "diagnose", str(script)]
        began = time.perf_counter()
        nothing = subprocess.DEVNULL
        child = subprocess.Popen(command, cwd=ROOT, stdout=nothing, stderr=nothing)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    return {"program": START, "form": "", "status": "no fit",
            "seconds": round(time.perf_counter() - began, 1),
            "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1)}  # fmt: skip


def _row(done: dict, facts: dict) -> dict:
    times = {"seconds": done["seconds"], "cpu_seconds": facts.get("cpu", "")}
    scores = facts.get("scores", [])
    if done["code"] is None:
        return {"status": f"needs more than {SECONDS} s", **times}
    try:
        output = json.loads(done["out"].strip().splitlines()[-1])
        reports = output["reports"]
    except (ValueError, IndexError, KeyError):
        output, reports = {}, []
    failure = _failure(done) if done["code"] == 2 or not reports else ""
    findings = [f for report in reports for f in report["findings"]]
    alarms = [f for f in findings if f["severity"] != "note"]
    symptoms = list(dict.fromkeys(f["symptom"] for f in alarms))
    notes = dict.fromkeys(f["symptom"] for f in findings if f["symptom"] not in symptoms)
    first = [r["seconds_to_first"] for r in reports if r["seconds_to_first"] is not None]
    last = next((s for s in reversed(scores) if s), {})
    outcomes = [r["outcome"]["level"] for r in reports if r["outcome"]]
    return {
        "status": "trained" if reports else _lack(failure) or "failed",
        "message": re.sub(r" \(/[^)]*\)", "", failure)[:300],  # the machine's own folders
        "fits": len(reports),
        "symptoms": " ".join(symptoms),
        "fix": next((f["fixes"][0]["code"] for f in alarms[:1] if f["fixes"]), ""),
        "notes": " ".join(notes),
        "level": outcomes[-1] if outcomes else "",
        **{key: last.get(key, "") for key in ("measure", "score", "constant", "skill")},
        "translated": done["err"].count("translated to Keras 3: "),
        "to_first": round(first[0], 1) if first else "",
        **_repaired(output.get("repair")),
        **times,
    }


def _repaired(repair: dict | None) -> dict:
    """Return the columns of an automatic repair, none where there was none."""
    if repair is None:
        return {}
    numbers = {"skill before": repair["before"], "skill after": repair["skill"]}
    numbers = {name: "" if value is None else round(value, 3) for name, value in numbers.items()}
    changes = "; ".join(repair["changes"])
    return {"reached": repair["reached"], **numbers, "changes": changes,
            "repair_seconds": round(repair["seconds"], 1)}  # fmt: skip


def _failure(done: dict) -> str:
    """Return the line in which a program says why it ended."""
    lines = [line.strip() for line in done["err"].splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Interrupt)\b.*:", line)]
    ending = [line for line in lines if line == "The script ran but called no fit."]
    return next(iter([*errors[::-1], *ending, *lines[::-1]]), f"exit code {done['code']}")


def _lack(failure: str) -> str:
    if failure == "The script ran but called no fit.":
        return "no fit"
    for pattern, kind in _LACKS:
        if match := re.search(pattern, failure):
            return f"needs {kind} {match[1].strip()}".strip()
    return ""
