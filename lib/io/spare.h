/* io/spare: memory for libraries that do not survive the want of it. */
#ifndef TGRUN_IO_SPARE_H
#define TGRUN_IO_SPARE_H

#include <stddef.h>

/* As malloc(3) and its like, from any thread; when memory is out there are 64 pieces of 1 KiB and 4
 * of 64 KiB that were kept for that. Only when these are taken, too, the answer is NULL. */
void *spare_malloc(size_t n);
void *spare_calloc(size_t count, size_t n);
void *spare_realloc(void *p, size_t n);
char *spare_strdup(const char *text);
void spare_free(void *p);

#endif
