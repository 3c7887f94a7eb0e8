"""The text of a script with changes at places of its syntax tree."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field

from mode.diagnosis.keras2 import KEYWORDS


def called(call: ast.Call) -> str:
    """Return the last name of what is called, "" where it has none."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


@dataclass
class Source:
    """A script's text with its changes: `edits` are (start, end, new) in bytes, `unplaced` names
    what has no certain place in it."""

    text: bytes
    edits: list[tuple[int, int, str]] = field(default_factory=list)
    unplaced: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.tree = ast.parse(self.text)
        self.starts = [0]
        for line in self.text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self._extended: set[int] = set()  # calls that got an argument
        self.parents = {c: n for n in ast.walk(self.tree) for c in ast.iter_child_nodes(n)}

    def span(self, node) -> tuple[int, int]:
        """Return where a node begins and ends."""
        begin = self.starts[node.lineno - 1] + node.col_offset
        return begin, self.starts[node.end_lineno - 1] + node.end_col_offset

    def code(self, node) -> str:
        """Return the text of a node."""
        begin, end = self.span(node)
        return self.text[begin:end].decode()

    def replace(self, node, new: str) -> None:
        """Write something else in the place of a node."""
        self.edits.append((*self.span(node), new))

    def statement(self, node) -> ast.stmt:
        """Return the statement that a node is part of."""
        while not isinstance(node, ast.stmt):
            node = self.parents[node]
        return node

    def add_lines(self, statement: ast.stmt, lines: Sequence[str], *, before: bool) -> None:
        """Add lines of the same indentation before or after a statement."""
        indent = " " * statement.col_offset
        at = self.starts[statement.lineno - 1 if before else statement.end_lineno or 0]
        new = "".join(f"{indent}{line}\n" for line in lines)
        ended = self.text[:at].endswith(b"\n") or not at
        self.edits.append((at, at, new if ended else f"\n{new}"))

    def set_keyword(self, call: ast.Call, name: str, value: str, names: Sequence[str]) -> None:
        """Give a call an argument; `names` are those of its positional ones."""
        aliases = KEYWORDS.get(called(call), {})
        for keyword in call.keywords:
            if name in (keyword.arg, aliases.get(keyword.arg or "")):
                self.replace(keyword.value, value)
                return
        if name in names and list(names).index(name) < len(call.args):
            self.replace(call.args[list(names).index(name)], value)
            return
        end = self.span(call)[1] - 1
        parts = (*call.args, *call.keywords)
        last = max((self.span(part)[1] for part in parts), default=end)
        ended = id(call) not in self._extended and (not parts or b"," in self.text[last:end])
        self._extended.add(id(call))
        at = end if ended else last
        self.edits.append((at, at, f"{name}={value}" if ended else f", {name}={value}"))

    def changed(self) -> str:
        """Return the text with all changes; keras is imported where only they need it."""
        pieces, at = [], 0
        for begin, end, new in sorted([*self.edits, *self._imports()], key=lambda edit: edit[0]):
            if begin >= at:  # what lies in a part that was left out is gone
                pieces += [self.text[at:begin], new.encode()]
                at = end
        return b"".join([*pieces, self.text[at:]]).decode()

    def _imports(self) -> list[tuple[int, int, str]]:
        """Return the imports that the changes need and the script lacks."""
        new = "".join(edit[2] for edit in self.edits)
        imports = [n for n in ast.walk(self.tree) if isinstance(n, ast.Import | ast.ImportFrom)]
        names = {alias.asname or alias.name for node in imports for alias in node.names}
        future = [n.lineno for n in imports if getattr(n, "module", "") == "__future__"]
        top = [n.lineno for n in imports if n in self.tree.body and n.lineno not in future]
        at = self.starts[min(top, default=max(future, default=0) + 1) - 1]
        needed = {"keras": "import keras\n", "np": "import numpy as np\n"}
        return [(at, at, line) for name, line in needed.items()
                if f"{name}." in new and name not in names]  # fmt: skip
