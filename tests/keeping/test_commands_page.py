"""docs/commands.md lists exactly the commands that there are, as they describe themselves; and each teaches."""

import re
from pathlib import Path

import click
import pytest
from flask import Flask

from app import create_app
from config import Settings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "commands.md").read_text()
OF_LIBRARIES = {"db", "session_cleanup"}


def application() -> Flask:
    """As it is without a database."""
    return create_app(Settings(database_url="postgresql://nobody@localhost/none", secret_key="x", mail_worker=False))


def commands(group: click.Group, above: str = "") -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if not above and name in OF_LIBRARIES:
            continue
        found |= commands(command, f"{name} ") if isinstance(command, click.Group) else {f"{above}{name}": command}
    return found


COMMANDS = commands(application().cli)


def line(name: str, command: click.Command) -> str:
    """The row of the page: the command with what it must be given, and the first sentence of its help."""
    given = [parameter.make_metavar(click.Context(command)) for parameter in command.params if parameter.required]
    options = [f"{one.opts[0]} " if isinstance(one, click.Option) else "" for one in command.params if one.required]
    words = " ".join([name, *(option + value for option, value in zip(options, given, strict=True))])
    sentence = re.match(r".*?[.](?=\s|$)", " ".join((command.help or "").split()))
    assert sentence, f"{name} has no help"
    return f"| `{words}` | {sentence[0]} |"


def test_the_page_lists_exactly_the_commands_that_exist():
    rows = [row for row in PAGE.splitlines() if row.startswith("| `")]
    assert sorted(rows) == sorted(line(name, command) for name, command in COMMANDS.items())


@pytest.mark.parametrize(("name", "command"), COMMANDS.items(), ids=COMMANDS.keys())
def test_each_command_teaches(name, command):
    """What it does, and at least one more sentence; and an example that is a command of that name."""
    explained, _, example = (command.help or "").partition("\b")
    assert len(re.findall(r"[.](?=\s|$)", explained)) >= 2, "say what it does not, too"
    assert re.search(rf"^\s*flask {name}\b", example, flags=re.M), f"no example of flask {name}"


def test_each_option_says_what_it_does():
    for name, command in COMMANDS.items():
        for parameter in command.params:
            assert not isinstance(parameter, click.Option) or parameter.help, f"{name} {parameter.name}"


def test_each_group_says_what_it_is_for():
    groups = [one for name, one in application().cli.commands.items() if isinstance(one, click.Group) and name != "db"]
    assert {group.name for group in groups} == {"audit", "mail", "orgs", "sessions", "users"}
    assert all(group.help for group in groups)
