/* io/terminal: the terminal that controls this process, and whether it is still there. Its hang-up
 * is the same signal as a request to reload. */
#ifndef TGRUN_IO_TERMINAL_H
#define TGRUN_IO_TERMINAL_H

enum terminal {
	/* there is none, or it is gone: hung up, or the session's leader has ended, which takes it
	   from all others */
	TERMINAL_NONE,
	TERMINAL_HERE,
	TERMINAL_UNKNOWN, /* the machine does not let us look (no descriptors left, no /dev/tty) */
};

/* Looks whether this process has a controlling terminal now. Keeps nothing open. */
enum terminal terminal_look(void);

#endif
