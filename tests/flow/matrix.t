# Goal: the short form of tests/torture/matrix: each fault of a poll once, and some more at random; nothing lost, nothing twice, no hot loop.
# shellcheck shell=sh
POLLS=${POLLS:-150}
. tests/torture/matrix
