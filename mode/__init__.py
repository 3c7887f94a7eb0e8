"""MODE: find which labels a classifier gets wrong, which layer is to blame, which inputs mend it.

Importing this package loads neither TensorFlow nor matplotlib; import what you need from
its modules, e.g. ``from mode.repair import repair``.
"""

__version__ = "0.1.0"
