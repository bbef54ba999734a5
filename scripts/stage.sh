# The stage of the demos: their scratch folder and processes, people and their windows, and the judges. Sourced by them.

bin=${CARGO_TARGET_DIR:-$repository/target}/debug
case $bin in /*) ;; *) bin=$repository/$bin ;; esac

scratch=$(mktemp -d "${TMPDIR:-/tmp}/jitsuin-demo.XXXXXX")
processes=()
: >"$scratch/seen"
failures=0
judgements=0

# --- the stage ---------------------------------------------------------------------------------------------------------

clean_up() {
    local status=$? pid
    trap - EXIT
    trap '' HUP INT PIPE TERM
    set +e # whatever fails here, the folder goes
    for pid in "${processes[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${processes[@]}"; do wait "$pid" 2>/dev/null || true; done
    if [ "$status" != 0 ]; then
        for log in "$scratch"/*.log; do
            [ -e "$log" ] || continue
            printf '\n--- the last lines of %s\n' "${log##*/}"
            tail -n 15 "$log"
        done >&2
    fi
    rm -rf "$scratch"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' HUP INT PIPE TERM

bold=$(tput bold 2>/dev/null || true) plain=$(tput sgr0 2>/dev/null || true)

step() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
say() { printf '  %s\n' "$*"; }

judge() { # judge CLAIM COMMAND…: the command succeeds
    local claim=$1
    shift
    judgements=$((judgements + 1))
    if "$@" >"$scratch/judge.out" 2>&1; then
        printf '  %s[ok]%s %s\n' "$bold" "$plain" "$claim"
    else
        printf '  %s[NO]%s %s\n' "$bold" "$plain" "$claim"
        sed 's/^/       /' "$scratch/judge.out"
        failures=$((failures + 1))
    fi
}

says() { grep -qF -- "$2" <<<"$1" || { printf '%s\nis not in:\n%s\n' "$2" "$1"; return 1; }; }
same() { [ "$1" = "$2" ] || { printf 'one:   %s\nother: %s\n' "$1" "$2"; return 1; }; }

run_in_background() { # run_in_background LOG COMMAND…; its id is in $started
    local log=$1
    shift
    # Should this script be killed, the kernel ends them.
    setpriv --pdeathsig KILL -- "$@" >>"$scratch/$log.log" 2>&1 &
    started=$!
    processes+=("$started")
}

# Shows a command and what it says; $said keeps it, $status its exit status.
show() {
    local words=("$@")
    words[0]=${words[0]##*/}
    printf '  $ %s\n' "${words[*]}"
    status=0
    said=$("$@" 2>&1) || status=$?
    [ -z "$said" ] || sed 's/^/    /' <<<"$said"
}

# --- the session -------------------------------------------------------------------------------------------------------

open_session() { # from here on every program lives in the scratch folder and on a private bus
    cat >"$scratch/bus.conf" <<END
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=$scratch/run/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
END
    export HOME=$scratch/home XDG_RUNTIME_DIR=$scratch/run XDG_CONFIG_HOME=$scratch/config XDG_STATE_HOME=$scratch/state
    export DBUS_SESSION_BUS_ADDRESS=unix:path=$scratch/run/bus LANG=C.UTF-8
    unset LC_ALL LC_MESSAGES LANGUAGE
    run_in_background bus dbus-daemon --nofork --nopidfile --config-file "$scratch/bus.conf"
    wait_until 'the bus' gdbus call --session --dest org.freedesktop.DBus --object-path /org/freedesktop/DBus \
        --method org.freedesktop.DBus.GetId
}

start_daemon() { # its process id is in $daemon
    run_in_background jitsuind "$bin/jitsuind" --user
    daemon=$started
    gdbus wait --session --timeout 30 org.jitsuin.Jitsuin1
}

start_agent() { # start_agent PERSON: the agent of the session, which this person answers
    run_in_background agent "$bin/jitsuin" --config "$config" --prompt pinentry --pinentry "$scratch/$1-pinentry" agent
    wait_until 'the agent' agent_is_present
}

agent_is_present() {
    [ "$(gdbus call --session --dest org.jitsuin.Jitsuin1 --object-path /org/jitsuin/Jitsuin1 \
        --method org.freedesktop.DBus.Properties.Get org.jitsuin.Jitsuin1.Manager AgentPresent)" = '(<true>,)' ]
}

# --- the people --------------------------------------------------------------------------------------------------------

person() { # person NAME: somebody with a pinentry of their own
    mkdir -m 700 "$scratch/$1"
    : >"$scratch/$1/windows.log"
    printf '#!/bin/sh\nJITSUIN_ANSWERS="%s" exec bash "%s" "$@"\n' "$scratch/$1" "$repository/tests/scripted-pinentry" \
        >"$scratch/$1-pinentry"
    chmod 700 "$scratch/$1-pinentry"
}

knows() { # knows PERSON WINDOW ANSWER…: types these in turn, the last one from then on
    local file="$scratch/$1/$2"
    shift 2
    printf '%s\n' "$@" >"$file"
}

# A command of a person's, the windows it raised, and what it says; $said keeps that, $status its exit status. A window
# tells its text when that person sees it for the first time, and its name only after that.
as() {
    quietly "$@"
    said=$(cat "$scratch/remarks")${said:+$'\n'$said}
    [ -z "$said" ] || sed '/^$/d; s/^/    /' <<<"$said"
}

# The same without showing what it says; $said is standard output only.
quietly() {
    local who=$1 before title text
    shift
    before=$(wc -l <"$scratch/$who/windows.log")
    printf '  %s$ jitsuin %s\n' "$who" "$*"
    status=0
    said=$(timeout 120 "$bin/jitsuin" --config "$config" --prompt pinentry --pinentry "$scratch/$who-pinentry" "$@" 2>"$scratch/remarks") ||
        status=$?
    while IFS=$'\t' read -r title text; do
        if grep -qxF "$who $title" "$scratch/seen"; then
            printf '    [%s]\n' "$title"
        else
            printf '%s %s\n' "$who" "$title" >>"$scratch/seen"
            printf '    [%s] %s\n' "$title" "$text" | fold -s -w 116 | sed '2,$s/^/        /'
        fi
    done < <(tail -n "+$((before + 1))" "$scratch/$who/windows.log")
}

take_code() { # take_code COMMAND…: the acquisition code goes to a descriptor of the administrator's choice, and nowhere else
    exec 7>"$scratch/kanrisya/code"
    as kanrisya "$@" --code-fd 7
    exec 7>&-
    knows "$user" acquisition-code "$(cat "$scratch/kanrisya/code")"
}

windows_of() { grep -c "^Jitsuin: $2" "$scratch/$1/windows.log" || true; }

# --- the tools ---------------------------------------------------------------------------------------------------------

bank() { show "$bin/jitsuin-authority" "$@"; }
bank_secret() { # bank_secret SECRETS COMMAND…: secrets go in on standard input, never on the command line
    local secrets=$1
    shift
    printf '  $ jitsuin-authority %s\n' "$*"
    status=0
    said=$("$bin/jitsuin-authority" "$@" --dir "$authority" --secrets-stdin <<<"$secrets" 2>&1) || status=$?
    [ -z "$said" ] || sed 's/^/    /' <<<"$said"
    [ "$status" = 0 ]
}

pkcs11() { SOFTHSM2_CONF=$scratch/softhsm2.conf pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so "$@"; }
objects() { pkcs11 --token-label "$1" --login --pin "$2" -O 2>/dev/null; } # all objects of a token, with their PIN
door() { curl --silent --show-error --cacert "$root" "$@"; }

token_serial() { pkcs11 --list-token-slots 2>/dev/null | awk -v l="$1" -F: '/token label/{t=$2; gsub(/^ +| +$/,"",t)} /serial num/&&t==l{gsub(/ /,"",$2); print $2}'; }

hold_port() { # Sets $port, a free one, and holds it until this shell ends: a bound socket that does not listen keeps
    # it from everybody who asks for any port, and the authority that names it may listen.
    coproc HELD { exec python3 -c 'import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
sys.stdin.read()'; }
    read -r port <&"${HELD[0]}"
}

wait_until() { # wait_until WHAT COMMAND…: no event says so to a shell, so it looks ten times a second
    local what=$1 n
    shift
    for ((n = 0; n < 300; n++)); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.1
    done
    printf 'waited 30 s for %s\n' "$what" >&2
    return 1
}
