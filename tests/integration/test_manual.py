#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""
saxdp-api(7) names every function that a program can call, and none that it cannot; groff finds
nothing wrong in the manual pages.
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CALL = r"(?:(?:Fwpm|IPsec)\w+\d|saxdp_\w+)"


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def functions():
    """Those that the library exports, and the inline ones of saxdp.h."""
    exported = re.findall(rf"^\s*({CALL});", read("user/lib/libsaxdp.map"), re.M)
    inline = re.findall(rf"^static inline .*?\b({CALL})\(", read("include/saxdp.h"), re.M)
    return set(exported) | set(inline)


def headings(page):
    """Names in bold at the beginning of a paragraph of the section FUNCTIONS."""
    section = page.split(".SH FUNCTIONS", 1)[1].split("\n.SH ", 1)[0].replace("\\\n", " ")
    lines = re.findall(r"^\.TP\n(\.B.*)$", section, re.M)
    return [name for line in lines for name in re.findall(rf"\b{CALL}\b", line)]


def main():
    there, named = functions(), headings(read("user/lib/saxdp-api.7"))
    mistakes = [f"saxdp-api(7) has no {name}" for name in sorted(there - set(named))]
    mistakes += [f"{name} of saxdp-api(7) cannot be called" for name in sorted(set(named) - there)]
    mistakes += [f"{name} is twice in saxdp-api(7)" for name in set(named) if named.count(name) > 1]
    for page in "user/lib/saxdp-api.7", "user/cli/saxdp.8":
        groff = subprocess.run(["groff", "-ww", "-z", "-man", "-Tutf8", os.path.join(ROOT, page)],
                               stderr=subprocess.PIPE, text=True, check=False)
        if groff.returncode or groff.stderr:
            mistakes.append(f"{page}: {groff.stderr or groff.returncode}")
    if len(there) < 50:
        mistakes.append(f"only {len(there)} functions were found")
    print("\n".join(mistakes) or f"{len(there)} functions")
    sys.exit(bool(mistakes))


main()
