# The packages that the committed results were made with, each checked by its hash:
#   docker build -t mode . && docker run --rm -v "$PWD/out:/out" mode
FROM python:3.11-slim
WORKDIR /source
COPY requirements.txt ./
RUN python -m pip install --no-cache-dir --require-hashes -r requirements.txt
COPY setup.py pyproject.toml README.md LICENSE ./
COPY mode ./mode
COPY notebooks ./notebooks
# Built with the pinned setuptools: nothing is fetched but what the hashes name.
RUN python -m pip install --no-cache-dir --no-deps --no-build-isolation .
WORKDIR /
CMD ["python", "-m", "mode", "reproduce", "--out", "/out"]
