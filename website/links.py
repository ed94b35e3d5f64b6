"""Links of the pages that lead out of docs/: what they lead to becomes a page of the site.

The same link works on GitHub and on the site. A page of the checkout (the README, benchmarks/README.md, ...) becomes a
page as it stands, a file of code or data a page that shows it.
"""

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]

# Pages of the checkout outside of docs/, and their places on the site.
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/README.md": "benchmarks.md",
    "published/README.md": "published.md",
}
_ORIGINS = {place: origin for origin, place in PAGES.items()}
# How code is highlighted, by the file's ending; other files are shown as text.
_LANGUAGES = {".py": "python", ".yml": "yaml", ".cff": "yaml", ".toml": "toml", "": "bash"}
_FENCED = re.compile(r"^ *(`{3,})[^`].*?^ *\1 *$|`[^`\n]+`", re.M | re.S)
_LINK = re.compile(r"(\]\()([^)#:\s]+)((?:#[^)\s]*)?\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the checkout, and one for each file that a page links to."""
    for origin, place in PAGES.items():
        files.append(File.generated(config, place, content=(ROOT / origin).read_text()))
    sources = [ROOT / origin for origin in PAGES] + sorted((ROOT / "docs").rglob("*.md"))
    linked = {
        target for source in sources for target in _outside(source.read_text(), source.relative_to(ROOT).as_posix())
    }
    for target in sorted(linked - set(PAGES)):
        path = ROOT / target
        within = sorted(path.glob("*.py")) if path.is_dir() else []
        for file in {each.relative_to(ROOT).as_posix() for each in within} - linked:
            files.append(File.generated(config, place_of(file), content=_shown(ROOT / file)))
        text = _listed(path, within) if path.is_dir() else _shown(path)
        files.append(File.generated(config, place_of(target), content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Make every link to a file of the checkout one to its place on the site."""
    place = page.file.src_uri
    if place.startswith("code/"):
        return markdown
    origin = origin_of(place)

    def there(target: str) -> str:
        return posixpath.relpath(place_of(_resolved(origin, target)), posixpath.dirname(place) or ".")

    return _with_links(markdown, there)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Refuse a page that loads anything from elsewhere: the site is read without a network too.

    Raises:
        PluginError: it does.
    """
    loaded = re.search(r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(?:https?:)?//[^>]*>""", output)
    loaded = loaded or re.search(
        r"""<link\b(?=[^>]*\brel=["']?(?:stylesheet|preconnect|preload|icon))[^>]*\bhref=["']?(?:https?:)?//[^>]*>""",
        output,
    )
    if loaded:
        raise PluginError(f"{page.file.src_uri} loads from elsewhere: {loaded[0]}")
    return output


def origin_of(place: str) -> str:
    """The file of the checkout that a page of the site shows."""
    return _ORIGINS.get(place, f"docs/{place}")


def place_of(file: str) -> str:
    """Where a file of the checkout is on the site."""
    if file in PAGES:
        return PAGES[file]
    if file.startswith("docs/notebooks/") and file.endswith(".py"):  # text on GitHub, run on the site
        return file.removeprefix("docs/").removesuffix(".py") + ".md"
    return file.removeprefix("docs/") if file.startswith("docs/") else f"code/{file}.md"


def _resolved(origin: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(origin), target))


def _outside(markdown: str, origin: str) -> Iterator[str]:
    """The files outside of docs/ that a page links to."""
    found = []

    def note(target: str) -> str:
        found.append(_resolved(origin, target))
        return target

    _with_links(markdown, note)
    yield from (target for target in found if not target.startswith("docs/") and (ROOT / target).exists())


def _with_links(markdown: str, change: Callable[[str], str]) -> str:
    """The text with the target of each relative link changed, but for those within code."""
    parts, end = [], 0
    for code in _FENCED.finditer(markdown):
        parts += [(True, markdown[end : code.start()]), (False, code.group())]
        end = code.end()
    parts.append((True, markdown[end:]))
    return "".join(
        _LINK.sub(lambda link: link[1] + change(link[2]) + link[3], text) if prose else text for prose, text in parts
    )


def _listed(folder: Path, within: Sequence[Path]) -> str:
    """A page that lists a folder's files."""
    links = [f"- [{file.name}]({folder.name}/{file.name}.md)" for file in within]
    return "\n".join([f"# {folder.relative_to(ROOT).as_posix()}", "", *links, ""])


def _shown(file: Path) -> str:
    """A page that shows a file."""
    name = file.relative_to(ROOT).as_posix()
    fence = "`" * 6
    return f"# {name}\n\n{fence}{_LANGUAGES.get(file.suffix, 'text')}\n{file.read_text().rstrip()}\n{fence}\n"
