# SPDX-License-Identifier: GPL-2.0-or-later
"""Completion, asked of the shells themselves. No root, no daemon."""

import os
import shutil
import subprocess
import tempfile
import unittest

from world import FAREWELL

# bash has no command for it: what the programmable completion would be handed, and what it would take.
_BASH = """
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_farewell
printf '%s\\n' "${COMPREPLY[@]}"
"""

# Outside of its line editor zsh has none of these; what they would offer is printed.
_ZSH = """
compdef() { }
compadd() { [[ $1 != -a ]] || set -- ${(P)2}; [[ $1 != -- ]] || shift; print -l -- "$@" }
_describe() { [[ $1 != -o ]] || shift; local entry; for entry in ${(P)2}; do print -r -- ${entry%%:*}; done }
_files() { print -l -- $PREFIX*(N) }
_message() { }
source $1; shift
words=("$@") CURRENT=$# PREFIX=${@[-1]}
_farewell
"""

_FISH = """
source $argv[1]
complete -C (string join ' ' -- $argv[2..])
"""


class Completion(unittest.TestCase):
    """What a shell must offer; subclasses say how it is asked."""

    shell = ""
    arguments = ()

    def setUp(self):
        if not shutil.which(self.shell):
            self.skipTest(f"{self.shell} is not installed")
        self.directory = tempfile.mkdtemp(prefix="farewell-completion-")
        self.addCleanup(shutil.rmtree, self.directory)
        self.script = os.path.join(self.directory, "script")
        with open(self.script, "wb") as file:
            file.write(subprocess.run([FAREWELL, "completion", self.shell], check=True, stdout=subprocess.PIPE).stdout)
        with open(os.path.join(self.directory, "capture.pcap"), "wb"):
            pass

    def offered(self, *words):
        asked = subprocess.run([self.shell, *self.arguments, self.script, "farewell", *words], check=True, text=True, timeout=60,
                               cwd=self.directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(asked.stderr, "")
        return [line.split("\t")[0] for line in asked.stdout.splitlines() if line.startswith(words[-1])]

    def check_everything(self):
        self.check_the_shell_reads_it()
        self.check_commands()
        self.check_options_of_the_command_and_of_those_around_it()
        self.check_certain_words()
        self.check_files_where_files_are_taken()

    def check_the_shell_reads_it(self):
        subprocess.run([self.shell, "-n", self.script], check=True, timeout=60)

    def check_commands(self):
        self.assertLessEqual({"status", "explain", "bans", "ruleset", "completion"}, set(self.offered("")))
        self.assertEqual(self.offered("stat"), ["status"])
        self.assertLessEqual({"list", "add", "remove", "get"}, set(self.offered("bans", "")))
        self.assertNotIn("status", self.offered("bans", ""))
        self.assertLessEqual({"list", "add"}, set(self.offered("--json", "bans", "")), "after a global option")

    def check_options_of_the_command_and_of_those_around_it(self):
        self.assertLessEqual({"--all", "--json", "--dry-run"}, set(self.offered("bans", "remove", "--")))
        self.assertNotIn("--all", self.offered("bans", "add", "--"))
        self.assertEqual(self.offered("bans", "add", "--fo"), ["--for"])

    def check_certain_words(self):
        self.assertEqual(sorted(self.offered("--color", "")), ["always", "auto", "never"])
        self.assertEqual(sorted(self.offered("ruleset", "print", "--hook", "")), ["firewalld", "nftables", "ufw"])
        self.assertEqual(sorted(self.offered("completion", "")), ["bash", "fish", "zsh"])

    def check_files_where_files_are_taken(self):
        self.assertEqual(self.offered("replay", "capt"), ["capture.pcap"])
        self.assertEqual(self.offered("ruleset", "print", "--config", "capt"), ["capture.pcap"])
        self.assertEqual(self.offered("bans", "add", "--for", "capt"), [])
        self.assertEqual(self.offered("status", "capt"), [])


class Bash(Completion):
    shell = "bash"
    arguments = ("-c", _BASH, "-")

    def test_what_it_offers(self):
        self.check_everything()

    def test_option_and_word_joined(self):
        self.assertEqual(self.offered("--color", "=", "al"), ["always"])
        self.assertEqual(self.offered("ruleset", "print", "--hook", "=", "u"), ["ufw"])


class Zsh(Completion):
    shell = "zsh"
    arguments = ("-f", "-c", _ZSH, "-")

    def test_what_it_offers(self):
        self.check_everything()


class Fish(Completion):
    shell = "fish"
    arguments = ("--no-config", "-c", _FISH)

    def test_what_it_offers(self):
        self.check_everything()
