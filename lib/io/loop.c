/* io/loop: libuv behind the names of loop.h. Descriptors, timers, signals and hooks come in; callbacks go out.
 *
 * A handle's memory is freed, and its descriptor closed, only in libuv's close callback: a number that is reused
 * earlier would be unregistered from the kernel's set by the late close. */
#include "io/loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <uv.h>

enum { HOOKS_MAX = 4 };

struct loop {
	uv_loop_t uv;
	uv_prepare_t prepare;
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

struct loop *loop_new(struct err *err)
{
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
	int ready = (events & UV_READABLE ? LOOP_READ : 0) | (events & UV_WRITABLE ? LOOP_WRITE : 0);
	/* A failed descriptor: the owner finds out by reading or writing it. */
	w->fn(w->arg, status < 0 ? LOOP_READ | LOOP_WRITE : ready);
}

struct loop_watch *loop_watch_new(struct loop *l, int fd, void (*fn)(void *arg, int events), void *arg)
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
	w->fn = fn;
	w->arg = arg;
	w->fd = fd;
	return w;
}

void loop_watch_set(struct loop_watch *w, int events)
{
	int uv_events = (events & LOOP_READ ? UV_READABLE : 0) | (events & LOOP_WRITE ? UV_WRITABLE : 0);
	if (uv_events)
		uv_poll_start(&w->uv, uv_events, on_poll);
	else
		uv_poll_stop(&w->uv);
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
	uv_poll_stop(&w->uv);
	w->close_fd = close_fd;
	uv_close((uv_handle_t *)&w->uv, close_watch);
}

static void on_signal(uv_signal_t *handle, int signo)
{
	struct loop_signal *s = handle->data;
	s->fn(s->arg, signo);
}

struct loop_signal *loop_signal_new(struct loop *l, int signo, void (*fn)(void *arg, int signo), void *arg)
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
