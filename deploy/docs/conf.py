"""How Sphinx builds these pages; `deploy/site` calls it."""

from worker import __version__

project = "customer-worker"
release = __version__
extensions = ["myst_parser"]
myst_heading_anchors = 4
nitpicky = True
html_theme = "furo"
html_title = "customer-worker"
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
