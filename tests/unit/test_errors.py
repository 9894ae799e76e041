"""The tree in the docstring is the tree."""

import inspect

from worker.model import errors


def test_every_class_stands_in_the_tree():
    """Whoever reads the module's docstring has seen them all."""
    classes = [name for name, value in vars(errors).items() if inspect.isclass(value)]
    assert classes
    assert [name for name in classes if name not in (errors.__doc__ or "")] == []
    assert all(issubclass(getattr(errors, name), errors.WorkerError) for name in classes)
