"""The tree in the docstring is the tree."""

import inspect
import re

from worker.model import errors

BRANCH = re.compile(r"^((?:│   |    )*)(?:├── |└── )(\w+)")


def drawn() -> dict[str, str]:
    """Each class of the docstring's tree, and the one that it hangs from."""
    path, parents = ["WorkerError"], {"WorkerError": "Exception"}
    for line in (errors.__doc__ or "").splitlines():
        if found := BRANCH.match(line):
            depth = len(found[1]) // 4 + 1
            parents[found[2]] = path[depth - 1]
            path[depth:] = [found[2]]
    return parents


def test_the_tree_as_it_is_drawn():
    """Whoever reads the module's docstring has seen every class, and which others an `except` for it catches."""
    classes = [value for value in vars(errors).values() if inspect.isclass(value)]
    assert drawn() == {each.__name__: "/".join(base.__name__ for base in each.__bases__) for each in classes}
