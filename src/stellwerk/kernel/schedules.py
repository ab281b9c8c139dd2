"""What the clock sets off in the kernel, besides what the job queue does for itself."""

from stellwerk.kernel.api import housekeeping as api
from stellwerk.kernel.exchange import housekeeping as exchange

__all__ = ["api", "exchange"]
