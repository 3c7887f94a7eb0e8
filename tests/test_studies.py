"""Studies: refused parameters, resumed and failing runs, and the tables they end in."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from papermill.exceptions import PapermillExecutionError

from mode import checks, results
from mode import notebooks as notebooks_module
from mode.studies import STUDIES, run_study, tabulate
from mode.studies.engine import close_kernels, execute
from mode.studies.output import literal, summary
from mode.studies.registry import publication_grid
from mode.studies.tables import final_rows, layers_chosen
from tests.messages import listed

ROOT = Path(__file__).parents[1]
SMALL = {"metrics": ["dot", "earth_mover"], "rounds": 1, "batch": 20, "epochs": 1}
COMMAND = [sys.executable, "-m", "mode", "reproduce", "--protocol", "corrected", "--workers", "2"]
for key, value in SMALL.items():
    COMMAND += ["-p", key, str(value)]


def reproduce(out: Path, *more: str) -> subprocess.CompletedProcess:
    arguments = [*COMMAND, "--out", str(out), *more]
    return subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=300)


def tables_of(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (out / "tables").rglob("*.csv")}


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed")
    run = reproduce(out, "--seeds", "1")
    assert run.returncode == 0, run.stderr
    return out, run


@pytest.mark.commands
def test_reproduce_ends_with_both_tables_and_where_everything_lies(undisturbed):
    out, run = undisturbed
    assert "Table 1, with layer selection, corrected protocol" in run.stdout
    assert "Table 2, without layer selection, corrected protocol" in run.stdout
    assert str(out) in run.stdout
    for part in ("runs", "tables", "figures", "executed"):
        assert any((out / part / "publication").iterdir()), part


@pytest.mark.commands
def test_rows_have_identity_in_columns_and_nothing_volatile(undisturbed):
    rows = results.read_rows(undisturbed[0] / "runs" / "publication")
    assert set(rows["layer_selection"]) == {True, False}
    assert set(rows["metric"]) == set(SMALL["metrics"])
    assert set(rows["method"]) == {"mode", "control"}
    assert not set(results.VOLATILE) & set(rows)


@pytest.mark.commands
def test_a_record_keeps_parameters_versions_and_seconds(undisturbed):
    record = next((undisturbed[0] / "runs" / "publication").glob("*.json"))
    record = json.loads(record.read_text())
    assert record["parameters"]["batch"] == SMALL["batch"]
    assert record["seconds"]["total"] > 0
    assert record["versions"]["keras"]


@pytest.mark.commands
def test_killed_and_started_again_it_repeats_nothing_and_ends_the_same(undisturbed, tmp_path):
    arguments = [*COMMAND, "--out", str(tmp_path), "--seeds", "1", "--workers", "1"]
    process = subprocess.Popen(
        arguments, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True
    )
    finished = lambda: list((tmp_path / "runs").rglob("*seed=0*.csv"))  # noqa: E731
    whole = lambda: [path for path in finished() if "partial" not in path.name]  # noqa: E731
    deadline = time.monotonic() + 120
    while not whole() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    first = whole()[0]
    written = first.stat().st_mtime_ns
    assert reproduce(tmp_path, "--seeds", "1").returncode == 0
    assert first.stat().st_mtime_ns == written
    assert tables_of(tmp_path) == tables_of(undisturbed[0])


@pytest.fixture
def failing(tmp_path, monkeypatch):
    """A study of a notebook that fails for seed 1, and writes which kernel it ran in and what the
    run before left there; yields the folder for its results."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    parameters = 'seed: int = 0  # which\nout: str = ""  # where'
    cell = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    code = 'assert seed != 1, "unlucky"\nimport os\nleft = "before" in globals()\nbefore = seed\n'
    code += 'open(out, "w").write(f"seed,kernel,left\\n{seed},{os.getpid()},{left}\\n")'
    notebook.cells = [
        nbformat.v4.new_markdown_cell("# Does it fail?"),
        cell,
        nbformat.v4.new_code_cell(code),
    ]
    nbformat.write(notebook, tmp_path / "99-fails.ipynb")
    monkeypatch.setattr(notebooks_module, "folder", lambda: tmp_path)
    monkeypatch.setitem(
        STUDIES,
        "failing",
        type(STUDIES["publication"])(
            question="Does one failure stop the others?",
            notebook="99-fails",
            grid=lambda *, data, seeds, protocol: ({"seed": seed} for seed in range(seeds)),
            tables=lambda rows: {"all": rows},
            figures={},
        ),
    )
    return tmp_path / "out"


@pytest.fixture
def run_here(failing):
    """Execute the run of one seed in this process, as a worker does; return its row."""

    def run_here(seed: int) -> dict:
        execute(failing.parent / "99-fails.ipynb", failing, "failing", f"{seed}", {"seed": seed})
        return pd.read_csv(failing / "runs" / "failing" / f"{seed}.csv").iloc[0].to_dict()

    yield run_here
    close_kernels()


def test_runs_share_a_kernel_until_one_fails_or_the_kernel_dies(run_here, failing):
    first, second = run_here(0), run_here(2)
    assert first["kernel"] == second["kernel"]
    assert [first["left"], second["left"]] == [False, False], "nothing is left by the run before"
    text = (failing / "executed" / "failing" / "2.ipynb").read_text()
    counts = [cell.execution_count for cell in nbformat.reads(text, 4).cells if "outputs" in cell]
    assert counts == [1, 2, 3], "counted from the notebook's beginning"
    with pytest.raises(PapermillExecutionError, match="unlucky"):
        run_here(1)
    after_failure = run_here(3)["kernel"]
    assert after_failure != first["kernel"]
    assert not process_exists(first["kernel"])
    os.kill(after_failure, signal.SIGKILL)
    assert run_here(4)["kernel"] != after_failure


def test_no_kernel_is_left_when_a_study_has_ended(failing):
    run_study("failing", out=failing, seeds=1, workers=1)
    kernel = tabulate(failing, "failing")["all"]["kernel"][0]
    assert not process_exists(kernel)


def process_exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.commands
def test_rows_are_those_of_a_new_kernel_whatever_ran_before(tmp_path):
    settings = {
        "corrected": {**SMALL, "protocol": "corrected", "layer_selection": True, "seed": 0},
        "published": {**SMALL, "protocol": "published", "layer_selection": False, "seed": 1},
    }
    notebook = notebooks_module.path("02-run")
    rows = {}
    for order in (["corrected", "published"], ["published", "corrected"]):
        out = tmp_path / order[0]  # whose run is the first of a new kernel
        for run in order:
            execute(notebook, out, "publication", run, settings[run])
            rows[order[0], run] = (out / "runs" / "publication" / f"{run}.csv").read_bytes()
        close_kernels()
    for run in settings:
        assert rows["corrected", run] == rows["published", run]


def test_a_failing_run_leaves_its_notebook_and_does_not_stop_the_others(failing):
    """On a running scheduler, which stays up."""
    from dask.distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster:
        options = {"out": failing, "seeds": 3, "scheduler": cluster.scheduler_address}
        outcome = run_study("failing", **options)
        assert outcome.done == ("seed=0", "seed=2")
        assert list(outcome.failed) == ["seed=1"]
        assert "unlucky" in outcome.failed["seed=1"]
        marked = (failing / "executed" / "failing" / "seed=1.ipynb").read_text()
        assert "An Exception was encountered" in marked
        again = run_study("failing", **options)
        assert again.skipped == ("seed=0", "seed=2")
        assert len(tabulate(failing, "failing")["all"]) == 2
        assert cluster.scheduler_info["workers"], "a cluster that is not ours stays up"


LISTED = listed(STUDIES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"name": "publicaton"},
            f"study must be one of {LISTED}. Received: 'publicaton'. Did you mean 'publication'?",
        ),
        (
            {"name": "publication", "seeds": 0},
            "seeds must be a whole number of at least 1. Received: 0.",
        ),
        (
            {"name": "publication", "protocol": "publish"},
            "protocol must be one of 'both', 'corrected', 'published'. Received: 'publish'. "
            "Did you mean 'published'?",
        ),
        (
            {"name": "publication", "parameters": {"round": 3}},
            f"parameter of 02-run must be one of {listed(notebooks_module.parameters('02-run'))}. "
            "Received: 'round'. Did you mean 'rounds'?",
        ),
    ],
)
def test_bad_input_is_refused_before_any_run(arguments, message, tmp_path):
    with pytest.raises(checks.InputError) as error:
        run_study(**arguments, out=tmp_path)
    assert str(error.value) == message
    assert not any(tmp_path.iterdir())


def test_the_grid_is_protocol_by_layer_selection_by_seed():
    points = list(publication_grid(data="mnist", seeds=3, protocol="both"))
    assert len(points) == 12
    splits = {(point["protocol"], point["split"]) for point in points}
    assert splits == {("published", "published"), ("corrected", "halves")}


def test_final_rows_by_hand():
    identity = {"data": "d", "protocol": "p", "layer_selection": True, "metric": "dot", "seed": 0}
    rows = pd.DataFrame(
        [
            {"method": "mode", "round": 0, "accuracy": 0.5, "repaired": 0, "broken": 0},
            {"method": "mode", "round": 1, "accuracy": 0.7, "repaired": 3, "broken": 1},
            {"method": "control", "round": 0, "accuracy": 0.5, "repaired": 0, "broken": 0},
            {"method": "control", "round": 1, "accuracy": 0.6, "repaired": 2, "broken": 1},
            {"method": "control", "round": 2, "accuracy": 0.8, "repaired": 4, "broken": 1},
        ]
    ).assign(**identity, layer="output")
    row = final_rows(rows).iloc[0]
    assert (row["initial"], row["final"], row["control"]) == (0.5, 0.7, 0.8)
    assert (row["finished_early"], row["repaired"], row["broken"]) == (1, 3, 1)
    assert layers_chosen(rows)["share"].tolist() == [1.0]


def test_a_comparison_ends_with_its_methods_from_worst_to_best(tmp_path):
    table = pd.read_csv(ROOT / "results" / "tables" / "selection-mnist" / "against_control.csv")
    lines = summary({"against_control": table}, tmp_path, "selection-mnist").splitlines()
    methods = [line.strip() for line in lines[2 : 2 + len(table)]]
    assert methods[0].startswith("published ")
    assert methods[-1].startswith("targeted_random "), "the control, without a difference"
    assert "nan" not in " ".join(methods)
    assert lines[-1].startswith("Everything lies in ")


def test_parameters_of_the_command_line_are_literals_or_text():
    assert literal("3") == 3
    assert literal("['dot']") == ["dot"]
    assert literal("fashion_mnist") == "fashion_mnist"
