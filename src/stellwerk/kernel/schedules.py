"""What the clock sets off in the kernel, besides what the job queue does for itself."""

from stellwerk.kernel.exchange import housekeeping

__all__ = ["housekeeping"]
