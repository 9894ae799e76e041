"""JMESPath, compiled: the grammar and the functions are the library's, the evaluation is ours (docs: decisions).

What is outside of loops is evaluated once, so that the expression's length bounds it; loops and calls take steps of a
`Budget`.
"""

from collections.abc import Callable

from worker.customer.documents import Json
from worker.events.mapping.budget import Budget, Failure
from worker.events.mapping.functions import TABLE, BoundedFunctions, takes_expression, wrong_count
from worker.events.mapping.grammar import Broken, Node, calls, parsed, reads, size_of
from worker.events.mapping.operators import ORDER, is_true, ordered, same

Evaluate = Callable[[Json], Json]


def reads_value(text: str) -> bool:
    """Whether the expression may look at the record's value. Raises Broken."""
    return reads(parsed(text), "value")


def compiled(text: str, budget: Budget) -> Evaluate:
    """The expression as a function of what it sees (docs: mapping, what an expression sees).

    Raises Broken where it cannot be evaluated for any record. The function raises Failure where it cannot be for one.
    """
    return _Compiler(text, budget).compile(parsed(text))


class _Compiler:
    """Compiles the nodes of one expression into functions, in the order of the text."""

    def __init__(self, text: str, budget: Budget) -> None:
        self._budget = budget
        self._functions = BoundedFunctions(budget)
        self._calls = calls(text)

    def compile(self, node: Node) -> Evaluate:
        """The node as a function of the value that it is evaluated for."""
        make: Callable[..., Evaluate] = getattr(self, f"_{node['type']}")
        return make(node)

    def _each(self, nodes: list[Node]) -> list[Evaluate]:
        return [self.compile(node) for node in nodes]

    def _field(self, node: Node) -> Evaluate:
        name = node["value"]

        def field(current: Json) -> Json:
            return current.get(name) if isinstance(current, dict) else None

        return field

    def _subexpression(self, node: Node) -> Evaluate:
        first, *rest = node["children"]
        while first["type"] == "subexpression":
            first, *before = first["children"]
            rest = before + rest
        start = self.compile(first)
        if all(each["type"] == "field" for each in (first, *rest)):
            return _path(tuple(each["value"] for each in (first, *rest)))
        return _chain([start, *self._each(rest)])

    _index_expression = _subexpression
    _pipe = _subexpression

    def _current(self, _: Node) -> Evaluate:
        return lambda current: current

    _identity = _current

    def _literal(self, node: Node) -> Evaluate:
        value = node["value"]
        return lambda _: value

    def _index(self, node: Node) -> Evaluate:
        place = node["value"]

        def index(current: Json) -> Json:
            return current[place] if isinstance(current, list) and -len(current) <= place < len(current) else None

        return index

    def _slice(self, node: Node) -> Evaluate:
        part = slice(*node["children"])

        def cut(current: Json) -> Json:
            self._budget.skim(current)
            return current[part] if isinstance(current, list) else None

        return cut

    def _key_val_pair(self, node: Node) -> Evaluate:
        return self.compile(node["children"][0])

    def _multi_select_dict(self, node: Node) -> Evaluate:
        pairs = [(child["value"], self.compile(child)) for child in node["children"]]

        def select(current: Json) -> Json:
            return None if current is None else {name: run(current) for name, run in pairs}

        return select

    def _multi_select_list(self, node: Node) -> Evaluate:
        items = self._each(node["children"])
        return lambda current: None if current is None else [run(current) for run in items]

    def _or_expression(self, node: Node) -> Evaluate:
        left, right = self._each(node["children"])
        return lambda current: found if is_true(found := left(current)) else right(current)

    def _and_expression(self, node: Node) -> Evaluate:
        left, right = self._each(node["children"])
        return lambda current: right(current) if is_true(found := left(current)) else found

    def _not_expression(self, node: Node) -> Evaluate:
        [inner] = self._each(node["children"])
        return lambda current: not is_true(inner(current))

    def _comparator(self, node: Node) -> Evaluate:
        left, right = self._each(node["children"])
        name, budget = node["value"], self._budget
        if name == "eq":
            return lambda current: same(left(current), right(current), budget)
        if name == "ne":
            return lambda current: not same(left(current), right(current), budget)
        order = ORDER[name]
        return lambda current: ordered(order, left(current), right(current), budget)

    def _flatten(self, node: Node) -> Evaluate:
        [inner] = self._each(node["children"])

        def flatten(current: Json) -> Json:
            found = inner(current)
            if not isinstance(found, list):
                return None
            self._budget.spend(sum(len(each) if isinstance(each, list) else 1 for each in found))
            return [item for each in found for item in (each if isinstance(each, list) else (each,))]

        return flatten

    def _projection(self, node: Node) -> Evaluate:
        left = self.compile(node["children"][0])
        return self._over(left, node["children"][1])

    def _value_projection(self, node: Node) -> Evaluate:
        left = self.compile(node["children"][0])

        def values(current: Json) -> Json:
            found = left(current)
            return list(found.values()) if isinstance(found, dict) else None

        return self._over(values, node["children"][1])

    def _filter_projection(self, node: Node) -> Evaluate:
        left_node, right_node, condition = node["children"]
        left, test = self.compile(left_node), self.compile(condition)
        cost = size_of(condition)

        def kept(current: Json) -> Json:
            found = left(current)
            if not isinstance(found, list):
                return None
            self._budget.spend(len(found) * cost)
            return [each for each in found if is_true(test(each))]

        return self._over(kept, right_node)

    def _over(self, elements: Evaluate, node: Node) -> Evaluate:
        """A function that applies the node to each element, and leaves nulls out."""
        run, cost, budget = self.compile(node), size_of(node), self._budget

        def project(current: Json) -> Json:
            found = elements(current)
            if not isinstance(found, list):
                return None
            budget.spend(len(found) * cost)
            return [made for each in found if (made := run(each)) is not None]

        return project

    def _expref(self, _: Node) -> Evaluate:
        raise Broken("&... stands outside of a function that takes an expression")

    def _function_expression(self, node: Node) -> Evaluate:
        name, at = next(self._calls)
        if name not in TABLE:
            raise Broken(f"there is no function {name[:80]}()", at)
        if why := wrong_count(name, len(node["children"])):
            raise Broken(why, at)
        arguments = [self._argument(name, at, place, child) for place, child in enumerate(node["children"])]
        call = self._functions.call

        def function(current: Json) -> Json:
            try:
                return call(name, [argument(current) for argument in arguments])
            except Failure as error:
                raise error if error.at is not None else Failure(str(error), at) from None

        return function

    def _argument(self, name: str, at: int, place: int, node: Node) -> Evaluate:
        if (node["type"] == "expref") != takes_expression(name, place):
            wanted = "an expression (&...)" if takes_expression(name, place) else "no expression (&...)"
            raise Broken(f"{name}() takes {wanted} as its argument {place + 1}", at)
        if node["type"] != "expref":
            return self.compile(node)
        inner = node["children"][0]
        given = _Expression(self.compile(inner), self._budget, size_of(inner))
        return lambda _: given


class _Expression:
    """An expression that a function evaluates for each element; the library knows it by the name of this class."""

    def __init__(self, run: Evaluate, budget: Budget, cost: int) -> None:
        self.expression = run
        self._budget, self._cost = budget, cost

    def visit(self, run: Evaluate, current: Json) -> Json:
        """Evaluate the expression for one element; the library's functions call this."""
        self._budget.spend(self._cost)
        made = run(current)
        self._budget.skim(made)
        return made


def _path(names: tuple[str, ...]) -> Evaluate:
    """A function for names behind one another, which nearly every expression is."""

    def path(current: Json) -> Json:
        for name in names:
            if not isinstance(current, dict):
                return None
            current = current.get(name)
        return current

    return path


def _chain(steps: list[Evaluate]) -> Evaluate:
    def chain(current: Json) -> Json:
        for step in steps:
            current = step(current)
        return current

    return chain
