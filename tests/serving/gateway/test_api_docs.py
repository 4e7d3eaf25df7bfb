"""The page at /docs: Swagger UI, with nothing from elsewhere."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from flask.testing import FlaskClient

CHROMIUM = shutil.which("chromium")
FLAGS = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync".split()


def test_all_that_the_page_loads_is_the_gateways_own(gateway: FlaskClient) -> None:
    page = gateway.get("/docs")
    assert page.mimetype == "text/html"
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    links = re.findall(r'(?:src|href)="([^"]+)"', page.get_data(as_text=True))
    assert len(links) == 4
    for link in links:
        with gateway.get(f"/{link}") as file:
            assert file.status_code == 200


@pytest.mark.parametrize("file", ["index.html", "..%2f__init__.py", "nothing"])
def test_no_other_file_is_served(gateway: FlaskClient, file: str) -> None:
    assert gateway.get(f"/docs/{file}").status_code == 404


@pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium: apt-get install chromium")
def test_a_browser_shows_the_models(address: str, tmp_path: Path) -> None:
    """Its policy keeps the browser from any other address, so what is shown came from here."""
    asked = [*FLAGS, f"--user-data-dir={tmp_path}", "--virtual-time-budget=20000", "--dump-dom"]
    done = subprocess.run(
        [str(CHROMIUM), *asked, "--enable-logging=stderr", f"http://{address}/docs"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert {"Predict with sentiment", "Predict with house_price", "Predict with digits"} <= set(
        re.findall(r"Predict with \w+", done.stdout)
    )
    assert "Content Security Policy" not in done.stderr
    assert "Uncaught" not in done.stderr
