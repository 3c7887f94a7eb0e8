"""The programs of a public suite: where each lies in a checkout, and what is true of it."""

import json
import shutil
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mode import checks

TRUTH = Path(__file__).parents[1] / "suites"
# codes that got another name after the truth had been written, which is not changed
RENAMED = {"change_batchnorm_momentum": "lower_batchnorm_momentum"}
SUITES = ("deepmufl", "deeplocalize", "healthy")


@dataclass(frozen=True)
class Program:
    """One program: its name, its file in the checkout, and its form.

    `form` is "buggy", "corrected" or "healthy". Only buggy ones may be stopped by the diagnosis;
    the others go on, so that their score can be measured.
    """

    name: str
    path: Path
    form: str

    def copy_to(self, folder: Path) -> Path:
        """Copy the program's folder and return the script in it; a notebook becomes one."""
        home = folder / "program"
        if self.path.suffix == ".ipynb":
            home.mkdir()
            script = home / f"{self.path.stem}.py"
            script.write_text(code_of(self.path), encoding="utf-8")
            return script
        shutil.copytree(self.path.parent, home)
        return home / self.path.name


def truth(suite: str) -> pd.DataFrame:
    """Return what is true of each program of a suite, by name."""
    table = pd.read_csv(TRUTH / f"{suite}.csv", dtype={"program": str}, keep_default_na=False)
    fixes = [[RENAMED.get(code, code) for code in line.split()] for line in table["fixes"]]
    return table.assign(fixes=[" ".join(codes) for codes in fixes])


def programs(suite: str, checkout: Path) -> list[Program]:
    """Return the programs of a suite that the checkout holds.

    Raises:
        InputError: where it holds none of them.
    """
    table = truth(suite)
    if suite == "deepmufl":
        listed = [Program(name, checkout / "Dataset" / "all-bugs" / name / "bug.py", "buggy")
                 for name in table["program"]]  # fmt: skip
    else:
        listed = [Program(r["program"], checkout / r["path"], r["form"])
                 for r in table.to_dict("records")]  # fmt: skip
    listed = [program for program in listed if program.path.is_file()]
    if not listed:
        checks.fail(f"--checkout must hold programs of {suite}", str(checkout),
                    "benchmarks/suites/README.md names the repository.")  # fmt: skip
    return listed


def code_of(notebook: Path) -> str:
    """Return a notebook's code cells as a script; commands of the notebook become `pass`."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return "\n\n".join(_plain(source) for source in sources) + "\n"


def _plain(source: str) -> str:
    lines = textwrap.dedent(source).split("\n")  # as a notebook takes them
    if lines[0].lstrip().startswith("%%"):  # a cell of another language, or a timed one
        return "\n".join(f"# {line}" for line in lines)
    return "\n".join(_command(line) for line in lines)


def _command(line: str) -> str:
    bare = line.lstrip()
    asks = bare[:1] in ("!", "%") or bare.rstrip().endswith("?")
    return f"{line[: len(line) - len(bare)]}pass  # {bare}" if asks else line
