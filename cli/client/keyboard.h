/* cli/client/keyboard: a terminal of which a program takes the whole screen for a while, and gets
 * keys as they are pressed. However the program ends or stands still, the terminal is as it was:
 * after SIGINT, SIGTERM, SIGHUP and SIGQUIT, which end it then as ever, after SIGTSTP, from which
 * it comes back to its screen, and after keyboard_end(). One at a time. */
#ifndef TGRUN_CLI_CLIENT_KEYBOARD_H
#define TGRUN_CLI_CLIENT_KEYBOARD_H

#include <stdbool.h>

/* Whether the standard output is a terminal that knows how to do that (TERM). */
bool keyboard_can(void);

void keyboard_begin(void);
void keyboard_end(void);

/* Waits for a key, `milliseconds` at most. Returns it; KEYBOARD_NONE when none came;
 * KEYBOARD_REDRAW when the screen is to be drawn again: its size has changed, or the program went
 * on; KEYBOARD_GONE when no key can come any more. Without a terminal as standard input there are
 * none. */
enum { KEYBOARD_NONE = -1, KEYBOARD_REDRAW = -2, KEYBOARD_GONE = -3 };
int keyboard_wait(long milliseconds);

#endif
