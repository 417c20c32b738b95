"""``python -m data_prep``: a raw survey CSV to what SageMaker's built-in algorithms read."""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from data_prep.config import DataConfig, load_project
from data_prep.errors import PrepError
from data_prep.files import CsvFile, csv_files
from data_prep.prepare import OnBytes, Source, Summary, prepare
from data_prep.sample import write_sample
from data_prep.schema import Description, Features
from data_prep.table import Table

console = Console(soft_wrap=True, highlight=False)
SAMPLE_ROWS = 8_000
SHOWN_CLASSES = 5
REPOSITORY = Path(__file__).resolve().parent.parent


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("data", required=False, type=click.Path(path_type=Path))
@click.option(
    "--features",
    type=click.Choice(["ordinal", "engineered"]),
    default="ordinal",
    show_default=True,
    help="ordinal: one number a column. engineered: ratings as one-hot columns, logarithms of skewed numbers.",
)
@click.option("--output", type=click.Path(path_type=Path), help="Folder to write.  [default: build/<project>/data]")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=REPOSITORY / "preflight.toml",
    help="The file whose [data] section says what the columns are.  [default: preflight.toml]",
)
@click.option("--seed", default=1, show_default=True, help="Splits one file, and generates the sample.")
@click.option(
    "--test-fraction",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.2,
    show_default=True,
    help="The part of one file that is kept for testing.",
)
@click.option(
    "--describe",
    "description_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --check: write what the configuration says of the table to this file, as data_prep/job.py takes it.",
)
@click.option("--check", is_flag=True, help="Look at the configuration and the table's header only; write nothing.")
def main(
    data: Path | None,
    features: Features,
    output: Path | None,
    config: Path,
    seed: int,
    test_fraction: float,
    description_path: Path | None,
    check: bool,
) -> None:
    """Turn a raw survey CSV into train_aws.csv and test_aws.csv: label first, no header, numbers only.

    DATA is one CSV, split by a fixed seed, or a folder with train.csv and test.csv. The files may be packed (.csv.gz,
    or a .zip with these in it). Without DATA it is the configuration's `table`, or else a generated sample with the
    columns of the airline survey.

    Written beside them: schema.json (how to encode one more raw record) and test_raw.csv (the test rows as they came).
    """
    try:
        project = load_project(config)
        table_config, output = project.data, output or Path("build") / project.name / "data"
        description = table_config.description(features)
        with _source(data or project.table, description, seed, test_fraction) as source:
            if check:
                if description_path is not None:
                    description_path.write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")
                return
            with _progress(source) as on_bytes:
                summary = prepare(source, description, output, on_bytes)
        _report(source, table_config, summary, output)
    except PrepError as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"Error: {error}", markup=False)
        sys.exit(2)
    except OSError as error:  # such as a full disk
        reason = f"{error.filename or output}: {error.strerror}; {output} is as it was"
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"Error: {reason}.", markup=False)
        sys.exit(1)
    except KeyboardInterrupt:
        console.print(f"Interrupted: {output} is as it was.")
        sys.exit(130)


@contextmanager
def _source(data: Path | None, description: Description, seed: int, test_fraction: float) -> Iterator[Source]:
    if data is not None:
        tables = {side: Table(file, description) for side, file in csv_files(data).items()}
        yield Source(tables, str(data) if data.is_dir() else data.name, False, seed, test_fraction)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.csv"
        write_sample(path, rows=SAMPLE_ROWS, seed=seed)
        yield Source({"both": Table(CsvFile(path), description)}, "generated sample", True, seed, test_fraction)


@contextmanager
def _progress(source: Source) -> Iterator[OnBytes]:
    """A bar on a terminal, one line elsewhere."""
    if not console.is_terminal:
        console.print(f"Preparing {source.name} ...")
        yield lambda count: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"Preparing {source.name}", total=2 * source.size_bytes)
        yield lambda count: progress.advance(task, count)


def _labels(config: DataConfig, summary: Summary) -> str:
    """What there is to predict, in words."""
    sides = list(summary.labels.values())
    if config.label.kind == "regression":
        low, high = min(side.lowest for side in sides), max(side.highest for side in sides)
        return f"{config.label.column} from {low:g} to {high:g}"
    counts = sides[0].counts + sides[1].counts
    shares = [counts[number] / counts.total() for number in range(len(config.label.classes))]
    if config.label.kind == "binary":
        return f"{shares[1]:.1%} positive"
    shown = ", ".join(f"{value} {share:.1%}" for value, share in zip(config.label.classes, shares, strict=True))
    return shown if len(shares) <= SHOWN_CLASSES else f"{len(shares)} classes"


def _report(source: Source, config: DataConfig, summary: Summary, output: Path) -> None:
    rows = summary.rows
    if source.generated:
        console.print("No DATA was given: this is a generated sample, not a survey.")
    console.print(
        f"{rows['train']:,} training and {rows['test']:,} test rows, {len(summary.feature_names)} features, "
        f"{_labels(config, summary)}, {summary.nulls:,} nulls filled with medians, in {output}/"
    )
