"""Draw README's picture of the page: python scripts/screenshot_page.py, with Debian's chromium.

`matting-nodes serve` must be running, at the address that is given or http://127.0.0.1:8000.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

TARGET = Path(__file__).parent.parent / "docs/pictures/page.png"


def main(url: str) -> None:
    """Open the sample, put it on a picture of its own and paint a stroke."""
    with sync_playwright() as running:
        browser = running.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(url)
        page.click("#sample")
        status = page.locator("#status")
        expect(status).to_have_text(re.compile("^Done"), timeout=120_000)
        page.check("input[value=picture]")
        beach = Path(__file__).parent.parent / "src/matting_nodes/sample_data/beach.png"
        page.set_input_files("#file-background", beach)
        expect(page.locator(".drop[data-what=background] [data-name]")).to_have_text("beach.png")
        box = page.locator("figure[data-step=trimap] canvas").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.35 * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + 0.38 * box["width"], box["y"] + 0.5 * box["height"], steps=8)
        page.mouse.up()
        expect(status).to_have_text(re.compile("^Done.*marks: 1$"), timeout=60_000)
        page.screenshot(path=TARGET)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:] or ["http://127.0.0.1:8000"])
