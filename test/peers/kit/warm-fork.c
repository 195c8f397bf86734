/*
 * fork(2) for Node.js, in the middle of a script: the child goes on where its parent was, with every module loaded.
 * Only for a parent that runs V8 with --single-threaded and whose event loop is at rest, for no other thread survives.
 * It is preloaded as well (LD_PRELOAD), to know on what those threads wait.
 *
 * The few declarations of Node-API and libuv stand here: Debian's nodejs comes without their headers.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;
typedef napi_value (*napi_callback)(napi_env, napi_callback_info);

extern int napi_create_function(napi_env, const char *, size_t, napi_callback, void *, napi_value *);
extern int napi_create_int32(napi_env, int32_t, napi_value *);
extern int napi_get_cb_info(napi_env, napi_callback_info, size_t *, napi_value *, napi_value *, void **);
extern int napi_get_value_int32(napi_env, napi_value, int32_t *);
extern int napi_get_value_string_utf8(napi_env, napi_value, char *, size_t, size_t *);
extern int napi_get_uv_event_loop(napi_env, void **);
extern int uv_loop_fork(void *);

#define MOST_WAITED 256
static _Atomic(pthread_cond_t *) waited[MOST_WAITED];

/* Notes on what threads wait. */
int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
	static int (*real)(pthread_cond_t *, pthread_mutex_t *);
	pthread_cond_t *none;
	int place;

	if (!real) {
		real = dlvsym(RTLD_NEXT, "pthread_cond_wait", "GLIBC_2.3.2");
		if (!real)
			real = dlsym(RTLD_NEXT, "pthread_cond_wait");
	}
	for (place = 0; place < MOST_WAITED && waited[place] != condition; place++) {
		none = NULL;
		if (atomic_compare_exchange_strong(&waited[place], &none, condition))
			break;
	}
	return real(condition, mutex);
}

/* Threads that are no more would be waited for: V8 tells its workers of work, which its main thread then does itself. */
static void forget_waiting(void)
{
	int place;

	for (place = 0; place < MOST_WAITED && waited[place]; place++)
		pthread_cond_init(waited[place], NULL);
}

/* V8 keeps its heap out of children (MADV_DONTFORK), as most of them go on with exec(2). */
static void inherit_everything(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[4096];
	unsigned long from, to;

	while (maps && fgets(line, sizeof line, maps))
		if (sscanf(line, "%lx-%lx", &from, &to) == 2)
			madvise((void *)from, to - from, MADV_DOFORK);
	if (maps)
		fclose(maps);
}

/* A stream to whoever listens at path, which is told first whose it is. @returns its descriptor, or -1 */
static int stream_to(const char *path, int number, const char *name)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(to.sun_path, path, sizeof to.sun_path - 1);
	if (made < 0 || connect(made, (struct sockaddr *)&to, sizeof to) != 0 || dprintf(made, "%d %s\n", number, name) < 0)
		return -1;
	return made;
}

/* (path of a Unix socket, number of the child) => its process id, or 0 in the child, which speaks to that socket */
static napi_value fork_here(napi_env env, napi_callback_info info)
{
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
	size_t count = 2;
	napi_value arguments[2], result;
	int32_t number;
	int nothing, out, err;
	void *loop;
	pid_t child;

	napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
	napi_get_value_string_utf8(env, arguments[0], path, sizeof path, NULL);
	napi_get_value_int32(env, arguments[1], &number);
	/* Made before the child, so that they close with it however early it dies. */
	nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	out = stream_to(path, number, "stdout");
	err = stream_to(path, number, "stderr");
	if (nothing < 0 || out < 0 || err < 0)
		return NULL;
	/* Nobody waits for children here. */
	signal(SIGCHLD, SIG_IGN);
	inherit_everything();
	child = fork();
	if (child == 0) {
		forget_waiting();
		signal(SIGCHLD, SIG_DFL);
		if (dup2(nothing, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
			_exit(70);
		if (napi_get_uv_event_loop(env, &loop) != 0 || uv_loop_fork(loop) != 0)
			_exit(71);
	}
	close(nothing);
	close(out);
	close(err);
	napi_create_int32(env, child, &result);
	return result;
}

napi_value napi_register_module_v1(napi_env env, napi_value exports)
{
	napi_value made;

	(void)exports;
	return napi_create_function(env, "fork", 4, fork_here, NULL, &made) == 0 ? made : NULL;
}
