/* base/crashpoint: places where a test may have the process killed, as by kill -9. Nothing at all
 * but in the build that `make build-crash` makes (-DTGRUN_CRASHPOINTS). There,
 * CRASHPOINT=NAME:N:FILE in the environment kills the first process that passes the point NAME for
 * the Nth time (counted in each process), once: FILE is made then, and where it is already nothing
 * is killed. */
#ifndef BASE_CRASHPOINT_H
#define BASE_CRASHPOINT_H

#ifdef TGRUN_CRASHPOINTS
#define CRASHPOINT(name) crashpoint_pass(name)
void crashpoint_pass(const char *name);
#else
#define CRASHPOINT(name) ((void)0)
#endif

#endif
