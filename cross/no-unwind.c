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
