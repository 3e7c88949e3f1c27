# Goal: whatever becomes of calls on their way, none is lost but what the table of outcomes fails, each chat's come in order, none twice unsaid,
# none thrice, no invoice twice. The long form is tests/torture/outbox.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh
. tests/torture/outbox_rounds.sh
command -v python3 >/dev/null || skip_all "no python3 to judge"
UPDATES=${UPDATES:-5000} CHATS=${CHATS:-50} SEED=${SEED:-1}
faults
done_testing
