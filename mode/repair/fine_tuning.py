"""The recommended repair: fine-tuning whose choices are measured on the diagnosis split.

1. Where the pool's labels look wrong, inputs are set aside whose label is unlikely to two copies of
   the model that were fine-tuned without it (`check_labels`).
2. The rest of the pool is taken; of a larger one than the budget, the model's mistakes first.
3. Three rounds fine-tune on the training part and these inputs, each with twice the passes of the
   one before: Adam, its rate falling to zero, and averaged weights (Izmailov et al. 2018, UAI).
4. The first round tries two learning rates (one where the model is nearly right), and random
   translations of images.
5. Later rounds see what the original gets right more often, so that less of it breaks.
6. The round with the best diagnosis accuracy is returned if it beats the original by more than
   chance (McNemar's test). Where that pays, biases of classes that the original got wrong are
   lowered and a share of its weights is mixed in (Wortsman et al. 2022, CVPR). It pays if the
   diagnosis split has fewer wrong answers, and an input that breaks counts twice.
   `max_broken` sets a limit: the original then answers where the new model is not much surer
   (`mode.repair.model_choice`, `mode.models.guarded`).
"""

from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Any

import keras
import numpy as np

from mode import checks, seeds
from mode.data import Data, Part, Streamed
from mode.data.splits import same_inputs
from mode.models import predict, train
from mode.models.effort import multiplications
from mode.repair.label_errors import alarming, unlikely
from mode.repair.recipe import Recipe
from mode.repair.retraining import joined, random_translation
from mode.repair.work import Work
from mode.stats import mcnemar

# Passes over all inputs: at least and at most so many, a few where even those are much work.
PASSES, FEW_PASSES = (6, 28), 3
# Multiplications of forward passes: about a minute on two cores. A model that is nearly right has
# less to learn.
WORK, LITTLE_WORK = 3.9e11, 3e11
STEPS = 1500  # a small data set is passed over until so many steps are made
BATCH_SIZES = ((4000, 64), (0, 32))  # from so many inputs on, so large a batch
# Adam's learning rate. A model that is nearly right stays near its weights and so breaks little;
# of others, deep ones learn more at the low rate and small ones at the high one: both are tried.
NEAR, FAR, NEARLY_RIGHT = 1e-3, 3e-3, 0.9
DECAY, AVERAGE = 0.6, 0.5
# From the second round on, what the original gets right is seen so many times as often, by the
# share of the diagnosis split that this is: the less is left to learn, the less may break for it.
EMPHASIS = ((NEARLY_RIGHT, 3.0), (0.5, 1.5), (0.0, 1.0))
CHANCE = 0.05
MANY_PASSES = 12  # with fewer, images are not worth translating
SIDE = 28  # images of this size are moved by at most one pixel, larger ones by more


@dataclass(frozen=True)
class FineTuning:
    """Fine-tunes one model on its training data and what is chosen from the pool.

    settings: `learning_rate` and `translation` (pixels), once the first round has chosen them,
        and `suspects`, the inputs of the pool that are set aside (`mode.repair.label_errors`).
    """

    model: keras.Model
    data: Data
    recipe: Recipe
    seed: int
    work: Work
    settings: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def right(self) -> np.ndarray:
        """Which training inputs the original gets right."""
        return right_on(self.model, self.data.train)

    @cached_property
    def right_in_pool(self) -> np.ndarray:
        """Which inputs of a pool in memory the original gets right."""
        return right_on(self.model, self.data.pool_in_memory)

    @cached_property
    def right_on_diagnosis(self) -> np.ndarray:
        """Which diagnosis inputs the original gets right."""
        return right_on(self.model, self.data.diagnosis)

    @cached_property
    def in_training(self) -> np.ndarray:
        """Which inputs of the pool are training inputs as well."""
        if isinstance(self.data.pool, Streamed):
            return np.zeros(len(self.data.pool), bool)
        return same_inputs(self.data.pool.x, self.data.train.x)

    @property
    def not_needed(self) -> np.ndarray:
        """Which inputs of the pool are training inputs as well, or are set aside."""
        aside = self.in_training.copy()
        aside[self.settings.get("suspects", {}).get("index", [])] = True
        return aside

    def check_labels(self) -> None:
        """Set the inputs of the pool aside whose labels look wrong, if that many do.

        Two copies of the model, each fine-tuned on one half of the pool, say how likely the
        labels of the other half are.
        """
        self.settings["learning_rate"] = self._rates[0]
        pool, classes = self.data.pool, self.data.classes
        if isinstance(pool, Streamed):
            return
        new = pool.take(~self.in_training)
        if not alarming(self.model, new, classes, seed=self.seed):
            return
        halves = seeds.generator(self.seed, "halves").permutation(len(pool)) % 2
        probabilities = np.zeros((len(pool), classes), np.float32)
        passes = self.passes(len(pool))[0]
        self.work.planned += passes * (len(pool) + 2 * len(self.data.train))
        for half in (0, 1):
            part = joined(pool.take(halves == half), self.data.train)
            model = self.trained(self.model, part, passes, seed=seeds.derive(self.seed, half))
            other = halves != half
            probabilities[other] = predict(model, pool.x[other])
        self.settings["suspects"] = unlikely(pool.y, probabilities).to_dict("list")

    def round(
        self, latest: keras.Model, chosen: np.ndarray, number: int, *, seed: int
    ) -> keras.Model:
        """Return `latest`, fine-tuned on the training part and the pool's inputs `chosen`.

        The first round is tried in several ways, and chooses the settings of all.
        """
        new = self.data.pool.take(chosen)
        part, passes = joined(new, self.data.train), self.passes(len(chosen))[number - 1]
        if number > 1:
            right = self.right_on_diagnosis.mean()
            emphasis = next(value for least, value in EMPHASIS if right >= least)
            often = None if emphasis == 1 else self._emphasis(chosen, new, emphasis)
            balanced = None if often is None else within_classes(often, part.y)
            return self.trained(latest, part, passes, frequency=balanced, seed=seed)
        return self._tried(latest, part, passes, seed=seed)

    @property
    def _rates(self) -> tuple[float, ...]:
        return (NEAR,) if self._nearly_right else (FAR, NEAR)

    @property
    def _nearly_right(self) -> bool:
        return bool(self.right_on_diagnosis.mean() >= NEARLY_RIGHT)

    def _emphasis(self, chosen: np.ndarray, new: Part, emphasis: float) -> np.ndarray:
        """Return how often each input is seen, the pool's `chosen` ones first: what the original
        gets right `emphasis` times as often."""
        streamed = isinstance(self.data.pool, Streamed)
        new_right = right_on(self.model, new) if streamed else self.right_in_pool[chosen]
        return np.where(np.concatenate([new_right, self.right]), float(emphasis), 1.0)

    def _tried(self, latest: keras.Model, part: Part, passes: int, *, seed: int) -> keras.Model:
        """Return the first round's model: at the learning rate that is the most accurate on the
        diagnosis split, and with random translations where these make it better.

        Translations are tried where there is time to learn from them: with many passes, or where
        little else is left to learn. In that case they only have to be no worse beyond chance
        (McNemar), for they pay in the longer rounds.
        """
        self.settings["translation"] = 0
        best, right = self._at_best_rate(latest, part, passes, seed=seed)
        if self._tries_translations:
            sides = self.data.shape[:2]
            self.settings["translation"] = max(1, round(min(sides) / SIDE))
            moved = self.trained(latest, part, passes, seed=seed)
            right_moved = right_on(moved, self.data.diagnosis)
            no_worse = mcnemar(right_moved, right) > CHANCE if self._nearly_right else False
            if no_worse or right_moved.mean() >= right.mean():
                return moved
            self.settings["translation"] = 0
        return best

    def _at_best_rate(
        self, latest: keras.Model, part: Part, passes: int, *, seed: int
    ) -> tuple[keras.Model, np.ndarray]:
        """Return the model of the best rate, and what it gets right of the diagnosis split; the
        rate is a tenth of the lowest one where every rate makes the model worse."""
        tries: list[tuple[float, float, keras.Model, np.ndarray]] = []
        for rate in (*self._rates, NEAR / 10):
            if rate < NEAR and max(map(itemgetter(0), tries)) >= self.right_on_diagnosis.mean():
                break
            self.settings["learning_rate"] = rate
            model = self.trained(latest, part, passes, seed=seed)
            right = right_on(model, self.data.diagnosis)
            tries.append((float(right.mean()), rate, model, right))
        _, self.settings["learning_rate"], best, best_right = max(tries, key=itemgetter(0, 1))
        return best, best_right

    @property
    def _tries_translations(self) -> bool:
        pool = int((~self.in_training).sum())
        chosen = min(pool, (self.recipe.inputs_per_round or pool) * self.recipe.rounds)
        many = sum(self.passes(chosen)) >= MANY_PASSES
        return self.data.train.x.ndim == 4 and (many or self._nearly_right)

    def trained(
        self,
        model: keras.Model,
        part: Part,
        passes: int,
        *,
        frequency: np.ndarray | None = None,
        seed: int,
    ) -> keras.Model:
        """Return a copy of `model`, trained with the settings."""
        batch_size = self.recipe.batch_size or next(b for n, b in BATCH_SIZES if len(part) >= n)
        return train(
            model,
            part.x,
            part.y,
            epochs=passes,
            batch_size=batch_size,
            optimizer=keras.optimizers.Adam(self.settings["learning_rate"]),
            decay=DECAY,
            weight_averaging=AVERAGE,
            augment=random_translation(self.settings.get("translation", 0)),
            frequency=frequency,
            seed=seeds.derive(seed, "retrain"),
            **self.work.of(passes * len(part)),
        )

    def planned(self) -> float:
        """Return how many inputs all rounds pass over; what is only known later is estimated."""
        pool, recipe = int((~self.in_training).sum()), self.recipe
        chosen = [
            min(pool, (recipe.inputs_per_round or pool) * (n + 1)) for n in range(recipe.rounds)
        ]
        inputs = [len(self.data.train) + count for count in chosen]
        passes = [self.passes(count)[number] for number, count in enumerate(chosen)]
        work = [count * size for count, size in zip(inputs, passes, strict=True)]
        tries = len(self._rates) - 1 + self._tries_translations
        return float(sum(work) + tries * work[0])

    def passes(self, chosen: int) -> list[int]:
        """Return the passes of each round over the training part and `chosen` inputs of the pool:
        each round makes twice as many as the one before."""
        if self.recipe.epochs is not None:
            return [self.recipe.epochs] * self.recipe.rounds
        inputs, work = len(self.data.train) + chosen, LITTLE_WORK if self._nearly_right else WORK
        return planned_passes(self.model, inputs, self.recipe.rounds, work=work)


def planned_passes(
    model: keras.Model, inputs: int, rounds: int, *, work: float = WORK
) -> list[int]:
    """Return how many passes over so many inputs each round makes, from the model's size and the
    multiplications that are to be made."""
    least, most = PASSES
    affordable = work / (inputs * multiplications(model))
    least = least if affordable * 4 > least else FEW_PASSES
    batch_size = next(b for n, b in BATCH_SIZES if inputs >= n)
    total = max(min(affordable, most), least)
    if affordable > most:
        total = max(total, min(affordable, STEPS * batch_size / inputs))
    parts = 2.0 ** np.arange(rounds)
    return [max(1, round(total * part / parts.sum())) for part in parts]


def within_classes(often: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return how often each input is seen (n,), each class as a whole as often as it is in `y`: one
    that the original does not know is learned all the same.

    Example:
        >>> within_classes(np.array([3.0, 1.0, 1.0]), np.array([0, 0, 1]))
        array([1.5, 0.5, 1. ])
    """
    counts = np.bincount(y)
    return often / (np.bincount(y, often) / np.maximum(counts, 1))[y]


def right_on(model: keras.Model, part: Part) -> np.ndarray:
    """Return which inputs (n,) of a part a model gets right."""
    return predict(model, part.x).argmax(axis=1) == part.y


def check_fine_tuning(model: keras.Model) -> None:
    """Refuse a model without weights that training could change.

    Raises:
        InputError: naming the model.
    """
    if not model.trainable_variables:
        hint = "Set trainable = True on the layers to be trained."
        checks.fail("the model must have trainable weights", f"{model.name!r}, without", hint)
