"""Settings of an engine's process: liblsl, the threads of linear algebra, the garbage collector."""

import gc

from ...configs.schema.liblsl import configure_liblsl
from ...configs.schema.live import LslSection


def apply_lsl_settings(section: LslSection) -> None:
    """Configure liblsl, before it is used in this process.

    A section left at its defaults leaves the computer's own ``lsl_api.cfg`` in charge.
    """
    import pylsl

    configure_liblsl(section, pylsl.set_config_content)


def cap_blas(threads: int) -> None:
    """Cap the threads of NumPy's and SciPy's linear algebra for the rest of this process.

    Their workers wait for the next small product by spinning: that costs a session more than its filters.
    """
    import scipy.linalg  # noqa: F401 - so that its own BLAS is there to be capped, beside NumPy's
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads, user_api="blas")


def freeze_gc() -> None:
    """Exclude all present objects from garbage collection; call once before a session.

    Libraries and models are hundreds of thousands of objects that stay. With them in its rounds, the collector would
    hold every thread for a tenth of a second when it runs at all, and so rarely that memory creeps meanwhile.
    Afterwards :func:`collect_garbage` takes a fifth of a millisecond.
    """
    gc.collect()
    gc.freeze()


def collect_garbage() -> None:
    """Collect garbage, Python's free lists included; call every few seconds in a session.

    Do nothing before :func:`freeze_gc`, where a collection would take long.
    """
    if gc.get_freeze_count():
        gc.collect()
