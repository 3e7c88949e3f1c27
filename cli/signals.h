/* cli/signals: what this process does about signals, whoever sends them and whatever it inherited.
 */
#ifndef TGRUN_CLI_SIGNALS_H
#define TGRUN_CLI_SIGNALS_H

#include <stdbool.h>

/* Everything has its standard meaning but: what says nothing to a program that looks at its errors
 * (SIGPIPE, SIGXFSZ), and what nobody uses (SIGUSR2, SIGIO, SIGVTALRM, SIGPROF), is ignored; a
 * fault ends the program still, but with a line on stderr. What an engine heeds (SIGNALS in
 * tgrun(1)) is held back, as by signals_hold(); nothing else is blocked. Returns whether SIGHUP was
 * ignored, as nohup(1) does it; then it stays so. To be called first. */
bool signals_init(void);

/* For a program in which an engine is to run: until it does, an order to stop ends the program at
 * once, with a line on stderr and the status of a stop; SIGHUP and SIGUSR1 wait for the engine. */
void signals_stop_early(void);

/* Lets in what was held back: to what the engine does, when it has taken the signals; else to what
 * they do by default. */
void signals_release(void);

/* For a program that may run in the background of a terminal: it writes there, even where `stty
 * tostop` would stop it. */
void signals_write_always(void);

/* Holds back what an engine heeds: no order to stop ends a program that does so already. */
void signals_hold(void);

#endif
