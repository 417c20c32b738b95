"""The command line: `python -m data_prep --help`."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from data_prep.config import DataConfig, load_config
from data_prep.errors import DataError
from data_prep.output import replaced_files
from data_prep.prepare import Features, Rows, SplitFile, SplitFolder, Survey, prepare
from data_prep.sample import HEADER, write_sample
from data_prep.table import OnBytes


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("data", type=click.Path(path_type=Path), required=False)
@click.option(
    "--features",
    type=click.Choice(["ordinal", "engineered"]),
    default="ordinal",
    show_default=True,
    help="ordinal: one number per column. engineered: what preflight.toml makes of each column, such as one "
    "feature per rating; linear models do better on these.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("build/data"),
    show_default=True,
    help="The folder for the prepared files.",
)
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=Path("preflight.toml"),
    show_default=True,
    help="The file whose [data] section says what the columns are.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the split, and of the sample.")
@click.option(
    "--test-fraction",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.2,
    show_default=True,
    help="The share of the rows of one CSV to hold back for testing.",
)
@click.option(
    "--sample-rows",
    type=click.IntRange(min=100),
    default=5000,
    show_default=True,
    help="How many passengers to make up when there is no DATA.",
)
def main(
    data: Path | None,
    features: Features,
    output: Path,
    config_path: Path,
    seed: int,
    test_fraction: float,
    sample_rows: int,
) -> None:
    """Turn a raw table into what SageMaker trains on.

    DATA is a CSV, which is split into training and test rows by a fixed seed, or a folder with train.csv and
    test.csv. Without DATA, a sample of made-up airline passengers is generated.

    \b
    Writes to the output folder:
      train_aws.csv, test_aws.csv   label first, no header, numbers only
      test_raw.csv                  the test rows as they were, to send to the deployed model
      schema.json                   how a raw row becomes numbers: order, encodings, medians, label
      sample.csv                    the generated sample, if there is no DATA

    If something is wrong with the data, one sentence says what and where, and the output folder stays as it was.
    """
    # Before this, a terminated run would leave its staging folder behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        config = load_config(config_path)
        if data is None:
            _require_sample_fits(config, config_path)
        with replaced_files(output) as staging, _progress() as report:
            if data is None:
                click.echo(f"No DATA given: generating a sample of {sample_rows:,} made-up passengers.")
                write_sample(staging / "sample.csv", rows=sample_rows, seed=seed)
            path = staging / "sample.csv" if data is None else data
            rows = _open(path, config, seed=seed, test_fraction=test_fraction)
            schema, survey = prepare(
                rows,
                config,
                staging,
                features=features,
                generated=data is None,
                report=lambda doing: report(doing, rows),
            )
        _summarize(schema, survey, output)
    except DataError as error:
        _fail(str(error), code=2)
    except KeyboardInterrupt:
        _fail(f"Stopped; {output} is as it was.", code=130)
    except OSError as error:
        _fail(f"{error.filename or output}: {error.strerror}; {output} is as it was.", code=1)


def _require_sample_fits(config: DataConfig, path: Path) -> None:
    other = [name for name in config.needed if name not in HEADER]
    if other:
        raise DataError(f"There is no generated sample for the table of {path} (column '{other[0]}'); give it as DATA.")


def _open(path: Path, config: DataConfig, *, seed: int, test_fraction: float) -> Rows:
    if path.is_dir():
        return SplitFolder(path, config)
    return SplitFile(path, config, seed=seed, test_fraction=test_fraction)


@contextmanager
def _progress() -> Iterator[Callable[[str, Rows], OnBytes]]:
    """Starts a bar, or prints a line if this is no terminal."""
    console = Console()
    if not console.is_terminal:

        def print_line(doing: str, rows: Rows) -> OnBytes:
            click.echo(f"{doing} {rows.name}")
            return lambda _: None

        yield print_line
        return
    shown = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*shown, console=console, transient=True) as progress:

        def start_bar(doing: str, rows: Rows) -> OnBytes:
            task = progress.add_task(f"{doing} {rows.name}", total=sum(table.size_bytes for table in rows.tables))
            return lambda size: progress.advance(task, size)

        yield start_bar


def _summarize(schema: dict[str, Any], survey: Survey, output: Path) -> None:
    made_up = ", which is GENERATED, not real data" if schema["generated"] else ""
    click.echo(f"Prepared {sum(schema['rows'].values()):,} rows of {schema['source']}{made_up}.")
    for test, name in ((False, "training rows"), (True, "test rows")):
        share = survey.labels[test, 1] / survey.rows(test=test)
        click.echo(f"  {name:13} {survey.rows(test=test):>9,}   {share:.1%} {schema['label']['positive']}")
    click.echo(f"  {'features':13} {len(schema['feature_names']):>9,}   {schema['features']}")
    nulls = ", ".join(f"{name}: {count:,}" for name, count in survey.nulls.most_common(5))
    nulls = f"   with the training rows' median ({nulls})" if nulls else ""
    click.echo(f"  {'nulls filled':13} {survey.nulls.total():>9,}{nulls}")
    click.echo(f"  {'files':13} {output}/: " + ", ".join(sorted(path.name for path in output.iterdir())))


def _fail(message: str, *, code: int) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(code)


if __name__ == "__main__":
    main(prog_name="python -m data_prep")
