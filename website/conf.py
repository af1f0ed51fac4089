"""The documentation site: how Sphinx builds it from what `build.py` has laid out."""

import re

from sphinx.util.typing import stringify_annotation

import auriko
from auriko.models import AurikoResponseModel

project = "auriko"
author = "auriko"
release = version = auriko.__version__

extensions = [
    "myst_nb",  # Markdown pages, and notebooks with the outputs that they have
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]

# Links to headings are checked like all others: one that leads nowhere is a warning, and a warning is an error.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
nb_execution_mode = "off"
nb_mime_priority_overrides = [("html", "text/html", 0), ("html", "image/png", 1)]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_use_type_comments = False
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_inherit_docstrings = False
python_maximum_signature_line_length = 88
add_module_names = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"auriko {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = html_show_sphinx = False
copybutton_exclude = ".linenos, .gp, .go"
pygments_style, pygments_dark_style = "default", "github-dark"


# A cell of the first notebook is a question and no Python.
suppress_warnings = ["misc.highlighting_failure"]


def setup(app):
    """What pydantic adds to every model says nothing of ours, and code in docstrings is indented and no more."""
    app.connect("autodoc-skip-member", lambda _app, _kind, name, *_: True if name in _PYDANTICS_OWN else None)
    app.connect("autodoc-process-signature", _hide_data)
    app.connect("autodoc-process-docstring", _add_fields)
    app.connect("autodoc-process-docstring", _mark_code, priority=400)  # before napoleon's


def _hide_data(_app, _kind, _name, _object, _options, signature, returned):
    """Hides the signature of a model that is made from JSON: it has none of its own."""
    return ("", returned) if signature and signature.startswith("(**data") else None


def _add_fields(_app, _kind, _name, described, _options, lines):
    """Lists the fields of a reply's type, whose docstring leaves them to the API's own names."""
    if isinstance(described, type) and issubclass(described, AurikoResponseModel):
        if any(line.startswith(":ivar") for line in lines):
            return
        for name, field in described.model_fields.items():
            kind = re.sub(r"~?(?:\w+\.)+(\w)", r"\1", stringify_annotation(field.annotation, "smart"))
            lines.append(f"* ``{name}``: ``{kind}``")
        lines.append("")


def _mark_code(_app, _kind, _name, _object, _options, lines):
    """Marks code as reStructuredText does, where docstrings write it as Markdown: `x`, and what stands indented."""
    lines[:] = [re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", line) for line in lines]
    for number in range(len(lines) - 1, 1, -1):
        before, empty, here = lines[number - 2 : number + 1]
        if here.startswith("    ") and not empty.strip() and before.strip() and not before.startswith(" "):
            lines[number:number] = ["::", ""]


_PYDANTICS_OWN = {"model_config", "model_post_init", "lc_attributes", "lc_secrets"}
