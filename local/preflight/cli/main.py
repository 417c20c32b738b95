"""``preflight``: start, look at and stop the stack."""

from __future__ import annotations  # rich's names stand in annotations, and are loaded where they are used

import contextlib
import functools
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click

from preflight import function_runtimes
from preflight.cli.inventory import KINDS, names, take_inventory, used
from preflight.cli.stack_api import RequestRefused, StackApi
from preflight.client_environment import REGION, client_environment
from preflight.environments import EnvironmentProblem, cache_folder, kit_path, stack_python
from preflight.projects.create import ProjectProblem, create, default_folder
from preflight.sagemaker.launching.declared_images import DeclarationProblem
from preflight.stack import DEFAULT_PORT, KeptState, Stack, StackError, default_home

if TYPE_CHECKING:
    from rich.console import Console

_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # SIGHUP: its terminal is closed


@functools.cache
def console() -> Console:
    """Where commands print. rich takes longer to load than most commands take: it is loaded when one prints."""
    from rich.console import Console

    return Console(soft_wrap=True, highlight=False)


def say(line: str) -> None:
    """Print one line as it is."""
    console().print(line, markup=False)


def say_aside(line: str) -> None:
    """Print one line where it does not mix with the command's result."""
    click.echo(line, err=True)


def fail(text: str) -> NoReturn:
    """End with an error in words."""
    console().print("[red]Error:[/] ", end="")
    say(text)
    sys.exit(1)


@contextlib.contextmanager
def _errors_in_words() -> Iterator[None]:
    try:
        yield
    except (StackError, EnvironmentProblem, DeclarationProblem, RequestRefused, ProjectProblem) as error:
        fail(str(error))
    except BrokenPipeError:  # of `| head`; click ends without a word
        raise
    except OSError as error:  # a full disk, a folder that is a file or somebody else's
        place = f": {error.filename}" if error.filename else ""
        folders = f"stacks keep their files in {default_home()}, environments are in {cache_folder()}"
        fail(f"{error.strerror or error}{place}. PREFLIGHT_HOME and PREFLIGHT_CACHE name other folders: {folders}.")
    except KeyboardInterrupt:
        console().print("Interrupted: what this command started is stopped.")
        sys.exit(130)


class _Port(click.ParamType):
    name = "port"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 65535):
            self.fail(f"{text!r} is no port; choose one from 1 to 65535.", param, ctx)
        return int(text)


def _stack_command(command: Callable[..., None], group: click.Group | None = None) -> click.Command:
    """A subcommand of ``group``, or a command, that works on the stack of ``--port``."""

    @_errors_in_words()
    def run(port: int, **options: object) -> None:
        command(Stack(port=port, home=default_home()), **options)

    run.__doc__ = command.__doc__
    run.__name__ = command.__name__
    run.__dict__.update(command.__dict__)  # click keeps declared options there
    port_option = click.option(
        "--port",
        default=DEFAULT_PORT,
        show_default=True,
        envvar="PREFLIGHT_PORT",
        show_envvar=True,
        type=_Port(),
        help="The port of 127.0.0.1 the stack answers on. Each port is a stack of its own.",
    )
    return (group or main).command(name=command.__name__.rstrip("_"))(port_option(run))


_EPHEMERAL = click.option(
    "--ephemeral", is_flag=True, help="Start empty and keep nothing. What an earlier stack has kept stays as it is."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run AWS for machine learning on this machine: S3, IAM, Lambda, API Gateway and a SageMaker that trains.

    \b
    preflight up             start it
    eval "$(preflight env)"  let any AWS client in this shell talk to it
    preflight down           stop it, and everything it started; what it stored is kept

    PREFLIGHT_PORT is the port of each command that has --port.
    """


@_stack_command
@click.option("--only", type=click.Choice(["sagemaker"]), help="SageMaker alone; --services says where the rest is.")
@click.option("--services", default="", help="Where S3, IAM and the rest are: an emulator of AWS, moto's server.")
@_EPHEMERAL
def up(stack: Stack, only: str | None, services: str, ephemeral: bool) -> None:
    """Start the stack with what the last one kept; does nothing if it is up.

    The first time it sets up what the stack runs in.
    """
    if bool(only) != bool(services):
        fail("--only sagemaker and --services URL go together: the URL is an emulator's, as http://localhost:5000.")
    stack = replace(stack, services=services, ephemeral=ephemeral)
    started = time.monotonic()
    with console().status("Starting the stack ..."):
        new = stack.up(say)
    if new:
        console().print(f"The stack is up at {stack.endpoint_url} ({time.monotonic() - started:.1f} s).")
    else:
        console().print(f"The stack is up already at {stack.endpoint_url}.")
    _say_fallback(stack)
    _say_notes(stack.kept_state())


@_stack_command
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on. 0.0.0.0 is for the inside of a container: anyone who reaches the port may do all.",
)
@click.option("--leash", is_flag=True, help="Also stop at the end of standard input: its owner is gone, then.")
@_EPHEMERAL
def run(stack: Stack, host: str, leash: bool, ephemeral: bool) -> None:
    """Be the stack in the foreground until Ctrl-C, SIGTERM or SIGHUP."""
    for stop in _STOPS:
        signal.signal(stop, _end)
    if leash:
        threading.Thread(target=_end_with_standard_input, daemon=True).start()

    def on_ready() -> None:
        console().print(f"The stack is up at {stack.endpoint_url}.")
        _say_fallback(stack)
        _say_notes(stack.kept_state())

    replace(stack, host=host, ephemeral=ephemeral).run(on_ready, say)


def _end_with_standard_input() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _end(signal_number: int, frame: FrameType | None) -> None:
    for stop in _STOPS:
        signal.signal(stop, signal.SIG_IGN)  # it is stopping; asking again must not leave it half stopped
    console().print("Stopping the stack and everything it started ...")
    sys.exit(0)


@_stack_command
@click.option("--all", "every", is_flag=True, help="The stacks of all ports, of every project.")
@click.option("--forget", is_flag=True, help="Forget what it stored: the next start is an empty stack.")
def down(stack: Stack, every: bool, forget: bool) -> None:
    """Stop the stack and every process and container it started. What it stored is there again at its next start."""
    stacks = Stack.all_of(stack.home) if every else [stack]
    if not stacks:
        console().print(f"No stack has run here: {stack.home} has none.")
    for one in stacks:
        had_state, keeps = one.has_state, one.is_keeping()
        with console().status("Stopping the stack ..."):
            was_up = one.down(say, forget=forget)
        which = f"The stack on port {one.port}" if every else "The stack"
        console().print(f"{which} is down." if was_up else f"No stack is up on port {one.port}.")
        if forget:
            console().print("What it stored is forgotten." if had_state else "It had kept nothing.")
        elif keeps:
            console().print("What it stored is kept for its next start (preflight down --forget forgets it).")
        elif had_state:
            console().print("What an earlier stack stored is still kept (preflight down --forget forgets it).")


def _complete_name(context: click.Context, parameter: click.Parameter, typed: str) -> list[str]:
    """The names of what has a log, for a shell; none if the stack does not answer."""
    stack = Stack(port=context.params.get("port", DEFAULT_PORT))
    with contextlib.suppress(StackError, RequestRefused), StackApi(stack.port, REGION) as api:
        return [name for name in names(api, used(stack.health() or {}, stack.kept_services)) if name.startswith(typed)]
    return []


_region_option = click.option(
    "--region", default=REGION, show_default=True, help="Whose resources to look at; `preflight env` sets the default."
)


@_stack_command
@_region_option
@click.option(
    "--all", "-a", "whole", is_flag=True, help="All jobs, functions, URLs and executions, not the newest few."
)
@click.option("--services", is_flag=True, help="Also AWS's services, how jobs run, and what runs functions.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for scripts; times in ISO 8601.")
def status(stack: Stack, region: str, whole: bool, services: bool, as_json: bool) -> None:
    """Show what is up: jobs, endpoints, functions, URLs, pipeline executions. Exit code 1 if the stack is not."""
    answer = stack.health()
    if as_json and answer is None:
        click.echo(json.dumps({"is_up": False, "endpoint_url": stack.endpoint_url}))
        sys.exit(1)
    health = _require_up(stack, answer)
    from preflight.cli import overview  # takes longer than most commands here

    with StackApi(stack.port, region) as api:
        inventory = take_inventory(
            api, stack.endpoint_url, used(health, stack.kept_services), is_whole=whole or as_json
        )
    if as_json:
        head = {"is_up": True, "endpoint_url": stack.endpoint_url, "region": region, "services": health}
        click.echo(json.dumps(head | overview.as_data(inventory), indent=2))
        return
    console().print(f"The stack is up at [bold]{stack.endpoint_url}[/].")
    _say_fallback(stack)
    state = stack.kept_state()
    _say_notes(state)
    if state.folder:
        say(f"What it stores is kept in {_as_typed(state.folder)}.")
    elif state.is_kept is False:
        console().print("What it stores ends with it: it is ephemeral.")
    if limitation := stack.launcher_limitation():
        console().print(limitation, style="yellow", markup=False)
    if stack.roles_decide() is False:
        console().print("Roles decide nothing: PREFLIGHT_IAM is off, and every request is allowed.", style="yellow")
    overview.show(inventory)
    if services:
        overview.show_services(stack, health)


def _as_typed(folder: Path) -> str:
    """As a person would type it in a shell: below home with ~."""
    home = Path.home()
    return f"~/{folder.relative_to(home)}" if folder.is_relative_to(home) else str(folder)


def _require_up(stack: Stack, health: Mapping[str, str] | None) -> Mapping[str, str]:
    """Raises StackError if no stack answers; it says where one does."""
    if health is not None and "sagemaker" in health:
        return health
    if health is not None:
        raise StackError(f"What answers at {stack.endpoint_url} is no stack of Preflight. Choose another port: --port.")
    start = f"Start it: preflight up --port {stack.port}"
    others = [str(other.port) for other in Stack.all_of(stack.home) if other.port != stack.port and other.health()]
    elsewhere = f"; or look at one that is up, on port {', '.join(others)}, with --port" if others else ""
    raise StackError(f"No stack is up on port {stack.port}. {start}{elsewhere}.")


def _say_fallback(stack: Stack) -> None:
    if fallback := stack.launcher_fallback():
        console().print(fallback, style="yellow", markup=False)


def _say_notes(state: KeptState) -> None:
    for note in state.notes:
        console().print(note, style="yellow", markup=False)


@_stack_command
@click.argument("name", required=False, shell_complete=_complete_name)
@_region_option
@click.option("--kind", type=click.Choice(KINDS), help="What NAME is, if things of several kinds have that name.")
@click.option("--follow", "-f", is_flag=True, help="Keep printing what is added, until a job has ended, or Ctrl-C.")
@click.option("--tail", "-n", type=click.IntRange(0), help="Only so many of the last lines.")
def logs(stack: Stack, name: str | None, region: str, kind: str | None, follow: bool, tail: int | None) -> None:
    """Print what a job, an endpoint, a function or a pipeline execution called NAME has logged.

    NAME may also be a pipeline's, for its newest execution, or a log group's. Without NAME: the stack's own log.
    """
    try:
        if name is None:
            _print_own_log(stack, follow=follow, tail=tail)
        else:
            _print_log(stack, name, region, kind, follow=follow, tail=tail)
    except KeyboardInterrupt:  # the way to stop following
        sys.exit(130)


def _print_log(stack: Stack, name: str, region: str, kind: str | None, *, follow: bool, tail: int | None) -> None:
    services = _require_up(stack, stack.health())
    if "logs" not in services:
        raise StackError(f"This stack is SageMaker alone: {name} logs where its services are.")
    from preflight.cli.logs import LogPrinter, find

    with StackApi(stack.port, region) as api:
        printer = LogPrinter(api, find(api, name, kind, used(services, stack.kept_services)))
        if not follow:
            printer.print_lines(tail)
            return
        try:
            printer.follow(tail)
        except StackError:
            if stack.health() is not None:
                raise
            say_aside("The stack is down.")


def _print_own_log(stack: Stack, *, follow: bool, tail: int | None) -> None:
    if not stack.log_file.exists():
        raise StackError(f"No stack has run on port {stack.port}.")
    with stack.log_file.open(errors="replace") as log:
        if tail is not None:
            click.echo("".join(deque(log, maxlen=tail)), nl=False)
        while True:
            if chunk := log.read(65536):
                click.echo(chunk, nl=False)
            elif follow and stack.process():
                time.sleep(0.2)
            else:
                return


@_stack_command
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec(stack: Stack, command: tuple[str, ...]) -> None:
    """Run COMMAND as on a notebook instance: preflight exec -- jupyter lab.

    It has the variables of `preflight env`, and the file in which the SageMaker SDKs find their execution role.
    """
    if stack.health() is None:
        raise StackError(f"No stack is up on port {stack.port}. Start it: preflight up --port {stack.port}")
    from preflight.cli import notebook  # boto3 takes longer than most commands here

    notebook.become(stack, command)


@main.group()
def state() -> None:
    """Share what a stack holds: a prepared one for a team, or for CI."""


def _state_command(command: Callable[..., None]) -> click.Command:
    return _stack_command(command, state)


_state_path = click.argument("path", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))


@_state_command
@_state_path
@_region_option
def export(stack: Stack, path: Path, region: str) -> None:
    """Write what the stack holds into FILE: SageMaker's resources, S3's objects, roles, functions, REST APIs."""
    from preflight.cli import state_files  # boto3 takes longer than most commands here

    _require_whole_stack(stack)
    with console().status("Reading the stack ..."):
        state_files.export(stack, path, region, say)


@_state_command
@_state_path
@click.option("--max-gb", default=10.0, show_default=True, help="How much FILE may hold, unpacked.")
def import_(stack: Stack, path: Path, max_gb: float) -> None:
    """Make in the stack what FILE describes. Nothing in it is run, until you use it: see docs/state.md."""
    from preflight.cli import state_files

    _require_whole_stack(stack)
    with console().status("Checking FILE, then making what is in it ..."):
        state_files.import_(stack, path, max_gb, say)


def _require_whole_stack(stack: Stack) -> None:
    if "s3" not in _require_up(stack, stack.health()):
        raise StackError("This stack is SageMaker alone: what it needs of S3 and IAM is in another emulator.")


@_stack_command
@click.option("--plain", is_flag=True, help="As NAME=value: for .env, docker run --env-file, $GITHUB_ENV.")
def env(stack: Stack, plain: bool) -> None:
    """Print what AWS clients need to talk to it. In a shell: eval "$(preflight env)"."""
    if stack.health() is None:
        say_aside(f"No stack is up on port {stack.port} yet. Start it: preflight up --port {stack.port}")
    for name, value in client_environment(stack.endpoint_url).items():
        click.echo(f"{name}={value}" if plain else f"export {name}={shlex.quote(value)}")


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what completes commands and names in SHELL.

    \b
    bash, in ~/.bashrc:                    eval "$(preflight completion bash)"
    zsh, in ~/.zshrc, after compinit:      eval "$(preflight completion zsh)"
    fish, in ~/.config/fish/config.fish:   preflight completion fish | source
    """
    from click.shell_completion import get_completion_class

    shell_class = get_completion_class(shell)
    assert shell_class is not None
    click.echo(shell_class(main, {}, "preflight", "_PREFLIGHT_COMPLETE").source())


@main.command()
@click.argument("table", type=click.Path(path_type=Path))
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option(
    "--label", help="The column to predict.  [default: the last, or the first if it is called label, target, class, y]"
)
@_errors_in_words()
def init(table: Path, folder: Path | None, label: str | None) -> None:
    """Make a project of TABLE in FOLDER: look at the table, write what it is, bring the programs that deploy it.

    TABLE is a CSV, also .csv.gz or a .zip with one. FOLDER must be empty or new; it is named after TABLE if not given.
    """
    folder = folder or default_folder(table)
    create(table, folder, label)
    say(f"{folder} is a project. Look at {folder / 'preflight.toml'}: comments stand where it was not sure. Then:")
    say(f"  cd {shlex.quote(str(folder))} && make demo")


@main.command()
@click.option("--json", "form", flag_value="json", help="As JSON.")
@click.option("--markdown", "form", flag_value="markdown", help="As docs/coverage.md.")
@click.option("--guesses", "form", flag_value="guesses", help="The messages whose words are not known to be AWS's.")
@_errors_in_words()
def coverage(form: str | None) -> None:
    """Show what of SageMaker is supported. What of an operation is refused by name stands below it."""
    if form == "guesses":
        from preflight.cli import guesses

        click.echo(guesses.as_text(guesses.guesses()))
        return
    # By the stack's own Python: the report is made of the service and of the AWS models it is pinned to.
    command = [str(stack_python(say_aside)), "-P", "-m", "preflight.cli.coverage_report", form or "text"]
    columns = str(shutil.get_terminal_size().columns)
    environment = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(kit_path()), "COLUMNS": columns}
    report = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    click.echo(report.stdout.rstrip("\n"))


@main.command()
@_errors_in_words()
def prepare() -> None:
    """Set up now what the first start would: before you go offline, in an image, in CI. Prints where it is."""
    say(f"The stack runs on {stack_python(say)}")
    for interpreter in function_runtimes.prepare_all(say):
        say(f"Functions run on {interpreter.label}: {interpreter.path}")


@main.group(name="frameworks", invoke_without_command=True)
@click.pass_context
@_errors_in_words()
def framework_environments(context: click.Context) -> None:
    """List the images of frameworks that run a script here, and whether their environments are made."""
    if context.invoked_subcommand is None:
        from preflight.cli import frameworks

        console().print(frameworks.table())


@framework_environments.command(name="install")
@click.argument("names", nargs=-1, required=True)
@_errors_in_words()
def install_framework(names: tuple[str, ...]) -> None:
    """Make the environments of NAMES (sklearn:1.2-1) now, for the jobs that need them: before you go offline, in CI."""
    from preflight.cli import frameworks

    for image in [frameworks.find(name) for name in names]:
        frameworks.install(image, say)


@main.group(name="images", invoke_without_command=True)
@click.pass_context
@_errors_in_words()
def image_declarations(context: click.Context) -> None:
    """List the images whose programs are declared, and run here as processes."""
    if context.invoked_subcommand is None:
        from preflight.cli import images

        console().print(images.table())


@image_declarations.command(name="add")
@click.argument("name")
@click.option("--command", default="", help="What gets train or serve as its argument; without it, these are programs.")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    help="Where it starts, and first on its path. What a job writes there goes with the job.",
)
@click.option(
    "--environment",
    "requirements",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A requirements.txt: the packages it runs with.",
)
@click.option("--python", default=f"{sys.version_info.major}.{sys.version_info.minor}", show_default=True)
@click.option("--variable", "variables", multiple=True, metavar="NAME=VALUE", help="For its environment; repeatable.")
@_errors_in_words()
def add_image(
    name: str, command: str, folder: Path, requirements: Path | None, python: str, variables: tuple[str, ...]
) -> None:
    """Declare the program of the image NAME (forest, team/forest:2, a whole URI), which then needs no Docker.

    \b
    preflight images add forest --command "python main.py" --environment requirements.txt
    """
    from preflight.cli import images

    images.add(images.declare(name, command, folder, python, requirements, variables), say)


@image_declarations.command(name="remove")
@click.argument("name")
@_errors_in_words()
def remove_image(name: str) -> None:
    """Declare it no more: Docker runs it, or it is refused."""
    from preflight.cli import images

    images.remove(name, say)


@framework_environments.command(name="remove")
@click.argument("names", nargs=-1, required=True)
@_errors_in_words()
def remove_framework(names: tuple[str, ...]) -> None:
    """Remove the environments of NAMES. The next job that needs one makes it again."""
    from preflight.cli import frameworks

    for image in [frameworks.find(name) for name in names]:
        frameworks.remove(image, say)
