"""`fit_prior`: a variational autoencoder (or a GAN, for comparison) and a judge, in minutes.

Kingma & Welling, ICLR 2014, with the divergence weighted by `BETA` for sharper pictures.
"""

import keras
import numpy as np
import tensorflow as tf

from mode import checks
from mode.featurevis import mixture, networks, training
from mode.featurevis.gan import fit_gan
from mode.featurevis.prior import Prior, images_of, sample
from mode.seeds import derive, generator

BATCH, BETA = 100, 0.4


def fit_prior(
    images: np.ndarray,
    labels: np.ndarray | None = None,
    *,
    kind: str = "vae",
    latent: int = 24,
    steps: int = 3000,
    components: int = 8,
    seed: int = 0,
    name: str = "own",
    progress: bool = True,
) -> Prior:
    """Return a prior trained on `images` (n, h, w) or (n, h, w, c) in [0, 1].

    Args:
        labels: (n,); with them the prior samples by class and has a judge.
        kind: "vae", or "gan" (crisper, more broken images, no encoder).
        latent: elements of a code.
        steps: batches of 100 images; the judge takes 0.4 times as many.
        components: Gaussians a class in the mixture that codes are drawn from (VAE only).

    Raises:
        InputError: for images outside [0, 1] or not 28 x 28 to 64 x 64, fewer than 100 of them, or
            labels of another length or of fewer than two classes.
    """
    x = _checked(images)
    fit = FITS[checks.one_of("kind", kind, FITS)]
    checks.number("steps", steps, 1, integer=True)
    y = None if labels is None else checks.labels("labels", labels)
    if y is not None:
        checks.same_length(images=x, labels=y)
        if len(np.unique(y)) < 2:
            checks.fail("labels must have at least two classes", f"{len(np.unique(y))}")
    decoder, box, codes = fit(x, latent, steps, seed, progress)
    spread = None
    if codes is not None:
        groups = np.zeros(len(x), int) if y is None else y
        spread = mixture.fit(codes, groups, components=components, seed=derive(seed, "mixture"))
    judge = None if y is None else _fit_judge(x, y, -(-steps * 2 // 5), seed, progress)
    card = {"name": name, "kind": kind, "images": len(x), "shape": list(x.shape[1:])}
    card["labelled"] = y is not None and codes is not None
    prior = Prior(decoder, box, spread, judge, card)
    return Prior(decoder, box, spread, judge, card | _recognised(prior, seed))


def _checked(images: np.ndarray) -> np.ndarray:
    x = checks.images("images", images)
    x = x[..., None] if x.ndim == 3 else x
    if x.ndim != 4 or not all(16 <= side <= 64 for side in x.shape[1:3]):
        checks.fail("images must be n x h x w x c with sides from 16 to 64", f"shape {x.shape}")
    if len(x) < BATCH:
        checks.fail(f"images must be at least {BATCH}", f"{len(x)}")
    return x.astype(np.float32)


def _recognised(prior: Prior, seed: int) -> dict:
    """Return how many samples a judge is surer than 0.9 of, and agrees on with their class."""
    if prior.judge is None:
        return {}
    codes, drawn = sample(prior, 2000, seed=derive(seed, "card"))
    odds = keras.ops.softmax(prior.judge.predict(images_of(prior, codes), verbose=0))
    shares = {"recognised": round(float(np.mean(np.max(odds, axis=1) > 0.9)), 4)}
    if drawn is not None:
        shares["as_drawn"] = round(float(np.mean(np.argmax(odds, axis=1) == drawn)), 4)
    return shares


def _fit_judge(x, y, steps, seed, progress):
    model = networks.judge(x.shape[1:], int(y.max()) + 1, seed=derive(seed, "judge"))
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps))
    step = training.classifier_step(model, optimizer, logits=True)
    rows = training.batches(len(x), BATCH, steps, generator(seed, "judge batches"))
    training.run(step, (x, y.astype(np.int32)), rows, bar="judge" if progress else "")
    return model


def _fit_vae(x, latent, steps, seed, progress):
    encoder = networks.encoder(x.shape[1:], latent, seed=derive(seed, "encoder"))
    decoder = networks.decoder(x.shape[1:], latent, seed=derive(seed, "decoder"))
    rows = training.batches(len(x), BATCH, steps, generator(seed, "vae batches"))
    step = _vae_step(encoder, decoder, steps, derive(seed, "noise"))
    training.run(step, (x,), rows, bar="vae" if progress else "")
    mean, log_variance = np.split(encoder.predict(x, 500, verbose=0), 2, axis=1)
    noise = generator(seed, "codes").normal(size=mean.shape)
    codes = mean + np.exp(log_variance / 2) * noise
    middle, reach = codes.mean(axis=0), 3 * codes.std(axis=0)
    return decoder, np.stack([middle - reach, middle + reach], 1).astype(np.float32), codes


def _vae_step(encoder, decoder, steps, seed):
    weights = encoder.trainable_variables + decoder.trainable_variables
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps))
    optimizer.build(weights)

    def step(x):
        key = tf.stack([tf.cast(optimizer.iterations.value, tf.int32), seed])
        with tf.GradientTape() as tape:
            mean, log_variance = tf.split(encoder(x, training=True), 2, axis=1)
            noise = tf.random.stateless_normal(tf.shape(mean), key)
            y = decoder(mean + tf.exp(log_variance / 2) * noise, training=True)
            y = tf.clip_by_value(y, 1e-6, 1 - 1e-6)
            misfit = -tf.reduce_sum(x * tf.math.log(y) + (1 - x) * tf.math.log1p(-y), [1, 2, 3])
            surprise = 0.5 * tf.reduce_sum(tf.exp(log_variance) + mean**2 - 1 - log_variance, 1)
            loss = tf.reduce_mean(misfit + BETA * surprise)
        optimizer.apply(tape.gradient(loss, weights), weights)
        return loss

    return step


FITS = {"vae": _fit_vae, "gan": fit_gan}
