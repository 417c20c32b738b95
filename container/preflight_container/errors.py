"""What can go wrong, and who has to act.

ContainerError
├── CustomerError      the training job's request or data is wrong: exit code 2
├── AlgorithmError     training failed for another reason: exit code 1
├── ModelError         the model files cannot be loaded: /ping never answers 200
├── DataError          bytes that do not hold what their content type promises; knows line and column
└── RequestError       an invocation is refused with a status of its own
    ├── BadRequest             400
    ├── NotAcceptable          406
    ├── PayloadTooLarge        413
    ├── UnsupportedMediaType   415
    └── CannotAnswer           500

Training turns a DataError into a CustomerError that names the file; each algorithm's server turns it into the
status its AWS container answers.
"""


class ContainerError(Exception):
    """Base of all errors here; its text is a sentence for the person who made the request."""


class CustomerError(ContainerError):
    """The job's hyperparameters, channels or data have to be changed."""

    exit_code = 2


class AlgorithmError(ContainerError):
    """Training failed though the request was in order."""

    exit_code = 1


class ModelError(ContainerError):
    """The model files are missing or cannot be read."""


class DataError(ContainerError):
    """Data that cannot be read. `line` and `column` count from 1 and are None where they mean nothing."""

    def __init__(self, problem: str, *, line: int | None = None, column: int | None = None) -> None:
        self.problem = problem
        self.line = line
        self.column = column
        place = ", ".join(f"{name} {n}" for name, n in (("line", line), ("column", column)) if n is not None)
        super().__init__(f"{place}: {problem}" if place else problem)


class RequestError(ContainerError):
    """An invocation is refused with `status`."""

    status = 400


class BadRequest(RequestError):
    """The body is of a readable type but the model cannot score it."""


class NotAcceptable(RequestError):
    """The algorithm does not answer in the type that Accept names."""

    status = 406


class PayloadTooLarge(RequestError):
    """The body is larger than the container takes."""

    status = 413


class UnsupportedMediaType(RequestError):
    """The algorithm does not read the body's content type."""

    status = 415


class CannotAnswer(RequestError):
    """The model has no such answer, which AWS's container too answers with a 500."""

    status = 500
