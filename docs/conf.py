"""The documentation site: `sphinx-build -W docs site`."""

from importlib.metadata import version as installed_version

project = "swa"
author = "the swa contributors"
version = release = installed_version("swa")  # pyproject.toml says it, once

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.mathjax"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build"]
default_role = "code"  # docstrings write names in single backticks
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"swa {release}"
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
