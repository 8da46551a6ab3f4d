"""``lamina data``."""

from lamina.app.cli.command import Output, command
from lamina.app.cli.shared import show


@command("data", Output)
def run(asked: Output) -> None:
    """List the embedded data sets."""
    from lamina.app import jobs

    show(jobs.data_sets(), asked)
