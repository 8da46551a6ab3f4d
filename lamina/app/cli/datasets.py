"""``lamina datasets``."""

from lamina.app.cli.command import Output, command
from lamina.app.cli.shared import show


@command("datasets", Output)
def run(asked: Output) -> None:
    """List the bundled data sets."""
    from lamina.app import jobs

    show(jobs.datasets(), asked)
