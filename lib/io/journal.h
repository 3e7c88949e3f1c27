/* io/journal: whether a descriptor is systemd's journal, which keeps the time of each line itself,
 * and takes its priority from how it begins, see sd-daemon(3). */
#ifndef TGRUN_IO_JOURNAL_H
#define TGRUN_IO_JOURNAL_H

#include <stdbool.h>

/* Whether `fd` is what $JOURNAL_STREAM names, by device and inode, as systemd.exec(5) says: a
 * variable that was inherited, while the descriptor goes elsewhere by now, says nothing. */
bool journal_is(int fd);

#endif
