#!/bin/sh
# Print the first Python that can run the project and make an environment for it, or say on stderr what is missing.
# PYTHON=... names one. A command may be there and not work (shims of version managers), so each is tried.
found=
for python in ${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14 python}; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        found=$python
        if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            command -v "$python"
            exit 0
        fi
    fi
done
if [ -n "$found" ]; then
    echo "$found cannot make an environment: its module ensurepip is missing." >&2
    echo "On Debian and Ubuntu: apt install python3-venv" >&2
else
    echo "Python 3.11 or newer is needed; none was found (tried: ${PYTHON:-those on the PATH})." >&2
fi
exit 1
