"""Logs what changes in the catalog: each change once, however often it is looked."""

import logging
from collections.abc import Mapping

from serving.catalog.state import ModelState

_log = logging.getLogger(__name__)


def log_left_out(before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Log the models that can't be served, unless they were before for the same reason."""
    for model, reason in after.items():
        if before.get(model) != reason:
            _log.error("%s: not served: %s", model, reason)


def log_changes(model: str, before: ModelState, after: ModelState) -> None:
    """Log how the state of a model changed."""
    for version, live in after.live.items():
        if before.live.get(version) is not live:
            _log.info("%s: version %d is live", model, version)
    for version in before.live.keys() - after.live.keys():
        _log.info("%s: version %d is no longer live", model, version)
    for version, refusal in after.refused.items():
        if version not in before.refused or before.refused[version].reason != refusal.reason:
            _log.error("%s: version %d is not admitted: %s", model, version, refusal.reason)
    if after.problem and after.problem != before.problem:
        _log.warning("%s: %s", model, after.problem)
    if after.ready and not before.ready:
        _log.info("%s: ready", model)
