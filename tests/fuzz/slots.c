/* tests/fuzz/slots: what a slot says to the runner, and what the runner packs for it. Lines:
 * `start`, `again` (from within the last callback), `report WHAT JOB STAGE ERRNUM STAGES BYTES`
 * (JOB: how far from the right one), `leave`, `signal N`, `end`; `image OFFSET BYTE …` (a command,
 * changed there; BYTE -1: cut there) and `vars A=1|B=2`.
 *
 * A job is over once; a slot that says what it may not is dead at once, and nobody is told. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "slot/slots_internal.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_name[] = "slots";

enum { STAGES = 2, LINES_MAX = 64 };

static const char *const env[] = { "PATH=/bin", "LANG=C", "EMPTY=", NULL };

static struct {
	struct slots slots;
	struct slot slot;
	struct slot_page page;
	struct command *command;
	int peer, tag;
	bool again;
	int started, ended, over; /* jobs; over: failed ones, too */
	int stages;               /* that ended while others ran */
	int warned;
	struct slot_report said;
} rig;

static void start_job(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char order[4096];
	struct slot_job job = { .tag = &rig.tag,
				.command = rig.command,
				.vars = "A=1",
				.vars_length = 4,
				.stdin_fd = fd,
				.extra_fd = -1,
				.tell_stages = true };
	enum slot_state before = rig.slot.state;
	int rc = slots_start(&rig.slot, &job);
	HOLDS((rc == 0) == (before == SLOT_IDLE), "a start is for an idle slot: %d %s", before,
	      strerror(errno));
	rig.started += rc == 0;
	while (rig.peer >= 0 && recv(rig.peer, order, sizeof order, MSG_DONTWAIT) > 0)
		; /* the descriptors in it are closed with it */
}

static void on_stage_ended(void *arg, struct slot *slot, int stage, const struct slot_end *end)
{
	(void)arg;
	rig.stages++;
	HOLDS(rig.said.what == SLOT_STAGE && slots_job(slot) == &rig.tag &&
		      slot->state == SLOT_BUSY && stage >= 0 && stage < STAGES &&
		      end->stages == STAGES,
	      "stage %d ended", stage);
}

static void on_ended(void *arg, struct slot *slot, const struct slot_end *end)
{
	(void)arg;
	rig.ended++;
	HOLDS(rig.said.what == SLOT_ENDED && slots_job(slot) == &rig.tag && end->stages == STAGES,
	      "ended");
}

static void job_over(const struct slot *slot)
{
	HOLDS(slots_job(slot) == &rig.tag && slot->state == SLOT_IDLE,
	      "its tag is there, and its slot is idle");
	rig.over++;
	if (rig.again)
		start_job();
	rig.again = false;
}

static void on_over(void *arg, struct slot *slot, const struct slot_end *end)
{
	(void)arg;
	HOLDS(rig.said.what == SLOT_OVER && end->stages == STAGES, "over");
	job_over(slot);
}

static void on_failed(void *arg, struct slot *slot, int stage, int errnum)
{
	(void)arg;
	HOLDS(rig.said.what == SLOT_FAILED && stage >= 0 && stage < STAGES && errnum > 0,
	      "stage %d, error %d", stage, errnum);
	job_over(slot);
}

static void on_note(void *arg, struct slot *slot, bool warn, const char *text)
{
	(void)arg, (void)slot;
	rig.warned += warn && text[0];
}

/* An idle slot without a process: the other end of its socket is ours. */
static void set_up(void)
{
	static const struct slots_events events = {
		.stage_ended = on_stage_ended,
		.ended = on_ended,
		.over = on_over,
		.failed = on_failed,
		.note = on_note,
	};
	static const char *const stages[STAGES][3] = { { "a", "-x", NULL }, { "b", NULL } };
	const char *const *list[] = { stages[0], stages[1], NULL },
			  *paths[] = { "/bin/a", "/bin/b" };
	struct err err;
	int pair[2];
	if (!rig.command)
		rig.command = command_new(&(struct command_spec){ .stages = list,
								  .paths = paths,
								  .env = env,
								  .dir = "/tmp" },
					  &err);
	if (!rig.command || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		abort();
	rig.slots = (struct slots){ .config = { .count = 1, .lock_fd = -1, .stdout_fd = -1 },
				    .trust = INT64_MAX,
				    .slot = &rig.slot,
				    .events = &events };
	list_init(&rig.slots.idle);
	list_init(&rig.slots.keepers);
	rig.slot = (struct slot){ .slots = &rig.slots,
				  .number = 1,
				  .sock = pair[0],
				  .out = { -1, -1 },
				  .page = &rig.page };
	rig.peer = pair[1];
	rig.again = false;
	rig.started = rig.ended = rig.over = rig.stages = rig.warned = 0;
	slots_make_idle(&rig.slot);
}

static void clear_up(int sock)
{
	while (!list_empty(&rig.slots.keepers)) {
		struct slots_keeper *k = container_of(rig.slots.keepers.next, struct slots_keeper,
						      link);
		list_remove(&k->link);
		free(k);
	}
	if (rig.slot.state != SLOT_VACANT)
		close(sock); /* no watch, so nobody has closed it */
	if (rig.peer >= 0)
		close(rig.peer);
	command_unref(rig.slot.command);
}

static void report(const char *text)
{
	struct slot *slot = &rig.slot;
	struct {
		struct slot_report r;
		char more[64];
	} m = { .r.end.stages = STAGES };
	int what = 0, off = 0, size = sizeof m.r, before = rig.ended + rig.over + rig.stages,
	    warned = rig.warned;
	enum slot_state state = slot->state;
	uint64_t job = slot->job;
	m.r.end.stages = STAGES;
	sscanf(text, "%d %d %d %d %d %d", &what, &off, &m.r.stage, &m.r.errnum, &m.r.end.stages,
	       &size);
	m.r.what = (uint32_t)what;
	m.r.job = job + (uint64_t)(int64_t)off;
	rig.said = m.r;
	if (size < 0 || (size_t)size > sizeof m ||
	    send(rig.peer, &m, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return;
	slots_catch_up(slot);
	if (state == SLOT_DEAD || state == SLOT_VACANT)
		return;
	bool had_job = state != SLOT_IDLE, told = rig.ended + rig.over + rig.stages == before + 1;
	bool sound = had_job && (size_t)size == sizeof m.r && off == 0 && m.r.end.stages == STAGES;
	bool fits = what == SLOT_OVER ||
		    (state == SLOT_BUSY &&
		     (what == SLOT_ENDED ||
		      ((what == SLOT_STAGE || (what == SLOT_FAILED && m.r.errnum > 0)) &&
		       m.r.stage >= 0 && m.r.stage < STAGES)));
	HOLDS(told == (sound && fits), "told of report %d", what);
	HOLDS((slot->state == SLOT_DEAD) == !told, "state %d after report %d", slot->state, what);
	HOLDS(told || size == 0 || rig.warned == warned + 1, "the user is told why");
}

/* One of each line's verbs. */
static void obey(char *line)
{
	if (strcmp(line, "start") == 0) {
		start_job();
	} else if (strcmp(line, "again") == 0) {
		rig.again = true;
	} else if (strncmp(line, "report ", 7) == 0 && rig.peer >= 0) {
		report(line + 7);
	} else if (strcmp(line, "leave") == 0) {
		bool can = rig.slot.state == SLOT_LINGERS && rig.peer >= 0;
		slots_leave(&rig.slot);
		HOLDS(!can || rig.slot.state == SLOT_VACANT, "what lingers can be left");
		rig.over += can;
	} else if (strncmp(line, "signal ", 7) == 0) {
		int signo = atoi(line + 7);
		/* KILL would also go to a process */
		slots_signal(&rig.slot, signo == SIGKILL ? SIGTERM : signo);
	} else if (strcmp(line, "end") == 0 && rig.peer >= 0) {
		close(rig.peer);
		rig.peer = -1;
		slots_catch_up(&rig.slot);
		HOLDS(rig.slot.state == SLOT_DEAD || rig.slot.state == SLOT_VACANT,
		      "state %d after the end", rig.slot.state);
	}
}

static void check_slot(void)
{
	const struct slot *slot = &rig.slot;
	bool idle = slot->state == SLOT_IDLE,
	     busy = slot->state == SLOT_BUSY || slot->state == SLOT_LINGERS;
	HOLDS(slots_idle_count(&rig.slots) == idle && (slots_idle(&rig.slots) == slot) == idle,
	      "state %d", slot->state);
	HOLDS(!busy || slots_job(slot) == &rig.tag, "who is busy has a job");
	HOLDS(!idle || !slots_job(slot), "who is idle has none");
	HOLDS(rig.ended <= rig.started &&
		      rig.started - rig.over ==
			      (busy || (slot->state == SLOT_DEAD && slots_job(slot))),
	      "%d jobs started, %d are over", rig.started, rig.over);
}

/* ---- what the runner packs ---- */

static bool inside(const struct command_view *v, const char *s)
{
	const char *from = v->map;
	return s >= from && s < from + v->size && memchr(s, '\0', (size_t)(from + v->size - s));
}

static void check_view(const struct command_view *v)
{
	HOLDS(v->stages >= 1 && v->stages <= SLOT_STAGES_MAX, "%d stages", v->stages);
	for (int i = 0; i < v->stages; i++) {
		HOLDS(inside(v, v->path[i]) && v->argv[i][0], "stage %d", i);
		for (char **arg = v->argv[i]; *arg; arg++)
			HOLDS(inside(v, *arg), "stage %d", i);
	}
	for (size_t i = 0; i < v->env_count; i++)
		HOLDS(inside(v, v->env[i]), "variable %zu", i);
	HOLDS(!v->dir || inside(v, v->dir), "a directory");
}

static void image(const char *text)
{
	char bytes[4096];
	struct command_view view;
	ssize_t n = pread(command_fd(rig.command), bytes, sizeof bytes, 0);
	int offset, byte, step;
	for (bool changed = true;
	     n > 0 && changed && sscanf(text, "%d %d%n", &offset, &byte, &step) == 2;
	     text += step) {
		changed = offset >= 0 && offset < n;
		if (changed && byte == -1)
			n = offset;
		else if (changed)
			bytes[offset] = (char)byte;
	}
	int fd = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || pwrite(fd, bytes, (size_t)n, 0) != n)
		abort();
	HOLDS(command_open(fd, &view) == -1 && errno == EINVAL, "what is not sealed is refused");
	fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	if (command_open(fd, &view) == 0)
		check_view(&view);
	else
		HOLDS(errno == EINVAL && !view.map && !view.list, "%s", strerror(errno));
	command_close(&view);
	close(fd);
}

static void vars(const char *text)
{
	struct command_view view;
	size_t n = strlen(text), mine = 0, replaced = 0;
	bool sound = true;
	char *copy = fuzz_copy(text, n + 1);
	for (char *p = copy; *p; p++)
		*p = *p == '|' ? '\0' : *p;
	n += n > 0; /* with the last one's NUL */
	if (command_open(command_fd(rig.command), &view))
		abort();
	for (const char *p = copy; p < copy + n; p += strlen(p) + 1, mine++)
		sound = sound && strchr(p, '=');
	for (int i = 0; env[i]; i++) {
		size_t k = strcspn(env[i], "=") + 1;
		bool found = false;
		for (const char *p = copy; p < copy + n; p += strlen(p) + 1)
			found = found || strncmp(p, env[i], k) == 0;
		replaced += found;
	}
	size_t own = 0;
	char **list = slot_exec_environment(&view, copy, n, &own);
	HOLDS((list != NULL) == sound, "variables without '=' are refused");
	size_t count = 0;
	while (list && list[count])
		count++;
	HOLDS(!list || count == mine + 3 - replaced,
	      "%zu variables, %zu given, %zu of them instead of others", count, mine, replaced);
	HOLDS(!list || own == mine, "%zu variables are the job's own, %zu were given", own, mine);
	free(list);
	free(copy);
	command_close(&view);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	set_up();
	int sock = rig.slot.sock;
	for (int lines = 0; n && lines < LINES_MAX; lines++) {
		size_t k = fuzz_line(data, n);
		char *line = fuzz_string(data, k);
		if (strncmp(line, "image ", 6) == 0)
			image(line + 6);
		else if (strncmp(line, "vars ", 5) == 0)
			vars(line + 5);
		else
			obey(line);
		free(line);
		check_slot();
		data += k < n ? k + 1 : k, n -= k < n ? k + 1 : k;
	}
	clear_up(sock);
	return 0;
}
