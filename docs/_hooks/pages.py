"""The hook of MkDocs that adds the pages made when the site is built; none of them is in the repository."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import dialect
import gallery
import snippets
import translations
import walks
from mkdocs.structure.files import File
from references import has_java

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

CACHE = ".cache/pages"  # beside mkdocs.yml


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Puts the pages of the gallery below its entry in the navigation."""
    for section in config.nav or ():
        if isinstance(section, dict) and "Gallery" in section:
            section["Gallery"] = [*section["Gallery"], *gallery.navigation()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the reference of the dialect, the gallery, and the pictures that other pages draw."""
    cache, docs = Path(config.config_file_path).parent / CACHE, Path(config.docs_dir)
    walked = [page for page in sorted(docs.rglob("*.md")) if snippets.is_walked(page)]
    made: dict[str, str | bytes] = {
        dialect.PAGE: dialect.page(),
        translations.PAGE: translations.page(cache),
        **gallery.pages(cache),
        **walks.pictures(walked, docs, cache, java=has_java()),
    }
    for path, content in made.items():
        files.append(File.generated(config, path, content=content))
    return files
