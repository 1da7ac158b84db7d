"""Print, as shell `export` lines, the user's pip settings that uv has under another name.

uv reads neither PIP_* variables nor pip.conf, so a mirror or certificate set for pip would be lost.
A setting that uv already has is left alone. Takes Python 3.11 and its pip, nothing else.
"""

import os
import re
import shlex
import subprocess
import sys
from ast import literal_eval
from pathlib import Path

UV_NAMES = {
    "index-url": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    "extra-index-url": ("UV_INDEX", "UV_EXTRA_INDEX_URL"),
    "find-links": ("UV_FIND_LINKS",),
    "no-index": ("UV_NO_INDEX",),
    "trusted-host": ("UV_INSECURE_HOST",),
    "cert": ("SSL_CERT_FILE",),
    "timeout": ("UV_HTTP_TIMEOUT",),
    "default-timeout": ("UV_HTTP_TIMEOUT",),
    "proxy": ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"),
}
SECTIONS = ("global", "install", ":env:")  # the later one wins, as in pip
LINE = re.compile(r"(global|install|:env:)\.([a-z-]+)=(.*)")


def pip_settings() -> dict[str, str]:
    """Return pip's own settings, from its files and its environment variables."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = [match.groups() for match in map(LINE.fullmatch, listed.splitlines()) if match]
    found.sort(key=lambda setting: SECTIONS.index(setting[0]))
    return {name: str(literal_eval(value)) for _, name, value in found}


def as_uv(name: str, value: str) -> str:
    """Return the value in the form uv wants: lists of links take commas, switches take true or false."""
    words = value.split()
    match name:
        case "find-links":
            # pip passes over a folder that is not there; uv would stop.
            return ",".join(word for word in words if ":" in word or Path(word).exists())
        case "no-index":
            return "true" if value.lower() in {"1", "true", "yes", "y", "on", "t"} else "false"
        case _:
            return " ".join(words)


def main() -> None:
    """Print one line for each setting that uv lacks."""
    for name, value in pip_settings().items():
        uv_names = UV_NAMES.get(name, ())
        if uv_names and value.strip() and not any(os.environ.get(uv_name) for uv_name in uv_names):
            print(f"export {uv_names[0]}={shlex.quote(as_uv(name, value))}")


main()
