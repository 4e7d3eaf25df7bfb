"""The costs are the figures of docs/performance.md, which shows them as a table of the same file."""

import re
from pathlib import Path

from benchmarks.tables import markdown
from serving.capacity.costs import kinds, measured_costs, read_costs

PERFORMANCE = (Path(__file__).parents[3] / "docs" / "performance.md").read_text()


def table() -> str:
    """The table of docs/performance.md, as the file has its figures."""
    costs = read_costs()
    head = ["", "gateway, CPU ms", "model server, CPU ms", "both in the gateway, CPU ms"]
    rows = [[kind, *(f"{each[name]}" for name in each)] for kind, each in costs["kinds"].items()]
    memory = [f"{costs[name]}" for name in ("gateway_mb", "model_server_mb", "in_gateway_mb")]
    return markdown([head, *rows, ["memory, MB", *memory]])


def test_the_documented_costs_are_those_that_the_command_reads() -> None:
    (shown,) = re.findall(r"<!-- costs -->\n(.*?)\n<!-- end of costs -->", PERFORMANCE, re.S)

    assert shown == table()


def test_a_request_costs_what_the_file_says_where_the_models_are() -> None:
    assert kinds() == ("text", "image")
    assert measured_costs("text").gateway_seconds == 0.00075
    assert measured_costs("text").model_server_seconds == 0.00035
    assert measured_costs("image", in_gateway=True).gateway_seconds == 0.00546
    assert measured_costs("image", in_gateway=True).model_server_seconds == 0
