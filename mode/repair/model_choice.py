"""Choose the model that a repair returns: on the diagnosis split, never on test."""

from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np

from mode import seeds
from mode.models import clone, predict
from mode.models.classifier import output_layer
from mode.models.guarded import TINY, guarded, leads
from mode.models.normalization import ROWS, reestimate_statistics
from mode.models.weights import interpolate
from mode.repair.fine_tuning import CHANCE, right_on
from mode.repair.round import RepairContext
from mode.stats import mcnemar

# Shares of the original's weights, and by how much the biases of classes that the original never
# gets right are lowered: small ones where nothing limits what may break, all to keep a limit.
SMALL_SHARES, SMALL_SHIFTS = (0.1, 0.2, 0.3), (0.25, 0.5, 0.75, 1.0)
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
SHIFTS = (0.5, 1.0, 2.0, 3.0, 4.0)
ENOUGH = 0.8  # of the unlimited gain: with so much the repaired model does without the original
MARGINS = 200  # that are tried


@dataclass(frozen=True)
class Choice:
    """The model to hand out, the round it is of (0: the original), and why, in a line.

    margin: by how much the model has to be surer of another label than of the original's, which is
        the answer where it is not (`mode.models.guarded`); 0 where it answers alone.
    """

    model: keras.Model
    number: int
    reason: str
    margin: float = 0.0


def choose_model(
    context: RepairContext, best: keras.Model | None, number: int, rounds: int
) -> Choice:
    """Choose the model to hand out.

    The best round has to beat the original on the diagnosis split by McNemar's exact one-sided
    test, its p value multiplied by the number of rounds that were compared. Any gain counts where
    that test cannot tell: of a split created from x_train, the original has learned the answers and
    the rounds have not; and with few wrong inputs not even a perfect round would pass.

    Args:
        best: the model of the round `number`, the most accurate one on the diagnosis split.
        rounds: how many there were.
    """
    before = context.right
    if best is None:
        return _original(context, "no round was needed or possible")
    after = right_on(best, context.data.diagnosis)
    untestable = _untestable(context, rounds)
    gains = after.sum() > before.sum()
    better = gains if untestable else _by_chance(before, after, rounds) <= CHANCE
    if not better:
        why = "no round is better than the original" + ("" if untestable else " beyond chance")
        return _original(context, f"{why} (best: {_measured(before, after, rounds)})")
    limit, broken = context.recipe.max_broken, context.broken_by(after)
    if limit is not None and broken > limit:
        return _within_limit(context, best, number, limit)
    chosen = _best_variant(context, best, after)
    how = f", {chosen.how}" if chosen.how else ""
    measured = _measured(before, chosen.right, rounds)
    why = f"round {number} is the best{how}: {measured} (McNemar)"
    why += f"; {untestable}, so any gain counts" if untestable else ""
    return Choice(chosen.made(context), number, why)


def _original(context: RepairContext, why: str) -> Choice:
    return Choice(context.model, 0, f"the original is returned: {why}")


def _untestable(context: RepairContext, rounds: int) -> str:
    """Return why the diagnosis split cannot show a gain beyond chance; "" where it can."""
    if context.data.source("diagnosis") == "train":
        return "the original has learned this split"
    if _by_chance(context.right, np.ones_like(context.right), rounds) > CHANCE:
        return f"only {(~context.right).sum()} inputs of this split were wrong"
    return ""


def _by_chance(before: np.ndarray, after: np.ndarray, rounds: int) -> float:
    return min(1.0, rounds * mcnemar(before, after))


def _measured(before: np.ndarray, after: np.ndarray, rounds: int) -> str:
    p = _by_chance(before, after, rounds)
    chance = "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
    return f"{before.mean():.1%} -> {after.mean():.1%} on the diagnosis split, {chance}"


@dataclass(frozen=True)
class Variant:
    """A model between `source` and the original, and what it gets right of the diagnosis split.

    right: of shape (n,). share: of the original's weights. shift: by how much the output biases are
        lowered, times the share of each class that the original gets wrong.
    """

    model: keras.Model
    right: np.ndarray
    share: float = 0.0
    shift: float = 0.0

    @property
    def how(self) -> str:
        """Return what was changed, in words."""
        mixed_in = [f"{self.share:.0%} of the original's weights mixed in"] * (self.share > 0)
        return ", ".join(mixed_in + [f"output biases lowered by {self.shift:g}"] * (self.shift > 0))

    def made(self, context: RepairContext) -> keras.Model:
        """Return the model, its biases lowered."""
        if not self.shift:
            return self.model
        return _lowered(self.model, self.shift, context.wrong_by_class)


def _variants(
    context: RepairContext,
    source: keras.Model,
    shares: tuple[float, ...],
    shifts: tuple[float, ...],
) -> Iterator[Variant]:
    """Yield `source`, and its mixes with the original, with each shift of the output biases."""
    diagnosis = context.data.diagnosis
    for share in (0.0, *shares):
        model = mixed(context, source, share) if share else source
        scores = np.log(np.maximum(predict(model, diagnosis.x), TINY))
        for shift in (0.0, *shifts) if _has_biases(model) else (0.0,):
            predicted = (scores - shift * context.wrong_by_class).argmax(axis=1)
            yield Variant(model, predicted == diagnosis.y, share, shift)


def _best_variant(context: RepairContext, best: keras.Model, after: np.ndarray) -> Variant:
    """Return the variant of `best` with the most right answers, less those that it breaks: an input
    that breaks counts twice, for it is wrong and its user relied on it. None breaks more.

    Nobody relies on an original that answers one class to everything.
    """
    unchanged, one_class = Variant(best, after), len(np.unique(context.predicted)) == 1
    if context.recipe.retraining != "fine-tune" or one_class:
        return unchanged

    def broken(variant: Variant) -> int:
        return int((context.right & ~variant.right).sum())

    variants = _variants(context, best, SMALL_SHARES, SMALL_SHIFTS)
    cautious = (variant for variant in variants if broken(variant) <= broken(unchanged))
    return max(cautious, key=lambda v: v.right.sum() - broken(v), default=unchanged)


def mixed(context: RepairContext, model: keras.Model, share: float) -> keras.Model:
    """Return a copy of `model` with a share of the original's weights, statistics of batch
    normalization estimated again (WiSE-FT, Wortsman et al. 2022, CVPR, equation 1)."""
    mix = clone(model)
    interpolate(mix, context.model.trainable_variables, share)
    rows = seeds.generator(context.seed, "statistics").permutation(len(context.data.train))[:ROWS]
    reestimate_statistics(mix, context.data.train.x[rows])
    return mix


def _within_limit(context: RepairContext, best: keras.Model, number: int, limit: float) -> Choice:
    """Choose the most accurate mix of weights that breaks at most `limit`; where that has little of
    the gain, the original answers wherever the best round is not surer by a margin."""
    before, diagnosis = context.right.mean(), context.data.diagnosis
    after = predict(best, diagnosis.x)
    gain = (after.argmax(axis=1) == diagnosis.y).mean() - before
    variants = _variants(context, best, SHARES, SHIFTS)
    allowed = [variant for variant in variants if context.broken_by(variant.right) <= limit]
    original = Variant(context.model, context.right)
    mix = max(allowed, key=lambda variant: variant.right.mean(), default=original)
    margin, right = _best_margin(context, after, limit)
    if max(mix.right.mean(), right.mean()) <= before:
        why = f"no model was found that is better and breaks at most {limit:.2%}"
        return _original(context, f"{why} of what was right")
    if mix.right.mean() >= min(right.mean(), before + ENOUGH * gain):
        model, right, how, margin = mix.made(context), mix.right, mix.how, 0.0
    else:
        model = guarded(context.model, best, margin, context.data.train.x)
        how = f"where it is not {np.exp(margin):.3g} times as sure, the original answers"
    broken = f"{context.broken_by(right):.2%} broken"
    measured = f"{before:.1%} -> {right.mean():.1%} on the diagnosis split, {broken}"
    why = f"round {number} within the limit of {limit:.2%} ({how}): {measured}"
    return Choice(model, number, why, margin)


def _best_margin(
    context: RepairContext, after: np.ndarray, limit: float
) -> tuple[float, np.ndarray]:
    """Return the margin with the most right answers of those that break at most `limit` of the
    diagnosis split, and what is right with it (n,)."""
    right = after.argmax(axis=1) == context.data.diagnosis.y
    lead = leads(context.probabilities, after)
    values = np.unique(lead)
    between = (values[1:] + values[:-1]) / 2
    steps = -(-len(between) // MARGINS) or 1
    tried = [(float(m), np.where(lead > m, right, context.right)) for m in between[::steps]]
    allowed = [(margin, right) for margin, right in tried if context.broken_by(right) <= limit]
    return max(allowed, key=lambda pair: pair[1].mean(), default=(0.0, context.right))


def _has_biases(model: keras.Model) -> bool:
    """Whether the output layer adds a bias to each class's logit, or to the one logit of two."""
    last = output_layer(model)
    activation = getattr(getattr(last, "activation", None), "__name__", None)
    bias = getattr(last, "bias", None)
    if bias is None:
        return False
    return activation == "sigmoid" if bias.shape[0] == 1 else activation in ("softmax", "linear")


def _lowered(model: keras.Model, shift: float, wrong_by_class: np.ndarray) -> keras.Model:
    """Return a copy whose output biases are lower by `shift` times the share of each class that
    the original gets wrong."""
    copy = clone(model)
    bias = output_layer(copy).bias
    one_logit = bias.shape[0] == 1  # of class 1 against class 0
    lower = wrong_by_class[1:] - wrong_by_class[:1] if one_logit else wrong_by_class
    bias.assign(bias - shift * lower)
    return copy
