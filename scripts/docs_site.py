"""What `mkdocs build` does besides: pages from the top, and links that leave docs/.

README is the first page. A link to a file that is no page leads to the repository.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
LINK = re.compile(r"(?<=\]\()(?!https?:|#)([^)#]+)(#[^)]*)?(?=\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie at the top."""
    for name, page in PAGES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let every link lead to where its file is on the site, or in the repository."""
    source = {page: name for name, page in PAGES.items()}.get(page.file.src_uri)
    folder = "" if source else posixpath.dirname("docs/" + page.file.src_uri)

    def replaced(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, match[1]))
        on_site = PAGES.get(path, path.removeprefix("docs/"))
        if (path in PAGES or path.startswith("docs/")) and files.get_file_from_path(on_site):
            here = posixpath.dirname(page.file.src_uri)
            return posixpath.relpath(on_site, here or ".") + (match[2] or "")
        assert (ROOT / path).exists(), (
            f"{page.file.src_uri} links to {match[1]}, which is not there"
        )
        return f"{config.repo_url}/blob/main/{path}"

    return LINK.sub(replaced, markdown)
