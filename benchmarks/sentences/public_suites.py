"""Programs of others under diagnosis: what was found in the first run, beside other tools."""

from benchmarks.sentences.formats import part
from benchmarks.sentences.tables import Results, confirm, markdown

OTHERS = ("deepmufl", "DeepDiagnosis", "DeepLocalize", "UMLAUT", "NeuraLint")


def values(results: Results) -> dict:
    """Return the numbers of the templates in public_suites.md."""
    table = results.table("public_suites").set_index(["suite", "run"]).astype(object)
    first = table.loc[("deepmufl", "first")].to_dict()
    tools = results.by("tool", "public_suites_rivals")
    ours = tools["mode (first)"]
    confirm(ours["programs"] == first["plain faults"], "all tools are compared on the same faults")
    confirm(all(tools[name]["found"] < ours["found"] for name in OTHERS), "no other finds as many")
    return {
        "first": first,
        "ours": ours,
        "state": _state(first["programs"], first["of"]),
        "parts": {"found": part(first["found"], first["plain faults"])},
        "rivals": _beside(tools),
    }


def _state(programs: int, of: int) -> str:
    """Return how much of a suite has been run."""
    if programs == of:
        return (
            f"of all {of} programs, of which the others lack data or weights or have no such fault"
        )
    return f"which is not over: {programs} of {of} programs have been run"


def _beside(tools: dict[str, dict]) -> str:
    """Return what each tool finds and how long it takes as a Markdown table."""
    lines = [["this diagnosis, first run", *_numbers(tools["mode (first)"])]]
    lines += [[name, *_numbers(tools[name])] for name in OTHERS]
    return markdown(["tool", "found", "median seconds"], lines)


def _numbers(tool: dict) -> list[str]:
    return [f"{tool['found']} of {tool['programs']}", f"{tool['median seconds']:.1f}"]
