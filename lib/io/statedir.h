/* io/statedir: the state directory: whose it is, who may use it now, and how its files are opened.
 *
 * Two locks (open file description locks, fcntl(2)): `run.lock` is held by the runner; `slots.lock`
 * by the runner and all its slots, so it is free only when the last process of an earlier run is
 * gone. The runner holds the directory itself, too (flock(2)), where the file system can: nobody
 * removes that lock, and systemd-tmpfiles(8) leaves alone what is in a directory that is locked.
 * Nothing in the directory is opened through a symbolic link. */
#ifndef TGRUN_IO_STATEDIR_H
#define TGRUN_IO_STATEDIR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum { STATEDIR_ID_MAX = 40 };

struct statedir;

/* Opens the directory, and makes it (with the parents that are missing) if it is not there: 0700
 * and this user's own. It may be a symbolic link only if its target is this user's own and the link
 * is root's or this user's, as systemd makes with DynamicUser. NULL with `err` (ERR_CANTCREATE)
 * that says what would mend it. */
struct statedir *statedir_open(const char *path, struct err *err);

/* The same for a sub-command, which never makes it: NULL with `err`->status 0 when it is not there,
 * or when no tgrun has used it, so that neither run.lock nor queue.db is in it. It may be root's:
 * where the directory is another user's, this process becomes that user, for good. */
struct statedir *statedir_visit(const char *path, struct err *err);

/* The same for who only looks: no file is made and no mode mended, and a lock that is not there is
 * held by nobody. NULL with `err`->status 0 when the directory is not there. */
struct statedir *statedir_look(const char *path, struct err *err);

/* Closes it, and with it the locks that no slot holds. NULL is fine. */
void statedir_close(struct statedir *d);

/* The same at the end of the runner, whose lock goes with the process: who waits for the one has
 * waited for the other. NULL is fine. */
void statedir_end(struct statedir *d);

/* Takes the runner's lock and writes this process's id into it. 1: it is ours; 0: another has it,
 * *holder gets its process id (0: not told, or it is in another name space of processes, a
 * container's); -1 with `err`. */
int statedir_lock_run(struct statedir *d, pid_t *holder, struct err *err);

/* Whether a runner holds its lock, without taking it; *holder as above. */
bool statedir_runs(struct statedir *d, pid_t *holder);

/* Whether the slots' lock is held: by a runner, the last slots of one, or a sub-command at work. */
bool statedir_in_use(struct statedir *d);

/* Writes who holds a lock, for a sentence: `process 12`; for a `holder` of 0, `whose process is not
 * seen from here`. Returns `out`. */
enum { STATEDIR_HOLDER_MAX = 40 };
const char *statedir_holder(pid_t holder, char out[STATEDIR_HOLDER_MAX]);

/* What the runner does before it lets anything be forgotten that it wrote here. 0: the directory
 * stands under its name, as far as it may be looked at. STATEDIR_MENDED: a lock in it had been
 * removed, and was made and taken anew; if it is the slots', statedir_slots_fd() is another one
 * now. -1 with `err`: the directory is gone, or is another one. */
enum { STATEDIR_MENDED = 1 };
int statedir_stands(struct statedir *d, struct err *err);

/* Tries to take the slots' lock. 1, 0 when another has it, -1 with `err`. */
int statedir_lock_slots(struct statedir *d, struct err *err);

/* Gives it back, if it was taken. */
void statedir_unlock_slots(struct statedir *d);

/* The descriptor of the slots' lock, for slots to inherit; of the directory itself; its path. */
int statedir_slots_fd(const struct statedir *d);
int statedir_fd(const struct statedir *d);
const char *statedir_path(const struct statedir *d);

/* What STATEDIR_DATA in it is for: handlers keep their files there. 0: it is a directory of this
 * user's own and no link, or, without `make`, not there; with `make` it is made if it is missing,
 * 0700. Nothing in it is ever looked at. -1 with `err` (ERR_CANTCREATE, ERR_IO). */
#define STATEDIR_DATA "data"
int statedir_data(const struct statedir *d, bool make, struct err *err);

/* A name for the directory that is the same as long as it exists: its device and inode. */
void statedir_id(const struct statedir *d, char out[STATEDIR_ID_MAX]);

/* A name for the directory on this boot of this machine: who holds its run.lock and has the name of
 * an earlier run knows that the last process of that run's runner is gone. A copy of the directory
 * has another. 0, or -1 with `err` (ERR_CANTCREATE, ERR_IO, ERR_CONFIG). */
enum { STATEDIR_IDENT_MAX = 128 };
int statedir_ident(struct statedir *d, char out[STATEDIR_IDENT_MAX], struct err *err);

/* Bytes that this user may still write on its disk; -1 if that cannot be told. */
int64_t statedir_free_bytes(const struct statedir *d);

/* Whether a file may be made in it now, told without making one: 0 or -1 with `err`
 * (ERR_CANTCREATE). Whether there is room is another matter. */
int statedir_may_write(const struct statedir *d, struct err *err);

#endif
