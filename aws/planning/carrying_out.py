"""Plan, show, ask, do: how every program of this folder that makes something goes about it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console

from aws.client import Aws
from aws.errors import EXIT_INTERRUPTED, InputError
from aws.planning.plan import Plan
from aws.planning.planner import PlanFollower, Planner
from aws.report import Report
from aws.target import Target


def plan_of(target: Target, work: Callable[[Aws, Report], object]) -> Plan:
    """What ``work`` would do now. Only reads."""
    planner = Planner(target)
    unseen = Report(Console(quiet=True), planner.calls)
    work(planner, unseen)
    return Plan(tuple(unseen.done))


def follower_of(target: Target, plan: Plan, console: Console) -> tuple[PlanFollower, Report]:
    """Who does what the plan says, before the eyes of a person at ``console``."""
    follower = PlanFollower(target, plan)
    report = Report(console, follower.calls)
    follower.tell = report.tell
    return follower, report


def is_agreed(
    target: Target, plan: Plan, report: Report, price: Callable[[], str], *, plan_only: bool, yes: bool
) -> bool:
    """Show the plan where it was asked for, or will cost; then ask. False if only the plan is wanted.

    Raises:
        InputError: the person does not want it, or cannot be asked.
    """
    if plan_only or (target.asks_first and plan.calls):
        for line in plan.lines():
            report.line(line)
        if target.asks_first:
            report.line(price())
    if not plan_only and target.asks_first and plan.calls and not yes:
        ask(plan)
    return not plan_only


def ask(plan: Plan) -> None:
    """Raises InputError unless the person at the terminal agrees."""
    if not sys.stdin.isatty():
        raise InputError("Nothing was changed: there is no terminal to ask at. Add --yes to do all of the above.")
    if not click.confirm(f"Make these {len(plan.calls)} calls?"):
        raise InputError("Nothing was changed.")


@contextmanager
def accounted(report: Report, target: Target) -> Iterator[None]:
    """Say what exists by now if the work ends early, and how to go on."""
    try:
        yield
    except BaseException as error:
        interrupted = isinstance(error, KeyboardInterrupt)
        report.line(
            f"{'Interrupted' if interrupted else 'Stopped'}. {report.where()} Run the same command again to continue, "
            f"or `python aws/destroy.py --target {target.name}` to remove it all."
        )
        if interrupted:
            raise SystemExit(EXIT_INTERRUPTED) from None
        raise
