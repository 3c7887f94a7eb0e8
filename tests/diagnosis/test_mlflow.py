"""MLflow's own Keras callback behind the diagnosis (`pip install 'mode-debugger[mlflow]'`)."""

import keras
import numpy as np
import pytest

from mode.diagnosis import Diagnosis
from tests.diagnosis.conftest import classifier

mlflow = pytest.importorskip("mlflow")
tracking = pytest.importorskip("mlflow.keras")


def _logged(tmp_path, two_classes, *order):
    """Return the metrics by name, each with its values by epoch, and Keras's history."""
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    model = classifier(keras.layers.Dense(8, "relu", name="hidden"))
    with mlflow.start_run() as run:
        history = model.fit(*two_classes, epochs=3, verbose=0, callbacks=list(order)).history
        mlflow.flush_async_logging()
    client = mlflow.MlflowClient()
    names = client.get_run(run.info.run_id).data.metrics
    return {n: [m.value for m in client.get_metric_history(run.info.run_id, n)] for n in names}, (
        history
    )


@pytest.fixture(autouse=True)
def _folder(monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")


def test_mlflow_records_what_stands_before_it(tmp_path, two_classes):
    order = Diagnosis(log=True, every=5), tracking.MlflowCallback()
    logged, history = _logged(tmp_path, two_classes, *order)
    for name in ("loss", "diag/hidden/grad_norm", "diag/hidden/dead_units", "diag/out/grad_norm"):
        assert np.allclose(logged[name], history[name])


def test_mlflow_records_nothing_of_what_stands_behind_it(tmp_path, two_classes):
    order = tracking.MlflowCallback(), Diagnosis(log=True)
    logged, _ = _logged(tmp_path, two_classes, *order)
    assert "loss" in logged
    assert not [name for name in logged if "diag/" in name]
