"""Every limit of the diagnosis in one place, each with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Thresholds of the rules; sizes are ratios unless their comment says otherwise."""

    # outcome: what counts as having learned
    bad_gain: float = 0.05  # a loss so little below the best constant's shows no learning
    poor_gain: float = 0.5  # half of what could be learned
    fair_gain: float = 0.8  # what a usable model explains
    chance_margin: float = 0.02  # of accuracy: the noise of a few hundred rows
    patience_epochs: int = 5  # a failure is judged only after so many epochs
    patience_steps: int = 200  # or after so many steps
    clear_majority: float = 0.7  # with a larger class, accuracy at chance shows no failure
    majority_gain: float = 0.15  # unless the loss shows that little was learned
    rare_classes: float = 0.85  # with a larger class, the better of loss and accuracy decides
    few_steps: int = 10  # a finished training of fewer is a demonstration or a trial
    recent_part: int = 5  # accuracy is averaged over the last fifth of the records
    flat_spread: float = 1e-6  # float32 rounding: predictions so close are equal
    few_rows: int = 8  # a batch of fewer may be of one class, and its predictions alike
    early_steps: int = 20  # before, predictions may still be what they were at the start
    single_class_rows: int = 1000  # fewer rows may miss a rare class while training runs
    single_class_rows_finished: int = 300  # after training fewer are enough
    # data
    mean_to_std: float = 10.0  # a feature so far from 0 acts like a second bias
    std_low: float = 0.01  # a feature so small needs weights far from their initial size
    std_high: float = 10.0  # a feature so large saturates the first layer
    constant_std: float = 1e-12  # float64 rounding: such a feature is constant
    tabular_features: int = 256  # up to so many, each stands for itself; beyond, their share counts
    odd_features: float = 0.1  # share of far or wide ones among many features
    tiny_features: float = 0.5  # share of small ones, of which a few are harmless
    target_std: float = 30.0  # larger targets need large weights or many steps
    target_mean_to_std: float = 3.0  # a mean so large is as hard to reach as a wide spread
    whole_number: float = 1e-6  # float32 rounding of a label
    row_sum: float = 1e-3  # float32 rounding of a row that sums to 1
    divided_target: float = 0.1  # class targets that stay below it were divided by something
    overshoot: float = 0.25  # targets so little outside an activation's range can be fitted
    # architecture, initial weights, optimizer
    linear_layers: int = 2  # a single linear layer among others may be a projection
    deep: int = 6  # so many saturating layers in a row shrink a gradient by 1e-3
    deep_sigmoid: int = 5  # sigmoids, whose slope is 1/4 at most, do so earlier
    deep_saturating: int = 8  # tanh, whose slope is 1 at most, does so later
    normalized_part: float = 0.5  # so many normalizations a layer keep the signal's size
    bottleneck_units: int = 2  # one unit passes one number on
    dropout: float = 0.5  # the usual highest rate
    dropout_extreme: float = 0.75  # counts whatever the outcome: three of four units are lost
    gain_low: float = 0.01  # two orders of magnitude: the signal fades
    gain_high: float = 100.0  # two orders of magnitude: the signal explodes
    kernel_gain: float = 10.0  # saturates the units of one layer by itself
    bias_low: float = -2.0  # two deviations of what a layer gets
    momentum: float = 0.95  # beyond it a step lasts for more than 20 others
    momentum_gap: float = 1e-3  # lest a momentum of 1 makes the rate infinite
    unscaled_rate: float = 0.01  # usual rate from which an optimizer does not scale its steps
    rate_high: float = 1.0  # of optimizers that do not scale their steps
    rate_high_adaptive: float = 0.03  # each step is about as large as the rate
    rate_high_adadelta: float = 100.0  # its steps are scaled by their own past size
    rate_rounding: float = 1.001  # 0.1 with a momentum of 0.9 is usual, and 1 but for rounding
    rate_low: float = 1e-6  # thousands of steps move a weight by a percent
    rate_low_unscaled: float = 10.0  # times as much where gradients alone size the steps
    # custom code: arguments in float32
    exp_argument: float = 87.5  # its exponential is nearly the largest float32
    smallest: float = 1e-37  # nearly the smallest float32
    # records
    records: int = 3  # fewer show no course
    recent: int = 5  # last records whose median counts
    warm_up: int = 3  # adaptive optimizers begin with full steps from zero
    curve_points: int = 4  # of a loss: fewer show no course
    # activations and predictions
    near_constant: float = 0.02  # spread of predictions, as a share of the targets' spread
    dead: float = 0.7  # share of units: a healthy layer may have half of them idle
    dead_steps: int = 10  # units may wake up within the first steps
    dead_layers: int = 3  # reported at most
    saturated: float = 0.5  # share of units
    probability_slack: float = 0.01  # rounding and label smoothing
    row_sum_slack: float = 0.02  # rounding of half precision
    activation_high: float = 1e3  # times the inputs' size
    activation_low: float = 1e-4  # absolute: next to nothing arrives at the next layer
    # gradients, weights, updates
    vanishing_kernels: int = 3  # of fewer kernels the first third is no third
    vanishing_ratio: float = 1e-3  # first layers' gradient against the last's
    gradient_low: float = 1e-4  # against the weight: no usual rate moves it
    exploding_ratio: float = 100.0  # of a gradient to its running median
    exploding_size: float = 1e-2  # absolute: smaller gradients may jump
    moderate_gradient: float = 1e3  # absolute: below it nothing was about to overflow
    update_high: float = 0.1  # of the weight: ten steps replace it
    update_extreme: float = 0.5  # of the weight: two steps replace it
    update_low: float = 1e-6  # of the weight, as `rate_low`
    update_crawling: float = 2e-4  # a fifth of the usual 1e-3
    rewritten_records: int = 5  # so many extreme updates are no outlier
    unchanged: float = 1e-5  # of the weight over an epoch
    unchanged_output: float = 1e-6  # absolute: float32 rounding
    # curves of loss and accuracy
    large_loss: float = 3.0  # times the best constant's: the predictions are far off
    rise: float = 0.1  # share of the first loss
    negative_loss: float = -1e-3  # below what rounding makes of 0
    oscillating_records: int = 8  # last ones that are looked at
    oscillating_fewest: int = 6  # of fewer, turns are chance
    flips: float = 0.6  # share of turns; of a noisy course two thirds
    swing: float = 0.1  # of the mean loss
    swing_fall: float = 0.95  # a half whose best loss is so much lower makes progress
    still_improving: float = 0.2  # share of the fall that came in the last quarter
    slowly_improving: float = 0.1  # half of that, of a finished training
    fallen: float = 0.3  # share of the first loss that is gone: something was learned
    worthwhile_fall: float = 0.03  # of the best constant's loss: noise creeps on for ever
    slow_start_epochs: int = 10  # last ones, whose falls are counted
    slow_start_falls: float = 0.75  # share of them: of noise it is half
    slow_start_part: float = 0.5  # of the planned epochs: what has not begun by then is slow
    few_epochs: int = 3  # fewer tell nothing of convergence
    hardly_learned: float = 0.2  # share of the targets explained: more than a note
    disagreeing_gain: float = 0.2  # the loss alone shows that much was learned
    losses_apart: float = 0.2  # rounding of a loss that is computed twice
    loss_floor: float = 0.5  # absolute: smaller losses are compared as if they were this large
    overfit: float = 1.2  # validation loss over its best
    overfit_unscored: float = 1.5  # where no score shows whether the loss matters
    overfit_epochs: int = 5  # a shorter rise is noise
    overfit_gap: float = 0.08  # of accuracy, between training and validation
    overfit_drop: float = 0.03  # two standard errors of an accuracy of 95 % on 200 rows
    overfit_slight: float = 0.15  # of the best constant's loss: too low to matter
    overfit_training: float = 0.9  # of the training loss at the best epoch: it still falls
    # a training that is over, of which only the curves are known
    history_epochs: int = 7  # fewer do not show a trend beside the noise
    history_window: int = 10  # the median of a tenth of the epochs is a level: noise is averaged
    history_windowed: int = 50  # epochs in such a level at most
    history_noise: float = 3.0  # standard deviations of a level, as usual for an outlier
    history_rise: float = 0.05  # share of the validation loss's fall: lost again, it is no drift
    history_worth: float = 0.02  # of the best validation loss: a smaller rise matters to no one
    history_falls: float = 0.98  # of the training loss at the best epoch: it is still being fitted
    history_diverged: float = 0.5  # share of the fall of the training loss that is lost again
    history_learned: float = 0.8  # accuracy: the loss may have fallen before the first log
    history_identical: float = 1e-6  # of the training loss: the same rows were measured twice
    history_far_better: float = 0.5  # of the training loss: no dropout explains a lower one
    overlap: float = 0.05  # share of rows: more than chance collisions of their marks
    suspicious_epochs: int = 4  # in fewer, training lags behind by being measured on the way
    suspicious_lead: float = 0.1  # of accuracy, validation over training
    # whether there is anything to learn
    dependence_rows: int = 100  # of fewer, chance hides a relation
    dependence_p: float = 0.02  # of the best of three tests; below, targets depend on inputs
    # evaluation and single outputs
    lag_left: float = 0.05  # of the initial statistics: what is left no longer decides
    lag_drop: float = 0.2  # of accuracy or explained variance: beyond the drift of a few steps
    one_class: float = 0.999  # share of rows: every prediction names one class
    few_rare: float = 10.0  # expected rows of other classes: fewer may be missing by chance
    other_learned: float = 0.3  # skill of the best output, beside one that has none
    # evidence for causes
    deep_model: int = 8  # hidden layers
    narrow_model: int = 4  # units of the widest layer
    few_steps_an_epoch: int = 2  # the rows are few for such batches
    by_heart: float = 0.2  # accuracy over the largest class's share: the rows are learned
    falling_at_end: float = 0.1  # share of the fall in the last quarter
    short_training: int = 100  # steps
    strong_cause: float = 0.6  # evidence that explains a low rate away
    certain_cause: float = 0.9  # evidence that is not explained away
    least_score: float = 0.05  # of a cause that is reported
    # a batch that is too large for its rows becomes this part of itself, or the usual size
    batch_part: int = 4
    batch_usual: int = 32


LIMITS = Limits()
