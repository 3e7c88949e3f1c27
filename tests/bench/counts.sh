# The row counts: what an update costs in counts that do not depend on the machine, as tests/flow/counts.t counts them, beside their goals.
# shellcheck shell=sh disable=SC2154 # the names are those of tests/bench/run

row_counts() {
	BUILD=$BUILD sh tests/flow/counts.t >"$TMP/counts" 2>&1 || fail "counts: $(grep '^not ok' "$TMP/counts")"
	sed -n 's/^# count //p' "$TMP/counts" >"$TMP/counted"
	while read -r name value _; do
		result counts "$name" tgrun "" "$value"
	done <"$TMP/counted"
	while read -r name most; do
		grep -q "^$name " "$TMP/counted" && goal counts "$name" tgrun most "$most" -
	done <<-EOT
		alone-bytes 9000
		alone-syncs 1.01
		calls-runner 14
		calls-slot 11
		calls-all 60
		allocations 10
		instructions-sqlite 45000
		instructions-memory 22000
	EOT
}
