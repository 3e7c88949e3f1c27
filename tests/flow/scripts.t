# Goal: the house's own scripts tell right from wrong, and the unit and the crontab line name only options that tgrun has.
# shellcheck shell=sh disable=SC2016,SC2034,SC2317 # functions that conditions call
. tests/flow/lib.sh

diag "layers"
# A tree in which each rule is broken once, beside what is allowed.
broken() { # PATH INCLUDE WHAT
	rm -rf "$TMP/tree"
	mkdir -p "$TMP/tree/lib/base" "$TMP/tree/cli" "$TMP/tree/${1%/*}"
	echo '#include "base/buf.h"' >"$TMP/tree/lib/base/buf.c"
	echo "#include $2" >"$TMP/tree/$1"
	if out=$(scripts/layers "$TMP/tree" 2>&1); then
		is "accepted" "refused" "layers: $3"
	else
		like "$out" "^$1:1:" "layers: $3"
	fi
}
broken lib/base/x.c '"io/loop.h"' "base knows no other room"
broken lib/io/x.c '"queue/queue.h"' "io knows no domain"
broken lib/queue/x.c '"source/source.h"' "a room does not see its neighbour"
broken lib/source/x.c '"handler/exec.h"' "a source knows nothing of handlers"
broken lib/update/x.c '"engine.h"' "no room sees the engine"
broken lib/engine/engine.c '"cli/options/options.h"' "lib never includes cli"
broken lib/engine/engine.c '<uv.h>' "libuv stays in io/loop"
broken lib/handler/x.c '<pipeline.h>' "libpipeline stays in the slot"
broken lib/queue/local/local.c '<sqlite3.h>' "SQLite stays in queue/sqlite"
broken lib/api/api.c '<curl/curl.h>' "libcurl stays in io/http"
broken cli/main.c '<ini.h>' "inih stays in cli/config_file"
broken lib/base/x.c '<cjson/cJSON.h>' "base reads no JSON"
rm -rf "$TMP/tree"
mkdir -p "$TMP/tree/lib/source" "$TMP/tree/cli"
echo '#include "api/api.h"' >"$TMP/tree/lib/source/poll.c"
ok 'scripts/layers "$TMP/tree" >/dev/null' "layers: what the plan allows is accepted"

diag "analyzer"
# A gcc that finds what is told in $TMP/finds, whatever it reads last.
handler gcc <<'EOT'
#!/bin/sh
[ "$1" = -dumpversion ] && { echo "$GCC_VERSION"; exit; }
for file; do :; done
while read -r of function what; do
	included=$of
	[ "${of%.h}" = "$of" ] || included=lib/engine/engine.c
	[ "$included" != "$file" ] || printf "%s: In function '%s':\n%s:7:1: warning: leak of 'x' [CWE-401] [%s]\n" "$of" "$function" "$of" "$what"
done <"$FLOW_MARK/finds"
EOT
known=$(sed -n '1s/^# gcc \([0-9]*\).*/\1/p' scripts/analyzer.list)
analyzer() { GCC_VERSION=$1 GCC=$TMP/gcc scripts/analyzer 2>&1; }
: >"$TMP/finds"
like "$(analyzer 99.1)" '^analyzer: not run: .* is for gcc [0-9]+, and .* is gcc 99$' "analyzer: with another gcc than its list's it is not run, and says so"
grep -v '^#' scripts/analyzer.list | cut -d ' ' -f 1-3 >"$TMP/finds"
like "$(analyzer "$known.2")" '^analyzer: gcc [0-9]+ over [0-9]+ files: nothing but the [0-9]+ false warnings' "analyzer: what is in the list is no finding"
echo "lib/engine/engine.c some_function -Wanalyzer-malloc-leak" >>"$TMP/finds"
sed -i '/^cli\/try\/chat_show.c/d' "$TMP/finds"
out=$(analyzer "$known.2")
is "$?" 1 "analyzer: else it fails"
like "$out" '^new: lib/engine/engine.c some_function -Wanalyzer-malloc-leak$' "analyzer: what is not is one"
like "$out" '^in scripts/analyzer.list, and not found any more: cli/try/chat_show.c ' "analyzer: so is what is in the list and not found"

diag "deps"
# On a system without apt-get, all that is missing is named; nothing is tried.
mkdir "$TMP/bin"
for tool in sh tr cat; do
	ln -s "$(command -v "$tool")" "$TMP/bin/$tool"
done
out=$(PATH=$TMP/bin sh scripts/deps --build 2>&1)
status=$?
is "$status" 1 "deps: elsewhere it fails"
like "$out" 'no apt-get.*pkg-config.* libcurl .*libpipeline .*sqlite3' "… and names the libraries"
out=$(sh scripts/deps --bild 2>&1)
like "$? $out" "^1 .*unknown argument '--bild'" "deps: an unknown argument is named"

diag "tests/run"
tests/run build/nothing >"$TMP/out" 2>&1
is "$?" 64 "run: what is neither a unit nor a flow test is refused"

diag "the README"
# What it points at is there, and its first command is the one that CI's second half goes on from.
for link in $(grep -ho '](\([^)]*\))' README.md DESIGN.md SECURITY.md CONTRIBUTING.md NEWS.md | sed 's/^](//; s/)$//; s/#.*//' | grep -v '^http' | sort -u); do
	ok '[ -e "$link" ]' "README: $link is there"
done
for link in $(grep -ho '](\([^)]*\))' tests/README.md tests/bench/README.md | sed 's/^](//; s/)$//; s/#.*//' | grep -v '^http' | sort -u); do
	ok '[ -e "tests/$link" ]' "tests/README: $link is there"
done
like "$(cat README.md)" '^    scripts/deps && make check$' "README: the command for all tests"
like "$(cat .ci/run)" '^scripts/deps && make check$' "… is what CI runs"
first=$(sed -n 's/^    scripts\/deps --build && make && build\/tgrun //p' README.md)
# shellcheck disable=SC2086
like "$("$TGRUN" $first 2>&1)" 'bot: You said: ' "README: the first command shows the bot answering"

diag "the unit"
U=share/tgrun@.service
key() { sed -n "s/^$1=//p" "$U"; }
for pair in Type=notify NotifyAccess=main KillMode=mixed DynamicUser=yes User=tgrun-%i StateDirectory=tgrun/%i StateDirectoryMode=0700 \
	PartOf=tgrun.target 'WantedBy=multi-user.target tgrun.target' \
	LoadCredential=token:/etc/tgrun/%i.token WorkingDirectory=/srv/tgrun/%i Restart=always SuccessExitStatus=1 NoNewPrivileges=yes ProtectSystem=strict; do
	is "$(key "${pair%%=*}")" "${pair#*=}" "unit: $pair"
done
like "$(key ExecReload)" '/tgrun reload --state-dir /var/lib/tgrun/%i$' "unit: a reload tells whether it could be done, and takes no /bin/kill, which a bare Debian lacks"
is "$(key RestartPreventExitStatus)" "0 64 77 78" "unit: no restart after tgrun stop, nor where only a person can mend it"
like "$(key ExecStartPre)" '^-.*/tgrun check ' "unit: what check finds is told, and ends nothing: no status of it would prevent a restart"
is "$(key ProtectProc)$(key ProcSubset)" "" "unit: /proc stays visible"
like "$(key RestrictAddressFamilies)" '^AF_UNIX AF_INET AF_INET6$' "unit: sockets for the API, the control socket and the slots"

options() { # TEXT: the long options in it
	printf '%s\n' "$1" | grep -o -- ' --[a-z][a-z-]*' | tr -d ' ' | sort -u
}
help=$("$TGRUN" run --help)
for option in $(options "$(key ExecStart) $(key ExecStartPre)") $(options "$(grep '^\*' share/crontab.example)"); do
	ok 'printf "%s\n" "$help" | grep -q -- "^  $option\( \|\$\)"' "tgrun has $option"
done
seconds() { printf '%s\n' "$(key ExecStart)" | sed -n "s/.*$1 \([0-9]*\)s.*/\1/p"; }
stop=$(key TimeoutStopSec)
ok '[ "${stop%s}" -gt $(($(seconds --shutdown-timeout) + $(seconds --kill-after))) ]' \
	"unit: systemd waits longer ($stop) than the shutdown timeout and --kill-after together"
if command -v systemd-analyze >/dev/null; then
	sed 's|/usr/local/bin/tgrun|/bin/true|' "$U" >"$TMP/tgrun-example@one.service"
	is "$(systemd-analyze verify --man=no "$TMP/tgrun-example@one.service" 2>&1 | grep tgrun-example)" "" \
		"unit: systemd-analyze verify has nothing to say"
	exposed=$(systemd-analyze security --offline=true "$TMP/tgrun-example@one.service" | sed -n 's/.*exposure level[^:]*: \([0-9.]*\).*/\1/p')
	ok 'awk "BEGIN { exit !($exposed <= 1.8) }"' "unit: systemd-analyze finds it exposed by $exposed, 1.8 at most"
else
	ok true "unit: systemd-analyze verify # SKIP no systemd here"
fi

diag "cron"
line=$(grep -v '^#' share/crontab.example)
is "$(printf '%s\n' "$line" | wc -l)" 1 "crontab: one line"
is "$(printf '%s\n' "$line" | cut -d' ' -f 1-5)" '* * * * *' "crontab: each minute"
# The line itself, with this build and a sandbox: it runs; a second one beside it is silent and 0.
start_sandbox
handler ok.sh <<'EOT'
#!/bin/sh
cat >/dev/null
echo done
EOT
cat >"$TMP/mybot.conf" <<EOT
token = $TOKEN
api-url = $URL
state-dir = $TMP/state
handler = $TMP/ok.sh
$(sed -n 's/.*`\(reply = [a-z]*\)`.*/\1/p' share/crontab.example)
EOT
chmod 600 "$TMP/mybot.conf" # it holds the token
command=$(printf '%s\n' "$line" | cut -d' ' -f 6- | sed "s|/usr/local/bin/tgrun|exec $TGRUN|")
start env HOME="$TMP" sh -c "$command"
first=$PID
message 1 hello
wait_for '[ -n "$(deliveries .text)" ]'
is "$(deliveries .text)" "done" "crontab: the line runs the bot, with the settings named above it, and it answers"
ok 'kill -0 "$first"' "… and it goes on"
HOME=$TMP sh -c "$command"
is "$?" 0 "crontab: the next minute's ends at once with 0"
kill -TERM "$first"
wait "$first"
is "$?" 0 "crontab: TERM ends it well"
is "$(cat "$TMP/mybot.log")" "" "crontab: and nobody said a word, since all is well"

# The scripts of other supervisors, the program and its place as they would be edited; a supervisor's own part is to start them.
edited() { # FILE: as a program
	sed -e "s|/usr/local/bin/tgrun|$TGRUN|; s|/etc/tgrun/mybot.conf|$TMP/mybot.conf|; s|/srv/tgrun/mybot|$TMP|; s|/var/lib/tgrun/mybot|$TMP/state|" \
		-e 's/\(chpst -u\|s6-setuidgid\) mybot/env/' "$1" >"$2"
	chmod 755 "$2"
}
for kind in runit s6; do
	diag "$kind"
	anew
	sed -i "/^state-dir/d; s|^api-url = .*|api-url = $URL|" "$TMP/mybot.conf"
	mkdir -p "$TMP/$kind"
	edited "share/$kind/run" "$TMP/$kind/run"
	start "$TMP/$kind/run"
	message 1 hello
	wait_for '[ -n "$(deliveries .text)" ]'
	is "$(deliveries .text)" "done" "$kind: the script becomes a tgrun that answers"
	kill -TERM "$PID"
	wait "$PID"
	is "$?" 0 "$kind: TERM ends it well"
done
if command -v runsv >/dev/null; then
	start runsv "$TMP/runit"
	wait_for '"$TGRUN" status --state-dir "$TMP/state" >/dev/null 2>&1'
	first=$(cat "$TMP/runit/supervise/pid")
	kill -KILL "$first"
	wait_for '[ "$(cat "$TMP/runit/supervise/pid")" != "$first" ] && "$TGRUN" status --state-dir "$TMP/state" >/dev/null 2>&1'
	ok '[ "$(cat "$TMP/runit/supervise/pid")" != "$first" ]' "runsv starts it again after kill -9"
	kill -TERM "$PID"
	wait "$PID"
	ok '! "$TGRUN" status --state-dir "$TMP/state" >/dev/null 2>&1' "and ends it"
else
	ok true "runsv # SKIP no runit here"
fi

diag "the package"
is "$(sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog)" "$("$TGRUN" --version | cut -d ' ' -f 2)" "debian/changelog names this version"
is "$(sed -n 's/^## \([0-9.]*\).*/\1/p' NEWS.md | grep -c "^$(sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog)\$")" 1 "and so does NEWS.md"
needs=$(sed -n '/^Build-Depends/,/^[^ B]/p' debian/control)
for library in $(sed -n "s/^LIBRARIES='\(.*\)'/\1/p" scripts/deps); do
	file=$(pkg-config --variable=pcfiledir "$library")/$library.pc
	if command -v dpkg >/dev/null && dpkg -S "$file" >/dev/null 2>&1; then
		like "$needs" "$(dpkg -S "$file" | cut -d : -f 1 | sed 's/gnutls/openssl/')" "debian/control builds with $library"
	fi
done

like "$(cat Containerfile)" ' install .* build-essential debhelper$' "Containerfile: what dpkg-buildpackage asks for is there"

diag "install"
make -s B="$BUILD" DESTDIR="$TMP/root" PREFIX=/usr install >"$TMP/out" 2>&1
is "$?" 0 "make install DESTDIR=…"
is "$("$TMP/root/usr/bin/tgrun" --version)" "$("$TGRUN" --version)" "install: the program"
ok '[ -s "$TMP/root/usr/share/man/man1/tgrun.1" ] && [ -s "$TMP/root/usr/share/man/man7/tgrun-handler.7" ]' "install: the manual"
like "$(cat "$TMP/root/usr/lib/systemd/system/tgrun@.service")" '^ExecStart=/usr/bin/tgrun run ' "install: the unit names the program's place"
ok '[ -x "$TMP/root/usr/share/doc/tgrun/examples/runit/run" ] && [ ! -x "$TMP/root/usr/share/doc/tgrun/examples/crontab" ]' "install: what other supervisors start"
like "$(cat "$TMP/root/usr/share/bash-completion/completions/tgrun")" "^command.run.the main job" "install: completions"
ok '[ -x "$TMP/root/usr/share/doc/tgrun/examples/echo.sh" ]' "install: the examples"
is "$(cd "$TMP/root/usr/share/tgrun" && ls -d ./*.* | tr '\n' ' ')$(grep -c '/usr/share/tgrun' "$TMP/root/usr/share/tgrun/tgrun.py") $(readlink -f "$TMP/root/usr/share/tgrun/once.d/curl")" \
	"./once.d ./once.sh ./tgrun.mjs ./tgrun.php ./tgrun.pl ./tgrun.py ./tgrun.sh ./tgrun_answers.mjs ./tgrun_answers.py 1 $TMP/root/usr/share/tgrun/once.sh" "install: what makes handlers of other bots, with the place where it is"
like "$(cat "$TMP/root/usr/lib/systemd/system/tgrun-metrics@.service")" '^ExecStart=/usr/libexec/tgrun/tgrun-metrics$' "install: the unit of the metrics names its program"
ok '[ -x "$TMP/root/usr/libexec/tgrun/tgrun-metrics" ] && [ -s "$TMP/root/usr/lib/systemd/system/tgrun-metrics.socket" ]' "… which is there, with its socket"
make -s B="$BUILD" DESTDIR="$TMP/root" PREFIX=/usr uninstall >"$TMP/out" 2>&1
is "$(find "$TMP/root" -type f -o -type l)" "" "uninstall leaves no file"

done_testing
