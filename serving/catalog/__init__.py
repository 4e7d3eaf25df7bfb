"""Which versions of the configured models may answer: on the model server, with a contract whose parity was checked.

Gateway and batch scoring look up the version to use in the catalog. A thread keeps it up to date; code that finds a
version removed from the model server refreshes it at once.
"""

from serving.catalog.catalog import Catalog
from serving.catalog.contract_cache import Contracts
from serving.catalog.model_server import ModelRunner, ModelServer
from serving.catalog.refresher import Refresher
from serving.catalog.state import LiveModel, ModelState, Refusal

__all__ = ["Catalog", "Contracts", "LiveModel", "ModelRunner", "ModelServer", "ModelState", "Refresher", "Refusal"]
