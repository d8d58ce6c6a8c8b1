"""The calls about submissions to outside platforms, as flows."""

import msgspec

from farwork.protocol.submissions import (
    PlatformJob,
    ReconciledJob,
    ReconcileIn,
    ReconcileOut,
    SubmissionIn,
    SubmissionOut,
)
from farwork.sdk._flow import Flow, Request, ask


def note_submission(said: SubmissionIn) -> Flow[SubmissionOut]:
    """Note what is about to be submitted, or the id that the platform gave for it.

    Raises `Refused` when the lease is over.
    """
    return ask(_repeatable("/v1/submissions", said), SubmissionOut)


def reconcile(platform: str, jobs: list[PlatformJob]) -> Flow[list[ReconciledJob]]:
    """Hand in a platform's list of jobs; what became of each, in their order."""
    said = ReconcileIn(platform, jobs)
    found = yield from ask(_repeatable("/v1/submissions/reconcile", said), ReconcileOut)
    return found.items


def _repeatable(path: str, said: object) -> Request:
    return Request("POST", path, body=msgspec.json.encode(said), repeatable=True)
