"""Every limit of the diagnosis in one place."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Thresholds of the rules; sizes are ratios unless their name says otherwise."""

    # outcome: what counts as having learned
    bad_gain: float = 0.05
    poor_gain: float = 0.5
    fair_gain: float = 0.8
    chance_margin: float = 0.02
    patience_epochs: int = 5
    patience_steps: int = 200
    # data
    mean_to_std: float = 10.0
    std_low: float = 0.01
    std_high: float = 10.0
    target_std: float = 30.0
    # initialisation, architecture, optimiser
    gain_low: float = 0.01
    gain_high: float = 100.0
    bias_low: float = -2.0  # two deviations of what a layer gets
    dropout: float = 0.5
    deep: int = 6
    rate_low: float = 1e-6
    rate_high_adaptive: float = 0.03
    rate_high: float = 1.0
    momentum: float = 0.95
    # dynamics
    dead: float = 0.7
    saturated: float = 0.5
    vanishing_ratio: float = 1e-3
    exploding_ratio: float = 100.0
    update_high: float = 0.1
    update_extreme: float = 0.5
    update_low: float = 1e-6
    unchanged: float = 1e-5
    moderate_gradient: float = 1e3
    flips: float = 0.6
    swing: float = 0.1
    overfit: float = 1.2
    overfit_unscored: float = 1.5  # where no score tells whether the loss matters
    overfit_epochs: int = 5
    overfit_gap: float = 0.08
    overfit_drop: float = 0.03  # two standard errors of an accuracy of 95 % on 200 rows
    still_improving: float = 0.2
    overlap: float = 0.05
    losses_apart: float = 0.2
    # a batch that is too large for its rows becomes this part of itself, or the usual size
    batch_part: int = 4
    batch_usual: int = 32


LIMITS = Limits()
