# Goal: tgrun killed at each named point of its code (lib/base/crashpoint.h) loses nothing and breaks no order. The long form is tests/torture/crash.
# shellcheck shell=sh disable=SC2016,SC2034
case $BUILD in
*asan*)
	echo "1..0 # SKIP has a build of its own, and was run with it already"
	exit 0
	;;
esac
. tests/flow/lib.sh
. tests/torture/rounds.sh
SEED=${SEED:-1}
DEADLINE=60
[ -x "$TGRUN" ] || { echo "Bail out! no $TGRUN: make build-crash"; exit 1; }

points=$(crash_points | tr '\n' ' ')
begin exec 1
# The points of the making of the state are passed in an empty directory only.
for point in database-made before-tables tables-made; do round "$point"; done
for point in $points; do
	case $point in
	database-made | before-tables | tables-made) ;;
	*) round "$point" ;;
	esac
done
is "$(printf '%s\n' $reached | sort -u | tr '\n' ' ')" "$points" "each named point was reached, and killed"
finish "a crash at each point"
done_testing
