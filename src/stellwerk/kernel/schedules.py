"""What the clock sets off in the kernel."""

from stellwerk.kernel.audit import housekeeping as records
from stellwerk.kernel.jobs import housekeeping as jobs
from stellwerk.kernel.write import kept_answers as api
from stellwerk.kernel.write import rebuilding as search

__all__ = ["api", "jobs", "records", "search"]
