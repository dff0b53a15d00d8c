/*
 * What libc and libunwind would put into the program and nobody needs; linked in the place of libunwind.
 */
#include <sys/prctl.h>

/*
 * std asks for a backtrace when it panics. A stripped program without unwind tables has none to
 * show, so it is told that the stack ends at once: 60 KB of libunwind and printf stay out on MIPS.
 */
enum { END_OF_STACK = 5 };

int _Unwind_Backtrace(void *step, void *argument)
{
	(void)step;
	(void)argument;
	return END_OF_STACK;
}

unsigned long _Unwind_GetIP(void *context)
{
	(void)context;
	return 0;
}

/* What _Unwind_GetIP is on 32-bit ARM: the exception-handling ABI reads registers by this. */
int _Unwind_VRS_Get(void *context, int class, unsigned int number, int representation, void *value)
{
	enum { FAILED = 2 };

	(void)context;
	(void)class;
	(void)number;
	(void)representation;
	(void)value;
	return FAILED;
}

/*
 * std names a thread from within that thread. musl can name others, too, by a path that it prints: the
 * only use of printf in the program, 12 KB on MIPS.
 */
int pthread_setname_np(void *thread, const char *name)
{
	(void)thread;
	return prctl(PR_SET_NAME, name);
}
