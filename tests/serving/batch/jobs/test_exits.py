"""How a run of `plumbline score` ends at a signal."""

import signal

import pytest

from serving.batch.errors import Unfinished
from serving.batch.jobs.exits import ended_by_signals
from serving.catalog.contract_cache import own_faults_told


def test_a_signal_while_a_contract_is_read_is_no_fault_of_the_contract() -> None:
    with pytest.raises(Unfinished, match="run the same command again"), ended_by_signals(), own_faults_told():
        signal.raise_signal(signal.SIGTERM)
