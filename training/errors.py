"""What can end a training job on purpose; the command line prints the message and exits, without a stack trace."""


class TrainingError(Exception):
    """The root of the job's own errors."""


class DataUnavailable(TrainingError):
    """A data set or the weights of a pretrained base is neither here nor to be downloaded."""


class BadRequest(TrainingError):
    """The command asks for a model, recipe or setting that does not exist."""
