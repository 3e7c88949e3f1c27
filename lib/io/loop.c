/* io/loop: libuv behind the names of loop.h. Descriptors, timers, signals and hooks come in;
 * callbacks go out.
 *
 * A handle's memory is freed, and its descriptor closed, only in libuv's close callback: a number
 * that is reused earlier would be unregistered from the kernel's set by the late close. libuv
 * aborts where the kernel or malloc(3) refuses it something: so what can be refused is asked for
 * here first, and its memory is that of spare.h. */
#include "io/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <uv.h>

#include "base/list.h"
#include "io/spare.h"

enum { HOOKS_MAX = 4, WATCH_AGAIN = 100 /* milliseconds */ };

struct loop {
	uv_loop_t uv;
	uv_prepare_t prepare;
	uv_timer_t again;
	struct list refused; /* watches that the kernel had no room for */
	struct {
		void (*fn)(void *arg);
		void *arg;
	} hooks[HOOKS_MAX];
	int hook_count;
};

struct loop_timer {
	uv_timer_t uv;
	void (*fn)(void *arg);
	void *arg;
};

struct loop_watch {
	uv_poll_t uv;
	struct loop *loop;
	struct list link; /* among those refused */
	int events;
	void (*fn)(void *arg, int events);
	void *arg;
	int fd;
	int close_fd;
};

struct loop_signal {
	uv_signal_t uv;
	void (*fn)(void *arg, int signo);
	void *arg;
};

static void on_prepare(uv_prepare_t *handle)
{
	struct loop *l = handle->data;
	for (int i = 0; i < l->hook_count; i++)
		l->hooks[i].fn(l->hooks[i].arg);
}

/* What uv_loop_init() opens, and cannot do without. 0 or an errno. */
static int look_for_room(void)
{
	int fds[6] = { -1, -1, -1, -1, -1, -1 }, errnum = 0;
	struct epoll_event event = { 0 };
	fds[4] = epoll_create1(EPOLL_CLOEXEC);
	fds[5] = eventfd(0, EFD_CLOEXEC);
	if (pipe2(fds, O_CLOEXEC) || pipe2(fds + 2, O_CLOEXEC) || fds[4] < 0 || fds[5] < 0 ||
	    epoll_ctl(fds[4], EPOLL_CTL_ADD, fds[0], &event))
		errnum = errno;
	for (int i = 0; i < 6; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return errnum;
}

struct loop *loop_new(struct err *err)
{
	static bool begun;
	int errnum = look_for_room();
	if (errnum) {
		err_sys(err, ERR_INTERNAL, errnum, "cannot set up the event loop");
		return NULL;
	}
	if (!begun)
		uv_replace_allocator(spare_malloc, spare_realloc, spare_calloc, spare_free);
	begun = true;
	struct loop *l = calloc(1, sizeof *l);
	if (!l) {
		err_set(err, ERR_INTERNAL, "out of memory");
		return NULL;
	}
	int rc = uv_loop_init(&l->uv);
	if (rc) {
		err_set(err, ERR_INTERNAL, "cannot set up the event loop: %s", uv_strerror(rc));
		free(l);
		return NULL;
	}
	list_init(&l->refused);
	uv_timer_init(&l->uv, &l->again);
	l->again.data = l;
	uv_prepare_init(&l->uv, &l->prepare);
	l->prepare.data = l;
	uv_prepare_start(&l->prepare, on_prepare);
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	uv_close((uv_handle_t *)&l->prepare, NULL);
	uv_close((uv_handle_t *)&l->again, NULL);
	uv_run(&l->uv, UV_RUN_DEFAULT);
	uv_loop_close(&l->uv);
	free(l);
}

void loop_run(struct loop *l)
{
	uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

void loop_turn(struct loop *l, int wait)
{
	uv_run(&l->uv, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

void loop_on_turn(struct loop *l, void (*fn)(void *arg), void *arg)
{
	if (l->hook_count == HOOKS_MAX)
		abort();
	l->hooks[l->hook_count].fn = fn;
	l->hooks[l->hook_count++].arg = arg;
}

static void on_timer(uv_timer_t *handle)
{
	struct loop_timer *t = handle->data;
	t->fn(t->arg);
}

struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct loop_timer *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	uv_timer_init(&l->uv, &t->uv);
	t->uv.data = t;
	t->fn = fn;
	t->arg = arg;
	return t;
}

void loop_timer_set(struct loop_timer *t, int64_t delay)
{
	if (delay < 0) {
		uv_timer_stop(&t->uv);
		return;
	}
	uv_update_time(t->uv.loop);
	uv_timer_start(&t->uv, on_timer, (uint64_t)delay, 0);
}

static void free_handle(uv_handle_t *handle)
{
	free(handle->data);
}

void loop_timer_free(struct loop_timer *t)
{
	if (t)
		uv_close((uv_handle_t *)&t->uv, free_handle);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	struct loop_watch *w = handle->data;
	int ready = (events & UV_READABLE ? LOOP_READ : 0) |
		    (events & UV_WRITABLE ? LOOP_WRITE : 0);
	/* A failed descriptor: the owner finds out by reading or writing it. libuv watches it no
	 * more, but what came before the failure is perhaps read in parts, and the failure itself
	 * only after them. */
	if (status < 0)
		loop_watch_set(w, w->events);
	w->fn(w->arg, status < 0 ? LOOP_READ | LOOP_WRITE : ready);
}

struct loop_watch *loop_watch_new(struct loop *l, int fd, void (*fn)(void *arg, int events),
				  void *arg)
{
	struct loop_watch *w = calloc(1, sizeof *w);
	if (!w)
		return NULL;
	int rc = uv_poll_init(&l->uv, &w->uv, fd);
	if (rc) {
		free(w);
		errno = -rc;
		return NULL;
	}
	w->uv.data = w;
	w->loop = l;
	w->fn = fn;
	w->arg = arg;
	w->fd = fd;
	list_init(&w->link);
	return w;
}

/* libuv registers the descriptor only when the loop waits next, and finds it there already. */
static int reserve(const struct loop_watch *w)
{
	struct epoll_event event = { .data.fd = w->fd };
	return epoll_ctl(uv_backend_fd(&w->loop->uv), EPOLL_CTL_ADD, w->fd, &event) &&
			       errno != EEXIST
		       ? -1
		       : 0;
}

static void on_again(uv_timer_t *timer)
{
	struct loop *l = timer->data;
	struct list refused;
	list_init(&refused);
	/* those that are refused once more come behind this */
	list_add_before(&l->refused, &refused);
	while (l->refused.next != &refused) {
		struct loop_watch *w = container_of(l->refused.next, struct loop_watch, link);
		loop_watch_set(w, w->events);
	}
	list_remove(&refused);
}

void loop_watch_set(struct loop_watch *w, int events)
{
	int uv_events = (events & LOOP_READ ? UV_READABLE : 0) |
			(events & LOOP_WRITE ? UV_WRITABLE : 0);
	/* libuv would take it out of the kernel's set and put it in again. */
	if (events == w->events && uv_is_active((uv_handle_t *)&w->uv) == (uv_events != 0))
		return;
	w->events = events;
	list_remove(&w->link);
	if (!uv_events) {
		uv_poll_stop(&w->uv);
		return;
	}
	uv_poll_start(&w->uv, uv_events, on_poll);
	if (reserve(w) == 0)
		return;
	uv_poll_stop(&w->uv);
	list_add_before(&w->loop->refused, &w->link);
	uv_timer_start(&w->loop->again, on_again, WATCH_AGAIN, 0);
}

static void close_watch(uv_handle_t *handle)
{
	struct loop_watch *w = handle->data;
	if (w->close_fd)
		close(w->fd);
	free(w);
}

void loop_watch_free(struct loop_watch *w, int close_fd)
{
	if (!w)
		return;
	list_remove(&w->link);
	w->close_fd = close_fd;
	uv_close((uv_handle_t *)&w->uv, close_watch);
}

static void on_signal(uv_signal_t *handle, int signo)
{
	struct loop_signal *s = handle->data;
	s->fn(s->arg, signo);
}

struct loop_signal *loop_signal_new(struct loop *l, int signo, void (*fn)(void *arg, int signo),
				    void *arg)
{
	struct loop_signal *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	uv_signal_init(&l->uv, &s->uv);
	s->uv.data = s;
	s->fn = fn;
	s->arg = arg;
	if (uv_signal_start(&s->uv, on_signal, signo)) {
		loop_signal_free(s);
		return NULL;
	}
	return s;
}

void loop_signal_free(struct loop_signal *s)
{
	if (s)
		uv_close((uv_handle_t *)&s->uv, free_handle);
}
