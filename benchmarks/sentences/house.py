"""The floors of the house and a drawing of its imports (for CONTRIBUTING.md), from the code."""

import ast
import tomllib
from pathlib import Path

from benchmarks.sentences.tables import Results

FLOORS = "Imports go down only, never up, never sideways"  # name of the contract


def values(results: Results) -> dict:
    """Return the floors, top first, and the drawing."""
    root = results.folder.parent
    floors = floors_of(root)
    rows = [
        f"| {number} | {', '.join(f'`{_path(root, name)}`' for name in names)} |"
        for number, names in zip(range(len(floors) - 1, -1, -1), floors, strict=True)
    ]
    return {"floors": "\n".join(rows), "drawing": drawing(floors, imports(root / "mode"))}


def floors_of(root: Path) -> list[list[str]]:
    """Return the rooms (packages and modules of `mode`) on each floor, top first, from the contract
    in pyproject.toml that import-linter checks."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (c for c in settings["tool"]["importlinter"]["contracts"] if c["name"] == FLOORS)
    names = [floor.replace("(", "").replace(")", "").split("|") for floor in contract["layers"]]
    return [[name.strip().removeprefix("mode.") for name in floor] for floor in names]


def imports(package: Path) -> dict[str, set[str]]:
    """Return room -> the rooms that its files import, anywhere in their code."""
    rooms: dict[str, set[str]] = {}
    for path in sorted(package.rglob("*.py")):
        room = path.relative_to(package).with_suffix("").parts[0]
        named = rooms.setdefault(room, set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "mode":
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mode."):
                named.add(str(node.module).split(".")[1])
        named.discard(room)
    return {room: named & set(rooms) for room, named in rooms.items()}


def drawing(floors: list[list[str]], imported: dict[str, set[str]]) -> str:
    """Return a Mermaid drawing: a box per floor, an arrow from each room to those it imports.

    What a room also reaches through another one has no arrow of its own.
    """
    lines = ["flowchart TD"]
    for number, names in zip(range(len(floors) - 1, -1, -1), floors, strict=True):
        lines += [f'  subgraph floor{number}["floor {number}"]']
        lines += [f"    {name}" for name in names] + ["  end"]
    rooms = [name for floor in floors for name in floor]
    for room in rooms:
        direct = imported[room] & set(rooms)
        further = set().union(*(_reached(imported, name) for name in direct))
        lines += [f"  {room} --> {name}" for name in rooms if name in direct - further]
    return "\n".join(["```mermaid", *lines, "```"])


def _reached(imported: dict[str, set[str]], room: str) -> set[str]:
    """Return every room that a room imports, itself or through others."""
    below = imported[room]
    return below.union(*(_reached(imported, name) for name in below))


def _path(root: Path, name: str) -> str:
    return f"mode/{name}/" if (root / "mode" / name).is_dir() else f"mode/{name}.py"
