#!/bin/sh
# Set-up for the Makefile: `bootstrap.sh environment VENV` makes the virtual environment, `bootstrap.sh test-libraries`
# adds what only the tests use, `bootstrap.sh browser` Chromium for those of the page for browsers. System libraries are installed with apt where that needs no question; otherwise the
# line to run is printed, and everything that works without them goes on.
set -eu

WINDOW="libgl1 libegl1 libglib2.0-0 libfontconfig1 fonts-dejavu-core libdbus-1-3 libxkbcommon-x11-0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0"
MICROPHONE="libportaudio2"
TESTS="pulseaudio pulseaudio-utils libasound2-plugins iproute2 faketime"
BROWSER="chromium"

installed() {
    dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q "ok installed" ||
        dpkg-query -W -f='${Status}' "$1t64" 2>/dev/null | grep -q "ok installed"
}

need() { # need PURPOSE PACKAGE...
    purpose=$1
    shift
    if ! command -v dpkg-query >/dev/null 2>&1; then
        echo "set-up: not a Debian or Ubuntu machine; for $purpose install the equivalents of: $*"
        return 0
    fi
    missing=""
    for package in "$@"; do
        installed "$package" || missing="$missing $package"
    done
    [ -z "$missing" ] && return 0
    if [ "$(id -u)" = 0 ]; then
        as_root=""
    elif sudo -n true 2>/dev/null; then
        as_root="sudo -n"
    else
        echo "set-up: $purpose needs system libraries; without them the rest works. To add them, run:"
        echo "    sudo apt-get install -y$missing"
        return 0
    fi
    echo "set-up: installing system libraries for $purpose:$missing"
    # shellcheck disable=SC2086
    if ! { $as_root apt-get -qq update && DEBIAN_FRONTEND=noninteractive $as_root apt-get -qq install -y --no-install-recommends $missing; } >/dev/null 2>&1; then
        echo "set-up: apt could not install them; $purpose may not work. To try by hand: sudo apt-get install -y$missing"
    fi
}

environment() {
    venv=$1
    python=${PYTHON:-python3}
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
        echo "set-up: Python 3.11 or newer is needed, and '$python' is not that; name another: make setup PYTHON=python3.12"
        exit 1
    }
    need "the window" $WINDOW
    need "the microphone" $MICROPHONE
    if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        "$python" -c 'import ensurepip' 2>/dev/null || need "Python's virtual environments" python3-venv
        "$python" -m venv "$venv"
    fi
    # A torch that is already in the environment (say, a build for this machine's GPU) is kept.
    if "$venv/bin/python" -c 'import torch' 2>/dev/null; then
        grep -v '^torch==' constraints.txt >"$venv/constraints.txt"
    else
        cp constraints.txt "$venv/constraints.txt"
    fi
    echo "set-up: installing the Python packages into $venv (the first time this downloads them, see the README)"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c "$venv/constraints.txt" -e '.[dev]'
}

case "${1:-}" in
environment) environment "${2:-.venv}" ;;
test-libraries) need "the tests of microphone and network" $TESTS ;;
browser) need "the tests of the page for browsers" $BROWSER ;;
*)
    echo "usage: sh bootstrap.sh environment [VENV] | test-libraries | browser"
    exit 2
    ;;
esac
