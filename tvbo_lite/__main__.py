"""``tvbo-lite`` and ``python -m tvbo_lite``."""

from __future__ import annotations


def main() -> None:
    """Run the command line; ends the process with its exit status."""
    from tvbo_lite.cli import cli

    cli(prog_name="tvbo-lite")


if __name__ == "__main__":
    main()
