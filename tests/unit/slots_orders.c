/* tests/unit/slots_orders: a slot process at the other end of our socket. Orders that no runner
 * would send end it with status 70 and start nothing; those for another job change nothing; the end
 * of the socket ends it well. */
#include <string.h>
#include <sys/socket.h>

#include "slot/slot.h"
#include "tests/unit/slots_rig.h"

/* What may be odd about an order; the rest is a sound start of a job. */
struct odd {
	const char *what;
	struct slot_order order;
	const char *vars;
	size_t vars_sent, bytes; /* `bytes` not 0: so many of the order's own, without variables */
	int descriptors;
	bool no_command, again; /* again: it comes while a job runs */
};

static struct slot_page *page;
static struct command *sleeper;

static void become_slot(int sock)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	dup2(null, 0);
	slot_main(&(struct slot_setup){ .page = page, .sock = sock, .lock_fd = -1 });
}

static pid_t fork_slot(int *sock)
{
	int pair[2];
	memset(page, 0, sizeof *page);
	page->trust = INT64_MAX;
	fflush(stdout);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		exit(1);
	pid_t pid = fork();
	if (pid == 0) {
		close(pair[0]);
		become_slot(pair[1]);
	}
	close(pair[1]);
	*sock = pair[0];
	return pid;
}

static void send_order(int sock, const struct slot_order *order, size_t bytes, const char *vars,
		       size_t n, const int *fds, int count)
{
	char room[CMSG_SPACE(4 * sizeof(int))] __attribute__((aligned(8))) = { 0 };
	struct iovec iov[2] = { { (void *)(uintptr_t)order, bytes },
				{ (void *)(uintptr_t)vars, n } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = n ? 2 : 1 };
	if (count) {
		msg.msg_control = room;
		msg.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, (size_t)count * sizeof(int));
	}
	sendmsg(sock, &msg, MSG_NOSIGNAL);
}

static void send_command(int sock, int fd)
{
	struct slot_order order = { .what = SLOT_COMMAND };
	send_order(sock, &order, sizeof order, NULL, 0, &fd, fd >= 0);
}

/* Its exit status; -1: a signal, or it does not end. */
static int end_of(pid_t pid)
{
	int status = -1;
	pid_t got = 0;
	POLL_UNTIL(got || (got = waitpid(pid, &status, WNOHANG)));
	if (got != pid) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return -1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool none_left(void)
{
	return POLL_UNTIL(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

static void test_odd(const struct odd *o)
{
	int sock, null = open("/dev/null", O_RDONLY | O_CLOEXEC),
		  fds[4] = { null, null, null, null };
	pid_t pid = fork_slot(&sock);
	if (!o->no_command)
		send_command(sock, command_fd(sleeper));
	if (o->again) {
		struct slot_order first = { .what = SLOT_START, .job = 1 };
		send_order(sock, &first, sizeof first, NULL, 0, fds, 1);
		POLL_UNTIL(page->started == 1);
	}
	struct slot_order order = o->order;
	order.what = order.what ? order.what : SLOT_START;
	order.job = 7;
	if (!order.vars_length)
		order.vars_length = (uint32_t)o->vars_sent;
	send_order(sock, &order, o->bytes ? o->bytes : sizeof order, o->vars,
		   o->bytes ? 0 : o->vars_sent, fds, o->descriptors);
	int status = end_of(pid);
	close(sock);
	close(null);
	ok(status == 70 && page->started != 7,
	   "%s ends the slot (status %d), and nothing is started", o->what, status);
	ok(none_left(), "… nor left");
}

static void test_commands(void)
{
	static const char *const what[] = { "a command without a descriptor",
					    "one that is not sealed", "one that is no command" };
	for (int i = 0; i < 3; i++) {
		int sock, fd = i ? memfd_create("command", MFD_CLOEXEC | MFD_ALLOW_SEALING) : -1;
		if (fd >= 0 && pwrite(fd, "no command", 11, 0) != 11)
			exit(1);
		if (i == 2)
			fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
		pid_t pid = fork_slot(&sock);
		send_command(sock, fd);
		int status = end_of(pid);
		ok(status == 70, "%s ends the slot (%d)", what[i], status);
		close(sock);
		if (fd >= 0)
			close(fd);
	}
}

/* What is late, or for another job, is taken and forgotten. */
static void test_late(void)
{
	int sock, null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pid_t pid = fork_slot(&sock);
	send_command(sock, command_fd(sleeper));
	struct slot_order order = { .what = SLOT_SIGNAL, .signo = SIGKILL, .job = 3 };
	send_order(sock, &order, sizeof order, NULL, 0, NULL, 0);
	order = (struct slot_order){ .what = SLOT_START, .job = 4, .vars_length = 4 };
	send_order(sock, &order, sizeof order, "A=1", 4, &null, 1);
	order = (struct slot_order){ .what = SLOT_SIGNAL, .signo = SIGKILL, .job = 3 };
	send_order(sock, &order, sizeof order, NULL, 0, NULL, 0);
	order = (struct slot_order){ .what = SLOT_LEAVE, .job = 4 };
	send_order(sock, &order, sizeof order, NULL, 0, NULL, 0);
	ok(POLL_UNTIL(page->orders == 2 && page->started == 4), "orders for another job are taken");
	ok(page->sweeping == 0 && kill(page->pid, 0) == 0,
	   "… and change nothing; a job that still runs cannot be left");
	close(sock);
	is_num(end_of(pid), 0, "at the end of its socket the slot ends well");
	ok(none_left(), "… when it has killed the job");
	close(null);
}

int main(void)
{
	static char many[SLOT_VARS_MAX + 16] = "A=";
	static const char *const stages[] = { "/bin/sleep", "1000", NULL };
	const char *const *list[] = { stages, NULL };
	memset(many + 2, 'x', sizeof many - 3);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sleeper = rig_command(list, rig_env, NULL);
	const struct odd odds[] = {
		{ .what = "half an order", .bytes = 9, .descriptors = 1 },
		{ .what = "an order of no known kind", .order.what = 99 },
		{ .what = "a start without a command", .no_command = true, .descriptors = 1 },
		{ .what = "a start without stdin" },
		{ .what = "a start with an unknown extra", .order.extra = 3, .descriptors = 2 },
		{ .what = "a start without its extra",
		  .order.extra = SLOT_EXTRA_STDOUT,
		  .descriptors = 1 },
		{ .what = "a start with one too many", .descriptors = 2 },
		{ .what = "a start with three descriptors",
		  .order.extra = SLOT_EXTRA_3,
		  .descriptors = 3 },
		{ .what = "a start with fewer variables than it says",
		  .order.vars_length = 9,
		  .vars = "A=1",
		  .vars_sent = 4,
		  .descriptors = 1 },
		{ .what = "a start with more variables than there may be",
		  .vars = many,
		  .vars_sent = sizeof many,
		  .descriptors = 1 },
		{ .what = "a variable without an end",
		  .vars = "A=1",
		  .vars_sent = 3,
		  .descriptors = 1 },
		{ .what = "a variable without a value",
		  .vars = "A=1\0B",
		  .vars_sent = 6,
		  .descriptors = 1 },
		{ .what = "a start while a job runs", .again = true, .descriptors = 1 },
		{ .what = "a start with variables while a job runs",
		  .again = true,
		  .vars = "A=1",
		  .vars_sent = 4,
		  .descriptors = 1 },
		{ .what = "a command while a job runs",
		  .again = true,
		  .order.what = SLOT_COMMAND,
		  .descriptors = 1 },
	};
	for (size_t i = 0; i < sizeof odds / sizeof *odds; i++)
		test_odd(&odds[i]);
	RUN(test_commands);
	RUN(test_late);
	command_unref(sleeper);
	munmap(page, sizeof *page);
	return done_testing();
}
