"""Panel 2: what a layer says of a label, and of the mistakes made with it; panel 4: every layer."""

from mode.explore.panel import Panel, choice, column, note, row, text
from mode.explore.pictures import figure, table
from mode.explore.ranking import map_of
from mode.explore.subject import PIXELS, Subject

_GROUPS = {"hci": "correct", "hmi": "taken for it", "hwi": "taken for another"}
_DIFFERENCES = {"dhci": "from all others", "dhmi": "HMI - HCI", "dhwi": "HWI - HCI"}


def map_picture(subject: Subject, label: int, layer: str) -> str:
    """Return the three heat maps and three differentials of a label at a layer as one picture."""
    maps = subject.maps(layer)
    first = {
        f"{name.upper()}: {words}\nn = {maps.counts[name][label]}": getattr(maps, name)[label]
        for name, words in _GROUPS.items()
    }
    second = {
        f"{name.upper()}:\n{words}": map_of(subject, label, layer, name)
        for name, words in _DIFFERENCES.items()
    }
    rows = {"maps": first, "differ-\nentials": second}
    name = subject.name(label)
    alt = f"Heat maps of label {name} at {layer}: " + ", ".join(
        f"{group.upper()} of {maps.counts[group][label]} inputs {words}"
        for group, words in _GROUPS.items()
    )
    alt += "; below them the differentials DHCI, DHMI and DHWI. Red speaks for, blue against it."
    return figure("label_maps", rows, alt, label=f"{name} at {layer}")


def fallbacks(subject: Subject, label: int, layer: str) -> str:
    """Return what stands in the place of maps without inputs, "" where all have some."""
    items = [item for item in subject.maps(layer).fallbacks if item.label == label]
    return "; ".join(map(str, items))


def maps_panel(subject: Subject) -> Panel:
    """Return the panel of heat maps at a chosen layer."""
    layer = choice("Layer", subject.layers, PIXELS)
    shown, words = text(), text()

    def draw(label: int) -> None:
        shown.value = map_picture(subject, label, layer.value)
        words.value = f"<p class='mode-note'>{fallbacks(subject, label, layer.value)}</p>"

    said = note(
        "One cell a unit (or pixel). Colours: blue - white - red (RdBu), which colour-blind "
        "readers can tell apart, symmetric around zero in all six maps. Lines and bars have the "
        "colours of Okabe and Ito, and differ in more than colour."
    )
    return Panel("Heat maps", column(said, row(layer), shown, words), draw, (layer,))


def layer_picture(subject: Subject, label: int) -> tuple[str, str]:
    """Return the layer curve of a label as a picture, and as a table."""
    found = subject.layer_choice(label)
    curve, name = found.curve, subject.name(label)
    values = ", ".join(
        f"{at} {own:.0%}" for at, own in zip(curve["layer"], curve["label accuracy"], strict=True)
    )
    alt = f"Accuracy of a softmax head on each layer for label {name}: {values}. "
    alt += f"The layer to blame is {found.layer}, taking the label as {found.kind}."
    shown = figure("layer_accuracy", curve, alt, chosen=found.layer, label=name)
    columns = ["layer", "accuracy", "label accuracy", "reference accuracy", "gap", "bhattacharyya"]
    said = f"<p>Label {name}, taken as {found.kind}: blame <b>{found.layer}</b>.</p>"
    return shown, said + table(curve[columns].round(3).fillna(""), "The layers in numbers")


def layers_panel(subject: Subject) -> Panel:
    """Return the panel of the layer curve."""
    shown, below = text(), text()

    def draw(label: int) -> None:
        shown.value, below.value = layer_picture(subject, label)

    said = note("What a softmax head on each layer alone gets right, and which layer is to blame.")
    return Panel("Layers", column(said, row(shown, below)), draw)
