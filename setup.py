"""Metadata of the distribution `mode-debugger`; tools are configured in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "mode/__init__.py").read_text())[1]
NOTEBOOKS = [path.name for path in sorted((HERE / "notebooks").glob("*.ipynb"))]
# What serves the explorer's page.
APP = ["ipywidgets>=8.1", "voila>=0.5.7"]

setup(
    name="mode-debugger",
    version=VERSION,
    description="Find which labels a Keras classifier gets wrong, why, and which inputs mend it.",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    # Of Python those versions in which all unit tests were run.
    classifiers=[
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
    packages=[*find_packages(include=["mode", "mode.*"]), "mode_notebooks"],
    package_dir={"mode_notebooks": "notebooks"},
    package_data={
        "mode": [
            "explore/page.css",
            "explore/voila/templates/*/*",
            "published/*.csv",
            "featurevis/*.json",
            "featurevis/priors/*/*",
        ],
        "mode_notebooks": NOTEBOOKS,
    },
    install_requires=[
        "click>=8.1",
        "dask>=2024.8",
        "distributed>=2024.8",
        "ipykernel>=6.29",
        "keras>=3.6",
        "matplotlib>=3.8",
        "mlxtend>=0.23",
        "nbclient>=0.10",
        "nbconvert>=7.16",
        "numpy>=2.0",
        "pandas>=2.2",
        "papermill>=2.6",
        "pillow>=10.0",
        "POT>=0.9.4",
        "scikit-learn>=1.4",
        "scipy>=1.13",
        "tensorflow>=2.18",
        "threadpoolctl>=3.1",
        "tqdm>=4.66",
    ],
    extras_require={
        "app": APP,
        "mlflow": ["mlflow-skinny>=3.0"],
        "pools": ["zarr>=3.0"],
        "test": [
            *APP,
            "build>=1.2",
            "hypothesis>=6.100",
            "import-linter>=2.0",
            "jax>=0.5",
            "jupyterlab>=4.2",
            "mypy>=1.11",
            "playwright>=1.44",
            "pytest>=8.0",
            "pytest-xdist>=3.5",
            "ruff>=0.6",
            "scikit-posthocs>=0.9",
            "zarr>=3.0",
        ],
    },
    entry_points={"console_scripts": ["mode=mode.cli:main"]},
)
