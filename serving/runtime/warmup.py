"""Warm-up: replays the requests recorded in a version before it takes real ones."""

import logging
from pathlib import Path
from typing import Any

from tensorflow_serving.apis import prediction_log_pb2

from serving.runtime.errors import ServingError, invalid_argument
from serving.runtime.predict_request import predict
from serving.runtime.servable import Servable
from serving.runtime.tfrecords import read_records
from serving.tfserving.codes import Code

RECORDS_PATH = Path("assets.extra", "tf_serving_warmup_requests")
MAX_RECORDS = 1000

logger = logging.getLogger(__name__)


def replay(path: Path, servable: Servable) -> None:
    """Run the version's warm-up records, if any; a failing record makes the load fail. Raises ServingError."""
    records = path / RECORDS_PATH
    if not records.is_file():
        return
    count = 0
    for record in read_records(records):
        count += 1
        if count > MAX_RECORDS:
            raise invalid_argument(f"Number of warmup records exceeds the maximum ({MAX_RECORDS}) at {records}")
        _replay(prediction_log_pb2.PredictionLog.FromString(record), servable)
    logger.info("replayed %d warm-up records of %s", count, path)


def _replay(log: Any, servable: Servable) -> None:
    kind = log.WhichOneof("log_type")
    if kind != "predict_log":
        raise ServingError(Code.UNIMPLEMENTED, f"Unsupported log_type for warmup: {kind}")
    predict(servable, log.predict_log.request, as_content=False, deadline=None)
