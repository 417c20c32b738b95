"""Jobs that ran when the stack ended: nothing of them is left to run, and they say so as AWS says that it failed."""

import logging
from functools import partial

from preflight.sagemaker.jobs.job_status import JobStatus
from preflight.sagemaker.jobs.record import JobRecord
from preflight.sagemaker.resources.table import Resources

LOG = logging.getLogger(__name__)

INTERNAL_SERVER_ERROR = "InternalServerError: We encountered an internal error. Please try again."


def end_interrupted(resources: Resources) -> None:
    """End each job of any kind that has not ended: Stopped if that was asked for, else Failed."""
    with resources.lock:
        for table in resources.tables:
            for record in table:
                if isinstance(record, JobRecord) and not record.is_final:
                    LOG.warning("The %s %s had not ended when the stack did.", record.noun, record.name)
                    status = JobStatus(record, resources.lock, partial(table.announce, record))
                    if record.status == "Stopping":
                        record.interrupt("Stopped", None)
                        status.stop("Stopped")
                    else:
                        record.interrupt("Failed", INTERNAL_SERVER_ERROR)
                        status.fail(INTERNAL_SERVER_ERROR)
