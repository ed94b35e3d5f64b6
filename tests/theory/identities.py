"""Identities on the pages of docs/theory: how they are read, and how SymPy checks them.

A page writes its algebra in blocks that begin with ```identity. docs/theory/README.md says how; in short

    let NAME = EXPRESSION       an abbreviation, up to the next heading `# `
    any NAME, NAME              real numbers          positive NAME, NAME      positive ones
    (S8.3)  LEFT = RIGHT        an identity of statement S8; further lines, `= MORE` too, go on with it

Expressions are those of the pages' prose: `r mu_inv mu_spu` is a product, `a^2` a power. The parameters of the
synthetic model, and its random variables inside E[...], have their meaning from Definition 6.1.
"""

import functools
import itertools
import re
from dataclasses import dataclass, field

import mpmath
import sympy

_PARAMETERS = "mu_inv mu_spu sigma_inv sigma_spu sigma_xi tau nu rho r d_I d_T n"
_KNOWN = {name: sympy.Symbol(name, positive=True) for name in _PARAMETERS.split()}
_Y, _A = sympy.symbols("y a")
_NORMALS = sympy.symbols("e_inv e_spu xi_inv xi_spu zeta_inv zeta_spu")


def _vocabulary():
    """Names that every page may use: the model's parameters and variables, in the notation of docs/theory/README.md."""
    names = dict(_KNOWN)
    for index, feature in enumerate(("inv", "spu")):
        sign = (_Y, _A)[index]
        latent = names[f"mu_{feature}"] * sign + names[f"sigma_{feature}"] * _NORMALS[index]
        names[f"z_{feature}"] = latent
        names[f"u_{feature}"] = latent + names["tau"] * _NORMALS[2 + index]
        names[f"t_{feature}"] = latent + names["nu"] * _NORMALS[4 + index]
        names[f"v_{feature}"] = names[f"sigma_{feature}"] ** 2 + names["tau"] ** 2
    return names | {"y": _Y, "a": _A, "p_spu": (1 + names["r"]) / 2, "e": sympy.E, "pi": sympy.pi, "oo": sympy.oo}


def _expectation(value, given):
    """Mean over the model's variables of a polynomial in them; the classes are equally frequent unless y is given."""
    if isinstance(value, sympy.MatrixBase):
        return value.applyfunc(lambda entry: _expectation(entry, given))
    value = value.subs(given)
    if not value.is_polynomial(_Y, _A, *_NORMALS):
        raise PageError(f"no polynomial in the random variables: {value}")
    polynomial = sympy.Poly(value, _Y, _A, *_NORMALS)
    agreement = _KNOWN["r"]
    # E[y^i a^j] by the parity of i and j; signs that are given have been put in already.
    signs = {(0, 0): 1, (1, 0): 0, (0, 1): 0, (1, 1): agreement}
    if len(given) == 1:
        ((_, value_given),) = given.items()
        signs[0, 1] = signs[1, 0] = agreement * value_given
    mean = sympy.Integer(0)
    for powers, coefficient in polynomial.terms():
        normals = powers[2:]
        if all(power % 2 == 0 for power in normals):
            size = sympy.prod(sympy.factorial2(power - 1) for power in normals if power)
            mean += coefficient * size * signs[powers[0] % 2, powers[1] % 2]
    return mean


def _taylor(value, symbol, degree):
    derivatives = [value]
    for _ in range(int(degree)):
        derivatives.append(sympy.diff(derivatives[-1], symbol))
    return sum(one.subs(symbol, 0) * symbol**k / sympy.factorial(k) for k, one in enumerate(derivatives))


_FUNCTIONS = {
    **{name: getattr(sympy, name) for name in ["exp", "log", "sqrt", "sin", "cos", "tan"]},
    # As exponentials, in which SymPy finds its way.
    "sinh": lambda x: (sympy.exp(x) - sympy.exp(-x)) / 2,
    "cosh": lambda x: (sympy.exp(x) + sympy.exp(-x)) / 2,
    "tanh": lambda x: (sympy.exp(2 * x) - 1) / (sympy.exp(2 * x) + 1),
    "artanh": lambda x: sympy.log((1 + x) / (1 - x)) / 2,
    "arctan": sympy.atan,
    "softplus": lambda x: sympy.log(1 + sympy.exp(x)),
    "sigmoid": lambda x: 1 / (1 + sympy.exp(-x)),
    "phi": lambda x: sympy.exp(-(x**2) / 2) / sympy.sqrt(2 * sympy.pi),
    "Phi": lambda x: (1 + sympy.erf(x / sympy.sqrt(2))) / 2,
    "integral": lambda value, symbol, start, end: sympy.Integral(value, (symbol, start, end)),
    "taylor": _taylor,
    "det": lambda matrix: matrix.det(),
    "tr": lambda matrix: matrix.trace(),
    "inv": lambda matrix: matrix.inv(),
    "transpose": lambda matrix: matrix.T,
    "at": lambda value, symbol, place: value.subs(symbol, place),
}
_TOKEN = re.compile(r"\s*(d/d[A-Za-z]\w*'*|\d+\.?\d*|[A-Za-z]\w*'*|[-+*/^()\[\],=|])")


class PageError(ValueError):
    """A page says something that is no identity, or no true one."""


class _Reader:
    """Recursive descent over one line's tokens."""

    def __init__(self, text, names):
        self.text, self.names, self.place = text, names, 0
        self.tokens, end = [], 0
        text = text.rstrip()
        while end < len(text):
            found = _TOKEN.match(text, end)
            if not found:
                raise PageError(f"cannot read {text[end:]!r} in {text!r}")
            self.tokens.append(found.group(1))
            end = found.end()

    def peek(self):
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self, *expected):
        token = self.peek()
        if expected and token not in expected:
            raise PageError(f"{self.text!r}: expected {' or '.join(expected)}, found {token or 'the end'}")
        self.place += 1
        return token

    def sum(self):
        value = -self.product() if self.peek() == "-" and self.take() else self.product()
        while self.peek() in ("+", "-"):
            value = value + self.product() if self.take() == "+" else value - self.product()
        return value

    def product(self):
        value, divided = self.power(), False
        while (token := self.peek()) and (token in "*/([" or token[0].isalnum()):
            if token == "/":
                self.take()
                value, divided = value / self.power(), True
                continue
            if divided:  # `a / b c` reads both ways
                raise PageError(f"{self.text!r}: put brackets around what is divided by, or by what")
            if token == "*":
                self.take()
            value = value * self.power()
        return value

    def power(self):
        value = self.atom()
        if self.peek() != "^":
            return value
        self.take()
        if self.peek() == "-":
            raise PageError(f"{self.text!r}: put brackets around a negative power")
        return value ** self.atom()

    def atom(self):
        token = self.take()
        if token == "(":
            entries = self.several(")")
            return entries[0] if len(entries) == 1 else sympy.Matrix(entries)
        if token == "[":
            rows = []
            while self.peek() != "]":
                self.take("[")
                rows.append(self.several("]"))
                if self.peek() == ",":
                    self.take()
            self.take("]")
            return sympy.Matrix(rows)
        if token.startswith("d/d"):
            self.take("(")
            return sympy.diff(self.several(")")[0], self.named(token[3:]))
        if token == "E" and self.peek() == "[":
            return self.expectation()
        if token in _FUNCTIONS and self.peek() == "(":
            self.take()
            return _FUNCTIONS[token](*self.several(")"))
        if token[:1].isdigit():
            return sympy.Rational(token)
        if token[:1].isalpha():
            value = self.named(token)
            if isinstance(value, sympy.MatrixBase) and self.peek() == "[":
                self.take()
                index = [int(number) - 1 for number in self.several("]")]
                return value[index[0] if len(index) == 1 else tuple(index)]
            return value
        raise PageError(f"{self.text!r}: unexpected {token or 'end'}")

    def expectation(self):
        self.take("[")
        value, given = self.sum(), {}
        while self.take("|", ",", "]") != "]":
            sign = self.named(self.take("y", "a"))
            self.take("=")
            given[sign] = -1 if self.peek() == "-" and self.take() else 1
            self.take("1")
        return _expectation(sympy.sympify(value), given)

    def several(self, end):
        entries = [self.sum()]
        while self.take(",", end) == ",":
            entries.append(self.sum())
        return entries

    def named(self, name):
        if name not in self.names:
            raise PageError(f"{self.text!r}: {name} is not declared; see docs/theory/README.md")
        return self.names[name]

    def end(self):
        if self.peek():
            raise PageError(f"{self.text!r}: unexpected {self.peek()}")


@dataclass
class Identity:
    """One numbered identity: its statement's label, its number, its text, and the names that it may use."""

    label: str
    number: int
    text: str
    names: dict = field(repr=False)

    @functools.cached_property
    def sides(self):
        """What it says is equal, two or more."""
        return self.sides_of(self.text)

    def sides_of(self, text):
        """What another text in its place would say is equal."""
        reader = _Reader(text, self.names)
        sides = [reader.sum()]
        while reader.peek() == "=":
            reader.take()
            sides.append(reader.sum())
        reader.end()
        if len(sides) < 2:
            raise PageError(f"({self.label}.{self.number}) has no equals sign")
        return sides

    def check(self):
        """Check it by algebra, or numerically at random places where it has integrals.

        Raises:
            PageError: it is not true, or SymPy cannot show that it is.
        """
        for left, right in itertools.pairwise(self.sides):
            integrals = any(one.has(sympy.Integral) for pair in entries(left, right) for one in pair)
            if not integrals and all(is_zero(one - two) for one, two in entries(left, right)):
                continue
            if not equal_at(PLACES, left, right):
                raise PageError(f"not true: ({self.label}.{self.number}) {self.text}")
            # Logarithms in an exponent become factors. The random places exclude other multiples of 2 pi i.
            if not integrals and not all(is_zero(sympy.exp(one - two) - 1) for one, two in entries(left, right)):
                raise PageError(f"true at random places, but SymPy does not show it: ({self.label}.{self.number})")


def entries(left, right):
    """Pairs of what must be equal, entry by entry."""
    if isinstance(left, sympy.MatrixBase) != isinstance(right, sympy.MatrixBase):
        raise PageError(f"a matrix cannot be equal to a number: {left}, {right}")
    if not isinstance(left, sympy.MatrixBase):
        return [(sympy.sympify(left), sympy.sympify(right))]
    if left.shape != right.shape:
        raise PageError(f"shapes differ: {left.shape}, {right.shape}")
    return list(zip(left, right, strict=True))


# Where identities are tried: numbers without a pattern, below 1 so that they may be ratios and correlations. Real
# symbols are negative at the second place.
NUMBERS = [sympy.Rational(((k + 3) * 271) % 997, 1000) + sympy.Rational(1, 500) for k in range(100)]
PLACES = ((1, NUMBERS[:50]), (-1, NUMBERS[50:]))


def equal_at(places, left, right):
    """Whether both sides have the same value, to 11 digits, at each of some places."""
    for sign, numbers in places:
        for one, two in entries(left, right):
            symbols = sorted(one.free_symbols | two.free_symbols, key=str)
            values = {s: v if s.is_positive else sign * v for s, v in zip(symbols, numbers, strict=False)}
            one, two = (_number(side, values) for side in (one, two))
            if not abs(one - two) <= 1e-11 * (1 + abs(one)):
                return False
    return True


def _number(value, values):
    """The value of an expression where its symbols have these values; integrals by quadrature."""
    for one in value.atoms(sympy.Integral):
        value = value.subs(one, _integral(one.subs(values)))
    return value.evalf(20, subs=values)


@functools.cache  # a page's integral is also beside those that have another sign
def _integral(value):
    """In panels."""
    symbol, start, end = value.limits[0]
    integrand = sympy.lambdify(symbol, value.function, "mpmath")
    ends = [float(end) for end in (start, end)]
    inside = [place for place in (-12.0, -6.0, -3.0, -1.0, 0.0, 1.0, 3.0, 6.0, 12.0) if ends[0] < place < ends[1]]
    return mpmath.quad(integrand, [ends[0], *inside, ends[1]], maxdegree=8)


def is_zero(value):
    """Whether SymPy shows that an expression is 0 everywhere."""
    numerator, _ = sympy.fraction(sympy.together(value))
    return sympy.expand(numerator) == 0 or (not value.has(sympy.log) and sympy.simplify(value) == 0)


_BLOCK = re.compile(r"^( *)```identity\n(.*?)^ *```$", re.M | re.S)
_TAG = re.compile(r"\((S\d+)\.(\d+)\)\s+(.*)", re.S)


def identities_of(text):
    """The numbered identities of a page's text, in order.

    Raises:
        PageError: a line that is neither a definition nor an identity, or a name that was not declared.
    """
    found = []
    for section in re.split(r"^(?=# )", text, flags=re.M):
        found += _identities_of_section(section)
    return found


def _identities_of_section(text):
    names, found = _vocabulary(), []
    for block in _BLOCK.finditer(text):
        for line in _lines(block.group(2)):
            if line.startswith("let "):
                name, _, value = (part.strip() for part in line[4:].partition("="))
                reader = _Reader(value, names)
                _declare(names, name, reader.sum())
                reader.end()
            elif line.startswith(("any ", "positive ")):
                kind, _, rest = line.partition(" ")
                for name in map(str.strip, rest.split(",")):
                    _declare(
                        names, name, sympy.Symbol(name, real=True, **({"positive": True} if kind != "any" else {}))
                    )
            elif tag := _TAG.fullmatch(line):
                found.append(Identity(tag.group(1), int(tag.group(2)), tag.group(3), dict(names)))
                _ = found[-1].sides  # what cannot be read is refused at once
            else:
                raise PageError(f"neither `let`, `any`, `positive` nor a tag such as (S8.1): {line!r}")
    return found


def _declare(names, name, value):
    if not re.fullmatch(r"[A-Za-z]\w*'*", name):
        raise PageError(f"{name!r} is no name")
    if name in names or name in _FUNCTIONS or name == "E":
        raise PageError(f"{name} is declared already")
    names[name] = value


def _lines(block):
    """Lines of a block, with those that go on with an earlier one joined to it."""
    starts = re.compile(r"let |any |positive |\(S\d+\.\d+\)")
    lines = [line.strip() for line in block.splitlines() if line.strip()]

    def join(joined, line):
        return [*joined, line] if not joined or starts.match(line) else [*joined[:-1], f"{joined[-1]} {line}"]

    return functools.reduce(join, lines, [])
