"""docs/clients.md: its Python does what the page says."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

from tests.serving.client.conftest import gateway
from tests.serving.contracts import png
from tests.serving.fake_model_server import FakeModelServer

PAGE = (Path(__file__).parents[3] / "docs" / "clients.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)


def test_the_python_of_the_page_runs(model_server: FakeModelServer, tmp_path: Path) -> None:
    (tmp_path / "digit.png").write_bytes(png(200))
    told = io.StringIO()
    names: dict[str, Any] = {}
    with gateway(model_server) as url, contextlib.chdir(tmp_path), contextlib.redirect_stdout(told):
        for block in BLOCKS:
            exec(compile(block.replace("http://localhost:8000", url), "clients.md", "exec"), names)  # noqa: S102
        names["client"].close()

    assert len(BLOCKS) == 5
    lines = told.getvalue().splitlines()
    assert re.fullmatch(r"(positive|negative) 0\.\d\d by version 1", lines[0])
    assert len(eval(lines[1])) == 3  # noqa: S307 - the best labels' scores
    assert lines[2] == "1200"
    for line in lines[3:5]:
        assert re.fullmatch(r"\S+ [+-]\d\.\d\d for (positive|negative)", line)
    assert set(eval(lines[5])) <= {"positive", "negative"}  # noqa: S307
    assert lines[6:] == ["1 /text expected a string that is not empty, got 5"]


def test_the_tables_name_what_there_is() -> None:
    from serving import client, errors
    from serving.client.transport import MAX_REPLY_BYTES

    for name in re.findall(r"`([A-Z]\w+)`(?=.* \|)", PAGE[PAGE.index("| class |") :]):
        assert hasattr(errors, name) or hasattr(client, name)
    assert MAX_REPLY_BYTES == 64 * 1024 * 1024
