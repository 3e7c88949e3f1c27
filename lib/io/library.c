/* io/library: the name of a shared library and of functions in, their addresses out. It stays
 * loaded until the process ends. */
#include "io/library.h"

#include <dlfcn.h>

int library_load(const char *file, const struct library_row *rows, size_t count, struct err *err)
{
	if (*rows[count - 1].at)
		return 0;
	void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!library)
		return err_set(err, ERR_INTERNAL, "cannot load a library: %s", dlerror());
	for (size_t i = 0; i < count; i++) {
		*rows[i].at = dlsym(library, rows[i].name);
		if (!*rows[i].at)
			return err_set(err, ERR_INTERNAL, "a library is another one: %s",
				       dlerror());
	}
	return 0;
}
