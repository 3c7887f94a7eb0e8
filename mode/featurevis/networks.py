"""The generators and the judge that `fit_prior` trains: small, sized by the images' shape."""

import keras
from keras import layers

from mode.seeds import derive


def _initial(seed: int, name: str):
    return keras.initializers.GlorotUniform(seed=derive(seed, name))


def _doublings(side: int) -> int:
    return 3 if side > 40 else 2


def decoder(shape: tuple, latent: int, *, seed: int, width: int = 32) -> keras.Model:
    """Return the generator: code (latent,) -> image of `shape` in [0, 1]."""
    height, wide, channels = shape
    ups = _doublings(max(height, wide))
    base = (-(-height // 2**ups), -(-wide // 2**ups))

    def named(name):
        return {"kernel_initializer": _initial(seed, name), "name": name}

    code = x = keras.Input((latent,))
    x = layers.Dense(128, "relu", **named("code"))(x)
    x = layers.Dense(base[0] * base[1] * width, "relu", **named("map"))(x)
    x = layers.Reshape((*base, width), name="shape")(x)
    for i in range(ups):
        filters = width if i == 0 else width // 2
        x = layers.Conv2DTranspose(filters, 4, 2, "same", activation="relu", **named(f"up{i}"))(x)
    x = layers.Conv2D(channels, 3, padding="same", activation="sigmoid", **named("out"))(x)
    spare = (base[0] * 2**ups - height, base[1] * 2**ups - wide)
    if any(spare):
        x = layers.Cropping2D(((0, spare[0]), (0, spare[1])), name="crop")(x)
    return keras.Model(code, x, name="decoder")


def encoder(shape: tuple, latent: int, *, seed: int) -> keras.Model:
    """Return the encoder: image -> (2 latent,), mean and log variance of its code.

    Dense, since it is thrown away after the fit and dense layers train fastest.
    """
    image = x = keras.Input(shape)
    x = layers.Flatten()(x)
    for width in (512, 256):
        x = layers.Dense(width, "relu", kernel_initializer=_initial(seed, f"encode{width}"))(x)
    x = layers.Dense(2 * latent, kernel_initializer=_initial(seed, "posterior"))(x)
    return keras.Model(image, x, name="encoder")


def critic(shape: tuple, *, seed: int) -> keras.Model:
    """Return the GAN's critic: image -> one number, high for real ones."""
    image = x = keras.Input(shape)
    for width in (32, 64):
        x = layers.Conv2D(width, 4, 2, "same", kernel_initializer=_initial(seed, f"critic{width}"))(
            x
        )
        x = layers.LeakyReLU(0.2)(x)
    x = layers.Dense(1, kernel_initializer=_initial(seed, "verdict"))(layers.Flatten()(x))
    return keras.Model(image, x, name="critic")


def judge(shape: tuple, classes: int, *, seed: int) -> keras.Model:
    """Return the judge: image -> logits (classes,)."""
    image = x = keras.Input(shape)
    for width in (16, 32):
        initial = _initial(seed, f"judge{width}")
        x = layers.Conv2D(width, 3, padding="same", activation="relu", kernel_initializer=initial)(
            x
        )
        x = layers.MaxPooling2D()(x)
    if max(shape[:2]) > 40:
        x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(64, "relu", kernel_initializer=_initial(seed, "hidden"))(x)
    x = layers.Dropout(0.3, seed=derive(seed, "dropout"))(x)
    x = layers.Dense(classes, kernel_initializer=_initial(seed, "logits"))(x)
    return keras.Model(image, x, name="judge")
