"""Build, copy, train and ask Keras classifiers; a model that is given is never changed."""

from mode.models.architectures import MODELS, build
from mode.models.classifier import classes_of
from mode.models.copies import clone, reinitialize
from mode.models.files import load_model
from mode.models.predictions import predict
from mode.models.training import train

__all__ = [
    "MODELS",
    "build",
    "classes_of",
    "clone",
    "load_model",
    "predict",
    "reinitialize",
    "train",
]
