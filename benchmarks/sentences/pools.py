"""Choosing from ten million inputs, and pools whose labels look wrong (for CONTRIBUTING.md)."""

from benchmarks.sentences.tables import Results, confirm

LARGE = "10000000"
GIBIBYTE = 2**30 / 1e6  # megabytes
# Pools with fewer labels are not judged; each row is of three seeds.
LEAST, SEEDS = 1000, 3
SHARES = (0.02, 0.05, 0.1)


def values(results: Results) -> dict:
    """Return the numbers of the templates in pools.md."""
    return {**_speed(results), **_suspect_labels(results)}


def _speed(results: Results) -> dict:
    rows = results.timings("pools")
    rows = rows[rows.index.str.contains(LARGE)]
    cheap = rows[rows["target"] == "at least 0.5x"]
    confirm(len(cheap) == 4 and (cheap["ratio"] >= 0.5).all(), "four cheap metrics are fast")

    def case(name: str) -> dict:
        return rows[rows.index.str.contains(name)].iloc[0].to_dict()

    return {
        "slowest": cheap["ratio"].min(),
        "fastest": cheap["ratio"].max(),
        "memory": GIBIBYTE * cheap["peak_memory"].max(),
        "euclidean": case("by euclidean"),
        "margin": case("by margin"),
        "workers": case("2 workers"),
    }


def _suspect_labels(results: Results) -> dict:
    table = results.table("suspect_labels")
    confirm((table[table["wrong"] == 0]["said"] == 0).all(), "no clean pool looks wrong")
    large = table[table["pool"] >= LEAST]
    groups = large.groupby([large["classes"] == 10, "wrong"])["said"]
    flagged, pools = (SEEDS * groups.sum()).round().astype(int), SEEDS * groups.size()
    listed = {
        key: ", ".join(f"{flagged[ten, s]} of {pools[ten, s]}" for s in SHARES)
        for key, ten in {"ten": True, "few": False}.items()
    }
    return {f"flagged_{key}": text for key, text in listed.items()}
