"""Run the training programs under diagnosis: found, right first fix, healthy flagged, repaired.

python -m benchmarks.diagnosis_programs --what diagnose
"""

import argparse
import gc
import importlib
import time
from pathlib import Path

import keras
import pandas as pd
import tensorflow as tf

from mode import seeds

SETS = ("stackoverflow", "families", "healthy", "heldout", "unseen")


def programs(sets, only=()):
    """Return the programs of the named sets, in order."""
    pairs = []
    for name in sets:
        module = importlib.import_module(f"benchmarks.programs.{name}")
        pairs += [(name, program) for program in module.PROGRAMS]
    return [(s, p) for s, p in pairs if not only or any(o in p.name for o in only)]


def feed(program, task, fit) -> tuple[tuple, dict]:
    """Return the arguments of `fit` for the way the program feeds its data."""
    validation = (task.x, task.y) if program.validation == "train" else (task.test_x, task.test_y)
    options = {**fit, "validation_data": validation, "verbose": 0}
    batch = options.get("batch_size", 32)
    if program.feed == "arrays":
        return (task.x, task.y), options
    options.pop("batch_size", None)
    x, y = (tuple(part) if isinstance(part, list) else part for part in (task.x, task.y))
    data = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(10_000, seed=1).batch(batch)
    if program.feed == "tf.data":
        return (data,), options
    steps = -(-len(x[0] if isinstance(x, tuple) else x) // batch)
    endless = (batch for _ in iter(int, 1) for batch in data.as_numpy_iterator())
    return (endless,), {**options, "steps_per_epoch": steps}


def diagnose(program, seed: int = 0) -> dict:
    """Train a program under diagnosis; return one row."""
    from mode.diagnosis import Diagnosis

    keras.utils.set_random_seed(seed)
    task, model = program.task(), program.build()
    args, options = feed(program, task, program.fit)
    watch, failure = Diagnosis(stop=True), ""
    began = time.perf_counter()
    try:
        model.fit(*args, **options, callbacks=[watch])
    except Exception as error:
        failure = type(error).__name__
    seconds = time.perf_counter() - began
    goal, outcome = _goal(program, model, task), watch.report.outcome
    return _row(program, watch.report) | {
        "seconds": round(seconds, 2),
        "failure": failure,
        "goal": goal,
        "reached": goal >= program.goal[1],
        "level": outcome.level if outcome else "",
    }


def _row(program, report) -> dict:
    alarms = report.alarms
    worst: dict[str, str] = {}  # of each symptom, which may be found in several places
    for finding in report.findings:
        worst.setdefault(finding.symptom, finding.severity)
    symptoms = [symptom for symptom, severity in worst.items() if severity != "note"]
    accepted = set(program.symptoms.split())
    fixes = alarms[0].fixes if alarms else ()
    first = fixes[0].code if fixes else ""
    return {
        "faulty": program.faulty,
        "accepted": program.symptoms,
        "found": bool(accepted & set(symptoms)),
        "first": bool(symptoms) and symptoms[0] in accepted,
        "fix_right": first in program.fixes.split(),
        "flagged": bool(alarms),
        "first_fix": first,
        "symptoms": " ".join(symptoms),
        "notes": " ".join(symptom for symptom in worst if symptom not in symptoms),
        "seconds_to_first": report.seconds_to_first,
        "first_step": report.seconds_of_first_step,
        "stopped": report.stopped,
    }


def _goal(program, model, task) -> float:
    try:
        return round(float(program.goal[0](model, task)), 4)
    except Exception:
        return -1.0


def fixed(program, seed: int = 0) -> dict:
    """Train the fixed form under diagnosis; it must reach the goal without an alarm."""
    from dataclasses import replace

    form = replace(
        program,
        build=program.fixed,
        task=program.fixed_task or program.task,
        symptoms="",
        fit={**program.fit, "epochs": 25, **program.fixed_fit},
        validation="test",
        name=f"{program.name} (fixed)",
    )
    form.fit.setdefault("batch_size", 32)
    form.fit["batch_size"] = min(form.fit["batch_size"], 32)
    return diagnose(form, seed)


def repair(program, seed: int = 0) -> dict:
    """Repair a faulty program; return whether its goal is reached."""
    from mode.diagnosis import autorepair

    keras.utils.set_random_seed(seed)
    task = program.task()
    began = time.perf_counter()
    try:
        repaired = autorepair(
            program.build,
            (task.x, task.y),
            validation=(task.test_x, task.test_y),
            trials=8,
            epochs=program.fit.get("epochs"),
            batch_size=program.fit.get("batch_size", 32),
        )
        goal, changes, failure = (
            _goal(program, repaired.model, task),
            "; ".join(repaired.changes),
            "",
        )
    except Exception as error:
        goal, changes, failure = -1.0, "", f"{type(error).__name__}: {error}"
    return {
        "goal": goal,
        "reached": goal >= program.goal[1],
        "changes": changes,
        "failure": failure[:200],
        "faulty": program.faulty,
        "threshold": program.goal[1],
        "seconds": round(time.perf_counter() - began, 2),
    }


WHAT = {"diagnose": diagnose, "fixed": fixed, "repair": repair}


def run(sets, what: str, path: Path, *, only=(), part=(0, 1), sample=0, seed: int = 0) -> None:
    """Add one row per program to `path`, where those it holds already are left out.

    `part` (i, n) takes every n-th program from the i-th; `sample` draws so many by `seed`.
    """
    chosen = programs(sets, only)
    chosen = [(s, p) for s, p in chosen if p.faulty or what == "diagnose"]
    chosen = [(s, p) for s, p in chosen if p.fixed or what != "fixed"]
    if sample:
        order = seeds.generator(seed, "sample", what).permutation(len(chosen))
        chosen = [chosen[i] for i in order[:sample]]
    rows = pd.read_csv(path) if path.exists() else pd.DataFrame({"program": []})
    gc.freeze()  # what is imported stays; collecting it again and again takes most of the time
    for name, program in chosen[part[0] :: part[1]]:
        if program.name in set(rows.program):
            continue
        keras.utils.clear_session()
        row = {"set": name, "program": program.name, "what": path.stem, **WHAT[what](program, seed)}
        rows = pd.concat([rows, pd.DataFrame([row])], ignore_index=True)
        rows.to_csv(path, index=False)
        print({k: v for k, v in row.items() if k not in ("set", "what", "changes")}, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--what", default="diagnose", choices=sorted(WHAT))
    parser.add_argument("--only", nargs="*", default=(), help="parts of names")
    parser.add_argument("--part", nargs=2, type=int, default=(0, 1))
    parser.add_argument("--sample", type=int, default=0, help="so many programs, drawn by seed")
    parser.add_argument("--name", default="", help="of the rows' file; the default is --what")
    parser.add_argument("--out", default="results/runs/diagnosis")
    options = parser.parse_args()
    path = Path(options.out) / f"{options.name or options.what}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    chosen = {"only": options.only, "part": options.part, "sample": options.sample}
    run(options.sets, options.what, path, **chosen)


if __name__ == "__main__":
    main()
