"""Damage as disks and people do it, at random places of what a stack has kept."""

from collections.abc import Callable
from pathlib import Path
from random import Random

_SHARE = 0.4  # of the files that have any; the others are left alone


def at_random_places(home: Path, count: int, random: Random) -> set[Path]:
    """Damage ``count`` places of the files of services, databases and documents; returns which, below ``home``."""
    victims = []
    for part in ("services", "files", "sagemaker"):  # the first has the same files in each run
        files = [path for path in sorted((home / part).rglob("*")) if path.is_file() and path.stat().st_size]
        victims += random.sample(files, round(_SHARE * len(files)))
    for place in range(count):
        victim = victims[place % len(victims)]
        if victim.is_file():
            random.choice(_KINDS)(victim, random)
    return {path.relative_to(home) for path in victims}


def _flip(path: Path, random: Random) -> None:
    content = bytearray(path.read_bytes())
    if content:
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    path.write_bytes(content)


def _cut(path: Path, random: Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: random.randrange(max(1, len(content)))])


def _blank(path: Path, random: Random) -> None:
    content = bytearray(path.read_bytes())
    start = random.randrange(max(1, len(content)))
    content[start : start + 512] = bytes(len(content[start : start + 512]))
    path.write_bytes(content)


def _scramble(path: Path, random: Random) -> None:
    content = path.read_bytes()
    start = random.randrange(max(1, len(content)))
    path.write_bytes(content[:start] + random.randbytes(64) + content[start:])


def _make_folder(path: Path, random: Random) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside").write_bytes(random.randbytes(8))


_KINDS: tuple[Callable[[Path, Random], None], ...] = (_flip, _flip, _cut, _blank, _scramble, _make_folder)
