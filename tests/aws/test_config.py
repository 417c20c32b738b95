"""A mistake in [deploy] is one sentence that names the key, before any call is made."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from aws.config import load_settings
from aws.deploy import main as deploy


def test_the_projects_own_file_is_valid() -> None:
    settings = load_settings(Path("preflight.toml"))

    assert settings.hyperparameters.keys() == {"linear-learner", "xgboost"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[deploy]\nnmae = 'x'", "there is no setting deploy.nmae"),
        ("[depoly]\n", "there is no setting depoly"),
        ("[deploy]\nname = 'Has Capitals'", "deploy.name"),
        ("[deploy.function]\ntimeout_seconds = 30", "deploy.function.timeout_seconds = 30"),
        ("[deploy.endpoint]\ninstance_type = 'm5.large'", "deploy.endpoint.instance_type"),
        ("[deploy", "is not valid TOML"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, said: str) -> None:
    config = tmp_path / "preflight.toml"
    config.write_text(text)

    result = CliRunner().invoke(deploy, ["--config", str(config)])

    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_other_rooms_section_is_left_alone(tmp_path: Path) -> None:
    config = tmp_path / "preflight.toml"
    config.write_text("[data]\nanything = 1\n[deploy]\nname = 'mine'")

    assert load_settings(config).name == "mine"
