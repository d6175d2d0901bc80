"""When a webhook that was not accepted is tried again, and when it is given up."""

from datetime import datetime, timedelta
from typing import Final

FIRST: Final = timedelta(seconds=5)
LONGEST: Final = timedelta(hours=1)
PATIENCE: Final = timedelta(days=3)
FEWEST: Final = 5  # also what had to wait behind another event for three days gets a fair number of tries
PATIENT_FAILURES: Final = 10
LONGEST_REST: Final = timedelta(minutes=5)


def again_at(attempts: int, since: datetime, now: datetime) -> datetime | None:
    """The next try after so many in vain; None when this was the last: three days have passed."""
    if attempts >= FEWEST and now - since >= PATIENCE:
        return None
    return now + min(LONGEST, FIRST * (1 << min(attempts - 1, 16)))


def rest(failures: int) -> timedelta | None:
    """How long a receiver is left alone that has failed so often in a row; None while it may be a passing fault."""
    if failures < PATIENT_FAILURES:
        return None
    return min(LONGEST_REST, timedelta(seconds=1 << min(failures - PATIENT_FAILURES, 16)))
