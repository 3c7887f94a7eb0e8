"""A DCGAN (Radford et al., ICLR 2016) with the R1 penalty (Mescheder et al., ICML 2018).

For comparison with the autoencoder: crisper, with more broken images, and no encoder, so its codes
are N(0, I) and carry no class.
"""

import keras
import numpy as np
import tensorflow as tf

from mode.featurevis import networks, training
from mode.seeds import derive, generator

BATCH, R1 = 64, 5.0
ADAM = {"learning_rate": 5e-4, "beta_1": 0.0, "beta_2": 0.99}
BOX = 3.0  # of N(0, I) codes, in standard deviations


def fit_gan(
    x: np.ndarray, latent: int, steps: int, seed: int, progress: bool
) -> tuple[keras.Model, np.ndarray, None]:
    """Return generator, code box (latent, 2) and no codes; `steps` batches of 64 images."""
    maker = networks.decoder(x.shape[1:], latent, seed=derive(seed, "generator"))
    critic = networks.critic(x.shape[1:], seed=derive(seed, "critic"))
    rows = training.batches(len(x), BATCH, steps, generator(seed, "gan batches"))
    step = _step(maker, critic, latent, derive(seed, "noise"))
    training.run(step, (x,), rows, bar="gan" if progress else "")
    return maker, np.tile(np.array([-BOX, BOX], np.float32), (latent, 1)), None


def _step(maker, critic, latent: int, seed: int):
    forge, police = keras.optimizers.Adam(**ADAM), keras.optimizers.Adam(**ADAM)
    forge.build(maker.trainable_variables)
    police.build(critic.trainable_variables)

    def step(x):
        key = tf.stack([tf.cast(forge.iterations.value, tf.int32), seed])
        z = tf.random.stateless_normal((tf.shape(x)[0], latent), key)
        with tf.GradientTape() as tape:
            loss = _critic_loss(critic, x, maker(z, training=True))
        slopes = tape.gradient(loss, critic.trainable_variables)
        police.apply(slopes, critic.trainable_variables)
        with tf.GradientTape() as tape:
            fooled = tf.reduce_mean(tf.nn.softplus(-critic(maker(z, training=True))))
        slopes = tape.gradient(fooled, maker.trainable_variables)
        forge.apply(slopes, maker.trainable_variables)
        return fooled

    return step


def _critic_loss(critic, real, fake):
    with tf.GradientTape() as tape:
        tape.watch(real)
        score = critic(real, training=True)
    slope = tape.gradient(score, real)
    penalty = 0.5 * R1 * tf.reduce_mean(tf.reduce_sum(slope**2, axis=(1, 2, 3)))
    losses = tf.nn.softplus(-score), tf.nn.softplus(critic(fake, training=True))
    return sum(tf.reduce_mean(loss) for loss in losses) + penalty
