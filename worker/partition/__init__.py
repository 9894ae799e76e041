"""One partition while it is ours."""
