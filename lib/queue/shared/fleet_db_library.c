/* queue/shared/fleet_db_library: libpq, loaded when the first connection is made: the addresses of
 * its functions. Invariant: none is called before fleet_db_library_load() has returned 0. */
#include "queue/shared/fleet_db_library_internal.h"

#include "io/library.h"

void *fleet_db_library_at[FLEET_DB_LIBRARY_COUNT];

#define ROW(name_) { #name_, &fleet_db_library_at[FLEET_DB_LIBRARY_AT_##name_] },

int fleet_db_library_load(struct err *err)
{
	static const struct library_row rows[] = { FLEET_DB_LIBRARY_FUNCTIONS(ROW) };
	return library_load(TGRUN_LIBPQ, rows, FLEET_DB_LIBRARY_COUNT, err);
}
