#!/bin/sh
# Make a virtual environment with purpcode, its developers' tools and pinned versions of all
# they need. PyTorch comes as its CPU build unless TORCH=default asks for the platform's own.
set -eu

cd "$(dirname "$0")/.."
VENV=${VENV:-.venv}
PYTHON=${PYTHON:-python3}
TORCH=${TORCH:-cpu}

if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "purpcode needs Python 3.11 or newer; name one with PYTHON=..." >&2
    exit 2
fi
[ -x "$VENV/bin/python" ] || "$PYTHON" -m venv "$VENV"
pip() { "$VENV/bin/python" -m pip --disable-pip-version-check "$@"; }

torch_version=$(sed -n 's/^torch==//p' constraints.txt)
if [ "$TORCH" = cpu ] && [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] &&
    ! "$VENV/bin/python" -c 'import torch' 2>/dev/null; then
    echo "Installing the CPU build of PyTorch $torch_version"
    # pip finds the build only where an index or folder with it is configured; uv knows its home.
    pip install --quiet -c constraints.txt "torch==$torch_version+cpu" 2>/dev/null || {
        pip install --quiet uv
        "$VENV/bin/uv" pip install --quiet --python "$VENV/bin/python" --torch-backend cpu \
            -c constraints.txt "torch==$torch_version"
    } || echo "The CPU build cannot be had here; pip's default build follows (several GB)." >&2
fi
echo "Installing purpcode"
pip install --quiet -c constraints.txt -e '.[dev]'
