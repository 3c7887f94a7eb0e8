"""Programs of others: read from a checkout, run in a process of their own, counted by the truth."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.public_suites import programs as listing
from benchmarks.public_suites import running, tables
from benchmarks.public_suites.offline import measured
from benchmarks.public_suites.programs import code_of, programs, truth
from mode.checks import InputError
from mode.diagnosis.catalog.fixes import FIXES
from mode.diagnosis.catalog.symptoms import SYMPTOMS

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
SUITES = sorted(path.stem for path in listing.TRUTH.glob("*.csv") if "rivals" not in path.stem)
FAULTY = """\
import numpy as np
from keras.models import Sequential
from keras.layers.core import Dense
from keras.datasets import mnist
from keras.optimizers import Adam
extra = open("beside.txt").read()
x = np.random.rand(200, 4)
y = (x[:, 0] > 0.5).astype(int)
model = Sequential([Dense(8, activation="relu"), Dense(1, activation="softmax")])
model.compile(Adam(0.02), "binary_crossentropy")
model.fit(x, y, nb_epoch=10, verbose=0)
"""


@pytest.mark.parametrize("suite", SUITES)
def test_the_truth_names_symptoms_and_fixes_that_exist(suite):
    table = truth(suite)
    assert table["program"].is_unique
    assert (table["reason"] != "").all()
    assert {s for line in table["symptoms"] for s in line.split()} <= set(SYMPTOMS)
    # The truth of deepmufl names a fix that does not exist. It is not changed; it never counts.
    assert {f for line in table["fixes"] for f in line.split()} <= {*FIXES, "fix_input"}
    plain = table[table["plain"].astype(str) == "1"]
    assert (plain["symptoms"] != "").all()
    assert (plain["fixes"] != "").all()


def test_a_folder_without_the_programs_is_refused(tmp_path):
    with pytest.raises(InputError, match="must hold programs of deepmufl"):
        programs("deepmufl", tmp_path)


def test_a_notebook_becomes_a_script_without_its_commands(tmp_path):
    cells = ["x = 1\n!pip install y\nif x:\n    %matplotlib inline", "%%bash\nls", "  x?\n  x"]
    notebook = {"cells": [{"cell_type": "code", "source": [cell]} for cell in cells]}
    notebook["cells"].append({"cell_type": "markdown", "source": ["text"]})
    (tmp_path / "a.ipynb").write_text(json.dumps(notebook))
    code = code_of(tmp_path / "a.ipynb")
    assert "ls" in code
    assert "text" not in code
    exec(compile(code, "a", "exec"), {})


@pytest.mark.parametrize(
    ("p", "y", "measure", "skill"),
    [
        ([[0.1, 0.9], [0.8, 0.2], [0.7, 0.3]], [[0, 1], [1, 0], [0, 1]], "accuracy", 0.0),
        ([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]], [1, 0, 1], "accuracy", 1.0),
        ([[0.9], [-0.2], [0.7]], [1, -1, 1], "accuracy", 1.0),
        ([[1.0], [2.0], [3.0]], [1.0, 2.0, 3.5], "R2", 0.921),
        ([[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0], [0.0, 1.0]], "R2", -1.0),
    ],
)
def test_the_score_is_the_share_of_what_the_best_constant_leaves(p, y, measure, skill):
    found = measured(np.array(p, float), np.array(y, float))
    assert (found["measure"], found["skill"]) == (measure, skill)


def test_a_program_runs_in_a_copy_of_its_folder_and_gives_a_row(tmp_path):
    (tmp_path / "bug.py").write_text(FAULTY)
    (tmp_path / "beside.txt").write_text("")
    # a process of its own, as that of the command: this one may have used TensorFlow
    code = (
        "import json\nfrom pathlib import Path\n"
        "from benchmarks.public_suites.programs import Program\n"
        "from benchmarks.public_suites.running import prepare, run_program\n"
        f"prepare()\nprogram = Program('1', Path({str(tmp_path / 'bug.py')!r}), 'buggy')\n"
        "print(json.dumps(run_program(program, repair=True)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    row = json.loads(done.stdout.splitlines()[-1])
    assert (row["status"], row["fits"], row["fix"]) == ("trained", 1, "change_output_activation")
    assert "activation_mismatch" in row["symptoms"]
    assert row["translated"] == 2
    assert row["measure"] == "accuracy"
    assert row["skill"] > 0.5, "the last fit is the repair's"
    assert 0 < row["to_first"] < row["seconds"]
    assert row["reached"]
    assert row["skill before"] <= 0 < row["skill after"]
    assert "sigmoid" in row["changes"]
    assert 0 < row["repair_seconds"] < row["seconds"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["beside.txt", "bug.py"]


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("FileNotFoundError: [Errno 2] No such file or directory: 'a.csv'", "needs file a.csv"),
        ("Exception: URL fetch failure on https://x.org/vgg.h5: None -- refused",
         "needs download https://x.org/vgg.h5"),
        ("ModuleNotFoundError: No module named 'gone'", "needs package gone"),
        ("The script ran but called no fit.", "no fit"),
        ("TypeError: wrong", "failed"),
    ],
)  # fmt: skip
def test_a_row_says_what_a_program_lacks(text, status):
    done = {"out": "{}", "err": f"other\n{text}\n", "code": 2, "seconds": 1.0}
    assert running._row(done, {})["status"] == status


def test_counts_follow_the_truth_that_was_written_before(tmp_path, monkeypatch):
    names = ["a buggy", "b buggy", "c buggy", "d corrected", "e corrected"]
    facts = pd.DataFrame({
        "program": names, "form": [n.split()[1] for n in names], "path": "x", "fault": "f",
        "plain": [1, 1, 1, 0, 0], "needs": ["", "", "data", "", ""],
        "symptoms": ["dead_relu", "dead_relu", "dead_relu", "", ""],
        "fixes": ["widen_layer"] * 3 + ["", ""], "reason": "r",
    })  # fmt: skip
    facts.to_csv(tmp_path / "deeplocalize.csv", index=False)
    monkeypatch.setattr(listing, "TRUTH", tmp_path)
    rows = facts[["program", "form"]].assign(
        status=["trained", "failed", "needs file x", "trained", "trained"],
        symptoms=["lr_low dead_relu", "", "", "dead_relu", "dead_relu"],
        fix=["widen_layer", "", "", "a", "a"], skill=["", "", "", "0.9", "0.2"],
        cpu_seconds="3", to_first="1",
    )  # fmt: skip
    start = pd.DataFrame([{"program": tables.START, "cpu_seconds": "2"}])
    line = tables.summary("deeplocalize", "first", pd.concat([rows, start]).fillna(""))
    assert (line["programs"], line["of"]) == (5, 5)
    counts = ("programs", "lack something", "trained of the others", "plain faults", "found",
              "right first fix", "good forms", "flagged")  # fmt: skip
    assert [line[name] for name in counts] == [5, 1, 3, 2, 1, 1, 1, 1]


def test_the_programs_to_repair_are_drawn_among_the_plain_faults_that_run_offline():
    drawn, table = tables.sample("deepmufl", 20), truth("deepmufl").set_index("program")
    assert len(set(drawn)) == 20
    assert drawn == tables.sample("deepmufl", 20)
    assert (table.loc[drawn, ["plain", "needs"]].astype(str) == ["1", ""]).all(axis=None)


def test_the_committed_tables_are_redone_from_their_rows(tmp_path):
    (tmp_path / "runs").symlink_to(RESULTS / "runs")
    tables.write_tables(tmp_path)
    for path in (tmp_path / "tables").glob("*.csv"):
        assert path.read_text() == (RESULTS / "tables" / path.name).read_text()
