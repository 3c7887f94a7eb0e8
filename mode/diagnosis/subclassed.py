"""A subclassed model made anew: it has no graph to clone, but options of its layers can be set."""

from mode.diagnosis.modelfacts import leaf_layers

# What a layer looks up whenever it is called; all else counts only until its weights are made.
_ALWAYS = {"activation", "rate", "momentum", "epsilon"}


def remade(source, build, edits: dict):
    """Return a new model of the source's class, the options of its layers set as `edits` says.

    Args:
        build: a function that returns such a model, or None: then the class is asked for one.
        edits: name of a layer of `source` -> changed constructor options.

    Raises:
        ValueError: for an option that cannot be set any more, or of which nothing is known.
    """
    made = build() if build is not None else type(source).from_config(source.get_config())
    for old, layer in zip(leaf_layers(source), leaf_layers(made), strict=True):
        layer.name = old.name  # findings of a trial name layers, and the next fix goes by them
        for option, value in edits.get(old.name, {}).items():
            _set(layer, option, value)
    return made


def _set(layer, option: str, value) -> None:
    if not hasattr(layer, option) or (layer.built and option not in _ALWAYS):
        raise ValueError(f"{option} of {layer.name} cannot be set")
    # from_config turns names into the functions and objects that they stand for
    twin = type(layer).from_config({**layer.get_config(), option: value})
    setattr(layer, option, getattr(twin, option))
