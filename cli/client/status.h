/* cli/client/status: what `tgrun status` tells besides its text for people: what is wrong, whether
 * all is well, and the metrics. */
#ifndef TGRUN_CLI_CLIENT_STATUS_H
#define TGRUN_CLI_CLIENT_STATUS_H

#include "base/json.h"
#include "cli/setup/setup.h"
#include "io/statedir.h"

/* Calls back for each thing that keeps a runner from working as usual, with a word and a phrase
 * that is valid during the call, but for that it is paused. `status`: the object of `tgrun status`.
 */
typedef void status_told(void *arg, const char *word, const char *phrase);
void status_troubles(const cJSON *status, status_told *told, void *arg);

/* Asks the runner that has `dir`, and prints a line of what is wrong with it, if anything is, with
 * --all behind the path of its state. 0: all is well; 1: it is not; -1 with `err`. */
int status_check(struct setup *s, struct statedir *dir, struct err *err);

/* Asks it for its metrics and prints them, or writes them to the file that --output names. 0, or -1
 * with `err`: what stood there before stands there still. */
int status_metrics(struct setup *s, struct statedir *dir, struct err *err);

#endif
