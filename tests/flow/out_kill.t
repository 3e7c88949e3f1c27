# Goal: killed at each point of the way out, at random, or by a power cut: each reply is there with the end of its update or not at all, none is lost,
# each chat's come in order, none twice unsaid, no invoice twice. The long form is tests/torture/outbox.
# shellcheck shell=sh disable=SC2016,SC2034,SC2086
case $BUILD in
*asan*)
	echo "1..0 # SKIP has a build of its own, and was run with it already"
	exit 0
	;;
esac
. tests/flow/lib.sh
. tests/torture/outbox_rounds.sh
command -v python3 >/dev/null || skip_all "no python3 to judge"
[ -x build/crash/tgrun ] || { echo "Bail out! no build/crash/tgrun: make build-crash"; exit 1; }
CHATS=${CHATS:-30} SEED=${SEED:-1}

kills $OUT_POINTS random random random random random random
is "$reached" " $OUT_POINTS " "each named point was reached, and killed"
done_testing
