/* cli/signals: what this process does about signals, whoever sends them and whatever it inherited.
 */
#ifndef TGRUN_CLI_SIGNALS_H
#define TGRUN_CLI_SIGNALS_H

#include <stdbool.h>

/* Nothing is blocked, and everything has its standard meaning but: what says nothing to a program
 * that looks at its errors (SIGPIPE, SIGXFSZ), and what nobody uses (SIGUSR2, SIGIO, SIGVTALRM,
 * SIGPROF), is ignored; a fault ends the program still, but with a line on stderr. Returns whether
 * SIGHUP was ignored, as nohup(1) does it; then it stays so. To be called first. */
bool signals_init(void);

/* For a program that may run in the background of a terminal: it writes there, even where `stty
 * tostop` would stop it. */
void signals_write_always(void);

/* From now on nothing ends the program that asks it to stop: it does so already. */
void signals_hold(void);

#endif
