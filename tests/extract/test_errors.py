"""Every error of extract survives the way out of a worker process."""

from __future__ import annotations

import pickle

import pytest

from extract.addresses import PrivateAddress
from extract.catalogue import BadSource
from extract.codings import CodingError
from extract.feeds import NotAFeed
from extract.fetch import BadAnswer, ConnectionLost, FetchFault, HostPaused, ServerBusy, ServerError, Timeout
from extract.model import PauseScope
from extract.pacing import Paused
from extract.urls import BadUrl
from extract.warc import ArchiveDamaged

URL = "https://daily.example/a"


@pytest.mark.parametrize(
    "error",
    [
        ArchiveDamaged("2026/11/a.warc.gz", 4711, "a record is cut off"),
        BadSource("daily", "title is missing"),
        BadUrl(URL, "no usable host"),
        CodingError("a compressed body is cut off"),
        NotAFeed(URL, "neither RSS nor Atom"),
        Paused(PauseScope.HOST, "the host was asked to be left alone", 60.0),
        PrivateAddress("daily.example", "10.0.0.1"),
        FetchFault(URL, "no luck"),
        Timeout(URL, "no answer within 3 s"),
        ConnectionLost(URL, "ClientOSError"),
        BadAnswer(URL, "no HTTP"),
        ServerError(URL, "500 Internal Server Error"),
        ServerBusy(URL, "503 Service Unavailable", 7.0),
        HostPaused(URL, "the host asked to wait", 60.0, PauseScope.DOMAIN),
    ],
    ids=lambda error: type(error).__name__,
)
def test_error_travels_between_processes(error: Exception) -> None:
    there = pickle.loads(pickle.dumps(error))
    assert (type(there), str(there), vars(there)) == (type(error), str(error), vars(error))
