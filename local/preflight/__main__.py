import sys

if sys.version_info < (3, 12):  # noqa: UP036 - pip refuses that, PYTHONPATH does not
    sys.exit(
        f"Preflight needs Python 3.12, 3.13 or 3.14; this is {sys.version.split()[0]} ({sys.executable}). "
        "Get one: uv python install 3.13, or https://www.python.org/downloads/"
    )

if __name__ == "__main__":  # Ctrl-C while this loads is no error to explain
    sys.excepthook = lambda kind, *rest: None if kind is KeyboardInterrupt else sys.__excepthook__(kind, *rest)

from preflight.cli.main import main

if __name__ == "__main__":
    main(prog_name="preflight")
