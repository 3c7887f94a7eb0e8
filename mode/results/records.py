"""The record of a run: its parameters and everything about it that is not reproducible."""

import json
import os
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from mode.results.files import write_text

PACKAGES = ("keras", "tensorflow", "numpy", "scipy", "pandas", "papermill")


def write_record(
    path: str | os.PathLike, parameters: Mapping, seconds: float | Mapping[str, float]
) -> Path:
    """Write parameters, versions and seconds of a run as JSON beside its rows.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = write_record(f"{folder}/record.json", {"seed": 0}, seconds=1.2)
        ...     sorted(json.loads(path.read_text()))
        ['parameters', 'processors', 'seconds', 'versions']
    """
    record = {
        "parameters": dict(parameters),
        "seconds": dict(seconds) if isinstance(seconds, Mapping) else seconds,
        "versions": {"python": platform.python_version(), **_versions()},
        "processors": os.cpu_count(),
    }
    return write_text(json.dumps(record, indent=1, sort_keys=True, default=str) + "\n", path)


def _versions() -> dict[str, str]:
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return versions
