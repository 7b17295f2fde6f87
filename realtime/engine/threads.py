"""How many threads the numerical libraries of a process may use."""

import scipy.linalg  # noqa: F401 - so that its own BLAS is there to be capped, beside NumPy's
from threadpoolctl import threadpool_limits


def cap_blas(threads: int) -> None:
    """Cap the threads of NumPy's and SciPy's linear algebra for the rest of this process.

    Their workers wait for the next small product by spinning: that costs a session more than its filters.
    """
    threadpool_limits(threads, user_api="blas")
