"""Takes the README's pictures: `make demo`, the report, and `preflight status` when a pipeline has run as well.

They are made of the real thing, each time anew: the programs run in a terminal of their own, whose last screen becomes
an SVG, and Chromium opens the report. The demo takes the stack on PREFLIGHT_PORT, as `make demo` does, and leaves it.
"""

import os
import pty
import re
import shutil
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import click
import pyte
from pyte.screens import Char
from rich.console import Console
from rich.text import Text

from aws.deployment import record_path
from aws.predict import REPORT

HERE = Path(__file__).parent
COLUMNS = 122
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
REPORT_SIZE = "900,1180"
# rich's own names a font that a page may not fetch for a picture; any of these is as wide.
FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("data", type=click.Path(exists=True, dir_okay=False))
def main(data: str) -> None:
    """Take the pictures into docs/pictures, of the demo on the survey DATA."""
    demo = ["make", "--no-print-directory", "demo", f"DATA={data}"]
    terminal_picture(HERE / "demo.svg", f"make demo DATA={Path(data).name}", demo, lines=34)
    page_picture(HERE / "report.png", record_path(Path("build"), "preflight", "local").parent / REPORT)
    subprocess.run([sys.executable, "aws/pipeline.py", data], check=True)
    status = [sys.executable, "-m", "preflight", "status"]
    terminal_picture(HERE / "status.svg", "preflight status", status, lines=40)


def terminal_picture(path: Path, title: str, command: list[str], *, lines: int) -> None:
    """What a terminal of so many lines shows when ``command`` has ended. Exits where that fails."""
    screen = pyte.Screen(COLUMNS, lines)
    stream = pyte.ByteStream(screen)
    terminal, its_end = pty.openpty()
    environment = os.environ | {"COLUMNS": str(COLUMNS), "LINES": str(lines), "TERM": "xterm-256color"}
    with subprocess.Popen(command, env=environment, stdin=its_end, stdout=its_end, stderr=its_end) as program:
        os.close(its_end)
        while chunk := _read(terminal):
            stream.feed(chunk)
    os.close(terminal)
    if program.returncode:
        sys.exit("\n".join(line.rstrip() for line in screen.display))
    rows = [_row(screen.buffer[number]) for number in range(lines)]
    while rows and not rows[-1].plain:
        rows.pop()
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True, color_system="truecolor")
        for row in rows:
            console.print(row, soft_wrap=True)
        console.print()  # the frame would cut the last line's feet
    drawn = FONT.sub("", console.export_svg(title=title, unique_id=path.stem))
    path.write_text(drawn.replace("Fira Code, monospace", FONTS))


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the program has ended
        return b""


def _row(characters: "dict[int, Char]") -> Text:
    row = Text()
    for style, alike in groupby((characters[column] for column in range(COLUMNS)), key=_style):
        row.append("".join(character.data for character in alike), style)
    row.rstrip()
    return row


def _style(character: Char) -> str:
    """In rich's words; pyte calls yellow brown, and has colours of the large palettes as digits."""
    colour = character.fg.replace("brown", "yellow").replace("bright", "bright_")
    if re.fullmatch(r"[0-9a-f]{6}", colour):
        colour = f"#{colour}"
    words = ("bold",) if character.bold else ()
    return " ".join((*words, *(("underline",) if character.underscore else ()), colour))


def page_picture(path: Path, page: Path) -> None:
    """The upper part of a page, as Chromium shows it."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"The report's picture needs one of {', '.join(BROWSERS)}.")
    options = ["--headless", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking"]
    options += ["--no-sandbox"] if os.geteuid() == 0 else []  # a browser's sandbox is not for root
    arguments = [f"--window-size={REPORT_SIZE}", "--virtual-time-budget=5000", f"--screenshot={path}"]
    subprocess.run(
        [browser, *options, *arguments, page.resolve().as_uri()], check=True, stderr=subprocess.DEVNULL, timeout=120
    )


if __name__ == "__main__":
    main()
