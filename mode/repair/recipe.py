"""What a repair does, as data: every choice that the paper leaves open, and every known defect."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from mode import checks
from mode.distances import DISTANCES
from mode.faults import GAMMA, THETA
from mode.heatmaps import KINDS
from mode.selection import SELECTORS

LAYERS = ("chosen", "last hidden", "output", "random")
MAPS = ("by fault", "hci", "dhci", "dhmi", "dhwi")
FAULT_ORDERS = ("worst", "under-fitted", "over-fitted")
OVER_FITTING = ("nearest", "farthest")
RETRAININGS = ("replay", "new batch", "old inputs", "scratch", "fine-tune")
REPLAY_FILTERS = ("any", "right")
# Where nothing is said, the inputs as in the publication.
INPUTS_PER_ROUND, EPOCHS, BATCH_SIZE = 2000, 3, 32
COMPARING = "a selector that compares inputs with heat maps ('nearest', 'farthest')"
MOST_INPUTS = 60_000  # of a pool, over all rounds of fine-tuning


@dataclass(frozen=True)
class Defects:
    """The defects of the public replication (Harel-Canada 2019), each a switch; all off here."""

    earth_mover_unflipped: bool = False
    canberra_is_chebyshev: bool = False
    gray_level_earth_mover: bool = False
    pixel_hci_only: bool = False
    layer_never_differs: bool = False
    test_leak: bool = False
    one_split_diagnosis: bool = False
    probe_diagnoses: bool = False
    extra_control_batch: bool = False
    fresh_init: bool = False
    no_replay: bool = False
    swapped_hmi_hwi: bool = False
    depleted_figures: bool = False

    def on(self) -> list[str]:
        """Return the names of the switches that are on."""
        return [name for name, value in asdict(self).items() if value]


# What each defect does when it is on.
DEFECTS = {
    "earth_mover_unflipped": "the earth mover takes the least similar inputs as the most similar",
    "canberra_is_chebyshev": "canberra computes chebyshev",
    "gray_level_earth_mover": "the earth mover compares gray values, blind to where they are",
    "pixel_hci_only": "maps are mean images of correct inputs; no layer, no differential map",
    "layer_never_differs": "layer selection always returns the output layer",
    "test_leak": "the test part diagnoses, feeds the maps, stops the loop, and scores it",
    "one_split_diagnosis": "a label below theta on the part that diagnoses is under-fitted, "
    "whatever its training accuracy; over-fitting is not looked for",
    "probe_diagnoses": "with layer selection, a re-headed sub-model is diagnosed, not the model",
    "extra_control_batch": "the control gets a batch before the stop test, from a pool that MODE "
    "used up, with its optimizer reset",
    "fresh_init": "each metric starts from a model of its own, so metrics are not paired",
    "no_replay": "each round trains on its batch alone, whose random share lacks the label",
    "swapped_hmi_hwi": "false positives are grouped by true label, false negatives by predicted",
    "depleted_figures": "best and worst inputs are drawn from a used-up pool, without symmetric "
    "color limits",
}
PUBLISHED = Defects(**dict.fromkeys(DEFECTS, True))
CORRECTED = Defects()
PROTOCOLS = {"published": PUBLISHED, "corrected": CORRECTED}
# As published but for one defect, which is switched off: what did it do?
PROTOCOLS |= {f"without {name}": replace(PUBLISHED, **{name: False}) for name in DEFECTS}


@dataclass(frozen=True)
class Recipe:
    """One way to repair. Every field is a choice that Ma et al. (2018) leave open.

    selector: how the share `alpha` of a batch is chosen (SELECTORS); "oracle" takes the best of
        several random batches, rated by retraining with each.
    metric: how near an input is to the map (DISTANCES), for "nearest" and "farthest".
    kind: cells of the heat maps ("pixel", "mean", "importance").
    map: which map: "by fault" (DHCI for under-fitting, DHWI and DHMI for over-fitting), or always
        "hci", "dhci", "dhwi" (inputs of the label), or "dhmi" (inputs of other labels).
    layer: whose states are compared: "chosen", "last hidden", "output", "random".
    layer_rounds: rounds for which a "chosen" or "random" layer serves until the next is selected.
    fault_order: which faulty label comes first: the "worst" one, or the worst "under-fitted" or
        "over-fitted" one, and the worst one where there is none of that kind.
    over_fitting: which inputs an over-fitted label gets by "nearest": the "nearest" ones to DHWI
        and DHMI, or the "farthest" ones from DHCI (or from the map that `map` names), as the
        publication's README has it; its code does not.
    alpha: share of a batch that the selector chooses; the rest is random.
    targeted: the selector's share comes from the worst label (and what is predicted as it).
    retraining: "replay" (all chosen so far and old inputs), "new batch" (the last batch alone),
        "old inputs" (as many inputs as by replay, all of the training part, repeated where it has
        fewer: what the steps do without a new input), "scratch" (a fresh model, on the training
        part and all chosen so far), "fine-tune" (the training part and all chosen so far, as
        `mode.repair.fine_tuning` describes).
    replay: old training inputs trained on beside the chosen ones, as a multiple of
        `inputs_per_round`.
    replay_filter: "any" old inputs, or only those that the model gets "right", which keeps wrong
        labels out.
    weight_averaging: share of a round's training over which the weights are averaged (`train`).
    weight_interpolation: share that the weights before a round keep, the rest being the retrained
        ones (Wortsman et al. 2022): fewer inputs are broken, and fewer repaired.
    translation: pixels by which images are moved at most, anew in every epoch of retraining.
    batch_size: batch size of retraining. None lets "fine-tune" decide by the number of inputs; it
        is 32 otherwise.
    rounds, inputs_per_round, epochs: at most so many rounds of so many inputs of the pool, so many
        epochs each. None leaves them open: 2,000 inputs, or the pool's share of a round where it
        has fewer, and 3 epochs; "fine-tune" takes the whole pool at once (of a large one
        MOST_INPUTS over all rounds), and as many epochs as the model's size allows in about a
        minute.
    stops: end when no label is faulty any more; else go on with the least accurate one.
    theta, gamma: limits of under- and over-fitting; eps: limit of the layer's stop rule.
    label: the label to repair, in a targeted repair; the worst one of each round where None.
    checks_labels: inputs of the pool whose labels look wrong are set aside before any is chosen
        (`mode.repair.label_errors`).
    max_broken: at most this share of what the original gets right on the diagnosis part may be
        wrong in the model that is returned; None, the default, sets no limit.
    """

    selector: str = "nearest"
    metric: str = "dot"
    kind: str = "mean"
    map: str = "by fault"
    layer: str = "chosen"
    layer_rounds: int = 1
    fault_order: str = "worst"
    over_fitting: str = "nearest"
    alpha: float = 0.25
    targeted: bool = True
    retraining: str = "replay"
    replay: float = 2.0
    replay_filter: str = "any"
    weight_averaging: float = 0.0
    weight_interpolation: float = 0.0
    translation: int = 0
    batch_size: int | None = BATCH_SIZE
    rounds: int = 5
    inputs_per_round: int | None = None
    epochs: int | None = EPOCHS
    stops: bool = True
    theta: float = THETA
    gamma: float = GAMMA
    eps: float = 0.01
    label: int | None = None
    checks_labels: bool = False
    max_broken: float | None = None
    defects: Defects = field(default=CORRECTED)

    def __post_init__(self):
        checks.one_of("selector", self.selector, {*SELECTORS, "oracle"} - {"class_matched_random"})
        checks.one_of("metric", self.metric, DISTANCES)
        checks.one_of("kind", self.kind, KINDS)
        checks.one_of("map", self.map, MAPS)
        checks.one_of("layer", self.layer, LAYERS)
        checks.one_of("fault_order", self.fault_order, FAULT_ORDERS)
        checks.one_of("over_fitting", self.over_fitting, OVER_FITTING)
        checks.number("layer_rounds", self.layer_rounds, 1, integer=True)
        checks.one_of("retraining", self.retraining, RETRAININGS)
        checks.one_of("replay_filter", self.replay_filter, REPLAY_FILTERS)
        for name in ("alpha", "weight_averaging", "weight_interpolation", "theta", "gamma", "eps"):
            checks.number(name, getattr(self, name), 0, 1)
        checks.number("translation", self.translation, 0, integer=True)
        for name in ("rounds", "inputs_per_round", "batch_size", "epochs"):
            if getattr(self, name) is not None or name == "rounds":
                checks.number(name, getattr(self, name), 1, integer=True)
        checks.number("replay", self.replay, 0)
        if self.retraining == "scratch" and self.weight_interpolation:
            expected = "weight_interpolation must be 0 where retraining is 'scratch'"
            checks.fail(expected, self.weight_interpolation)
        if self.retraining == "fine-tune" and self.selector == "oracle":
            checks.fail("retraining must be another one where selector is 'oracle'", "'fine-tune'")
        if self.label is not None:
            checks.number("label", self.label, 0, integer=True)
        if self.max_broken is not None:
            checks.number("max_broken", self.max_broken, 0, 1)

    @property
    def makes_models(self) -> bool:
        """Whether each round makes a model of its own; else all rounds train one copy on."""
        return self.retraining in ("scratch", "fine-tune")

    def sized(self, pool: int) -> "Recipe":
        """Return the recipe for a pool of so many inputs, its inputs per round no longer open; nor
        its epochs and batch size, except for fine-tuning, which plans them.

        Raises:
            InputError: for a pool of fewer inputs than a round takes.
        """
        if self.retraining == "fine-tune":
            count = pool if pool <= MOST_INPUTS else -(-MOST_INPUTS // self.rounds)
            planned: dict[str, Any] = {}
        else:
            count = min(INPUTS_PER_ROUND, max(1, pool // self.rounds))
            planned = {"epochs": self.epochs or EPOCHS, "batch_size": self.batch_size or BATCH_SIZE}
        recipe = replace(self, inputs_per_round=self.inputs_per_round or count, **planned)
        if recipe.round_size > pool:
            most = f"inputs_per_round must be at most the pool's {pool} inputs"
            checks.fail(most, recipe.round_size)
        return recipe

    @property
    def round_size(self) -> int:
        """The inputs of a round, which `sized` has decided where they were open."""
        return self.inputs_per_round or INPUTS_PER_ROUND

    def check_used(self, names: Iterable[str]) -> None:
        """Refuse a field that is set to another value than its default, and is not read.

        Args:
            names: of the fields that the user has set.

        Raises:
            InputError: naming the field, and what reads it.
        """
        replays = ("replay", "replay_filter")
        unread = {
            **dict.fromkeys(("metric", "kind", "map", "layer"), _unless(self.compares, COMPARING)),
            "eps": _unless(self.compares and self.layer == "chosen", "layer='chosen'"),
            "layer_rounds": _unless(
                self.compares and self.layer in ("chosen", "random"), "layer='chosen' or 'random'"
            ),
            "over_fitting": _unless(
                self.selector == "nearest" and self.targeted, "selector='nearest', targeted,"
            ),
            "fault_order": _unless(self.targeted, "targeted=True"),
            **dict.fromkeys(replays, _unless(self.retraining == "replay", "retraining='replay'")),
            "checks_labels": _unless(self.retraining == "fine-tune", "retraining='fine-tune'"),
            **dict.fromkeys(
                ("weight_averaging", "weight_interpolation", "translation"),
                _unless(self.retraining != "fine-tune", "another retraining than 'fine-tune'"),
            ),
            "label": _unless(self.targeted, "targeted=True"),
        }
        for name in names:
            value = getattr(self, name)
            if unread.get(name) and value != getattr(Recipe, name):
                checks.fail(f"{name} must be left out: only {unread[name]} uses it", repr(value))

    @property
    def compares(self) -> bool:
        """Whether inputs are compared with a heat map."""
        return self.selector in ("nearest", "farthest")

    @property
    def maps_are_pixels(self) -> bool:
        """Whether maps compare images, so that no layer is needed."""
        return self.kind == "pixel" or self.defects.pixel_hci_only

    @property
    def measured_metric(self) -> str:
        """The metric that is really computed, after the defects.

        A true earth mover needs places for its mass: pixels have them, units of a layer do not.
        """
        if self.metric == "canberra" and self.defects.canberra_is_chebyshev:
            return "chebyshev"
        has_places = self.maps_are_pixels and not self.defects.gray_level_earth_mover
        return "earth_mover_2d" if self.metric == "earth_mover" and has_places else self.metric

    @property
    def applied_selector(self) -> str:
        """The selector that is really used, after the defects."""
        if self.selector == "oracle":
            return "random"  # of which `best_batch` then takes the best
        flipped = self.defects.earth_mover_unflipped and self.metric == "earth_mover"
        return "farthest" if flipped and self.selector == "nearest" else self.selector


def _unless(read: bool, reader: str) -> str:
    return "" if read else reader


OPTIONS = [option.name for option in fields(Recipe)]
_UNTARGETED: dict[str, Any] = {"targeted": False, "alpha": 1.0, "stops": False}
_STANDALONE = [name for name, selector in SELECTORS.items() if selector.is_standalone]
# `mode.repair.fine_tuning` describes "recommended", the default, step by step.
RECIPES = {
    "recommended": Recipe(
        selector="misclassified_then_margin",
        retraining="fine-tune",
        checks_labels=True,
        rounds=3,
        epochs=None,
        batch_size=None,
        **_UNTARGETED,
    ),
    "mode": Recipe(),
    "published": Recipe(kind="pixel", replay=0, defects=PUBLISHED),
    "targeted_random": Recipe(selector="random"),
    **{name: Recipe(selector=name, **_UNTARGETED) for name in _STANDALONE},
}
