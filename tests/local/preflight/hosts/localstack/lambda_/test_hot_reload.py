"""Code that is still being written is taken up without a deploy."""

from pathlib import Path
from typing import Any

from preflight.hosts.localstack.lambda_.runtime import RUNTIME
from tests.local.conftest import unique
from tests.local.preflight.hosts.localstack.lambda_.conftest import Function


def test_code_in_a_folder_is_taken_up_as_it_changes(lambda_client: Any, function_role: str, tmp_path: Path) -> None:
    (tmp_path / "function.py").write_text("import part\ndef handler(event, context): return part.answer()")
    (tmp_path / "part.py").write_text("seen = []\ndef answer(): seen.append(1); return len(seen)")
    function = Function(unique("function"), lambda_client)
    lambda_client.create_function(
        FunctionName=function.name,
        Role=function_role,
        Runtime=RUNTIME,
        Handler="function.handler",
        Code={"S3Bucket": "hot-reload", "S3Key": str(tmp_path)},
    )
    function.wait()

    assert [function().payload, function().payload] == [1, 2]
    (tmp_path / "part.py").write_text("seen = []\ndef answer(): seen.append(2); return len(seen)")
    assert function().payload == 1
    (tmp_path / "part.py").write_text("def answer(: pass")
    assert function().payload["errorType"] == "Runtime.UserCodeSyntaxError"
    (tmp_path / "part.py").write_text("def answer(): return 'mended'")
    assert function().payload == "mended"
    lambda_client.delete_function(FunctionName=function.name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["function.py", "part.py"]
