"""Assembles the server, and runs it until the process gets a signal."""

import gc
import logging
import signal
import threading
from time import monotonic

from serving.local_server import grpc_server, rest_server
from serving.local_server.config import Configuration, model_configs
from serving.local_server.manager import ModelManager
from serving.local_server.rest_api import RestApi
from serving.local_server.server_metrics import BatchingMetrics, Metrics
from serving.runtime.batch_scheduler import BatchScheduler
from serving.runtime.errors import ServingError
from serving.runtime.loader import ServableLoader
from serving.runtime.model import Pace
from serving.runtime.saved_model import Parallelism

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 25.0  # less than Kubernetes' default of 30


class Server:
    """The whole server. `run` opens the ports once the models are loaded, and drains at SIGTERM."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._flags = configuration.flags
        self._stopping = threading.Event()
        self._problem = ""  # of the last look at the configuration file
        self._metrics = Metrics()
        self._manager = _manager(configuration, self._metrics.batching)

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT; raises ServingError if it can't start."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        gc.freeze()  # imported objects are permanent: each collection visits 300,000 objects less
        try:
            self._manager.apply(self._configuration.models, lambda: not self._stopping.is_set(), noun="servable")
        except ServingError:
            if not self._stopping.is_set():
                raise
            return
        self._serve()
        self._manager.stop()

    def _serve(self) -> None:
        flags = self._flags
        rpc = grpc_server.serve(flags, self._configuration.tls, self._manager, self._metrics.requests)
        rest = None
        if flags.rest_api_port:
            api = RestApi(self._manager, self._metrics, self._configuration.metrics_path)
            rest = rest_server.serve(flags.host, flags.rest_api_port, api)
        logger.info("serving gRPC on port %d, REST on %s", flags.port, flags.rest_api_port or "none")
        self._wait()
        logger.info("draining")
        end = monotonic() + DRAIN_SECONDS
        stopped = rpc.stop(DRAIN_SECONDS)
        if rest:
            rest.refuse_connections()
        stopped.wait(max(0.0, end - monotonic()))
        if rest:
            rest.drain(end)

    def _wait(self) -> None:
        """Wait for a signal; meanwhile re-read the configuration file, if that is enabled."""
        pause = self._flags.model_config_file_poll_wait_seconds
        rereads = bool(self._flags.model_config_file) and pause > 0
        due = monotonic() + pause
        # In short waits: a signal that the kernel gives to another thread does not wake this one, which must handle it.
        while not self._stopping.wait(0.2):
            if rereads and monotonic() >= due:
                self._reread(until=monotonic() + pause)
                due = monotonic() + pause

    def _reread(self, until: float) -> None:
        try:
            configs = model_configs(self._flags)
            self._manager.apply(configs, lambda: monotonic() < until and not self._stopping.is_set())
            self._problem = ""
        except ServingError as error:
            if str(error) != self._problem:  # not at each look
                logger.error("can't apply the configuration file, will try again: %s", error)
            self._problem = str(error)


def _manager(configuration: Configuration, metrics: BatchingMetrics) -> ModelManager:
    flags = configuration.flags
    parallelism = Parallelism(flags.tensorflow_intra_op_parallelism, flags.tensorflow_inter_op_parallelism)
    batching = configuration.batching
    scheduler = BatchScheduler(batching.num_batch_threads, metrics) if batching else None
    pace = Pace(flags.file_system_poll_wait_seconds, flags.max_num_load_retries, flags.load_retry_interval_micros / 1e6)
    shared = None if flags.enable_per_model_batching_parameters else batching
    loader = ServableLoader(parallelism, scheduler, shared, flags.enable_model_warmup)
    return ModelManager(loader, pace, flags.allow_version_labels_for_unavailable_models)
