"""What a client finds out without the gateway. Each error is a kind of one that the gateway reports."""

from serving.errors import ModelServerError, ModelServerTimeout, ModelServerUnavailable


class GatewayUnavailable(ModelServerUnavailable):
    """Nothing answers at the gateway's address, the connection broke, or a proxy before the gateway gave up."""


class GatewayTimeout(ModelServerTimeout):
    """The caller's deadline passed before the gateway answered."""


class UnexpectedReply(ModelServerError):
    """What answers at the address does not answer as a gateway of Plumbline's does."""
