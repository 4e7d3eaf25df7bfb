"""Warm-up: the recorded requests that a version is shipped with, replayed before it takes real ones."""

import logging
from pathlib import Path
from typing import Any

import grpc
from tensorflow.python.framework.errors import DataLossError
from tensorflow.python.lib.io.tf_record import tf_record_iterator
from tensorflow_serving.apis import prediction_log_pb2

from serving.local_server.errors import CODES, ServingError, invalid_argument
from serving.local_server.prediction_service import predict
from serving.local_server.servable import Servable

RECORDS_PATH = Path("assets.extra", "tf_serving_warmup_requests")
MOST_RECORDS = 1000

logger = logging.getLogger(__name__)


def replay(path: Path, servable: Servable) -> None:
    """Run the version's warm-up records, if it has any; a failure is a failure to load."""
    records = path / RECORDS_PATH
    if not records.is_file():
        return
    count = 0
    for record in _read(records):
        count += 1
        if count > MOST_RECORDS:
            raise invalid_argument(f"Number of warmup records exceeds the maximum ({MOST_RECORDS}) at {records}")
        _replay(prediction_log_pb2.PredictionLog.FromString(record), servable)
    logger.info("replayed %d warm-up records of %s", count, path)


def _read(records: Path) -> Any:
    try:
        # Not tf.data: that would start TensorFlow's eager runtime beside the sessions, which nothing else needs.
        yield from tf_record_iterator(str(records))
    except DataLossError as error:
        message = "Please verify your warmup data is in TFRecord format."
        raise ServingError(CODES[error.error_code], f"{error.message}. {message}") from error


def _replay(log: Any, servable: Servable) -> None:
    kind = log.WhichOneof("log_type")
    if kind != "predict_log":
        raise ServingError(grpc.StatusCode.UNIMPLEMENTED, f"Unsupported log_type for warmup: {kind}")
    predict(servable, log.predict_log.request, as_content=False, deadline=None)
