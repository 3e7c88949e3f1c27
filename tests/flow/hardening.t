# Goal: the program is built to be hard to abuse, and leaves no memory behind: position-independent, read-only relocations, all bound at
# the start, no stack to execute, checked stack and copies, no library path of its own, no core dump while it knows a token.
# shellcheck shell=sh disable=SC2016,SC2034,SC3045 # every sh here has ulimit -c
. tests/flow/lib.sh

command -v readelf >/dev/null || skip_all "no readelf here"
elf=$(readelf -hldW "$TGRUN")
like "$elf" 'Type: +DYN' "position-independent"
like "$elf" 'GNU_RELRO' "relocations become read-only"
like "$elf" '\(FLAGS_1\).*NOW' "… all of them, at the start"
like "$elf" 'GNU_STACK .* RW +' "no stack is executable"
ok '! printf %s "$elf" | grep -Eq "RPATH|RUNPATH|TEXTREL"' "no library path of its own, no relocation in the text"
ok '! printf %s "$elf" | grep -Eq "LOAD .* RWE"' "nothing is writable and executable"
symbols=$(readelf -W --dyn-syms "$TGRUN")
case $symbols in
*__asan_init*) ;; # sanitizers check more, by other means
*)
	like "$symbols" '__stack_chk_fail' "the stack is checked"
	like "$symbols" '__(vsnprintf|snprintf|memcpy)_chk' "copies and formats are checked"
	if [ "$(uname -m)" = x86_64 ] && [ -f "$BUILD/cli/main.o" ]; then
		like "$(readelf -nW "$BUILD/cli/main.o")" 'IBT, SHSTK' "control flow is protected where processor and libraries do it"
	fi
	;;
esac

# With a control: what else dies of this signal here does dump core, or nothing is shown.
dumps() { # COMMAND…: starts it, sends it SIGSEGV when it is ready, prints whether it dumped core
	perl -e '
		my $pid = fork // die;
		if (!$pid) { open STDOUT, ">", "/dev/null"; exec @ARGV or die }
		for (1 .. 1200) { last if -s "$ENV{TMP_READY}"; select undef, undef, undef, 0.05 }
		kill SEGV => $pid;
		waitpid $pid, 0;
		print $? & 127, " ", $? & 128 ? "core" : "none";
	' "$@"
}
export TMP_READY="$TMP/ready"
(
	cd "$TMP" || exit
	ulimit -c unlimited 2>/dev/null
	echo ready >"$TMP_READY"
	dumps sleep 60 >control
)
start_sandbox
handler show <<'EOT'
#!/bin/sh
echo ready >"$TMP_READY"
sleep 60
EOT
rm "$TMP_READY"
message 1 hello
(
	cd "$TMP" || exit
	ulimit -c unlimited 2>/dev/null
	dumps "$TGRUN" run --token "$TOKEN" --api-url "$URL" --state-dir "$TMP/state" --handler "$TMP/show" >dumped 2>log
)
case $symbols in
*__asan_init*) like "$(cat "$TMP/dumped")" '^11 ' "with sanitizers, which must look into their process, it stays dumpable" ;;
*) is "$(cat "$TMP/dumped")" "11 none" "tgrun leaves no core (control: $(cat "$TMP/control"))" ;;
esac

done_testing
