/* base/err: fills in error values. What comes in is a status and a format, what goes out is one
 * sentence. */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int status, const char *fmt, ...)
{
	if (err) {
		va_list ap;
		va_start(ap, fmt);
		err->status = status;
		vsnprintf(err->text, sizeof err->text, fmt, ap);
		va_end(ap);
	}
	return -1;
}

int err_sys(struct err *err, int status, int errnum, const char *fmt, ...)
{
	if (err) {
		va_list ap;
		va_start(ap, fmt);
		err->status = status;
		vsnprintf(err->text, sizeof err->text, fmt, ap);
		va_end(ap);
		size_t n = strlen(err->text);
		snprintf(err->text + n, sizeof err->text - n, ": %s", strerror(errnum));
	}
	return -1;
}

int err_of_disk(int errnum)
{
	return errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG || errnum == EIO
		       ? ERR_IO
		       : ERR_CANTCREATE;
}

bool err_says_gone(int errnum)
{
	return errnum == ENOENT || errnum == ENOTDIR || errnum == ESTALE;
}
