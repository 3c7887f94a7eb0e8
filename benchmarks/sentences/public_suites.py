"""Programs of others under diagnosis: the first run, the present one, and other tools."""

from benchmarks.sentences.formats import part
from benchmarks.sentences.tables import Results, confirm, markdown

OTHERS = ("deepmufl", "DeepDiagnosis", "DeepLocalize", "UMLAUT", "NeuraLint")


def values(results: Results) -> dict:
    """Return the numbers of the templates in public_suites.md."""
    lines = results.table("public_suites").astype(object).to_dict("records")
    runs = {f"{line['suite']} {line['run']}": line for line in lines}
    first = runs["deepmufl first"]
    tools = results.by("tool", "public_suites_rivals")
    ours = tools["mode (first)"]
    confirm(first["programs"] == first["of"], "the first run of deepmufl is over")
    confirm(ours["programs"] == first["plain faults"], "all tools are compared on the same faults")
    confirm(all(tools[name]["found"] < ours["found"] for name in OTHERS), "no other finds as many")
    return {
        "ours": ours,
        "healthy": runs["healthy first"],
        **_new_programs(results),
        "found": {name: _part(line, "found", "plain faults") for name, line in runs.items()},
        "fixed": {name: _part(line, "right first fix", "plain faults")
                  for name, line in runs.items()},
        "flagged": {name: _part(line, "flagged", "good forms") for name, line in runs.items()},
        "runs": _runs(lines),
        "best_rival": max(OTHERS, key=lambda name: tools[name]["found"]),
        "others": _others(tools),
    }  # fmt: skip


def _new_programs(results: Results) -> dict:
    """Return how many healthy programs trained in the present run for the first time, and which of
    them were flagged."""
    table = results.table("public_suites_healthy")
    new = (table["status (current)"] == "trained") & (table["status (first)"] != "trained")
    flagged = table.loc[new & (table["flagged (current)"].astype(str) == "True"), "program"]
    names = {"keras-3.15.1/functional_api", "keras-2.3.1/conv_lstm"}
    confirm({*flagged} == names, "what is written of them is true")
    return {
        "new_flagged": part(len(flagged), int(new.sum())),
    }


def _part(line: dict, count: str, total: str) -> str:
    """Return a count of a run with the interval of its share, a dash where nothing counts."""
    return part(line[count], line[total]) if line[total] else "-"


def _runs(lines: list[dict]) -> str:
    """Return what each run of each suite found as a Markdown table."""
    head = ["suite", "run", "programs", "plain faults found", "right first fix",
            "good forms flagged"]  # fmt: skip
    return markdown(head, [
        [line["suite"], line["run"], f"{line['programs']} of {line['of']}",
         _part(line, "found", "plain faults"), _part(line, "right first fix", "plain faults"),
         _part(line, "flagged", "good forms")]
        for line in lines
    ])  # fmt: skip


def _others(tools: dict[str, dict]) -> dict:
    """Return what the best other tool finds, and the extent of the rest."""
    best, *rest = sorted((tools[name] for name in OTHERS), key=lambda tool: -tool["found"])
    counts = [tool["found"] for tool in rest]
    seconds = [tool["median seconds"] for tool in rest]
    return {
        "best": f"{best['found']} of {best['programs']}",
        "best_seconds": best["median seconds"],
        **{"least": min(counts), "most": max(counts)},
        **{"fastest": min(seconds), "slowest": max(seconds)},
    }
