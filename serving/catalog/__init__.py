"""Which versions of the configured models may answer: on the model server, with a contract, replayed with parity.

The gateway and batch scoring ask the catalog for the version to use; a thread keeps it up to date, and whoever is
told by the model server that a version has gone refreshes at once.
"""

from serving.catalog.catalog import Catalog
from serving.catalog.contract_cache import Contracts
from serving.catalog.model_server import ModelServer
from serving.catalog.refresher import Refresher
from serving.catalog.state import LiveModel, ModelState, Refusal

__all__ = ["Catalog", "Contracts", "LiveModel", "ModelServer", "ModelState", "Refresher", "Refusal"]
