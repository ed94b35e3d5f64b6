"""Notebooks, which are kept as text (docs/notebooks/*.py, Jupytext's percent format), executed and shown as pages."""

import os
import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jupytext
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from nbclient import NotebookClient
from nbconvert import MarkdownExporter
from nbformat import NotebookNode
from traitlets.config import Config

from workbench.kept import cache_folder

SECONDS = 600  # that a cell may take


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Put a page in the place of each notebook, with the figures that it draws."""
    notebooks = [file for file in files if file.src_uri.startswith("notebooks/") and file.src_uri.endswith(".py")]
    # Side by side, since each runs in a process of its own.
    with ThreadPoolExecutor() as pool:
        pages = list(pool.map(lambda file: executed(Path(str(file.abs_src_path))), notebooks))
    for file, (text, figures) in zip(notebooks, pages, strict=True):
        files.remove(file)
        files.append(File.generated(config, file.src_uri.removesuffix(".py") + ".md", content=text))
        for name, content in figures.items():
            files.append(File.generated(config, f"notebooks/{name}", content=content))
    return files


def executed(path: Path) -> tuple[str, dict[str, bytes]]:
    """Run a notebook, in an empty folder.

    Args:
        path: of its text.

    Returns:
        The notebook with its output as Markdown, and the figures that it refers to, by name.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell has failed; the message has its text and the error.
        PluginError: a cell draws a figure and has no `alt`, the text for those who do not see it.
    """
    notebook = jupytext.read(path)
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # for cells that start programs
        "COLUMNS": "100",
        "TTY_COMPATIBLE": "0",  # Jupyter would have them colour what they print
    }
    if cache := cache_folder():  # so that the next build does not wait for the compiler
        environment |= {"JAX_COMPILATION_CACHE_DIR": str(cache), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1"}
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as sockets:
        # By sockets of this user alone: other users of the host could use a port.
        private = Config(AsyncKernelManager={"transport": "ipc", "ip": f"{sockets}/kernel"})
        client = NotebookClient(
            notebook, config=private, timeout=SECONDS, coalesce_streams=True, resources={"metadata": {"path": folder}}
        )
        client.execute(env=environment)
    names = {"unique_key": path.stem, "output_files_dir": path.stem}
    text, resources = MarkdownExporter().from_notebook_node(notebook, resources=names)
    figures = resources["outputs"]
    texts = iter(_alternative_texts(path.name, notebook))
    text = re.sub(r"```(python|bash)\n%%bash\n", "```bash\n", text)
    return re.sub(r"!\[png\]\((.*?)\)", lambda found: f"![{next(texts)}]({found[1]})", text), figures


def _alternative_texts(name: str, notebook: NotebookNode) -> list[str]:
    """One for each figure, in order."""
    texts = []
    for cell in notebook.cells:
        drawn = sum("image/png" in output.get("data", ()) for output in cell.get("outputs", ()))
        if drawn and "alt" not in cell.metadata:
            raise PluginError(f'{name}: a cell that draws needs alt="..." behind its # %%')
        texts += drawn * [cell.metadata.get("alt", "")]
    return texts
