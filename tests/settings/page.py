"""The page of settings, written from the options of ``workspacectl run``: ``python -m tests.settings.page``."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.cli.command_tree import command_tree
from tests.docs.pages import REPOSITORY

PAGE = "docs/settings.md"

HEAD = """\
# Settings

Each option of `workspacectl run` has an environment variable. An option has precedence over its variable, and a
variable over the default. An error names the variable that has the wrong value. A flag is on if its variable is `true`,
`yes`, `on` or `1`.

This page is generated: `python -m tests.settings.page` writes it, and a test compares it with the options.

| option | variable | default | commands | meaning |
| --- | --- | --- | --- | --- |
"""

TAIL = """
`--host` and `--port` have the variables `WORKSPACE_OPERATOR_LISTEN_…`, because Kubernetes sets variables such as
`WORKSPACE_OPERATOR_PORT` in the pods of a namespace that has a Service `workspace-operator`.

These variables have no option. Those of the SMTP server
[replace the file of `--transports`](sending.md#set-up-a-transport).

| variable | meaning |
| --- | --- |
| `WORKSPACE_OPERATOR_SMTP` | the URL of one SMTP server, without a password |
| `WORKSPACE_OPERATOR_SMTP_PASSWORD_FILE` | the file with its password |
| `XDG_DATA_HOME` | the folder of the default database; by default `~/.local/share` |
| `KUBECONFIG` | the kubeconfig, as for kubectl, if `--kubeconfig` is not given |
"""

WITHOUT_VARIABLE = frozenset({"--help"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """An option as one command defines it."""

    names: tuple[str, ...]
    variable: object
    default: str
    meaning: str

    @property
    def option(self) -> str:
        """The long name."""
        return next(name for name in self.names if name.startswith("--"))


def settings() -> Iterator[tuple[str, Setting]]:
    """Every option of every form of ``run``, with the command."""
    run = command_tree().commands["run"]
    forms = {"run": run, **{f"run {name}": command for name, command in run.commands.items()}}
    for command, form in forms.items():
        for parameter in form.params:
            found = Setting(
                names=(*parameter.opts, *parameter.secondary_opts),
                variable=parameter.envvar,
                default=_default(parameter),
                meaning=parameter.help,
            )
            if found.option not in WITHOUT_VARIABLE:
                yield command, found


def page() -> str:
    """The whole page."""
    commands: dict[Setting, list[str]] = {}
    for command, setting in settings():
        commands.setdefault(setting, []).append(command)
    lines = [_line(setting, used) for setting, used in sorted(commands.items(), key=lambda item: item[0].option)]
    return HEAD + "".join(lines) + TAIL


def _line(setting: Setting, commands: list[str]) -> str:
    options = ", ".join(f"`{name}`" for name in sorted(setting.names, key=len, reverse=True))
    used = "all" if len(commands) == len({command for command, _ in settings()}) else ", ".join(map(_code, commands))
    meaning = setting.meaning.replace("|", "\\|")
    return f"| {options} | `{setting.variable}` | {setting.default} | {used} | {meaning} |\n"


def _default(parameter: Any) -> str:
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    value = parameter.default
    if parameter.is_flag:
        return "off"
    return "" if value is None or callable(value) else f"`{getattr(value, 'value', value)}`"


def _code(text: str) -> str:
    return f"`{text}`"


if __name__ == "__main__":
    (REPOSITORY / PAGE).write_text(page(), encoding="utf-8")
    print(f"{PAGE} is written")
