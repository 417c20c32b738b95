"""``preflight``: start, look at and stop the stack."""

import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from types import FrameType

import click
from rich.console import Console
from rich.table import Table

from preflight.client_environment import client_environment
from preflight.stack import DEFAULT_PORT, Stack, StackError, default_home

_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # SIGHUP: its terminal is closed

console = Console(soft_wrap=True, highlight=False)


def _stack_command(command: Callable[..., None]) -> click.Command:
    """A subcommand that works on the stack of ``--port`` and says errors in plain words."""

    def run(port: int, **options: object) -> None:
        try:
            command(Stack(port=port, home=default_home()), **options)
        except StackError as error:
            console.print(f"[red]Error:[/] {error}", markup=True)
            sys.exit(1)
        except BrokenPipeError:  # of `| head`; click ends without a word
            raise
        except OSError as error:  # a full disk, a folder that is a file or somebody else's
            place = f": {error.filename}" if error.filename else ""
            what_to_do = f"The stack keeps its files in {default_home()}; PREFLIGHT_HOME names another folder."
            console.print(f"Error: {error.strerror or error}{place}. {what_to_do}", markup=False)
            sys.exit(1)
        except KeyboardInterrupt:
            console.print("Interrupted: what this command started is stopped.")
            sys.exit(130)

    run.__doc__ = command.__doc__
    run.__name__ = command.__name__
    run.__dict__.update(command.__dict__)  # click keeps declared options there
    port_option = click.option(
        "--port",
        default=DEFAULT_PORT,
        show_default=True,
        envvar="PREFLIGHT_PORT",
        type=click.IntRange(1, 65535),
        help="The port of 127.0.0.1 the stack answers on. Each port is a stack of its own.",
    )
    return main.command()(port_option(run))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run AWS for machine learning on this machine: S3, IAM, Lambda, API Gateway and a SageMaker that trains.

    \b
    preflight up             start it
    eval "$(preflight env)"  let any AWS client in this shell talk to it
    preflight down           stop it, and everything it started
    """


@_stack_command
def up(stack: Stack) -> None:
    """Start the stack; does nothing if it is up."""
    started = time.monotonic()
    with console.status("Starting the stack ..."):
        new = stack.up()
    if new:
        console.print(f"The stack is up at {stack.endpoint_url} ({time.monotonic() - started:.1f} s).")
    else:
        console.print(f"The stack is up already at {stack.endpoint_url}.")
    _say_fallback(stack)


@_stack_command
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on. 0.0.0.0 is for the inside of a container: anyone who reaches the port may do all.",
)
@click.option("--leash", is_flag=True, help="Also stop at the end of standard input: its owner is gone, then.")
def run(stack: Stack, host: str, leash: bool) -> None:
    """Be the stack in the foreground until Ctrl-C, SIGTERM or SIGHUP."""
    for stop in _STOPS:
        signal.signal(stop, _end)
    if leash:
        threading.Thread(target=_end_with_standard_input, daemon=True).start()

    def on_ready() -> None:
        console.print(f"The stack is up at {stack.endpoint_url}.")
        _say_fallback(stack)

    replace(stack, host=host).run(on_ready)


def _end_with_standard_input() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _end(signal_number: int, frame: FrameType | None) -> None:
    for stop in _STOPS:
        signal.signal(stop, signal.SIG_IGN)  # it is stopping; asking again must not leave it half stopped
    console.print("Stopping the stack and everything it started ...")
    sys.exit(0)


@_stack_command
def down(stack: Stack) -> None:
    """Stop the stack and every process and container it started. What it stored is gone."""
    with console.status("Stopping the stack ..."):
        was_up = stack.down()
    console.print("The stack is down." if was_up else f"No stack is up on port {stack.port}.")


@_stack_command
def status(stack: Stack) -> None:
    """Show whether the stack is up, and its services. Exit code 1 if it is not."""
    process, services = stack.process(), stack.health()
    if process is None or services is None:
        raise StackError(f"No stack is up on port {stack.port}. Start it: preflight up --port {stack.port}")
    table = Table("service", "state", box=None)
    for name, state in sorted(services.items()):
        if state != "disabled":
            table.add_row(name, state)
    console.print(f"The stack is up at {stack.endpoint_url} (process {process.pid}, log {stack.log_file}).")
    _say_fallback(stack)
    console.print(table)


def _say_fallback(stack: Stack) -> None:
    if fallback := stack.launcher_fallback():
        console.print(fallback, style="yellow", markup=False)


@_stack_command
@click.option("--follow", "-f", is_flag=True, help="Keep printing what is added, until Ctrl-C.")
def logs(stack: Stack, follow: bool) -> None:
    """Print the stack's own log. (Logs of jobs, endpoints and functions are in CloudWatch Logs.)"""
    if not stack.log_file.exists():
        raise StackError(f"No stack has run on port {stack.port}.")
    with stack.log_file.open(errors="replace") as log:
        while True:
            if chunk := log.read(65536):
                click.echo(chunk, nl=False)
            elif follow and stack.process():
                time.sleep(0.2)
            else:
                return


@_stack_command
def env(stack: Stack) -> None:
    """Print what AWS clients need to talk to it. In a shell: eval "$(preflight env)"."""
    for name, value in client_environment(stack.endpoint_url).items():
        click.echo(f"export {name}={shlex.quote(value)}")


@main.command()
@click.option("--json", "form", flag_value="json", help="As JSON.")
@click.option("--markdown", "form", flag_value="markdown", help="As docs/coverage.md.")
@click.option("--guesses", "form", flag_value="guesses", help="The messages whose words are not known to be AWS's.")
def coverage(form: str | None) -> None:
    """Show what of SageMaker is supported. What of an operation is refused by name stands below it."""
    if form == "guesses":
        from preflight.cli import guesses

        click.echo(guesses.as_text(guesses.guesses()))
        return
    from preflight.cli import coverage_report as report  # slow to import: it reads AWS's service models

    entries = report.coverage()
    write = {"json": report.as_json, "markdown": report.as_markdown}.get(form or "", report.as_text)
    click.echo(write(entries).rstrip("\n"))
