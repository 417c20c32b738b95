"""The words that stand for AWS's own where these are not known: what `preflight coverage --guesses` prints.

They are read off the code: each is the argument of a call of ``guessed``.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable


@dataclass(frozen=True)
class Guess:
    """``words``, with ``{...}`` for what is filled in, and the module that says them."""

    module: str
    words: str


def guesses() -> list[Guess]:
    """Every guess of the service, in the order of its modules."""
    return [guess for name, source in _modules(files("preflight.sagemaker"), "") for guess in _guesses(name, source)]


def as_text(found: list[Guess]) -> str:
    lines = ["AWS's own words are not known for these; what they say holds, how they say it is a guess:"]
    for module in dict.fromkeys(guess.module for guess in found):
        lines.append(f"  {module}")
        lines += [f"      {guess.words}" for guess in found if guess.module == module]
    return "\n".join(lines)


def _modules(folder: Traversable, path: str) -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _modules(entry, f"{path}{entry.name}/")
        elif entry.name.endswith(".py"):
            yield f"{path}{entry.name}", entry.read_text()


def _guesses(module: str, source: str) -> Iterator[Guess]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "guessed":
            for words in _words(node.args[0]):
                yield Guess(module, words)


def _words(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{...}" for part in parts)
        case ast.IfExp(body=one, orelse=other):
            yield from _words(one)
            yield from _words(other)
        case _:
            yield ast.unparse(node)
