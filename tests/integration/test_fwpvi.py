#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""
Names without a version: every call and type of fwpmu.h that has a version has one, nothing else has,
and for each Windows it is the right version.
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# What a source may say, and the newest version that the Windows it names has.
TARGETS = {
    "": 3,
    "-D_WIN32_WINNT=0x0600": 0,
    "-DNTDDI_VERSION=0x06000100": 0,
    "-D_WIN32_WINNT=0x0601": 1,
    "-D_WIN32_WINNT=0x0A00 -DNTDDI_VERSION=0x06010000": 1,
    "-D_WIN32_WINNT=0x0602": 2,
    "-DNTDDI_VERSION=0x0A000000": 2,
}
# FWPM_PROVIDER_CONTEXT and what hangs on it: not newer than the call that takes it.
POLICY = re.compile(r"FWPM_PROVIDER_CONTEXT$|IPSEC_(KEYING|TRANSPORT|TUNNEL)_POLICY$|"
                    r"IPSEC_TUNNEL_ENDPOINTS$|IKEEXT_(EM_)?POLICY$|IKEEXT_AUTHENTICATION_METHOD$|"
                    r"IKEEXT_(PRESHARED_KEY|CERTIFICATE|KERBEROS)_AUTHENTICATION$")


def preprocess(*flags):
    return subprocess.run(["gcc", "-I", ROOT + "/include", "-E", "-P", *flags, "-x", "c", "-"],
                          input="#include <fwpmu.h>\n", stdout=subprocess.PIPE, check=True,
                          text=True).stdout


def versions():
    """Base name -> its versions, of all that is declared."""
    text = preprocess()
    found = {}
    for base, version in re.findall(r"\b(?:DWORD|void)\s+((?:Fwpm|IPsec)\w*[A-Za-z])(\d)\s*\(",
                                    text) + \
            re.findall(r"\}\s*((?:FWP|FWPM|IPSEC|IKEEXT)_\w*[A-Z])(\d)\s*;", text):
        found.setdefault(base, set()).add(int(version))
    return found


def plain_names(flags):
    """What fwpvi.h makes of each name."""
    names = {}
    for name, value in re.findall(r"^#define ((?:Fwp|FWP|IPsec|IPSEC|IKEEXT)\w+) (\w+)$",
                                  preprocess("-dM", *flags.split()), re.M):
        if value[:-1] == name and value[-1].isdigit():
            names[name] = int(value[-1])
    return names


def wanted(base, there, newest, call):
    if POLICY.match(base):
        newest = min(newest, call)
    return max([v for v in there if v <= newest], default=min(there))


def main():
    there = versions()
    there.pop("FWP_BYTE_ARRAY", None)  # the number is of bytes
    mistakes = [f"include/fwpvi.h has no {base}" for base in there.keys() - plain_names("").keys()]
    for flags, newest in TARGETS.items():
        call = max(v for v in there["FwpmProviderContextAdd"] if v <= newest or v == 0)
        names = plain_names(flags)
        for base in sorted(there.keys() | names.keys()):
            if base not in there:
                mistakes.append(f"{flags}: {base} is defined, but no version is declared")
            elif base in names:
                want = wanted(base, there[base], newest, call)
                if names[base] != want:
                    mistakes.append(f"{flags}: {base} is version {names[base]}, not {want}")
    print("\n".join(mistakes) or f"{len(there)} names for {len(TARGETS)} targets")
    if len(there) < 100 or mistakes:
        sys.exit(1)


main()
