# SPDX-License-Identifier: GPL-2.0-or-later
"""Results that a program writes into a page of documentation, between two marks."""

BEGIN, END = "<!-- results -->", "<!-- end of results -->"


def write(path, text):
    with open(path, encoding="utf-8") as file:
        before, _, rest = file.read().partition(BEGIN)
    _, _, after = rest.partition(END)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{before}{BEGIN}\n{text}\n{END}{after}")
