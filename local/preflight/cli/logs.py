"""What a job, an endpoint, a function or a pipeline execution has written to CloudWatch Logs, found by its name."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import batched
from typing import Any
from urllib.parse import quote

import click

from preflight.cli.inventory import JOB_KINDS, KINDS, RUNNING, JobKind, names, newest_execution, pipeline_names
from preflight.cli.stack_api import RequestRefused, StackApi
from preflight.stack import StackError

POLL_SECONDS = 0.5
LATE_MILLISECONDS = 5_000  # lines of several hosts are written one host after the other
STREAMS_PER_CALL = 100  # AWS's limit of FilterLogEvents
_JOBS = [kind.word for kind in JOB_KINDS]
_COLOURS = ("cyan", "green", "magenta", "yellow", "blue")
_WHY_NOTHING = "nothing of it has begun, or printed, or its role may not write logs."
_DELETED = "deleted"
_GONE = ("ValidationException", "ResourceNotFound", "ResourceNotFoundException")

# https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html
_JOB_GROUPS = {
    "TrainingJob": "/aws/sagemaker/TrainingJobs",
    "ProcessingJob": "/aws/sagemaker/ProcessingJobs",
    "TransformJob": "/aws/sagemaker/TransformJobs",
}


@dataclass(frozen=True)
class Source:
    """The streams of a group whose names begin so, from one time to another; ``label`` tells them from others.

    Times are milliseconds since 1970.
    """

    group: str
    beginning: str = ""
    label: str = ""
    since: int = 0
    until: int | None = None


@dataclass(frozen=True)
class Line:
    """``writer`` is the host or instance, with what it works for."""

    time: int
    id: str
    writer: str
    text: str


@dataclass(frozen=True)
class Subject:
    """What a log is of: where its lines are now, and how it has ended, None if it has not."""

    title: str
    sources: Callable[[], Sequence[Source]]
    end: Callable[[], str | None]


def find(api: StackApi, name: str, kind: str | None, services: Sequence[str]) -> Subject:
    """What bears the name: one that is there, else one that has left a log.

    Raises:
        StackError: there is none, or several kinds have it.
    """
    if name.startswith("/"):
        return Subject(f"the log group {name}", lambda: [Source(name)], lambda: None)
    kinds = [kind] if kind else [each for each in KINDS if each != "function" or "lambda" in services]
    possible = {each: _subject(api, each, name) for each in kinds}
    found = {each: subject for each, subject in possible.items() if subject and _is_there(subject)}
    if not found:
        found = {each: subject for each, subject in possible.items() if subject and _streams(api, subject.sources())}
    if len(found) > 1:
        which = " and ".join(_title(each, name) for each in found)
        raise StackError(f"There is {which}. Say which: --kind {' or --kind '.join(found)}.")
    if not found:
        raise StackError(_unknown(api, name, kind, services))
    return next(iter(found.values()))


class LogPrinter:
    """Prints the lines of a subject as they are, with who wrote each as soon as there are several."""

    def __init__(self, api: StackApi, subject: Subject) -> None:
        self._api = api
        self._subject = subject
        self._writers: dict[str, int] = {}

    def print_lines(self, tail: int | None = None) -> None:
        """What is there, by time; the last ``tail`` lines of it."""
        found = _lines(self._api, self._subject, 0)
        self._print(found, tail)
        if not found:
            click.echo(f"{self._subject.title.capitalize()} has logged nothing: {_WHY_NOTHING}", err=True)

    def follow(self, tail: int | None = None) -> None:
        """The same, then what is added, as it comes, until the subject has ended; then how it has.

        Raises:
            StackError: the stack does not answer any more.
        """
        end = _end_of(self._subject)
        new = _lines(self._api, self._subject, 0)
        self._print(new, tail)
        seen: dict[str, int] = {}
        while end is None:
            seen |= {line.id: line.time for line in new}
            since = max(0, max(seen.values(), default=0) - LATE_MILLISECONDS)
            seen = {line: at for line, at in seen.items() if at >= since}
            time.sleep(POLL_SECONDS)
            end = _end_of(self._subject)  # before the lines: at a job's end they are all there
            new = [line for line in _lines(self._api, self._subject, since) if line.id not in seen]
            self._print(new, None)
        click.echo(f"{self._subject.title.capitalize()}: {end}", err=True)

    def _print(self, lines: Sequence[Line], tail: int | None) -> None:
        for line in lines:
            self._writers.setdefault(line.writer, len(self._writers))
        width = max(map(len, self._writers), default=0)
        for line in lines if tail is None else lines[max(0, len(lines) - tail) :]:
            colour = _COLOURS[self._writers[line.writer] % len(_COLOURS)]
            prefix = click.style(f"{line.writer:{width}} | ", fg=colour) if len(self._writers) > 1 else ""
            click.echo(prefix + line.text)


def _subject(api: StackApi, kind: str, name: str) -> Subject | None:
    job_kind = next((each for each in JOB_KINDS if each.word == kind), None)
    if job_kind:
        return _job(api, job_kind, name)
    if kind == "endpoint":
        group = f"/aws/sagemaker/Endpoints/{name}"
        return _lasting(kind, name, group, lambda: api.sagemaker("DescribeEndpoint", EndpointName=name))
    if kind == "function":
        path = f"/2015-03-31/functions/{quote(name, safe='')}"
        return _lasting(kind, name, f"/aws/lambda/{name}", lambda: api.get("lambda", path))
    return _execution(api, name)


def _job(api: StackApi, kind: JobKind, name: str) -> Subject:
    def sources() -> list[Source]:
        if kind.word == "tuning":
            trials = api.pages(
                "ListTrainingJobsForHyperParameterTuningJob",
                "TrainingJobSummaries",
                HyperParameterTuningJobName=name,
                MaxResults=100,
            )
            jobs = [trial["TrainingJobName"] for trial in trials]
            return [Source(_JOB_GROUPS["TrainingJob"], f"{job}/", job.removeprefix(f"{name}-")) for job in jobs]
        return [Source(_JOB_GROUPS[kind.resource], f"{name}/")]

    def end() -> str | None:
        described = kind.describe(api, name)
        return _end(described[f"{kind.resource}Status"], described.get("FailureReason"))

    return Subject(_title(kind.word, name), _if_there(sources), end)


def _lasting(kind: str, name: str, group: str, describe: Callable[[], Any]) -> Subject:
    """What works until it is deleted."""

    def end() -> str | None:
        describe()
        return None

    return Subject(_title(kind, name), lambda: [Source(group)], end)


def _execution(api: StackApi, name: str) -> Subject | None:
    """Of an execution by its ARN or the last part of that, or of a pipeline's newest."""
    arn = _execution_arn(api, name)
    if arn is None:
        return None

    def sources() -> list[Source]:
        steps = api.pages("ListPipelineExecutionSteps", "PipelineExecutionSteps", PipelineExecutionArn=arn)
        found: list[Source] = []
        for step in sorted(steps, key=lambda step: step.get("StartTime", 0.0)):
            for what, shown in step.get("Metadata", {}).items():
                found += _step_sources(api, step, what, str(shown.get("Arn", "")))
        return found

    def end() -> str | None:
        described = api.sagemaker("DescribePipelineExecution", PipelineExecutionArn=arn)
        return _end(described["PipelineExecutionStatus"], described.get("FailureReason"))

    return Subject(f"the pipeline execution {arn.rpartition('/')[2]}", _if_there(sources), end)


def _execution_arn(api: StackApi, name: str) -> str | None:
    if name.startswith("arn:"):
        return name
    pipelines = pipeline_names(api)
    if name.lower() in map(str.lower, pipelines):
        return newest_execution(api, name)
    for pipeline in pipelines:
        listed = api.pages("ListPipelineExecutions", "PipelineExecutionSummaries", PipelineName=pipeline)
        for execution in listed:
            arn: str = execution["PipelineExecutionArn"]
            if arn.rpartition("/")[2] == name:
                return arn
    return None


def _step_sources(api: StackApi, step: dict[str, Any], what: str, arn: str) -> Sequence[Source]:
    name, label = arn.rpartition("/")[2], step["StepName"]
    if what in _JOB_GROUPS:
        return [Source(_JOB_GROUPS[what], f"{name}/", label)]
    if what == "Lambda":
        group = f"/aws/lambda/{arn.rpartition(':function:')[2]}"  # of others that call it, too
        end = int(step["EndTime"] * 1000) + LATE_MILLISECONDS if "EndTime" in step else None
        return [Source(group, "", label, int(step["StartTime"] * 1000), end)]
    if what == "TuningJob":
        trials = _job(api, JOB_KINDS[-1], name).sources()
        return [Source(trial.group, trial.beginning, f"{label} {trial.label}") for trial in trials]
    return []


def _is_there(subject: Subject) -> bool:
    return _end_of(subject) != _DELETED


def _end_of(subject: Subject) -> str | None:
    try:
        return subject.end()
    except RequestRefused as refused:
        if refused.code in _GONE:
            return _DELETED
        raise


def _if_there(sources: Callable[[], list[Source]]) -> Callable[[], list[Source]]:
    """None of what is not there."""

    def those() -> list[Source]:
        try:
            return sources()
        except RequestRefused as refused:
            if refused.code in _GONE:
                return []
            raise

    return those


def _end(status: str, reason: str | None) -> str | None:
    if status in RUNNING:
        return None
    return f"{status}: {reason}" if reason else status


def _title(kind: str, name: str) -> str:
    return f"the {kind} job {name}" if kind in _JOBS else f"the {kind} {name}"


def _unknown(api: StackApi, name: str, kind: str | None, services: Sequence[str]) -> str:
    known = names(api, services)
    near = (
        get_close_matches(name, known, n=3, cutoff=0.5) or [each for each in known if name.lower() in each.lower()][:3]
    )
    what = f"{kind} job" if kind in _JOBS else kind or "job, endpoint, function or pipeline"
    guess = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"No {what} is called {name}, nor has one of that name left a log.{guess} preflight status --all lists all."


def _streams(api: StackApi, sources: Sequence[Source]) -> list[tuple[Source, list[str]]]:
    """The names of the streams that there are."""
    found: list[tuple[Source, list[str]]] = []
    for source in sources:
        # They are looked up: LocalStack does not know FilterLogEvents' prefix of their names.
        prefix = {"logStreamNamePrefix": source.beginning} if source.beginning else {}
        try:
            streams = list(api.log_pages("DescribeLogStreams", "logStreams", logGroupName=source.group, **prefix))
        except RequestRefused as refused:
            if refused.code in _GONE:
                continue
            raise
        if streams:
            found.append((source, [stream["logStreamName"] for stream in streams]))
    return found


def _lines(api: StackApi, subject: Subject, since: int) -> list[Line]:
    """Those of a time in milliseconds or later, by time."""
    found: list[Line] = []
    for source, streams in _streams(api, subject.sources()):
        for some in batched(streams, STREAMS_PER_CALL):
            which = {"logGroupName": source.group, "logStreamNames": list(some)}
            times = {"startTime": max(since, source.since)} | ({"endTime": source.until} if source.until else {})
            for event in api.log_pages("FilterLogEvents", "events", **which, **times):
                writer = _writer(source, event["logStreamName"])
                found.append(Line(event["timestamp"], event["eventId"], writer, event["message"].rstrip("\n")))
    return sorted(found, key=lambda line: line.time)


def _writer(source: Source, stream: str) -> str:
    """A host of a job without the time in its stream's name; an instance of a function by the begin of its number."""
    name = stream.removeprefix(source.beginning)
    name = re.sub(r"(?<=[a-z0-9])-\d{10,}(?=$|/)", "", name)
    name = re.sub(r"^\d{4}/\d\d/\d\d/\[.*\]([0-9a-f]{6}).*$", r"\1", name)
    return " ".join(filter(None, (source.label, name)))
