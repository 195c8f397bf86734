/*
 * Lets BlueZ's btvirt run on a kernel without AF_ALG. Its emulated controllers open such a socket each and use it for
 * LE encryption and resolvable addresses alone; an inert descriptor does where nobody asks for these.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define CRYPTO 38 /* AF_ALG */

static char inert[1024];

int socket(int domain, int type, int protocol)
{
	int (*real)(int, int, int) = dlsym(RTLD_NEXT, "socket");
	int fd = real(domain, type, protocol);

	if (fd >= 0 || domain != CRYPTO)
		return fd;
	fd = eventfd(0, EFD_CLOEXEC);
	if (fd >= 0 && fd < (int) sizeof(inert))
		inert[fd] = 1;
	return fd;
}

int bind(int fd, const struct sockaddr *address, socklen_t length)
{
	int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");

	if (address->sa_family == CRYPTO && fd >= 0 && fd < (int) sizeof(inert) && inert[fd])
		return 0;
	return real(fd, address, length);
}
