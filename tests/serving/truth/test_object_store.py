"""Feedback in a real S3 server: kept before the call returns, and joined from there."""

from datetime import UTC, datetime, timedelta

import fsspec

from serving.captures.parts import packed
from serving.truth.accepting import FeedbackLog
from serving.truth.following import Follower, models_in
from serving.truth.store import open_store
from tests.serving.truth.parts import capture, feedback

NOW = datetime.now(UTC)


def test_what_is_accepted_is_in_the_store_and_is_joined_from_there(bucket: str) -> None:
    part = f"{bucket}/m/captures/{NOW:%Y-%m-%d}/{NOW:%H%M%S}-host-1-0.jsonl.gz"
    fsspec.filesystem("s3").pipe_file(part, packed(capture("a", {"label": "yes"}, NOW).to_json().encode() + b"\n"))
    follower = Follower(bucket, "m", timedelta(hours=1))
    before = follower.look()

    log = FeedbackLog(open_store(bucket))
    log.add("m", [feedback("a", "yes", NOW)], 60)
    after = follower.look()
    log.close()
    follower.close()

    assert models_in(bucket) == ["m"]
    assert [(version.known, version.answers) for report in (before, after) for version in report.versions] == [
        (0, 1),
        (1, 1),
    ]
