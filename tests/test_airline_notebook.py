"""docs/airline.ipynb runs from top to bottom, as Jupyter runs it."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

from data_prep.sample import write_sample
from preflight.stack import Stack
from tests.conftest import REPOSITORY

NOTEBOOK = REPOSITORY / "docs" / "airline.ipynb"


def test_the_notebook_goes_from_a_survey_to_a_url_and_leaves_nothing(stack: Stack, tmp_path: Path) -> None:
    write_sample(tmp_path / "survey.csv", rows=1000, seed=1)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    [parameters] = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    parameters.source = f"ENDPOINT_URL = {stack.endpoint_url!r}\nDATA = 'survey.csv'"

    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()

    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    said = "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stdout")
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2
    assert "the function says" in said
    assert float(said.partition("accuracy through the URL: ")[2][:4]) > 0.75
    assert "endpoints left: []" in said


def test_it_is_committed_without_what_a_run_has_left_in_it() -> None:
    cells = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]

    assert [cell.execution_count for cell in cells] == [None] * len(cells)
    assert [list(cell.outputs) for cell in cells] == [[]] * len(cells)
