"""`parley completion bash` and `zsh`: what a shell needs to complete our command line, made from argparse's own tree.

The law: nothing is listed twice. The words come from `grammar` when the script is printed, so a new verb is completed
without a word here; what they mean is argparse's business, and files are the shell's.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

BASH = """_parley() {{
  local words="${{COMP_WORDS[*]:1:COMP_CWORD-1}}" word="${{COMP_WORDS[COMP_CWORD]}}" path="" each options="" verbs=""
  for each in $words; do
    case "$path $each" in
{steps}
    esac
  done
  case "$path" in
{states}
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
    *) if [ -n "$verbs" ]; then COMPREPLY=($(compgen -W "$verbs" -- "$word"))
       else COMPREPLY=($(compgen -f -- "$word")); fi ;;
  esac
}}
complete -o filenames -F _parley parley
"""
ZSH = "#compdef parley\nautoload -U +X bashcompinit && bashcompinit\n"
"""zsh runs bash's completions by itself."""


def script(shell: str, root: argparse.ArgumentParser) -> str:
    """For `eval "$(parley completion bash)"`, or a file of the shell's own folder."""
    nodes = list(walk("", root))
    steps = "\n".join(f'      "{path} {verb}") path="{path} {verb}" ;;' for path, verbs, _ in nodes for verb in verbs)
    states = "\n".join(
        f'    "{path}") verbs="{" ".join(verbs)}" options="{" ".join(options)}" ;;' for path, verbs, options in nodes
    )
    return (ZSH if shell == "zsh" else "") + BASH.format(steps=steps, states=states)


def walk(path: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, list[str], list[str]]]:
    """Each place of the grammar: the verbs that lead there, those that lead on (or the values of a first argument that has
    a choice), and the options."""
    verbs: list[str] = []
    options: list[str] = []
    below: list[tuple[str, argparse.ArgumentParser]] = []
    for action in parser._actions:
        options += action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            verbs += action.choices
            below += action.choices.items()
        elif not action.option_strings and action.choices is not None and not verbs:
            verbs += map(str, action.choices)
    yield path, verbs, options
    for verb, child in below:
        yield from walk(f"{path} {verb}", child)
