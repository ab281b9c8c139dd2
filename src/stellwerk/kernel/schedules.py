"""What the clock sets off in the kernel, besides what the job queue does for itself."""

from stellwerk.kernel.api import housekeeping as api
from stellwerk.kernel.exchange import housekeeping as exchange
from stellwerk.kernel.records import housekeeping as records
from stellwerk.kernel.search import rebuilding as search
from stellwerk.kernel.web import housekeeping as web

__all__ = ["api", "exchange", "records", "search", "web"]
