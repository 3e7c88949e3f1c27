# Goal: the short form of tests/torture/ways: a round of a webhook's server, of pushes, and of kills of both sides.
# shellcheck shell=sh
SEED=${SEED:-1} SEEDS=${SEEDS:-1} LENGTH=${LENGTH:-3}
. tests/torture/ways
