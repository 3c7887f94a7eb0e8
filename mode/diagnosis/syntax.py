"""Pieces of a syntax tree that take the place of others."""

import ast


def expression(text: str, at: ast.AST) -> ast.expr:
    """Return an expression that lies where another node does."""
    expression = ast.parse(text, mode="eval").body
    for part in ast.walk(expression):
        ast.copy_location(part, at)
    return expression


def call_of(function: str, at: ast.AST, *arguments: ast.expr, **keywords: ast.expr) -> ast.Call:
    """Return the call of a function that lies where another node does."""
    named = [ast.keyword(name, value) for name, value in keywords.items()]
    call = ast.Call(ast.parse(function, mode="eval").body, [*arguments], named)
    return ast.fix_missing_locations(ast.copy_location(call, at))


def ends_in(call: ast.Call, *names: str) -> bool:
    """Whether what is called has one of these names, whatever it is looked up in.

    >>> ends_in(ast.parse("np.prod(shape)", mode="eval").body, "prod")
    True
    """
    return getattr(call.func, "attr", getattr(call.func, "id", "")) in names
