"""Sphinx: these pages, those beside README.md, and a page for every public name.

``make docs`` builds them into ``build/docs``. The root of the repository is the root of
the sources, so that a link which works in the repository works on the site too.
"""

import re
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import lamina  # noqa: E402

project = "lamina"
author = "The lamina developers"
copyright = author
version = release = lamina.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
]
root_doc = "docs/index"
include_patterns = [
    "*.md",
    "docs/**",
    "benchmarks/README.md",
    "benchmarks/results/*.md",
]
exclude_patterns = ["docs/_templates"]
templates_path = [str(ROOT / "docs" / "_templates")]
html_theme = "furo"
html_title = f"lamina {release}"
html_additional_pages = {"index": "redirect.html"}

# Pages link to headings of one another by the anchors that GitHub gives them.
myst_heading_anchors = 4

# A page for each public name of each package, made from its ``__all__``.
autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_imported_members = True
autodoc_typehints = "none"  # docstrings name the types
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_ivar = True  # attributes as a list, not as entries of the index
napoleon_custom_sections = ["Equations", "Shapes"]

suppress_warnings = [
    "docutils",  # docstrings are laid out for help() and an editor first
    "ref.python",  # `shape`, a type in a docstring, is also the name of attributes
    "toc.not_included",  # reports of benchmarks are reached by links
]


EQUATIONS = re.compile(r"(Equations\n-+\n)(.*?)(?=\n\S[^\n]*\n---|\Z)", re.DOTALL)


def setup(app):
    """Leave out what scikit-learn adds to estimators; keep equations as written."""
    app.connect("autodoc-skip-member", is_routing)
    app.connect("autodoc-process-docstring", keep_equations, priority=400)


def is_routing(app, what, name, obj, skip, options):
    """Whether a member is scikit-learn's routing of metadata; None: no opinion."""
    routing = name.endswith("_request") or name in (
        "get_metadata_routing",
        "set_output",
    )
    return routing or None


def keep_equations(app, what, name, obj, options, lines):
    """Turn the equations of a docstring into literal blocks, before napoleon."""
    text = EQUATIONS.sub(lambda m: m[1] + literal(m[2]), "\n".join(lines))
    lines[:] = text.split("\n")


def literal(text):
    """Paragraphs that begin with an equation as literal blocks, others as they are."""
    paragraphs = (p for p in text.split("\n\n") if p.strip())
    return "\n".join(f"{block(p)}\n" for p in paragraphs)


def block(paragraph):
    first = paragraph.partition("\n")[0]
    if " = " not in first or "``" in paragraph:
        return paragraph
    return "::\n\n" + textwrap.indent(textwrap.dedent(paragraph), "    ")
