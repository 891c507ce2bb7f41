"""Draw ComfyUI's page with a workflow that has run: needs a running ComfyUI and Chromium.

python scripts/screenshot_comfyui.py http://127.0.0.1:8188 examples/portrait.json page.png
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
# Every saving node has shown its picture.
FINISHED = """ids => ids.every(id => window.app.nodeOutputs[id]?.images)"""
# Show the whole graph: scale and offset of the canvas from the bounds of its nodes.
FIT = """() => {
  const nodes = window.app.graph.nodes;
  const left = Math.min(...nodes.map(n => n.pos[0])), top = Math.min(...nodes.map(n => n.pos[1]));
  const right = Math.max(...nodes.map(n => n.pos[0] + n.size[0]));
  const view = window.app.canvas.ds;
  view.scale = 1800 / (right - left);
  view.offset[0] = 100 / view.scale - left;
  view.offset[1] = 150 / view.scale - top;
  window.app.canvas.setDirty(true, true);
}"""


def main(server: str, workflow: str, picture: str) -> None:
    """Load a workflow of either format into the page, run it, and save what the page shows."""
    graph = json.loads(Path(workflow).read_text(encoding="utf-8"))
    # A template brings its own layout.
    arrange = "nodes" not in graph
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 2000, "height": 1100})
        page.goto(server)
        page.wait_for_function("!!(window.app?.graph && window.app.loadApiJson)", timeout=120_000)
        page.wait_for_timeout(3000)
        page.keyboard.press("Escape")
        load = "loadApiJson(graph, 'matting')" if arrange else "loadGraphData(graph)"
        page.evaluate(f"graph => window.app.{load}", graph)
        page.wait_for_timeout(1000)
        page.evaluate("() => window.app.queuePrompt(0)")
        exported = page.evaluate("async () => (await window.app.graphToPrompt()).output")
        saving = [key for key, node in exported.items() if node["class_type"] == "SaveImage"]
        page.wait_for_function(FINISHED, arg=saving, timeout=600_000, polling=1000)
        page.wait_for_timeout(2000)
        if arrange:
            page.evaluate("() => window.app.graph.arrange(80)")
        page.wait_for_timeout(500)
        page.evaluate(FIT)
        page.wait_for_timeout(2000)
        page.screenshot(path=picture, clip={"x": 60, "y": 40, "width": 1940, "height": 800})
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
