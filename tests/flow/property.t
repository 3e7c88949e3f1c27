# Goal: the short form of tests/torture/property: one round over routes of every mode; nothing lost, nothing again, in order.
# shellcheck shell=sh
SEED=${SEED:-4} SEEDS=${SEEDS:-1}
. tests/torture/property
