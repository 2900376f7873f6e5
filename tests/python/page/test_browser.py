"""The page in a real browser: it is as wide as the screen, asks nobody for anything, and prints."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from orchestration.page import Scope, write
from tests.python.page.conftest import EXCEPTION, Publish, record
from tests.python.page.test_page import EVERYTHING

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PHONE, DESK = 390, 1200

# Looks at the page in a frame as wide as the screen, and writes what it finds where `--dump-dom` shows it: how wide the
# page is, what reaches over its edge, the size of the smallest letters.
LOOK = """<!doctype html><iframe id="f" src="page.html" style="width:%dpx;height:3000px;border:0"></iframe>
<pre id="found"></pre><script>
window.onload = function () {
  var page = document.getElementById("f").contentDocument, width = page.documentElement.clientWidth;
  var over = [].filter.call(page.body.querySelectorAll("main *:not(thead):not(thead *)"), function (element) {
    var box = element.getBoundingClientRect();
    return box.width && !element.closest("svg") && box.right > width + 1;
  });
  var letters = [].map.call(page.querySelectorAll("svg text"), function (text) {
    return text.getBoundingClientRect().height;
  });
  document.getElementById("found").textContent = ["width=" + page.documentElement.scrollWidth, "over=" + over.length,
    "text=" + Math.round(Math.min.apply(null, letters)),
    "asked=" + document.getElementById("f").contentWindow.performance.getEntriesByType("resource").length].join(" ");
};
</script>"""


@pytest.fixture(scope="module")
def browser() -> str:
    """A Chromium of the machine. It is no part of what Tieout needs, so in CI, where a skip is a failure, its absence
    is an expected failure."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    reason = f"no browser to look at the page with: none of {', '.join(BROWSERS)} is installed"
    if os.environ.get("CI"):
        pytest.xfail(reason)
    pytest.skip(reason)


@pytest.fixture
def page(publish: Publish, tmp_path: Path) -> Path:
    """A page with long words in every part."""
    long = {**EXCEPTION, "exception_id": "9" * 32, "explanation": "x" * 300, "source_file": "y" * 200 + ".csv"}
    rows = {**EVERYTHING, "exceptions": [*EVERYTHING["exceptions"], long]}
    return write(publish(rows, record(1)), tmp_path / "page.html", Scope())


def chromium(browser: str, folder: Path, *arguments: str) -> str:
    """Run the browser without a window and return what it prints."""
    given = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    done = subprocess.run(
        [browser, *given, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_it_fits_the_screen(browser: str, page: Path, tmp_path: Path, width: int) -> None:
    (tmp_path / "look.html").write_text(LOOK % width)
    dumped = chromium(
        *(browser, tmp_path, "--allow-file-access-from-files", "--window-size=1400,1000"),
        *("--virtual-time-budget=5000", "--dump-dom", (tmp_path / "look.html").as_uri()),
    )
    found = dict(re.findall(r"(\w+)=(\d+)", dumped.split('<pre id="found">')[1].split("</pre>")[0]))
    assert int(found["width"]) <= width
    assert found["over"] == "0"
    assert int(found["text"]) >= 9
    assert found["asked"] == "0"


def test_it_prints(browser: str, page: Path, tmp_path: Path) -> None:
    chromium(browser, tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={tmp_path / 'page.pdf'}", page.as_uri())
    printed = (tmp_path / "page.pdf").read_bytes()
    assert printed.startswith(b"%PDF")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 10
