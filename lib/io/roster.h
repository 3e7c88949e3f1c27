/* io/roster: which processes the slots of a run are, kept in the file of their lock, so that the
 * next run can name them, wake them and end them.
 *
 * An entry is a process id and when that process began, written for one directory, one boot of the
 * machine and one name space of processes. What was copied, restored or comes from another
 * container names nobody here. */
#ifndef TGRUN_IO_ROSTER_H
#define TGRUN_IO_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct roster_slot {
	pid_t pid;
	uint64_t start; /* as procs_stat.start */
};

struct roster {
	struct roster_slot *slots;
	size_t count;
};

/* Begins an empty list for the directory of this name (statedir_id()), in a file that is locked by
 * the caller. A failure only makes the next start wait for what it could have ended. */
void roster_begin(int fd, const char *directory);

/* The name space of processes that the list is of, see procs_namespace(); 0: there is none. */
uint64_t roster_namespace(int fd);

/* Writes down the process of slot `number`, from 1, over the one that it had before. A process that
 * is gone already is not written down. */
void roster_set(int fd, int number, pid_t pid);

/* Those of the list that live. All zero before the first call; roster_release() after the last. 0,
 * or -1 when memory is out. */
int roster_read(struct roster *r, int fd, const char *directory);
void roster_release(struct roster *r);

/* Lets them go on, should something have stopped them: a slot whose runner is gone kills what it
 * has, and ends. `end`: kills all that descends from them, and each that has nothing alive below it
 * any more. */
void roster_wake(const struct roster *r, bool end);

/* `sleep (123), tg-slot (120)`: what lives below them, and they themselves, as far as there is
 * room. */
void roster_name(const struct roster *r, char *out, size_t size);

#endif
