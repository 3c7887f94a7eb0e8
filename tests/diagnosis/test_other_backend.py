"""Where the steps cannot be watched, the static and the metric rules still speak.

Other backends are tested in `tests/test_backend.py`.
"""

from tests.diagnosis.other_backend import check_report, diagnosed


def test_a_compiled_step_of_tensorflow_is_as_closed_as_another_backends():
    check_report(diagnosed(), "the model is compiled with jit_compile=True")
