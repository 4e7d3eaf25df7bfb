"""One loaded version of a model, against which requests are run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.runtime.errors import failed_precondition
from serving.runtime.saved_model import Session
from serving.runtime.signature import Signature, TensorInfo
from serving.runtime.tensor_messages import Array

_INIT_OP = "__saved_model_init_op"  # not a real signature: it refers to the graph's initialization


@dataclass(frozen=True)
class Servable:
    """A version's signatures and session. Requests hold it, and it is freed with the last of them."""

    session: Session
    signature_defs: Mapping[str, Any]
    signatures: Mapping[str, Signature]

    @staticmethod
    def of(session: Session, signature_defs: Mapping[str, Any]) -> "Servable":
        """Read the signatures of a model that was just loaded."""
        named = {name: Signature.of(name, each) for name, each in signature_defs.items() if name != _INIT_OP}
        return Servable(session, signature_defs, named)

    def signature(self, name: str) -> Signature:
        """Return a signature; raises ServingError."""
        try:
            return self.signatures[name]
        except KeyError:
            raise failed_precondition(f'Serving signature key "{name}" not found.') from None

    def ask(self, name: str, given: dict[str, Array]) -> dict[str, Array]:
        """Compute all outputs of a signature, by name, from its inputs; raises ServingError."""
        signature = self.signature(name)
        signature.check_names(given)
        values = self.run(signature, signature.arrange(given), signature.outputs, None)
        return {info.alias: np.asarray(value) for info, value in zip(signature.outputs, values, strict=True)}

    def run(
        self, signature: Signature, arrays: Sequence[Array], outputs: Sequence[TensorInfo], deadline: float | None
    ) -> list[Array]:
        """Compute `outputs` from `arrays`, which are in the order of the signature's inputs."""
        feeds = tuple([info.tensor_name for info in signature.inputs])
        fetches = tuple([info.tensor_name for info in outputs])
        return self.session.run(feeds, fetches, arrays, deadline)
