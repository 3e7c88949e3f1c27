/* slot/slot_deadline: until when a slot may have a job. The page's time comes in, and whether it
 * has passed goes out, with a timer that wakes the slot then, whatever the runner does. As a rule
 * the time is put off long before it comes: so the timer is set only when it has gone off, and no
 * system call is made for a start. Invariant: while a time is known that has not passed, the timer
 * is set for it, or for an earlier one. */
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "slot/slot.h"

void slot_deadline_init(struct slot_deadline *d)
{
	*d = (struct slot_deadline){ .fd = -1, .armed = INT64_MAX };
}

void slot_deadline_close(struct slot_deadline *d)
{
	if (d->fd >= 0)
		close(d->fd);
	slot_deadline_init(d);
}

static void arm(struct slot_deadline *d, int64_t at)
{
	struct itimerspec when = { .it_value = { .tv_sec = at / 1000,
						 .tv_nsec = at % 1000 * 1000000 } };
	if (d->fd < 0)
		d->fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (d->fd < 0 || timerfd_settime(d->fd, TFD_TIMER_ABSTIME, &when, NULL))
		_exit(71);
	d->armed = at;
}

#ifdef SLOT_NO_DEADLINE /* for tests of tests: what happens without all this */
enum { GUARDED = 0 };
#else
enum { GUARDED = 1 };
#endif

bool slot_deadline_passed(struct slot_deadline *d, const struct slot_page *page)
{
	int64_t trust = page->trust;
	if (trust == INT64_MAX || !GUARDED)
		return false;
	if (clock_boot() >= trust)
		return true;
	if (d->armed > trust)
		arm(d, trust);
	return false;
}

void slot_deadline_rang(struct slot_deadline *d)
{
	uint64_t times;
	if (read(d->fd, &times, sizeof times) > 0)
		d->armed = INT64_MAX;
}
