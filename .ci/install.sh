# Shared by ./run, ./test and .ci/lock, which set $root (the checkout) and source it.
# Needs a Python >= 3.11 with pip; no venv module, no root, no network once everything is cached.
#   .tools/uv-VERSION    our own uv, fetched by pip (pip --target is allowed on externally managed Pythons too)
#   .venv                Paybell and what it requires
#   .venv/paybell.stamp  written last, removed first: level, place, sum of the inputs, PAYBELL_PYTHON

stamp="$root/.venv/paybell.stamp"

say() { printf 'paybell: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# Where .venv stands and which Python is behind it; scripts in it name both, so a change means a new one.
place() { printf '%s %s' "$root" "$(readlink -f "$root/.venv/bin/python")"; }

inputs_sum() {
    cat "$root/pyproject.toml" "$root/requirements.lock" "$root/requirements-postgres.lock" "$root/requirements-test.lock" \
        "$root/.ci/build.lock" "$root/.ci/uv.lock" "$root/.ci/install.sh" | cksum
}

# True when .venv was finished here, with this Python; its packages may still be others than the locks name.
venv_usable() {
    [ -x "$root/.venv/bin/python" ] && [ -r "$stamp" ] || return 1
    { read -r made_level && read -r made_place && read -r made_sum && read -r made_python; } <"$stamp" || return 1
    [ "$made_place" = "$(place)" ] || return 1
    [ -z "${PAYBELL_PYTHON:-}" ] || [ "$PAYBELL_PYTHON" = "$made_python" ]
}

# installed LEVEL: true when .venv is complete for `run`, `postgres` or `test` (each holds all of those before it).
installed() {
    venv_usable && [ -x "$root/.venv/bin/paybell" ] || return 1
    case "$made_level:$1" in
        test:* | postgres:postgres | postgres:run | run:run) ;;
        *) return 1 ;;
    esac
    [ "$made_sum" = "$(inputs_sum)" ]
}

# Set $python to an interpreter that is new enough and has pip.
find_python() {
    seen=
    for name in ${PAYBELL_PYTHON:+"$PAYBELL_PYTHON"} python3 python3.14 python3.13 python3.12 python3.11 python; do
        # In someone's virtual environment without pip, the Python beneath it may have one.
        for attribute in executable _base_executable; do
            python=$("$name" -c "import sys; print(sys.$attribute)" 2>/dev/null) || continue
            "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
            "$python" -c 'import pip' 2>/dev/null && return
            seen=$python
        done
        [ -z "${PAYBELL_PYTHON:-}" ] || die "PAYBELL_PYTHON=$PAYBELL_PYTHON is not a Python >= 3.11 with pip. Name another, or unset it."
    done
    [ -z "$seen" ] || die "$seen has no pip. Install it (Debian, Ubuntu: apt-get install python3-pip), or set PAYBELL_PYTHON to a Python >= 3.11 with pip."
    die "No Python >= 3.11 found. Install one with pip, or set PAYBELL_PYTHON to its path."
}

# Set $uv to the pinned uv, fetching it when it is not there.
fetch_uv() {
    uv_version=$(sed -n 's/^uv==\([^ ]*\).*/\1/p' "$root/.ci/uv.lock")
    uv="$root/.tools/uv-$uv_version/bin/uv"
    [ ! -x "$uv" ] || return 0
    say "Fetching the installer, uv $uv_version, into .tools ..."
    rm -rf "$root/.tools/uv.new" "$root/.tools/uv-$uv_version"
    PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 \
        "$python" -m pip install --quiet --no-input --only-binary :all: --require-hashes \
        --target "$root/.tools/uv.new" --requirement "$root/.ci/uv.lock" \
        || die "pip could not fetch uv (see above). Check the network and pip's settings (index, proxy, certificate), then start again."
    mv "$root/.tools/uv.new" "$root/.tools/uv-$uv_version"
}

# Give uv what the user set for pip, a place for its cache, and no leave to fetch a Python.
prepare_uv() {
    # These would bend what the steps below rely on.
    unset VIRTUAL_ENV UV_REQUIRE_HASHES UV_NO_BUILD_ISOLATION UV_CONSTRAINT UV_OVERRIDE
    eval "$("$python" "$root/.ci/pip_settings.py")"
    export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1
    # Compiled once here: where PYTHONDONTWRITEBYTECODE is set, every start would compile 1,500 modules again (2 to 4 s).
    export UV_COMPILE_BYTECODE=1
    # Hard links would let an edit inside .venv spoil the cache that other environments share; copies cost 0.4 s.
    export UV_LINK_MODE="${UV_LINK_MODE:-copy}"
    if [ -z "${UV_CACHE_DIR:-}${XDG_CACHE_HOME:-}" ] && ! mkdir -p "${HOME:-/nonexistent}/.cache/uv" 2>/dev/null; then
        export UV_CACHE_DIR="$root/.tools/cache"
    fi
}

# One install at a time per checkout, where the system has flock. Held until the script ends or unlocks.
lock_install() {
    mkdir -p "$root/.tools" || die "Cannot write to $root. Start from a checkout that you own."
    exec 9>"$root/.tools/lock"
    command -v flock >/dev/null || return 0
    flock -n 9 && return 0
    say "Another install of this checkout is under way; waiting for it ..."
    flock 9
}

# fill_venv LEVEL: make .venv what the locks say.
fill_venv() {
    requirements="$root/requirements.lock"
    [ "$1" = run ] || requirements="$root/requirements-$1.lock"
    venv_usable || fresh=yes
    rm -f "$stamp"
    [ -z "${fresh:-}" ] || "$uv" venv --quiet --clear --no-project --python "$python" "$root/.venv" || return 1
    # Every file is checked against its hash, so whichever of the user's indexes has it will do.
    UV_INDEX_STRATEGY="${UV_INDEX_STRATEGY:-unsafe-best-match}" "$uv" pip sync --quiet --python "$root/.venv/bin/python" --require-hashes \
        --build-constraints "$root/.ci/build.lock" "$requirements" || return 1
    # hatchling is in the lock, so this step asks no index.
    "$uv" pip install --quiet --python "$root/.venv/bin/python" --offline --no-deps --no-build-isolation \
        --editable "$root" || return 1
}

# install LEVEL: see that .venv is complete for `run`, `postgres` or `test`; does nothing when it is.
# A subshell, so that neither the lock nor the settings made for uv reach the program started afterwards.
install() (
    installed "$1" && exit 0
    lock_install
    installed "$1" && exit 0
    # What is there for the tests stays, also when only `run` asks.
    ! venv_usable || case "$made_level:$1" in test:* | postgres:run) set -- "$made_level" ;; esac
    find_python
    fetch_uv
    prepare_uv
    say "Installing Paybell's $1 requirements into .venv with $python ..."
    fill_venv "$1" || die "The install failed (see above). Check the network; uv takes pip's index, proxy and certificate," \
        "or its own UV_DEFAULT_INDEX and SSL_CERT_FILE. Then start again."
    printf '%s\n%s\n%s\n%s\n' "$1" "$(place)" "$(inputs_sum)" "${PAYBELL_PYTHON:-}" >"$stamp.new"
    mv "$stamp.new" "$stamp"
)
