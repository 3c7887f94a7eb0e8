"""A papermill engine whose notebooks run one after another in one kernel.

A new kernel for each run of a small study would start, import TensorFlow and compile for half as
long as the run then computes. Here a kernel stays for the next run of its thread, which finds an
empty namespace and Keras as it was imported. After a failure the next run gets a new kernel.
"""

from threading import get_ident
from typing import Any

from jupyter_client import AsyncKernelManager
from nbclient.util import run_sync
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines

ENGINE = "warm"
PATIENCE = 30  # seconds until a kernel that does not answer is replaced
# Run before a notebook's first cell; what is imported and compiled stays. Unseeded generators are
# drawn anew from the operating system, as a new kernel does.
CLEAR = """
import random, sys
get_ipython().reset()
if "numpy" in sys.modules:
    sys.modules["numpy"].random.seed()
if "keras" in sys.modules:
    sys.modules["keras"].utils.clear_session()
random.seed()
del random, sys
"""
_KERNELS: dict[tuple[int, str], AsyncKernelManager] = {}  # by thread and kernel name


class WarmClient(PapermillNotebookClient):
    """Executes a notebook in a kernel that others may have used."""

    def papermill_execute_cells(self) -> None:
        """Clear the kernel, then execute every cell up to the first that fails."""
        self.wait_for_reply(self.kc.execute(CLEAR, silent=True))
        super().papermill_execute_cells()


class WarmEngine(Engine):
    """Registered with papermill as ENGINE."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, **options: Any
    ) -> None:
        """Execute the notebook of `nb_man`; its kernel stays unless a cell fails."""
        key = get_ident(), kernel_name
        kernel = _KERNELS.pop(key, None)
        if kernel is None or not run_sync(_replies)(kernel):
            kernel = AsyncKernelManager(kernel_name=kernel_name)
        client = WarmClient(nb_man, km=kernel, kernel_name=kernel_name, timeout=None)
        try:
            client.execute()
            if not nb_man.nb.metadata.papermill["exception"]:
                _KERNELS[key] = kernel
        finally:
            if client.kc is not None:
                client.kc.stop_channels()
            if key not in _KERNELS:
                run_sync(kernel.shutdown_kernel)(now=True)


async def _replies(kernel: AsyncKernelManager) -> bool:
    """Say whether a kernel answers; one that was killed a moment ago still counts as alive."""
    client = kernel.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=PATIENCE)
    except RuntimeError:  # it died, or does not answer
        return False
    finally:
        client.stop_channels()
    return True


def close() -> None:
    """End the kernels of this process that wait for a next run."""
    while _KERNELS:
        run_sync(_KERNELS.popitem()[1].shutdown_kernel)(now=True)


papermill_engines.register(ENGINE, WarmEngine)
