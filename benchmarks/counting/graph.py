"""Every floating-point operation of a run, and which of them its results need.

Operations are numbered by what they compute: the same operation on the same operands is the same
number, whoever asks for it. What nobody's result depends on can be told from the rest, and so can
the longest chain of operations that wait for one another.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

ADD, SUBTRACT, MULTIPLY, DIVIDE, ROOT = "add", "subtract", "multiply", "divide", "sqrt"
OPERATIONS = (
    ADD,
    SUBTRACT,
    MULTIPLY,
    DIVIDE,
    ROOT,
    "exp",
    "expm1",
    "log",
    "log1p",
    "pow",
    "lgamma",
)
NEGATE, GIVEN, LITERAL = "negate", "given", "literal"
"""Not counted: a change of sign, which hardware does in passing; inputs; constants of the code."""

_COMMUTES = (ADD, MULTIPLY)


class Graph:
    """The operations of one run.

    Attributes
    ----------
    written : Counter
        Operations as the code asks for them, by ``(part, operation)``.
    read, stored : int
        Elements of arrays that were read and written.
    """

    def __init__(self) -> None:
        self.written: Counter[tuple[str, str]] = Counter()
        self.read = self.stored = 0
        self._known: dict[tuple[object, ...], int] = {}
        self._kind: list[str] = []
        self._part: list[str] = []
        self._operands: list[tuple[int, ...]] = []
        self._used: set[int] = set()

    def given(self) -> int:
        """Return the number of a new input."""
        return self._new(GIVEN, "", ())

    def whole(self, value: int) -> int:
        """Return the number of a whole number, which comes from the data."""
        key = (GIVEN, value)
        if key not in self._known:
            self._known[key] = self.given()
        return self._known[key]

    def literal(self, value: float) -> int:
        """Return the number of a constant."""
        key = (LITERAL, repr(value))
        if key not in self._known:
            self._known[key] = self._new(LITERAL, "", ())
        return self._known[key]

    def note(self, part: str, kind: str, operands: tuple[int, ...]) -> int:
        """Count an operation as written and return its number."""
        if kind != NEGATE:
            self.written[part, kind] += 1
        if all(self._kind[k] == LITERAL for k in operands):
            return self._new(LITERAL, "", ())
        same = self._without_constants(kind, operands)
        if same is not None:
            return same
        key = (kind, *(sorted(operands) if kind in _COMMUTES else operands))
        if key not in self._known:
            self._known[key] = self._new(kind, part, operands)
        return self._known[key]

    def use(self, number: int) -> None:
        """Note that a number was asked for other than by an operation: it decides, or is a result."""
        self._used.add(number)

    def needed(self) -> Counter[tuple[str, str]]:
        """Return the operations without which a result would differ, each once."""
        found: Counter[tuple[str, str]] = Counter()
        alive = self._alive()
        for number, kind in enumerate(self._kind):
            if alive[number] and kind in OPERATIONS:
                found[self._part[number], kind] += 1
        return found

    def longest_chain_ns(self, latency_ns: Mapping[str, float]) -> float:
        """Return how long the results take where nothing waits but for its own operands."""
        ready: list[float] = []
        for kind, operands in zip(self._kind, self._operands, strict=True):
            start = max((ready[k] for k in operands), default=0.0)
            ready.append(start + latency_ns.get(kind, 0.0))
        return max((ready[k] for k in self._used), default=0.0)

    def _new(self, kind: str, part: str, operands: tuple[int, ...]) -> int:
        self._kind.append(kind)
        self._part.append(part)
        self._operands.append(operands)
        return len(self._kind) - 1

    def _without_constants(self, kind: str, operands: tuple[int, ...]) -> int | None:
        """Return what x + 0, x - 0, x * 1, x / 1 and x * 0 are, if this is one of them."""
        zero, one = self.literal(0.0), self.literal(1.0)
        if kind == ADD and zero in operands:
            return operands[0] if operands[1] == zero else operands[1]
        if kind == SUBTRACT and operands[1] == zero:
            return operands[0]
        if kind == MULTIPLY and zero in operands:
            return zero
        if kind == MULTIPLY and one in operands:
            return operands[0] if operands[1] == one else operands[1]
        return operands[0] if kind == DIVIDE and operands[1] == one else None

    def _alive(self) -> list[bool]:
        alive = [False] * len(self._kind)
        for number in self._used:
            alive[number] = True
        # Operands come before what is made of them.
        for number in range(len(self._kind) - 1, -1, -1):
            if alive[number]:
                for k in self._operands[number]:
                    alive[k] = True
        return alive


def total(counts: Iterable[Counter[tuple[str, str]]]) -> Counter[tuple[str, str]]:
    """Return the sum of several counts."""
    summed: Counter[tuple[str, str]] = Counter()
    for one in counts:
        summed.update(one)
    return summed
