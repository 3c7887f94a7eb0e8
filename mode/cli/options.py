"""Options that mean the same for every command."""

import click

seed_option = click.option("--seed", default=0, show_default=True, help="Random seed.")
allow_unsafe_option = click.option(
    "--allow-unsafe", is_flag=True, help="Run code that the model file holds (Lambda)."
)


def json_option(result: str):
    """Return the option that prints a result as JSON instead of lines."""
    return click.option(
        "--json", "as_json", is_flag=True, help=f"Print the {result} as one JSON object."
    )


def out_option(default: str = "out", what: str = "runs, tables and figures"):
    """Return the option that names the output folder of a command."""
    return click.option(
        "--out", default=default, show_default=True, metavar="DIR", help=f"Folder for {what}."
    )
